// SPDX-License-Identifier: MIT
// The biased lock, in every order in which two or three threads can use it (scheduler.hpp). Some tests plant a bug, to see that
// the model would find it.
#include "model/explore.hpp"
#include "model/modelled.hpp"

#include <array>
#include <cstdint>
#include <string>

#include <gtest/gtest.h>

namespace {

using model::expect_failure;
using model::expect_sound;
using model::explore;
using model::Options;
using model::Program;
using model::Scheduler;
using model::without_process_fence;
using modelled::BiasedLock;

/// Thread 0 is not the one that made the lock, but has the same number: the lock belongs to it at first.
class Locking : public Program {
public:
    void enter() {
        if (lock_.enter()) { // else another thread is inside
            hold();
            lock_.leave();
        }
        done();
    }
    void moment() {
        if (const BiasedLock::Moment moment(lock_); moment) hold();
        done();
    }
    void stay() {
        bool held = false;
        {
            BiasedLock::Moment moment(lock_);
            held = static_cast<bool>(moment);
            if (held) {
                hold();
                moment.stay();
            }
        }
        if (held) {
            hold();
            lock_.leave();
        }
        done();
    }
    /// Whoever hears that the lock is about to be free gets it.
    void leave_and_tell() {
        if (lock_.enter()) {
            hold();
            if (!plant_) lock_.about_to_leave();
            told_.store(true);
            lock_.leave();
        }
        done();
    }
    void enter_if_told() {
        if (told_.load()) {
            if (lock_.enter()) {
                hold();
                lock_.leave();
            } else {
                Scheduler::current().fail("who was told is refused");
            }
        }
        done();
    }
    void plant_no_word_before() { plant_ = true; }
    /// As close() does: from then on no moment of another thread is under way.
    void adopt() {
        lock_.adopt();
        done();
    }
    /// Two moments, one inside the other.
    void moment_in_moment() {
        if (const BiasedLock::Moment moment(lock_); moment) {
            hold();
            if (const BiasedLock::Moment again(lock_); again)
                Scheduler::current().fail("a moment was had twice");
        }
        done();
    }

    std::uint64_t digest() const override { return holders_; }
    std::string check() override {
        return lock_.entered() ? "nobody is inside, and it says somebody is" : "";
    }

private:
    void hold() {
        if (++holders_ != 1) Scheduler::current().fail("two threads hold the lock");
        Scheduler::current().step();
        --holders_;
    }
    void done() { Scheduler::current().knows_only(++done_[Scheduler::current().thread()]); }

    BiasedLock lock_;
    modelled_std::atomic<bool> told_{false};
    bool plant_ = false;
    unsigned holders_ = 0;
    std::array<std::uint64_t, 3> done_{};
};

void moments_against_enter(Locking& p) {
    p.threads = {[&p] { p.moment(), p.moment(); }, [&p] { p.enter(), p.moment(); }};
}
void stay_against_enter(Locking& p) {
    p.threads = {[&p] { p.stay(), p.moment(); }, [&p] { p.enter(), p.stay(); }};
}
void all_against_all(Locking& p) {
    p.threads = {[&p] { p.moment(), p.enter(), p.stay(); }, [&p] { p.enter(), p.moment(), p.adopt(); }};
}
void moment_against_two(Locking& p) {
    p.threads = {[&p] { p.moment(); }, [&p] { p.enter(); }, [&p] { p.enter(); }};
}
void stay_against_two(Locking& p) {
    p.threads = {[&p] { p.stay(); }, [&p] { p.enter(); }, [&p] { p.enter(); }};
}
void tell_who_waits(Locking& p) {
    p.threads = {[&p] { p.leave_and_tell(), p.moment(); }, [&p] { p.enter_if_told(), p.moment(); }};
}
void who_enters_has_moments(Locking& p) {
    p.threads = {[&p] { p.moment_in_moment(), p.enter(); }, [&p] { p.enter(), p.moment_in_moment(); },
                 [&p] { p.adopt(), p.moment(); }};
}

TEST(BiasedLock, moments_and_who_takes_the_lock_over_keep_apart_and_nobody_waits_for_ever) {
    expect_sound(explore<Locking>(moments_against_enter));
    expect_sound(explore<Locking>(all_against_all));
    expect_sound(explore<Locking>(moment_against_two));
    expect_sound(explore<Locking>(who_enters_has_moments));
}
TEST(BiasedLock, a_moment_that_stays_and_who_takes_the_lock_over_keep_apart) {
    expect_sound(explore<Locking>(stay_against_enter));
    expect_sound(explore<Locking>(stay_against_two));
}
TEST(BiasedLock, who_is_told_that_it_is_about_to_be_free_waits_for_that) {
    expect_sound(explore<Locking>(tell_who_waits));
    expect_sound(explore<Locking>(tell_who_waits, without_process_fence()));
}
TEST(BiasedLock, keeps_apart_as_well_where_the_system_has_no_fence_for_all_threads) {
    expect_sound(explore<Locking>(moments_against_enter, without_process_fence()));
    expect_sound(explore<Locking>(all_against_all, without_process_fence()));
    expect_sound(explore<Locking>(stay_against_two, without_process_fence()));
    expect_sound(explore<Locking>(who_enters_has_moments, without_process_fence()));
}

TEST(BiasedLock, planted_without_the_heavy_fence_two_threads_hold_it) {
    Options options;
    options.heavy_fence_works = false;
    for (const auto write : {moments_against_enter, stay_against_enter, moment_against_two})
        expect_failure(explore<Locking>(write, options), "two threads hold the lock");
}
TEST(BiasedLock, planted_without_a_word_before_who_is_told_is_refused) {
    expect_failure(explore<Locking>([](Locking& p) { p.plant_no_word_before(), tell_who_waits(p); }),
                   "who was told is refused");
}
TEST(BiasedLock, planted_without_the_light_fence_two_threads_hold_it_where_there_is_no_fence_for_all) {
    Options options = without_process_fence();
    options.light_fence_works = false;
    for (const auto write : {moments_against_enter, stay_against_enter, moment_against_two})
        expect_failure(explore<Locking>(write, options), "two threads hold the lock");
}

} // namespace
