// SPDX-License-Identifier: MIT
/// The middle, the slow ones and the worst of many durations.
#include "durations.hpp"

#include <gtest/gtest.h>

using namespace arena;
using namespace std::chrono_literals;

TEST(ArenaDurations, of_none_there_is_nothing_to_tell) {
    const Durations durations;
    EXPECT_EQ(durations.percentile(50), 0ms);
    EXPECT_EQ(durations.worst(), 0ms);
    EXPECT_EQ(durations.count(), 0U);
}

TEST(ArenaDurations, of_a_hundred_the_fiftieth_is_the_middle_in_whatever_order_they_come) {
    Durations durations;
    for (int i = 0; i < 100; ++i) durations.add((i * 37 % 100 + 1) * 1ms);
    EXPECT_EQ(durations.percentile(0), 1ms);
    EXPECT_EQ(durations.percentile(50), 50ms);
    EXPECT_EQ(durations.percentile(99), 99ms);
    EXPECT_EQ(durations.percentile(100), 100ms);
    EXPECT_EQ(durations.worst(), 100ms);
    durations.clear();
    EXPECT_EQ(durations.percentile(99), 0ms);
    EXPECT_EQ(durations.worst(), 0ms);
}

TEST(ArenaDurations, only_the_newest_are_kept_but_the_worst_is_remembered) {
    Durations durations;
    durations.add(1h);
    for (std::size_t i = 0; i < Durations::most; ++i) durations.add(1ms);
    EXPECT_EQ(durations.percentile(100), 1ms);
    EXPECT_EQ(durations.worst(), 1h);
    EXPECT_EQ(durations.count(), Durations::most + 1);
}
