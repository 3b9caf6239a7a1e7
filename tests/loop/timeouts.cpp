// SPDX-License-Identifier: MIT
// Timeouts: never early, first armed first among equal deadlines.
#include "support/sim_world.hpp"

#include <ioloop/ioloop.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using testing::ElementsAre;

class Timeouts : public testing::Test {
protected:
    SimWorld world;
    IOLoop loop{world.options()};
    std::vector<int> order;

    Callback note(int number) {
        return [this, number] { order.push_back(number); };
    }
    std::size_t pending() const {
        Snapshot snapshot;
        loop.snapshot(snapshot);
        return snapshot.timeouts.size();
    }
};

// ---- when ---------------------------------------------------------------------------------------

TEST_F(Timeouts, T1_a_timeout_runs_once_at_its_deadline) {
    Duration at{};
    loop.call_later(5s, [&] { at = world.elapsed(); });
    EXPECT_EQ(loop.run_once(forever).timeouts, 1U);
    EXPECT_EQ(at, 5s);
    EXPECT_EQ(pending(), 0U);
    EXPECT_EQ(loop.next_deadline(), never);
}

TEST_F(Timeouts, T1_the_deadline_itself_is_not_too_early) {
    loop.call_later(1s, note(1));
    world.advance(1s - 1ns);
    loop.run_once();
    EXPECT_TRUE(order.empty());
    world.advance(1ns);
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1));
}

TEST_F(Timeouts, T1_a_deadline_in_the_past_is_now) {
    loop.call_at(world.now() - 1h, note(1));
    loop.call_later(-1s, note(2));
    loop.call_at(TimePoint::min(), note(3));
    loop.run_once(forever);
    EXPECT_THAT(order, ElementsAre(3, 1, 2));
    EXPECT_EQ(world.elapsed(), 0s);
}

TEST_F(Timeouts, T1_never_does_not_come) {
    const Timeout timeout = loop.call_at(never, note(1));
    EXPECT_EQ(loop.next_deadline(), never);
    loop.run_once(365 * 24h);
    EXPECT_TRUE(order.empty());
    EXPECT_TRUE(loop.remove_timeout(timeout));
}

TEST_F(Timeouts, T1_a_delay_too_long_for_the_clock_is_never) {
    loop.call_later(forever, note(1));
    EXPECT_EQ(loop.next_deadline(), never);
    loop.call_later(Duration::min(), note(2));
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(2));
}

TEST_F(Timeouts, T3_deadlines_and_delays_are_told_apart_by_type) {
    loop.add_timeout(world.now() + 1s, note(1));
    loop.add_timeout(2s, note(2));
    loop.call_at(world.now() + 3s, note(3));
    loop.call_later(4s, note(4));
    for (int turn = 0; turn < 4; ++turn) loop.run_once(forever);
    EXPECT_THAT(order, ElementsAre(1, 2, 3, 4));
    EXPECT_EQ(world.elapsed(), 4s);
}

TEST_F(Timeouts, T3_a_delay_of_a_microsecond_is_kept) {
    loop.call_later(1us, note(1));
    loop.run_once(forever);
    EXPECT_THAT(order, ElementsAre(1));
    EXPECT_EQ(world.elapsed(), 1us);
}

TEST_F(Timeouts, F6_time_is_what_the_clock_of_the_options_says) {
    EXPECT_EQ(loop.time(), world.now());
    world.advance(3s);
    EXPECT_EQ(loop.time(), world.now());
    EXPECT_EQ(loop.time(), SimWorld::start + 3s);
}

TEST_F(Timeouts, a_delay_counts_from_the_call_not_from_the_beginning_of_the_turn) {
    Duration at{};
    loop.add_callback([&] {
        world.advance(3s);
        loop.call_later(1s, [&] { at = world.elapsed(); });
    });
    loop.run_once();
    loop.run_once(forever);
    EXPECT_EQ(at, 4s);
}

// ---- order --------------------------------------------------------------------------------------

TEST_F(Timeouts, T4_timeouts_run_in_the_order_of_their_deadlines) {
    for (const int seconds : {5, 3, 9, 1, 7, 2, 8, 4, 6}) loop.call_later(seconds * 1s, note(seconds));
    world.advance(1min);
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST_F(Timeouts, T5_equal_deadlines_run_in_the_order_of_arming) {
    const TimePoint deadline = world.now() + 1s;
    for (int i = 1; i <= 6; ++i) loop.call_at(deadline, note(i));
    loop.run_once(forever);
    EXPECT_THAT(order, ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(Timeouts, T5_a_timeout_that_is_moved_counts_as_armed_anew) {
    const TimePoint deadline = world.now() + 1s;
    const Timeout first = loop.call_at(deadline, note(1));
    loop.call_at(deadline, note(2));
    loop.update_timeout(first, deadline);
    loop.run_once(forever);
    EXPECT_THAT(order, ElementsAre(2, 1));
}

TEST_F(Timeouts, T5_a_timeout_that_rearms_itself_keeps_its_place_among_equals) {
    const TimePoint deadline = world.now() + 1s;
    Timeout self;
    self = loop.call_later(0s, [&] {
        order.push_back(1);
        if (order.size() > 1) return;
        loop.update_timeout(self, deadline);
        loop.call_at(deadline, note(2));
    });
    loop.run_once();
    loop.run_once(forever);
    EXPECT_THAT(order, ElementsAre(1, 1, 2));
}

TEST_F(Timeouts, T9_timeouts_run_after_the_callbacks_of_the_turn) {
    loop.call_later(0s, note(2));
    loop.add_callback(note(1));
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1, 2));
}

TEST_F(Timeouts, T9_what_a_callback_arms_in_the_past_waits_for_the_next_turn) {
    loop.add_callback([&] { loop.call_later(-1s, note(2)); });
    loop.call_later(0s, note(1));
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1));
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1, 2));
}

TEST_F(Timeouts, T9_what_a_timeout_arms_in_the_past_waits_for_the_next_turn) {
    loop.call_later(0s, [&] {
        order.push_back(1);
        loop.call_later(-1s, note(2));
    });
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1));
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1, 2));
}

TEST_F(Timeouts, a_slow_callback_makes_the_timeouts_behind_it_late_and_loses_none) {
    loop.call_later(1s, [&] { world.advance(10s); });
    for (int i = 2; i <= 5; ++i) loop.call_later(i * 1s, note(i));
    loop.run_once(forever);
    loop.run_once(forever);
    EXPECT_THAT(order, ElementsAre(2, 3, 4, 5));
    EXPECT_EQ(world.elapsed(), 11s);
}

// ---- remove -------------------------------------------------------------------------------------

TEST_F(Timeouts, T6_a_removed_timeout_does_not_run) {
    const Timeout timeout = loop.call_later(1s, note(1));
    EXPECT_TRUE(loop.remove_timeout(timeout));
    loop.run_once(1min);
    EXPECT_TRUE(order.empty());
}

TEST_F(Timeouts, T6_removing_twice_or_after_the_call_or_nothing_is_harmless) {
    const Timeout fired = loop.call_later(0s, note(1));
    loop.run_once();
    EXPECT_FALSE(loop.remove_timeout(fired));
    const Timeout removed = loop.call_later(1s, note(2));
    EXPECT_TRUE(loop.remove_timeout(removed));
    EXPECT_FALSE(loop.remove_timeout(removed));
    EXPECT_FALSE(loop.remove_timeout(Timeout{}));
    EXPECT_FALSE(loop.remove_timeout(Timeout{1234567, 1}));
    EXPECT_THAT(order, ElementsAre(1));
}

TEST_F(Timeouts, T6_a_stale_id_never_names_a_later_timeout) {
    const Timeout stale = loop.call_later(1s, note(1));
    loop.remove_timeout(stale);
    const Timeout fresh = loop.call_later(1s, note(2));
    EXPECT_NE(stale, fresh);
    EXPECT_FALSE(loop.remove_timeout(stale));
    EXPECT_FALSE(loop.update_timeout(stale, world.now()));
    loop.run_once(forever);
    EXPECT_THAT(order, ElementsAre(2));
}

TEST_F(Timeouts, T6_removal_destroys_the_callable_at_once) {
    auto life = std::make_shared<int>();
    const Timeout timeout = loop.call_later(1h, [life] {});
    EXPECT_EQ(life.use_count(), 2);
    loop.remove_timeout(timeout);
    EXPECT_EQ(life.use_count(), 1);
}

TEST_F(Timeouts, T6_a_timeout_that_removes_itself_finds_that_it_ran_already) {
    bool removed = true;
    Timeout self;
    self = loop.call_later(0s, [&, text = std::make_unique<std::string>("still here")] {
        removed = loop.remove_timeout(self);
        order.push_back(static_cast<int>(text->size()));
    });
    loop.run_once();
    EXPECT_FALSE(removed);
    EXPECT_THAT(order, ElementsAre(10));
}

TEST_F(Timeouts, T7_a_removed_timeout_wakes_nobody_at_its_deadline) {
    const Timeout early = loop.call_later(1s, note(1));
    loop.call_later(10s, note(2));
    loop.remove_timeout(early);
    EXPECT_EQ(loop.next_deadline(), SimWorld::start + 10s);
    loop.run_once(forever);
    EXPECT_EQ(world.sleeps, 1);
    EXPECT_THAT(order, ElementsAre(2));
}

TEST_F(Timeouts, T8_a_timeout_removed_by_another_that_is_due_with_it_does_not_run) {
    Timeout second;
    loop.call_later(1s, [&] {
        order.push_back(1);
        EXPECT_TRUE(loop.remove_timeout(second));
    });
    second = loop.call_later(1s, note(2));
    loop.run_once(forever);
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1));
}

TEST_F(Timeouts, T8_a_due_timeout_removed_by_a_callback_of_the_turn_does_not_run) {
    const Timeout due = loop.call_later(0s, note(1));
    loop.add_callback([&] { EXPECT_TRUE(loop.remove_timeout(due)); });
    loop.run_once();
    loop.run_once();
    EXPECT_TRUE(order.empty());
}

TEST_F(Timeouts, T8_a_due_timeout_moved_by_a_callback_of_the_turn_runs_at_its_new_deadline) {
    const Timeout due = loop.call_later(0s, note(1));
    loop.add_callback([&] { EXPECT_TRUE(loop.update_timeout(due, world.now() + 1s)); });
    loop.run_once();
    EXPECT_TRUE(order.empty());
    loop.run_once(forever);
    EXPECT_THAT(order, ElementsAre(1));
    EXPECT_EQ(world.elapsed(), 1s);
}

// ---- the wait -----------------------------------------------------------------------------------

TEST_F(Timeouts, T10_the_wait_lasts_until_the_first_deadline) {
    loop.call_later(250ms, note(1));
    loop.run_once(forever);
    EXPECT_EQ(world.last_timeout, 250ms);
}

TEST_F(Timeouts, T10_the_wait_is_not_longer_than_the_host_allows) {
    loop.call_later(10s, note(1));
    EXPECT_EQ(loop.run_once(16ms).ended, Ended::idle);
    EXPECT_EQ(world.last_timeout, 16ms);
    EXPECT_EQ(world.elapsed(), 16ms);
}

TEST_F(Timeouts, T10_an_overdue_timeout_makes_no_endless_wait) {
    loop.call_later(1s, note(1));
    world.advance(1min);
    loop.run_once(forever);
    EXPECT_THAT(order, ElementsAre(1));
    EXPECT_EQ(world.sleeps, 0);
}

// ---- update -------------------------------------------------------------------------------------

TEST_F(Timeouts, an_update_moves_the_deadline_and_keeps_callable_and_id) {
    const Timeout timeout = loop.call_later(1s, note(1));
    world.advance(900ms);
    EXPECT_TRUE(loop.update_timeout(timeout, world.now() + 1s));
    loop.run_once(forever);
    EXPECT_EQ(world.elapsed(), 1900ms);
    EXPECT_THAT(order, ElementsAre(1));
    EXPECT_FALSE(loop.update_timeout(timeout, world.now()));
}

TEST_F(Timeouts, a_timeout_that_updates_itself_repeats_under_the_same_id) {
    Timeout self;
    std::vector<Duration> at;
    self = loop.call_later(1s, [&] {
        at.push_back(world.elapsed());
        if (at.size() < 3) loop.update_timeout(self, world.now() + 1s);
    });
    for (int turn = 0; turn < 3; ++turn) loop.run_once(forever);
    EXPECT_THAT(at, ElementsAre(1s, 2s, 3s));
    EXPECT_EQ(pending(), 0U);
}

TEST_F(Timeouts, a_timeout_may_update_itself_and_then_be_removed_in_the_same_call) {
    Timeout self;
    self = loop.call_later(0s, [&] {
        order.push_back(1);
        EXPECT_TRUE(loop.update_timeout(self, world.now() + 1s));
        EXPECT_TRUE(loop.remove_timeout(self));
        EXPECT_FALSE(loop.update_timeout(self, world.now() + 1s));
    });
    loop.run_once();
    loop.run_once(1min);
    EXPECT_THAT(order, ElementsAre(1));
    EXPECT_EQ(pending(), 0U);
}

TEST_F(Timeouts, a_timeout_that_updates_itself_and_throws_still_repeats) {
    loop.set_error_hook([](std::exception_ptr, const Origin&, CallKind) {});
    Timeout self;
    self = loop.call_later(1s, [&] {
        order.push_back(1);
        loop.update_timeout(self, world.now() + 1s);
        throw 1;
    });
    loop.run_once(forever);
    loop.run_once(forever);
    EXPECT_THAT(order, ElementsAre(1, 1));
}

TEST_F(Timeouts, a_timeout_that_throws_is_reported_and_the_others_due_run) {
    std::vector<std::string> errors;
    loop.set_error_hook(
        [&](std::exception_ptr, const Origin& origin, CallKind) { errors.emplace_back(origin.name); });
    loop.call_later(
        1s, [] { throw 1; }, "first");
    loop.call_later(1s, note(2));
    loop.run_once(forever);
    EXPECT_THAT(errors, ElementsAre("first"));
    EXPECT_THAT(order, ElementsAre(2));
}

TEST_F(Timeouts, the_clock_is_read_once_for_all_calls_of_a_phase) {
    std::vector<Duration> seen;
    for (int i = 0; i < 3; ++i) {
        loop.call_later(1s, [&] {
            seen.push_back(loop.now() - SimWorld::start);
            world.advance(1s);
        });
    }
    loop.run_once(forever);
    EXPECT_THAT(seen, ElementsAre(1s, 1s, 1s));
    EXPECT_EQ(loop.now(), loop.time()) << "outside a turn";
}

} // namespace
