// SPDX-License-Identifier: MIT
/// PeriodicCallback: what is done about missed ticks, and jitter.
#include "support/periodic_callbacks.hpp"
#include "support/thrown.hpp"

#include <exception>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

// ---- missed ticks -------------------------------------------------------------------------------

TEST_F(PeriodicCallbacks, ticks_that_were_skipped_are_counted) {
    PeriodicCallback periodic(loop, 10s, [&] { note(at.size() == 1 ? 25s : 0s)(); });
    periodic.start();
    run(60s);
    EXPECT_THAT(at, ElementsAre(10, 20, 50, 60));
    EXPECT_EQ(periodic.missed(), 2U);
}

TEST_F(PeriodicCallbacks, bursts_make_up_for_missed_ticks_one_a_turn) {
    PeriodicCallback periodic(loop, 10s, [&] { note(at.empty() ? 35s : 0s)(); }, {MissedTicks::burst});
    periodic.start();
    run(10s);
    EXPECT_EQ(loop.run_once().timeouts, 1U);
    EXPECT_THAT(at, ElementsAre(10, 45));
    run(30s);
    EXPECT_THAT(at, ElementsAre(10, 45, 45, 45, 50, 60, 70));
    EXPECT_EQ(periodic.missed(), 0U);
}

TEST_F(PeriodicCallbacks, a_delay_begins_a_new_grid_after_a_miss) {
    PeriodicCallback periodic(loop, 10s, [&] { note(at.empty() ? 25s : 3s)(); }, {MissedTicks::delay});
    periodic.start();
    run(70s);
    EXPECT_THAT(at, ElementsAre(10, 45, 55, 65));
    EXPECT_EQ(periodic.missed(), 2U);
}

// ---- jitter -------------------------------------------------------------------------------------

TEST_F(PeriodicCallbacks, F14_jitter_makes_each_period_longer_or_shorter) {
    std::vector<double> dice = {0.5, 1, 0, 0.75, 0.5};
    std::size_t thrown = 0;
    PeriodicCallback periodic(loop, 10s, note(),
                              {.jitter = 0.5, .random = [&] { return dice.at(thrown++); }});
    periodic.start();
    std::vector<Duration> exactly;
    for (int i = 0; i < 4; ++i) {
        loop.run_once(forever);
        exactly.push_back(world.elapsed());
    }
    EXPECT_THAT(exactly, ElementsAre(10s, 22500ms, 30s, 41250ms));
}

TEST_F(PeriodicCallbacks, F14_jitter_has_dice_of_its_own) {
    PeriodicCallback periodic(loop, 10s, note(), {.jitter = 1});
    periodic.start();
    TimePoint last = world.now();
    std::vector<Duration> gaps;
    for (int i = 0; i < 100; ++i) {
        loop.run_once(forever);
        gaps.push_back(world.now() - std::exchange(last, world.now()));
    }
    EXPECT_THAT(gaps, testing::Each(testing::AllOf(testing::Ge(5s), testing::Le(15s))));
    EXPECT_THAT(gaps, testing::Contains(testing::Lt(9s)));
    EXPECT_THAT(gaps, testing::Contains(testing::Gt(11s)));
}

TEST_F(PeriodicCallbacks, a_jitter_that_is_not_from_0_to_1_is_an_error_that_says_where) {
    for (const double jitter : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()}) {
        EXPECT_THAT(thrown<std::invalid_argument>([&] {
                        PeriodicCallback(
                            loop, 1s, [] {}, {.jitter = jitter}, "autosave");
                    }),
                    HasSubstr("jitter must be from 0 to 1, 'autosave' at"));
    }
}

TEST_F(PeriodicCallbacks, dice_that_throw_are_reported_and_the_schedule_goes_on) {
    int errors = 0;
    loop.set_error_hook([&](std::exception_ptr, const Origin&, CallKind) { ++errors; });
    int throws = 0;
    PeriodicCallback periodic(loop, 10s, note(), {.jitter = 0.5, .random = [&] {
                                                      if (++throws == 3) throw std::runtime_error("lost");
                                                      return 0.5;
                                                  }});
    periodic.start();
    run(40s);
    EXPECT_THAT(at, ElementsAre(10, 30, 40));
    EXPECT_EQ(errors, 1);
}
