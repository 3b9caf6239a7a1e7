// SPDX-License-Identifier: MIT
// When the next tick comes, as arithmetic. The traces are those of Tornado's TestPeriodicCallbackMath.
#include <ioloop/periodic_callback.hpp>

#include <limits>
#include <vector>

#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

constexpr TimePoint start{1000s};
constexpr Duration period = 10s;

/// At what times calls come that take so long, for a clock that shows what it should.
std::vector<Duration> simulate(const std::vector<Duration>& durations, MissedTicks policy) {
    std::vector<Duration> at;
    TimePoint now = start;
    TimePoint tick = PeriodicCallback::next_tick(now, now, period, policy).at;
    at.push_back(tick.time_since_epoch());
    for (const Duration duration : durations) {
        now = std::max(now, tick) + duration;
        tick = PeriodicCallback::next_tick(tick, now, period, policy).at;
        at.push_back(tick.time_since_epoch());
    }
    return at;
}

TEST(TestPeriodicCallbackMath, F14_basic) {
    EXPECT_EQ(simulate({0s, 0s, 0s, 0s}, MissedTicks::skip),
              (std::vector<Duration>{1010s, 1020s, 1030s, 1040s, 1050s}));
}

TEST(TestPeriodicCallbackMath, F14_overrun) {
    EXPECT_EQ(simulate({9s, 9s, 10s, 11s, 20s, 20s, 35s, 35s, 0s, 0s, 0s}, MissedTicks::skip),
              (std::vector<Duration>{1010s, 1020s, 1030s, 1050s, 1070s, 1100s, 1130s, 1170s, 1210s, 1220s,
                                     1230s, 1240s}));
}

TEST(TestPeriodicCallbackMath, F14_clock_backwards) {
    TimePoint tick(1010s);
    for (const Duration backwards : {2s, 1s, 3s, 2s}) {
        for (const auto policy : {MissedTicks::skip, MissedTicks::burst, MissedTicks::delay}) {
            EXPECT_EQ(PeriodicCallback::next_tick(tick, tick - backwards, period, policy).at, tick + period);
        }
        tick += period;
    }
    EXPECT_EQ(tick.time_since_epoch(), 1050s);
}

TEST(TestPeriodicCallbackMath, F14_jitter) {
    TimePoint tick = start;
    std::vector<Duration> at;
    for (const double random : {0.5, 1.0, 0.0, 0.75}) {
        tick = PeriodicCallback::next_tick(tick, tick, PeriodicCallback::jittered(period, 0.5, random));
        at.push_back(tick.time_since_epoch());
    }
    EXPECT_EQ(at, (std::vector<Duration>{1010s, 1022500ms, 1030s, 1041250ms}));
}

TEST(TestPeriodicCallbackMath, F14_a_jump_forward_of_a_million_seconds_is_one_step) {
    const auto tick = PeriodicCallback::next_tick(start, TimePoint(1'000'003s), period, MissedTicks::skip);
    EXPECT_EQ(tick.at.time_since_epoch(), 1'000'010s);
    EXPECT_EQ(tick.missed, 99'900U);
}

TEST(TestPeriodicCallbackMath, bursts_stay_on_the_grid_and_catch_up) {
    EXPECT_EQ(simulate({35s, 0s, 0s, 0s, 0s}, MissedTicks::burst),
              (std::vector<Duration>{1010s, 1020s, 1030s, 1040s, 1050s, 1060s}));
}

TEST(TestPeriodicCallbackMath, a_delay_begins_a_new_grid_only_after_a_miss) {
    EXPECT_EQ(simulate({3s, 9s, 10s, 0s, 25s, 0s}, MissedTicks::delay),
              (std::vector<Duration>{1010s, 1020s, 1030s, 1050s, 1060s, 1095s, 1105s}));
}

TEST(TestPeriodicCallbackMath, what_was_missed_is_counted_but_for_bursts) {
    const auto missed = [](Duration now, MissedTicks policy) {
        return PeriodicCallback::next_tick(TimePoint(10s), TimePoint(now), period, policy).missed;
    };
    for (const auto policy : {MissedTicks::skip, MissedTicks::delay}) {
        EXPECT_EQ(missed(19s, policy), 0U);
        EXPECT_EQ(missed(20s, policy), 1U);
        EXPECT_EQ(missed(45s, policy), 3U);
    }
    EXPECT_EQ(missed(45s, MissedTicks::burst), 0U);
}

TEST(TestPeriodicCallbackMath, jitter_of_nothing_is_exact_and_of_the_longest_and_the_shortest_period_sound) {
    constexpr Duration odd{9'007'199'254'740'993}; // more than a double can tell apart
    EXPECT_EQ(PeriodicCallback::jittered(odd, 0, 0.9), odd);
    EXPECT_EQ(PeriodicCallback::jittered(forever, 1, 1), forever);
    EXPECT_LT(PeriodicCallback::jittered(forever, 1, 0), forever);
    EXPECT_EQ(PeriodicCallback::jittered(1ns, 1, 0), 1ns);
    EXPECT_EQ(PeriodicCallback::next_tick(start, start, forever), never);
    EXPECT_GT(PeriodicCallback::next_tick(TimePoint::min(), start, period), start);
}

} // namespace
