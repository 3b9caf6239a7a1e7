// SPDX-License-Identifier: MIT
/// PeriodicCallback: ticks on a grid.
#include "support/periodic_callbacks.hpp"
#include "support/thrown.hpp"

#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(PeriodicCallbacks, PC1_a_period_that_is_not_positive_is_an_error_that_says_where) {
    for (const Duration period : {Duration(0s), Duration(-1s)}) {
        EXPECT_THAT(thrown<std::invalid_argument>([&] {
                        PeriodicCallback(
                            loop, period, [] {}, "autosave");
                    }),
                    testing::AllOf(HasSubstr("period must be positive"), HasSubstr("autosave"),
                                   HasSubstr("periodic_callback.cpp")));
    }
}

TEST_F(PeriodicCallbacks, PC1_a_null_callback_is_an_error_that_says_where) {
    EXPECT_THAT(thrown<std::invalid_argument>([&] { PeriodicCallback(loop, 1s, nullptr, "autosave"); }),
                HasSubstr("null callback, 'autosave' at"));
}

TEST_F(PeriodicCallbacks, PC2_the_first_call_comes_one_period_after_start) {
    PeriodicCallback periodic(loop, 10s, note());
    EXPECT_EQ(periodic.period(), 10s);
    EXPECT_FALSE(periodic.is_running());
    periodic.start();
    EXPECT_TRUE(periodic.is_running());
    run(35s);
    EXPECT_THAT(at, ElementsAre(10, 20, 30));
}

TEST_F(PeriodicCallbacks, PC2_starting_twice_is_starting_once) {
    PeriodicCallback periodic(loop, 10s, note());
    periodic.start();
    world.advance(5s);
    periodic.start();
    run(20s);
    EXPECT_THAT(at, ElementsAre(10, 20));
}

TEST_F(PeriodicCallbacks, PC2_start_start_stop_start_leaves_no_orphan) {
    PeriodicCallback periodic(loop, 10s, note());
    periodic.start();
    periodic.start();
    periodic.stop();
    periodic.start();
    run(25s);
    EXPECT_THAT(at, ElementsAre(10, 20));
    Snapshot snapshot;
    loop.snapshot(snapshot);
    EXPECT_EQ(snapshot.timeouts.size(), 1U);
}

TEST_F(PeriodicCallbacks, PC3_stop_and_start_before_the_tick_begin_a_new_grid) {
    PeriodicCallback periodic(loop, 10s, note());
    periodic.start();
    world.advance(5s);
    periodic.stop();
    periodic.stop();
    EXPECT_FALSE(periodic.is_running());
    periodic.start();
    run(25s);
    EXPECT_THAT(at, ElementsAre(15, 25));
}

TEST_F(PeriodicCallbacks, PC3_it_may_stop_itself) {
    std::optional<PeriodicCallback> periodic;
    periodic.emplace(loop, 10s, [&] {
        at.push_back(1);
        periodic->stop();
    });
    periodic->start();
    run(1min);
    EXPECT_THAT(at, ElementsAre(1));
    EXPECT_FALSE(periodic->is_running());
    EXPECT_EQ(loop.next_deadline(), never);
}

TEST_F(PeriodicCallbacks, PC3_it_may_be_stopped_by_a_timeout_that_is_due_with_it) {
    PeriodicCallback periodic(loop, 10s, note());
    loop.call_later(10s, [&] { periodic.stop(); });
    periodic.start();
    run(1min);
    EXPECT_TRUE(at.empty());
}

TEST_F(PeriodicCallbacks, PC4_it_may_restart_itself_without_doubling) {
    std::optional<PeriodicCallback> periodic;
    periodic.emplace(loop, 10s, [&] {
        note(3s)();
        periodic->stop();
        periodic->start();
    });
    periodic->start();
    run(40s);
    EXPECT_THAT(at, ElementsAre(10, 23, 36));
}

TEST_F(PeriodicCallbacks, PC5_a_callback_that_throws_keeps_its_schedule_and_is_reported) {
    int errors = 0;
    loop.set_error_hook([&](std::exception_ptr, const Origin& origin, CallKind kind) {
        ++errors;
        EXPECT_STREQ(origin.name, "autosave");
        EXPECT_EQ(kind, CallKind::timeout);
    });
    PeriodicCallback periodic(
        loop, 10s,
        [&] {
            note()();
            throw std::runtime_error("disk full");
        },
        "autosave");
    periodic.start();
    run(35s);
    EXPECT_THAT(at, ElementsAre(10, 20, 30));
    EXPECT_EQ(errors, 3);
}

TEST_F(PeriodicCallbacks, PC6_a_slow_callback_does_not_shift_the_grid_and_missed_ticks_are_skipped) {
    // The trace of Tornado's own test: how long each call takes, and when the next comes.
    const std::vector<Duration> durations = {9s, 9s, 10s, 11s, 20s, 20s, 35s, 35s, 0s, 0s, 0s};
    PeriodicCallback periodic(loop, 10s, [&] { note(durations[at.size()])(); });
    periodic.start();
    while (at.size() < durations.size()) loop.run_once(forever);
    EXPECT_THAT(at, ElementsAre(10, 20, 30, 50, 70, 100, 130, 170, 210, 220, 230));
}

TEST_F(PeriodicCallbacks, PC6_a_jump_forward_skips_to_the_next_tick_at_once) {
    PeriodicCallback periodic(loop, 10s, note());
    periodic.start();
    world.advance(999'003s);
    loop.run_once();
    loop.run_once(forever);
    EXPECT_THAT(at, ElementsAre(999'003, 999'010));
}

TEST_F(PeriodicCallbacks, PC6_the_next_tick_is_strictly_later_and_on_the_grid) {
    const auto next = [](Duration last, Duration now) {
        return PeriodicCallback::next_tick(TimePoint(last), TimePoint(now), 10s).time_since_epoch();
    };
    EXPECT_EQ(next(10s, 10s), 20s);
    EXPECT_EQ(next(10s, 19s), 20s);
    EXPECT_EQ(next(10s, 20s), 30s) << "a call that takes exactly a period skips one tick";
    EXPECT_EQ(next(10s, 45s), 50s);
    EXPECT_EQ(next(10s, 1'000'003s), 1'000'010s);
}

TEST_F(PeriodicCallbacks, PC6_a_clock_that_went_backwards_gives_no_tick_twice) {
    TimePoint tick(10s);
    for (const auto backwards : {2s, 1s, 3s, 2s}) {
        const TimePoint next = PeriodicCallback::next_tick(tick, tick - backwards, 10s);
        EXPECT_EQ(next, tick + 10s);
        tick = next;
    }
}

TEST_F(PeriodicCallbacks, PC6_the_longest_period_there_is_never_ticks) {
    PeriodicCallback periodic(loop, forever, note());
    periodic.start();
    EXPECT_TRUE(periodic.is_running());
    EXPECT_EQ(loop.next_deadline(), never);
}

TEST_F(PeriodicCallbacks, it_may_be_destroyed_inside_its_own_callback) {
    std::optional<PeriodicCallback> periodic;
    periodic.emplace(loop, 10s, [&, text = std::make_unique<int>(7)] {
        periodic.reset();
        at.push_back(*text);
    });
    periodic->start();
    run(1min);
    EXPECT_THAT(at, ElementsAre(7));
}

TEST_F(PeriodicCallbacks, its_destructor_stops_it) {
    {
        PeriodicCallback periodic(loop, 10s, note());
        periodic.start();
    }
    run(1min);
    EXPECT_TRUE(at.empty());
}

TEST_F(PeriodicCallbacks, it_may_outlive_its_loop_and_is_stopped_by_that) {
    std::optional<IOLoop> short_lived(world.options());
    PeriodicCallback periodic(*short_lived, 10s, note());
    periodic.start();
    short_lived.reset();
    EXPECT_FALSE(periodic.is_running());
    periodic.stop();
}

TEST_F(PeriodicCallbacks, it_may_destroy_the_loop) {
    std::optional<IOLoop> short_lived(world.options());
    PeriodicCallback periodic(*short_lived, 10s, [&] {
        at.push_back(1);
        short_lived.reset();
    });
    periodic.start();
    EXPECT_EQ(short_lived->run_once(forever).ended, Ended::stopped);
    EXPECT_THAT(at, ElementsAre(1));
    EXPECT_FALSE(periodic.is_running());
}

TEST_F(PeriodicCallbacks, it_may_replace_the_loop_and_does_not_touch_the_new_one) {
    std::optional<IOLoop> replaced(world.options());
    Timeout stranger;
    PeriodicCallback periodic(*replaced, 10s, [&] {
        replaced.reset();
        replaced.emplace(world.options()); // at the same address
        replaced->make_current();
        stranger = replaced->call_later(1h, note());
    });
    periodic.start();
    replaced->run_once(forever);
    EXPECT_EQ(replaced->next_deadline(), SimWorld::start + 10s + 1h);
    IOLoop::clear_current();
}

TEST_F(PeriodicCallbacks, it_may_destroy_the_loop_and_then_stop_itself) {
    std::optional<IOLoop> doomed(world.options());
    PeriodicCallback periodic(*doomed, 10s, [&] {
        doomed.reset();
        periodic.stop();
    });
    periodic.start();
    EXPECT_EQ(doomed->run_once(forever).ended, Ended::stopped);
    EXPECT_FALSE(periodic.is_running());
}

TEST_F(PeriodicCallbacks, its_row_for_the_inspector_shows_period_and_origin) {
    PeriodicCallback periodic(loop, 10s, note(), "autosave");
    periodic.start();
    run(25s);
    Snapshot snapshot;
    loop.snapshot(snapshot);
    ASSERT_EQ(snapshot.timeouts.size(), 1U);
    EXPECT_STREQ(snapshot.timeouts[0].origin.name, "autosave");
    EXPECT_EQ(snapshot.timeouts[0].period, 10s);
    EXPECT_EQ(snapshot.timeouts[0].fires, 2U);
}

TEST_F(PeriodicCallbacks, one_whose_timeout_was_removed_by_the_inspector_is_stopped) {
    PeriodicCallback periodic(loop, 10s, note());
    periodic.start();
    Snapshot snapshot;
    loop.snapshot(snapshot);
    loop.remove_timeout(snapshot.timeouts.at(0).id);
    EXPECT_FALSE(periodic.is_running());
    periodic.start();
    run(10s);
    EXPECT_THAT(at, ElementsAre(10));
}

// ---- pauses -------------------------------------------------------------------------------------

TEST_F(PeriodicCallbacks, its_grid_moves_with_a_pause) {
    PeriodicCallback periodic(loop, 10s, note());
    periodic.start();
    run(14s);
    loop.set_paused(true);
    world.advance(7s);
    loop.set_paused(false);
    run(30s);
    EXPECT_THAT(at, ElementsAre(10, 27, 37, 47)) << "what was left of the period, and whole periods then";
}

TEST_F(PeriodicCallbacks, its_grid_moves_with_a_pause_that_its_own_callback_begins) {
    PeriodicCallback periodic(loop, 10s, [&] {
        note()();
        if (at.size() == 1) loop.set_paused(true);
    });
    periodic.start();
    loop.run_once(forever);
    world.advance(7s);
    loop.set_paused(false);
    run(20s);
    EXPECT_THAT(at, ElementsAre(10, 27, 37));
    EXPECT_EQ(periodic.missed(), 0U);
}

TEST_F(PeriodicCallbacks, deadline_of_a_timeout_is_when_it_is_or_was_due) {
    Timeout timeout;
    TimePoint within;
    timeout = loop.call_later(10s, [&] {
        world.advance(3s);
        within = loop.deadline_of(timeout);
    });
    EXPECT_EQ(loop.deadline_of(timeout), SimWorld::start + 10s);
    loop.set_paused(true);
    world.advance(5s);
    loop.set_paused(false);
    EXPECT_EQ(loop.deadline_of(timeout), SimWorld::start + 15s);
    loop.run_once(forever);
    EXPECT_EQ(within, SimWorld::start + 15s);
    EXPECT_EQ(loop.deadline_of(timeout), never);
    EXPECT_EQ(loop.deadline_of({}), never);
}
