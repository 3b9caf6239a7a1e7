// SPDX-License-Identifier: MIT
// What a loop tells about itself: counters and snapshots.
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

class Seeing : public testing::Test {
protected:
    SimWorld world;
    IOLoop loop{world.options()};
    SocketPair pair;
    Snapshot snapshot;
};

using StatisticsTest = Seeing;
using SnapshotTest = Seeing;

// ---- statistics ---------------------------------------------------------------------------------

TEST_F(StatisticsTest, calls_are_counted_by_kind) {
    pair.send_to_a();
    loop.add_handler(
        pair.a, [&](Fd, Events) { pair.read_a(); }, Events::read);
    for (int i = 0; i < 2; ++i) loop.add_callback([] {});
    for (int i = 0; i < 3; ++i) loop.call_later(0s, [] {});
    loop.run_once();
    EXPECT_EQ(loop.statistics().handlers_run, 1U);
    EXPECT_EQ(loop.statistics().callbacks_run, 2U);
    EXPECT_EQ(loop.statistics().timeouts_run, 3U);
    EXPECT_EQ(loop.statistics().calls_run(), 6U);
    EXPECT_EQ(loop.statistics().turns, 1U);
}

TEST_F(StatisticsTest, time_slept_and_time_spent_are_told_apart) {
    loop.call_later(5s, [&] { world.advance(2ms); });
    const Turn turn = loop.run_once(forever);
    EXPECT_EQ(turn.waited, 5s);
    EXPECT_EQ(turn.busy, 2ms);
    EXPECT_EQ(loop.statistics().waited, 5s);
    EXPECT_EQ(loop.statistics().busy, 2ms);
    EXPECT_EQ(loop.statistics().sleeps, 1U);
}

TEST_F(StatisticsTest, an_unlimited_turn_reads_no_clock_but_the_cheap_one) {
    struct TwoClocks final : Clock {
        TimePoint now() const noexcept override {
            ++exact;
            return TimePoint(1000s);
        }
        TimePoint not_after() const noexcept override { return cheap; }
        mutable int exact = 0;
        TimePoint cheap{1000s};
    } clock;
    IOLoop::Options options;
    options.clock = &clock;
    IOLoop other(std::move(options));
    other.call_at(TimePoint(2000s), [] {});
    const int before = clock.exact;
    other.add_callback([&] { clock.cheap += 4ms; });
    EXPECT_EQ(other.run_once().busy, 4ms) << "by the ticks of the cheap one";
    other.run_once();
    EXPECT_EQ(clock.exact, before);
    other.add_callback([] {});
    EXPECT_EQ(other.run_once(no_wait, Budget{1ms}).busy, 0s) << "a budget needs to know exactly";
    EXPECT_GT(clock.exact, before);
}

TEST_F(StatisticsTest, what_is_held_now_and_the_most_there_was) {
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::none);
    const Timeout timeout = loop.call_later(1h, [] {});
    loop.call_later(1h, [] {});
    loop.add_callback([] {});
    EXPECT_EQ(loop.statistics().handlers, 1U);
    EXPECT_EQ(loop.statistics().timeouts, 2U);
    EXPECT_EQ(loop.statistics().callbacks, 1U);
    loop.remove_handler(pair.a);
    loop.remove_timeout(timeout);
    loop.run_once();
    EXPECT_EQ(loop.statistics().handlers, 0U);
    EXPECT_EQ(loop.statistics().timeouts, 1U);
    EXPECT_EQ(loop.statistics().callbacks, 0U);
    EXPECT_EQ(loop.statistics().handlers_peak, 1U);
    EXPECT_EQ(loop.statistics().timeouts_peak, 2U);
    EXPECT_EQ(loop.statistics().callbacks_peak, 1U);
}

TEST_F(StatisticsTest, errors_are_counted_and_broken_pipes_of_handlers_are_none) {
    loop.set_error_hook([](std::exception_ptr, const Origin&, CallKind) {});
    loop.add_callback([] { throw 1; });
    loop.call_later(0s, [] { throw 2; });
    loop.add_handler(
        pair.a, [](Fd, Events) { throw std::system_error(EPIPE, std::generic_category()); }, Events::write);
    loop.run_once();
    EXPECT_EQ(loop.statistics().errors, 2U);
}

TEST_F(StatisticsTest, readiness_of_a_handler_removed_in_the_same_turn_is_stale) {
    SocketPair other;
    const auto remove_both = [&](Fd, Events) {
        loop.remove_handler(pair.a);
        loop.remove_handler(other.a);
    };
    loop.add_handler(pair.a, remove_both, Events::write);
    loop.add_handler(other.a, remove_both, Events::write);
    loop.run_once();
    EXPECT_EQ(loop.statistics().stale_events, 1U);
    EXPECT_EQ(loop.statistics().dead_handlers, 0U);
}

TEST_F(StatisticsTest, a_turn_reports_its_own_call_only) {
    loop.add_callback([] {});
    loop.run_once();
    const Turn turn = loop.run_once();
    EXPECT_EQ(turn.calls(), 0U);
    EXPECT_EQ(turn.busy, 0s);
    EXPECT_EQ(turn.ended, Ended::idle);
}

// ---- snapshots ----------------------------------------------------------------------------------

TEST_F(SnapshotTest, shows_handlers_with_origin_interest_and_calls) {
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read, "server link");
    pair.send_to_a();
    loop.run_once();
    loop.run_once();
    loop.snapshot(snapshot);
    ASSERT_EQ(snapshot.handlers.size(), 1U);
    const HandlerInfo& handler = snapshot.handlers[0];
    EXPECT_EQ(handler.fd, pair.a);
    EXPECT_STREQ(handler.origin.name, "server link");
    EXPECT_EQ(handler.interest, Events::read);
    EXPECT_EQ(handler.last_ready, Events::read);
    EXPECT_EQ(handler.calls, 2U);
    EXPECT_EQ(handler.streak, 2U);
    EXPECT_FALSE(handler.running);
}

TEST_F(SnapshotTest, shows_timeouts_with_their_deadlines) {
    const Timeout timeout = loop.call_later(
        3s, [] {}, "expiry");
    loop.snapshot(snapshot);
    ASSERT_EQ(snapshot.timeouts.size(), 1U);
    EXPECT_EQ(snapshot.timeouts[0].id, timeout);
    EXPECT_EQ(snapshot.timeouts[0].deadline, world.now() + 3s);
    EXPECT_STREQ(snapshot.timeouts[0].origin.name, "expiry");
}

TEST_F(SnapshotTest, shows_callbacks_in_the_order_of_running) {
    loop.add_callback([] {}, "first");
    loop.add_callback([] {}, "second");
    loop.snapshot(snapshot);
    ASSERT_EQ(snapshot.callbacks.size(), 2U);
    EXPECT_STREQ(snapshot.callbacks[0].origin.name, "first");
    EXPECT_STREQ(snapshot.callbacks[1].origin.name, "second");
    EXPECT_LT(snapshot.callbacks[0].id, snapshot.callbacks[1].id);
    EXPECT_EQ(loop.run_once().callbacks, 2U) << "looking changes nothing";
}

TEST_F(SnapshotTest, taken_inside_a_call_shows_what_runs_and_what_is_left) {
    Timeout second;
    loop.add_handler(
        pair.a,
        [&](Fd, Events) {
            loop.snapshot(snapshot);
            EXPECT_TRUE(snapshot.handlers.at(0).running);
        },
        Events::write);
    loop.call_later(0s, [&] {
        loop.snapshot(snapshot);
        EXPECT_TRUE(snapshot.in_call);
        EXPECT_TRUE(snapshot.in_turn);
        ASSERT_EQ(snapshot.timeouts.size(), 1U) << "the one that runs is pending no more";
        EXPECT_EQ(snapshot.timeouts[0].id, second);
        EXPECT_TRUE(snapshot.timeouts[0].due);
    });
    second = loop.call_later(0s, [] {});
    loop.run_once();
    loop.snapshot(snapshot);
    EXPECT_FALSE(snapshot.in_call);
    EXPECT_FALSE(snapshot.in_turn);
}

TEST_F(SnapshotTest, a_timeout_that_has_rearmed_itself_is_pending_while_it_still_runs) {
    Timeout self;
    self = loop.call_later(0s, [&] {
        loop.update_timeout(self, world.now() + 7s);
        loop.snapshot(snapshot);
        ASSERT_EQ(snapshot.timeouts.size(), 1U);
        EXPECT_EQ(snapshot.timeouts[0].deadline, world.now() + 7s);
    });
    loop.run_once();
}

TEST_F(SnapshotTest, reuses_the_memory_of_the_last_one) {
    for (int i = 0; i < 20; ++i) loop.add_callback([] {});
    loop.snapshot(snapshot);
    const auto* data = snapshot.callbacks.data();
    loop.snapshot(snapshot);
    EXPECT_EQ(snapshot.callbacks.data(), data);
    EXPECT_EQ(snapshot.callbacks.size(), 20U);
}

} // namespace
