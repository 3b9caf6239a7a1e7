// SPDX-License-Identifier: MIT
#include "support/sim_world.hpp"
#include "support/thrown.hpp"

#include <ioloop/frame_pacer.hpp>

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

class FramePacing : public ::testing::Test {
protected:
    FramePacer::Options options(double rate) {
        FramePacer::Options made;
        made.rate = rate;
        made.clock = &world;
        return made;
    }
    /// A turn whose calls took so long.
    static Turn turn_of(Duration busy) {
        Turn made;
        made.busy = busy;
        return made;
    }
    /// The next frame begins when this one ends, or so much after.
    void next_frame(FramePacer& pacer, Duration late = 0ns) {
        world.set_now(pacer.deadline() + late);
        pacer.begin_frame();
    }

    SimWorld world;
    const TimePoint start = world.now();
};

// ---- the grid -----------------------------------------------------------------------------------

TEST_F(FramePacing, a_frame_ends_one_frame_after_the_first_began) {
    FramePacer pacer(options(100));
    world.advance(3s); // loading
    pacer.begin_frame();
    EXPECT_EQ(pacer.deadline(), start + 3s + 10ms);
    EXPECT_EQ(pacer.left(), 10ms);
    world.advance(7ms);
    EXPECT_EQ(pacer.left(), 3ms);
    world.advance(7ms);
    EXPECT_EQ(pacer.left(), 0ns);
    EXPECT_EQ(pacer.statistics().frames, 1U);
    EXPECT_EQ(pacer.statistics().late, 0U) << "nobody was late for the first";
}

TEST_F(FramePacing, before_the_first_frame_all_is_as_in_a_frame_that_began_with_the_pacer) {
    const FramePacer pacer(options(100));
    EXPECT_EQ(pacer.deadline(), start + 10ms);
    EXPECT_EQ(pacer.sleep_until(), start + 10ms);
    EXPECT_EQ(pacer.left(), 10ms);
    EXPECT_EQ(pacer.budget().time, 2500us);
    EXPECT_EQ(pacer.budget(0.1).time, 1ms);
    EXPECT_EQ(pacer.statistics().frames, 0U);
    world.advance(1h);
    EXPECT_EQ(pacer.left(), 0ns);
}

TEST_F(FramePacing, rounding_does_not_add_up) {
    for (const double rate : {60.0, 144.0, 59.94, 165.0, 7.0}) {
        world.set_now(start);
        FramePacer pacer(options(rate));
        pacer.begin_frame();
        for (int frame = 1; frame < 100'000; ++frame) next_frame(pacer);
        const double nanoseconds = 100'000 * 1e9 / rate;
        EXPECT_EQ((pacer.deadline() - start).count(), std::llround(nanoseconds)) << rate;
        EXPECT_EQ(pacer.statistics().late + pacer.statistics().early, 0U) << rate;
    }
}

TEST_F(FramePacing, a_frame_that_begins_a_little_late_is_so_much_shorter) {
    FramePacer pacer(options(100));
    pacer.begin_frame();
    next_frame(pacer, 4ms);
    EXPECT_EQ(pacer.deadline(), start + 20ms);
    EXPECT_EQ(pacer.left(), 6ms);
    next_frame(pacer, 10ms);
    EXPECT_EQ(pacer.deadline(), start + 30ms) << "late by exactly a frame is no hitch yet";
    EXPECT_EQ(pacer.left(), 0ns);
    next_frame(pacer);
    EXPECT_EQ(pacer.deadline(), start + 40ms);
}

TEST_F(FramePacing, after_a_hitch_of_more_than_a_frame_the_grid_begins_anew) {
    FramePacer pacer(options(100));
    pacer.begin_frame();
    next_frame(pacer, 12ms); // at 22 ms
    EXPECT_EQ(pacer.left(), 10ms) << "a whole frame: no burst of short ones to make up";
    EXPECT_EQ(pacer.deadline(), start + 32ms);
    next_frame(pacer);
    EXPECT_EQ(pacer.deadline(), start + 42ms);
    EXPECT_EQ(pacer.statistics().hitches, 1U);
}

TEST_F(FramePacing, a_frame_that_begins_a_little_early_keeps_the_grid) {
    FramePacer pacer(options(100));
    pacer.begin_frame();
    next_frame(pacer, -1ms); // a tenth
    EXPECT_EQ(pacer.deadline(), start + 20ms);
    EXPECT_EQ(pacer.left(), 11ms);
    EXPECT_EQ(pacer.statistics().early, 0U);
}

TEST_F(FramePacing, a_program_that_never_sleeps_does_not_run_away_from_its_deadlines) {
    FramePacer pacer(options(100));
    for (int frame = 0; frame < 1000; ++frame) {
        pacer.begin_frame();
        ASSERT_EQ(pacer.left(), 10ms);
        world.advance(1ms);
    }
    EXPECT_EQ(pacer.statistics().early, 999U);
}

TEST_F(FramePacing, a_clock_that_stands_still_or_was_set_breaks_nothing) {
    FramePacer pacer(options(60));
    for (int frame = 0; frame < 10; ++frame) {
        pacer.begin_frame();
        ASSERT_EQ(pacer.left(), 16'666'667ns) << "it stands";
    }
    world.advance(1000h);
    pacer.begin_frame();
    EXPECT_EQ(pacer.left(), 16'666'667ns) << "set forward";
    EXPECT_EQ(pacer.statistics().worst, 1000h - 16'666'667ns);
    world.set_now(start - 1h);
    EXPECT_EQ(pacer.budget().time, 4'166'667ns);
    pacer.begin_frame();
    EXPECT_EQ(pacer.left(), 16'666'667ns) << "set back";
    world.set_now(never);
    pacer.begin_frame();
    EXPECT_EQ(pacer.deadline(), never) << "the end of time";
    pacer.begin_frame();
    EXPECT_EQ(pacer.deadline(), never);
}

TEST_F(FramePacing, no_deadline_is_in_the_past_when_its_frame_begins_nor_far_ahead) {
    // Frames that take whatever they take, with a rate that changes.
    FramePacer pacer(options(60));
    std::uint32_t dice = 1;
    for (int frame = 0; frame < 10'000; ++frame) {
        dice = dice * 1664525 + 1013904223;
        if (dice % 50 == 0) pacer.set_rate(30.0 + (dice >> 16U) % 136);
        pacer.begin_frame();
        ASSERT_GE(pacer.deadline(), world.now());
        ASSERT_LE(static_cast<double>(pacer.left().count()), 1.1e9 / pacer.rate() + 1);
        world.advance(Duration(dice % 40'000'000));
        if (dice % 3 != 0) world.advance(pacer.left());
    }
    EXPECT_GT(pacer.statistics().hitches, 0U);
    EXPECT_GT(pacer.statistics().early, 0U);
}

// ---- the rate -----------------------------------------------------------------------------------

TEST_F(FramePacing, a_new_rate_holds_from_the_next_frame_on_and_that_begins_where_this_one_ends) {
    FramePacer pacer(options(100));
    pacer.begin_frame();
    pacer.set_rate(50);
    EXPECT_EQ(pacer.rate(), 50);
    EXPECT_EQ(pacer.deadline(), start + 10ms);
    EXPECT_EQ(pacer.budget().time, 2500us) << "of this frame";
    next_frame(pacer, 1ms);
    EXPECT_EQ(pacer.deadline(), start + 30ms) << "20 ms after the grid's 10, not after now";
    EXPECT_EQ(pacer.budget().time, 5ms);
    next_frame(pacer);
    EXPECT_EQ(pacer.deadline(), start + 50ms);
}

TEST_F(FramePacing, setting_the_same_rate_in_every_frame_changes_nothing) {
    FramePacer pacer(options(60));
    pacer.begin_frame();
    for (int frame = 1; frame < 60'000; ++frame) {
        next_frame(pacer);
        pacer.set_rate(60);
    }
    EXPECT_EQ(pacer.deadline(), start + 1000s);
}

TEST_F(FramePacing, absurd_rates_are_as_sane_as_they_can_be) {
    FramePacer slow(options(std::numeric_limits<double>::denorm_min()));
    slow.begin_frame();
    EXPECT_EQ(slow.deadline(), never);
    EXPECT_EQ(slow.left(), forever);
    EXPECT_EQ(slow.budget().time, forever);
    slow.spend(turn_of(1h));
    slow.spend(turn_of(forever));
    EXPECT_EQ(slow.budget().time, 0ns);
    slow.begin_frame();
    FramePacer fast(options(std::numeric_limits<double>::max()));
    fast.begin_frame();
    fast.begin_frame();
    EXPECT_EQ(fast.left(), 0ns);
    EXPECT_EQ(fast.budget().time, 0ns);
}

// ---- what is refused ----------------------------------------------------------------------------

TEST_F(FramePacing, a_rate_that_is_not_finite_and_positive_is_refused_and_changes_nothing) {
    FramePacer pacer(options(60));
    for (const double rate : {0.0, -60.0, infinite, std::numeric_limits<double>::quiet_NaN()}) {
        EXPECT_THAT(thrown<std::invalid_argument>([&] { FramePacer refused(options(rate)); }),
                    ::testing::HasSubstr("rate"));
        EXPECT_THAT(thrown<std::invalid_argument>([&] { pacer.set_rate(rate); }),
                    ::testing::HasSubstr(std::to_string(rate)));
        EXPECT_EQ(pacer.rate(), 60);
    }
}

TEST_F(FramePacing, a_share_that_is_none_is_refused) {
    const FramePacer pacer(options(60));
    for (const double share : {0.0, -0.1, 1.01, std::numeric_limits<double>::quiet_NaN()}) {
        FramePacer::Options wrong = options(60);
        wrong.share = share;
        EXPECT_THAT(thrown<std::invalid_argument>([&] { FramePacer refused(wrong); }),
                    ::testing::HasSubstr("share"));
        EXPECT_THAT(thrown<std::invalid_argument>([&] { (void)pacer.budget(share); }),
                    ::testing::HasSubstr("share"));
    }
    EXPECT_EQ(pacer.budget(1).time, 4'166'667ns) << "all of a frame may be asked for";
}

TEST_F(FramePacing, a_negative_spin_or_reserve_is_refused) {
    FramePacer::Options wrong = options(60);
    wrong.spin = -1ns;
    EXPECT_THAT(thrown<std::invalid_argument>([&] { FramePacer refused(wrong); }),
                ::testing::HasSubstr("spin must not be negative, and is -1 ns"));
    wrong = options(60);
    wrong.reserve = -1ns;
    EXPECT_THAT(thrown<std::invalid_argument>([&] { FramePacer refused(wrong); }),
                ::testing::HasSubstr("reserve must not be negative"));
}

// ---- the slack ----------------------------------------------------------------------------------

TEST_F(FramePacing, the_last_piece_of_the_slack_is_left_to_be_spun) {
    FramePacer::Options spinning = options(100);
    spinning.spin = 2ms;
    FramePacer pacer(spinning);
    pacer.begin_frame();
    EXPECT_EQ(pacer.sleep_until(), start + 8ms);
    EXPECT_EQ(pacer.deadline(), start + 10ms);
    spinning.spin = forever;
    FramePacer spinner(spinning);
    EXPECT_LT(spinner.sleep_until(), world.now()) << "no sleep at all";
    EXPECT_EQ(spinner.left(), 10ms);
}

TEST_F(FramePacing, with_vsync_a_frame_is_counted_from_its_own_beginning_and_leaves_the_reserve) {
    FramePacer::Options display = options(100);
    display.vsync = true;
    display.reserve = 3ms;
    FramePacer pacer(display);
    pacer.begin_frame();
    EXPECT_EQ(pacer.deadline(), start + 7ms);
    world.set_now(start + 10500us); // when the swap came back
    pacer.begin_frame();
    EXPECT_EQ(pacer.deadline(), start + 17500us);
    EXPECT_EQ(pacer.statistics().late, 0U);
    world.set_now(start + 30500us); // a refresh was missed
    pacer.begin_frame();
    EXPECT_EQ(pacer.deadline(), start + 37500us);
    EXPECT_EQ(pacer.statistics().late, 1U);
    EXPECT_EQ(pacer.statistics().hitches, 0U);
    EXPECT_EQ(pacer.statistics().worst, 10ms);
}

TEST_F(FramePacing, a_reserve_longer_than_the_frame_leaves_no_slack_and_no_deadline_in_the_past) {
    FramePacer::Options display = options(1000);
    display.vsync = true;
    FramePacer pacer(display);
    pacer.begin_frame();
    EXPECT_EQ(pacer.deadline(), world.now());
    display.reserve = forever;
    EXPECT_EQ(FramePacer(display).deadline(), world.now());
}

// ---- the budget ---------------------------------------------------------------------------------

TEST_F(FramePacing, the_pumps_of_a_frame_share_one_budget_and_the_next_frame_has_its_own) {
    FramePacer pacer(options(100));
    pacer.begin_frame();
    EXPECT_EQ(pacer.budget().time, 2500us);
    EXPECT_EQ(pacer.budget().calls, unlimited);
    pacer.spend(turn_of(1ms));
    EXPECT_EQ(pacer.budget().time, 1500us);
    pacer.spend(turn_of(0ms));
    EXPECT_EQ(pacer.budget().time, 1500us);
    pacer.spend(turn_of(7ms)); // one long call
    EXPECT_EQ(pacer.budget().time, 0ns);
    next_frame(pacer);
    EXPECT_EQ(pacer.budget().time, 2500us) << "an overrun is not charged to the next frame";
}

TEST_F(FramePacing, a_pump_may_ask_for_less_but_never_gets_more_than_is_left) {
    FramePacer pacer(options(100));
    pacer.begin_frame();
    EXPECT_EQ(pacer.budget(0.1).time, 1ms);
    EXPECT_EQ(pacer.budget(0.9).time, 2500us);
    pacer.spend(turn_of(2ms));
    EXPECT_EQ(pacer.budget(0.1).time, 500us);
}

TEST_F(FramePacing, the_budget_is_a_part_of_the_frame_at_any_rate) {
    EXPECT_EQ(FramePacer(options(30)).budget().time, 8'333'333ns);
    EXPECT_EQ(FramePacer(options(165)).budget().time, 1'515'152ns);
}

TEST_F(FramePacing, a_loop_that_is_pumped_three_times_a_frame_keeps_to_the_share) {
    IOLoop loop(world.options());
    FramePacer pacer(options(100));
    int calls = 0;
    for (int i = 0; i < 100; ++i) {
        loop.add_callback([&] {
            ++calls;
            world.advance(1ms);
        });
    }
    pacer.begin_frame();
    pacer.spend(loop.run_ready(pacer.budget(0.1)));
    EXPECT_EQ(calls, 1) << "1 ms of 10";
    pacer.spend(loop.run_ready(pacer.budget()));
    EXPECT_EQ(calls, 3) << "2.5 ms, and what the last call took beyond";
    pacer.spend(loop.run_ready(pacer.budget()));
    EXPECT_EQ(calls, 4) << "nothing is left: one call, so that the loop still moves";
    loop.run_until(pacer.sleep_until());
    EXPECT_EQ(world.now(), start + 10ms) << "the slack is nobody else's";
    EXPECT_EQ(calls, 10);
}

// ---- the statistics -----------------------------------------------------------------------------

TEST_F(FramePacing, lateness_is_counted_from_a_tenth_of_a_frame_on) {
    FramePacer pacer(options(100));
    pacer.begin_frame();
    next_frame(pacer, 1ms);
    EXPECT_EQ(pacer.statistics().late, 0U);
    EXPECT_EQ(pacer.statistics().worst, 0ns);
    next_frame(pacer, 1001us);
    next_frame(pacer, 15ms);
    next_frame(pacer, 2ms);
    EXPECT_EQ(pacer.statistics().frames, 5U);
    EXPECT_EQ(pacer.statistics().late, 3U);
    EXPECT_EQ(pacer.statistics().hitches, 1U);
    EXPECT_EQ(pacer.statistics().worst, 15ms);
}

TEST(FramePacer, runs_on_the_steady_clock_at_60_Hz_unless_told_otherwise) {
    const TimePoint before = steady_clock().now();
    FramePacer pacer;
    pacer.begin_frame();
    EXPECT_EQ(pacer.rate(), 60);
    EXPECT_GE(pacer.deadline(), before + 16'666'667ns);
    EXPECT_LE(pacer.left(), 16'666'667ns);
}

} // namespace
