// SPDX-License-Identifier: MIT
// Lints of timeouts: each bug yields its finding and no other, and what looks like it yields none.
#include "support/linted_loop.hpp"

#include <functional>
#include <vector>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

class LintsOfTimeouts : public LintedLoop {
protected:
    ~LintsOfTimeouts() override { loop.close(); }
};

// ---- zero-timeout-loop --------------------------------------------------------------------------

TEST_F(LintsOfTimeouts, a_timeout_that_arms_another_one_for_now_is_zero_timeout_loop) {
    std::function<void()> poll = [&] {
        loop.call_later(
            no_wait, [&] { poll(); }, "poll");
    };
    poll();
    pump(1s, 200);
    const Finding& found = expect_only(Lint::zero_timeout_loop, "poll");
    EXPECT_EQ(found.kind, CallKind::timeout);
    EXPECT_NE(found.id, 0U);
    EXPECT_GE(found.count, 60U);
}

TEST_F(LintsOfTimeouts, a_timeout_that_moves_itself_to_now_is_zero_timeout_loop_even_if_it_takes_time) {
    Timeout self;
    self = loop.call_later(
        no_wait,
        [&] {
            world.advance(1ms);
            loop.update_timeout(self, loop.time());
        },
        "poll");
    pump(1s, 60);
    expect_only(Lint::zero_timeout_loop, "poll");
}

TEST_F(LintsOfTimeouts, thousands_a_second_that_arm_themselves_for_now_are_no_storm_too) {
    std::function<void()> poll = [&] {
        loop.call_later(
            no_wait, [&] { poll(); }, "poll");
    };
    poll();
    pump(2s, 500);
    expect_only(Lint::zero_timeout_loop, "poll");
}

TEST_F(LintsOfTimeouts, a_periodic_callback_at_1_kHz_is_none) {
    PeriodicCallback tick(
        loop, 1ms, [] {}, "tick");
    tick.start();
    pump(2s, 100);
    expect_none();
}

TEST_F(LintsOfTimeouts, a_timeout_that_arms_itself_for_the_next_frame_is_none_though_it_runs_in_every_turn) {
    std::function<void()> next = [&] {
        loop.call_later(
            1ms, [&] { next(); }, "next frame");
    };
    next();
    pump(2s, 60);
    expect_none();
}

// ---- timeout-storm ------------------------------------------------------------------------------

TEST_F(LintsOfTimeouts, thousands_that_are_armed_and_dropped_are_timeout_storm) {
    Timeout idle;
    each_turn = [&] {
        for (int i = 0; i < 10; ++i) {
            loop.remove_timeout(idle);
            idle = loop.call_later(
                30s, [] {}, "idle");
        }
    };
    pump(2s, 50);
    const Finding& found = expect_only(Lint::timeout_storm, "idle");
    EXPECT_GE(found.count, 4000U);
}

TEST_F(LintsOfTimeouts, two_hundred_that_come_due_at_once_are_timeout_storm) {
    for (int i = 0; i < 200; ++i)
        loop.call_later(
            500ms, [] {}, "respawn");
    pump(1s);
    const Finding& found = expect_only(Lint::timeout_storm, "respawn");
    EXPECT_EQ(found.count, 200U);
}

TEST_F(LintsOfTimeouts, two_hundred_that_come_due_one_after_the_other_are_none_even_after_a_stall) {
    for (int i = 0; i < 200; ++i)
        loop.call_later(
            i * 10ms, [] {}, "spread");
    world.advance(2s); // nobody draws, and nobody looks
    pump(500ms);
    expect_none();
}

TEST_F(LintsOfTimeouts, idle_timeouts_that_are_moved_all_the_time_are_none) {
    std::vector<Timeout> idle;
    for (int i = 0; i < 50; ++i)
        idle.push_back(loop.call_later(
            30s, [] {}, "idle"));
    each_turn = [&] {
        for (const Timeout each : idle) loop.update_timeout(each, loop.time() + 30s);
    };
    pump(2s);
    expect_none();
}

// ---- timer-leak ---------------------------------------------------------------------------------

TEST_F(LintsOfTimeouts, ever_more_of_one_call_site_are_timer_leak) {
    each_turn = [&] {
        loop.call_later(
            1h, [] {}, "forget me");
    };
    pump(2s);
    const Finding& found = expect_only(Lint::timer_leak, "forget me");
    EXPECT_GE(found.count, 80U);
}

TEST_F(LintsOfTimeouts, thousands_a_second_that_are_leaked_are_no_storm_too) {
    each_turn = [&] {
        for (int i = 0; i < 40; ++i)
            loop.call_later(
                1h, [] {}, "forget me");
    };
    pump(2s);
    expect_only(Lint::timer_leak, "forget me");
}

TEST_F(LintsOfTimeouts, ever_more_descriptors_of_one_call_site_are_timer_leak_after_16_seconds) {
    std::vector<SocketPair> pairs;
    for (int i = 0; i < 200; ++i) {
        pairs.emplace_back();
        loop.add_handler(
            pairs.back().a, [](Fd, Events) {}, Events::read, "accepted");
        pump(100ms, 2);
    }
    const Finding& found = expect_only(Lint::timer_leak, "accepted");
    EXPECT_EQ(found.kind, CallKind::handler);
    loop.close();
}

TEST_F(LintsOfTimeouts, a_thousand_connections_that_arrive_with_a_timeout_each_are_none) {
    os::allow_many_descriptors();
    std::vector<SocketPair> pairs;
    pairs.reserve(500);
    each_turn = [&] {
        if (pairs.size() == pairs.capacity()) return;
        pairs.emplace_back();
        for (const Fd fd : {pairs.back().a, pairs.back().b}) {
            loop.add_handler(
                fd, [](Fd, Events) {}, Events::read, "connection");
            loop.call_later(
                30s, [] {}, "idle");
        }
    };
    pump(3s, 25);
    EXPECT_EQ(pairs.size(), 500U);
    expect_none();
    loop.close();
}

// ---- periodic-overrun ---------------------------------------------------------------------------

TEST_F(LintsOfTimeouts, a_periodic_callback_that_takes_longer_than_its_period_is_periodic_overrun) {
    PeriodicCallback sync(
        loop, 20ms, [&] { world.advance(80ms); }, "sync");
    sync.start();
    pump(2s);
    const Finding& found = expect_only(Lint::periodic_overrun, "sync");
    EXPECT_EQ(found.kind, CallKind::timeout);
    EXPECT_NE(found.id, 0U);
    EXPECT_NE(found.sentence.view().find("every 20.0 ms"), std::string_view::npos) << found.sentence.view();
}

TEST_F(LintsOfTimeouts, a_periodic_callback_that_takes_half_of_its_period_is_none) {
    PeriodicCallback sync(
        loop, 4ms, [&] { world.advance(2ms); }, "sync");
    sync.start();
    pump(2s);
    expect_none();
}

// ---- late, and by right -------------------------------------------------------------------------

TEST_F(LintsOfTimeouts, of_a_loop_that_is_pumped_at_60_Hz_are_none) {
    std::vector<std::unique_ptr<PeriodicCallback>> ticks;
    for (int i = 0; i < 20; ++i) {
        ticks.push_back(std::make_unique<PeriodicCallback>(
            loop, (7 + i) * 1ms, [] {}, "tick"));
        ticks.back()->start();
    }
    pump(3s, 6);
    expect_none();
}

} // namespace
