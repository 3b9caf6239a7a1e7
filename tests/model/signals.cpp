// SPDX-License-Identifier: MIT
// The ring of posts from signal handlers, and the gate through which Posters reach a loop, in every order in which threads can use
// them (scheduler.hpp).
#include "model/explore.hpp"
#include "model/modelled.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace {

using model::expect_failure;
using model::expect_sound;
using model::explore;
using model::mix;
using model::Program;
using model::Scheduler;
using modelled::SignalQueue;

class Pushing : public Program {
public:
    Pushing() = default;

    /// Thread: any, but those that take.
    void push() {
        const std::size_t thread = Scheduler::current().thread();
        const unsigned number = tried_[thread]++;
        const bool accepted =
            queue_.push([this, thread, number] { note(thread, number); }, {}, SignalQueue::Room::ordinary);
        (accepted ? accepted_ : refused_) += 1;
        done();
    }
    /// Thread: one.
    void take() {
        if (queue_.ready()) take_ready();
        done();
    }
    void close() {
        queue_.close();
        done();
    }

    /// Before threads begin: so many places are taken, by what is nobody's.
    void fill(std::size_t places) {
        for (; places > 0; --places) queue_.push([] {}, {}, SignalQueue::Room::ordinary);
    }

    std::uint64_t digest() const override {
        std::uint64_t hash = mix(accepted_, refused_ * 16 + ran_);
        for (const auto* counts : {&tried_, &next_, &done_}) {
            for (const unsigned count : *counts) hash = mix(hash, count);
        }
        return hash;
    }
    std::string check() override {
        while (queue_.ready()) take_ready();
        if (queue_.size() != 0) return "a place that was claimed is not to be had";
        if (ran_ != accepted_) return "a post that was accepted has not run";
        if (queue_.refused() != refused_ && !may_close) return "refusals were counted wrong";
        return may_refuse || refused_ == 0 ? "" : "a post was refused, and there was room";
    }

    bool may_refuse = false;
    bool may_close = false;

private:
    void take_ready() {
        queue_.front().callback();
        queue_.pop();
    }
    void note(std::size_t thread, unsigned number) {
        if (number < next_[thread]) Scheduler::current().fail("posts of a thread ran in another order");
        next_[thread] = number + 1;
        ++ran_;
    }
    void done() { Scheduler::current().knows_only(++done_[Scheduler::current().thread()]); }

    SignalQueue queue_;
    unsigned accepted_ = 0;
    unsigned refused_ = 0;
    unsigned ran_ = 0;
    std::array<unsigned, 3> tried_{};
    std::array<unsigned, 3> next_{};
    std::array<unsigned, 3> done_{};
};

TEST(SignalQueue, pushes_of_two_come_out_once_each_and_in_their_order) {
    expect_sound(explore<Pushing>([](Pushing& p) {
        p.threads = {[&p] { p.take(), p.take(), p.take(); }, [&p] { p.push(), p.push(); },
                     [&p] { p.push(), p.push(); }};
    }));
}
TEST(SignalQueue, who_is_refused_found_it_full_and_whoever_is_accepted_has_a_place) {
    expect_sound(explore<Pushing>([](Pushing& p) {
        p.fill(SignalQueue::capacity - 1);
        p.may_refuse = true;
        p.threads = {[&p] { p.take(), p.take(); }, [&p] { p.push(), p.push(); }, [&p] { p.push(); }};
    }));
}
TEST(SignalQueue, with_as_many_places_as_pushes_none_is_refused) {
    expect_sound(explore<Pushing>([](Pushing& p) {
        p.fill(SignalQueue::capacity - 3);
        p.threads = {[&p] { p.take(); }, [&p] { p.push(), p.push(); }, [&p] { p.push(); }};
    }));
}
TEST(SignalQueue, once_closed_it_only_gives_out) {
    expect_sound(explore<Pushing>([](Pushing& p) {
        p.may_refuse = p.may_close = true;
        p.threads = {[&p] { p.take(), p.close(), p.take(); }, [&p] { p.push(), p.push(); },
                     [&p] { p.push(); }};
    }));
}

} // namespace

// ---- the gate -----------------------------------------------------------------------------------

namespace modelled {

/// What lives behind it.
class IOLoop::Impl {
public:
    bool gone = false;
};

/// As in lifetime.cpp.
void IOLoop::Gate::shut(bool wait) noexcept {
    loop_.store(nullptr);
    while (wait && inside_.load() != 0) modelled_std::this_thread::yield();
}

} // namespace modelled

namespace {

class Posting : public Program {
public:
    void enter() {
        gate_.enter([](modelled::IOLoop::Impl& loop) {
            Scheduler::current().step();
            if (loop.gone) Scheduler::current().fail("a loop was used that is gone");
            return true;
        });
        done();
    }
    void destroy() {
        if (!plant_no_shutting) gate_.shut(true);
        loop_.gone = true;
        done();
    }
    std::uint64_t digest() const override { return loop_.gone ? 1 : 0; }

    bool plant_no_shutting = false;

private:
    void done() { Scheduler::current().knows_only(++done_[Scheduler::current().thread()]); }

    modelled::IOLoop::Impl loop_;
    modelled::IOLoop::Gate gate_{loop_};
    std::array<unsigned, 3> done_{};
};

void posters_and_the_end(Posting& p) {
    p.threads = {[&p] { p.enter(), p.enter(); }, [&p] { p.destroy(); }, [&p] { p.enter(), p.enter(); }};
}

TEST(Gate, nobody_is_with_the_loop_when_it_is_shut) { expect_sound(explore<Posting>(posters_and_the_end)); }
TEST(Gate, planted_without_shutting_it_a_poster_meets_a_loop_that_is_gone) {
    expect_failure(explore<Posting>([](Posting& p) {
                       p.plant_no_shutting = true;
                       posters_and_the_end(p);
                   }),
                   "a loop was used that is gone");
}

} // namespace
