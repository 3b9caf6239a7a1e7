// SPDX-License-Identifier: MIT
// Histogram: buckets, percentiles and what lies beyond them.
#include <ioloop/inspect/histogram.hpp>

#include <chrono>
#include <random>
#include <vector>

#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

TEST(Histograms, an_empty_one_has_no_percentiles) {
    EXPECT_EQ(Histogram().percentile(0.5), no_wait);
    EXPECT_EQ(Histogram().count(), 0U);
}

TEST(Histograms, every_duration_is_in_a_bucket_whose_bounds_hold_it_and_are_a_quarter_apart_at_most) {
    for (const Duration duration : {0ns, 1ns, 15ns, 16ns, 63ns, 64ns, 79ns, 80ns, 127ns, 128ns, 999ns}) {
        Histogram histogram;
        histogram.add(duration);
        histogram.add(200s); // so that the longest is no bound
        EXPECT_GE(histogram.percentile(0.5), duration);
        EXPECT_LE(histogram.percentile(0.5), duration + std::max<Duration>(duration / 4, 15ns))
            << duration.count();
    }
    std::mt19937_64 random(1);
    for (int i = 0; i < 10000; ++i) {
        const Duration duration(static_cast<Duration::rep>(random() >> (28 + random() % 30)));
        Histogram histogram;
        histogram.add(duration);
        histogram.add(forever);
        ASSERT_GE(histogram.percentile(0.5), duration);
        ASSERT_LE(histogram.percentile(0.5), duration + std::max<Duration>(duration / 4, 15ns))
            << duration.count();
    }
}

TEST(Histograms, bounds_rise_from_bucket_to_bucket) {
    for (std::size_t i = 1; i < Histogram::bucket_count; ++i) {
        EXPECT_GT(Histogram::upper_bound(i), Histogram::upper_bound(i - 1)) << i;
    }
}

TEST(Histograms, percentiles_are_those_of_what_was_added) {
    Histogram histogram;
    for (int i = 1; i <= 1000; ++i) histogram.add(Duration(i * 1us));
    EXPECT_NEAR(static_cast<double>(histogram.percentile(0.5).count()), 500e3, 130e3);
    EXPECT_NEAR(static_cast<double>(histogram.percentile(0.99).count()), 990e3, 250e3);
    EXPECT_EQ(histogram.percentile(1), 1ms);
    EXPECT_EQ(histogram.longest(), 1ms);
}

TEST(Histograms, what_is_longer_than_two_minutes_is_counted_and_the_longest_is_known) {
    Histogram histogram;
    histogram.add(1h);
    EXPECT_EQ(histogram.count(), 1U);
    EXPECT_EQ(histogram.percentile(0.5), 1h);
    EXPECT_EQ(histogram.in_bucket(Histogram::bucket_count - 1), 1U);
}

TEST(Histograms, a_negative_duration_counts_as_none) {
    Histogram histogram;
    histogram.add(-5ms);
    EXPECT_EQ(histogram.in_bucket(0), 1U);
    EXPECT_EQ(histogram.longest(), no_wait);
}

TEST(Histograms, one_that_was_restored_is_the_same) {
    Histogram histogram;
    for (int i = 1; i <= 100; ++i) histogram.add(Duration(i * i * 1us));
    std::array<std::uint32_t, Histogram::bucket_count> buckets{};
    for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] = histogram.in_bucket(i);
    Histogram restored;
    restored.restore(buckets, histogram.count(), histogram.longest());
    for (const double share : {0.1, 0.5, 0.9, 0.99, 1.0}) {
        EXPECT_EQ(restored.percentile(share), histogram.percentile(share));
    }
}

TEST(Histograms, two_added_up_are_as_one_that_had_all) {
    Histogram both;
    Histogram odd;
    Histogram even;
    for (int i = 1; i <= 1000; ++i) {
        const Duration duration(i * i * 100ns);
        both.add(duration);
        (i % 2 != 0 ? odd : even).add(duration);
    }
    odd.add(even);
    odd.add(Histogram());
    EXPECT_EQ(odd.count(), both.count());
    EXPECT_EQ(odd.longest(), both.longest());
    for (std::size_t i = 0; i < Histogram::bucket_count; ++i) EXPECT_EQ(odd.in_bucket(i), both.in_bucket(i));
}

TEST(Histograms, a_bucket_that_is_full_stays_so) {
    std::array<std::uint32_t, Histogram::bucket_count> buckets{};
    buckets[0] = UINT32_MAX - 1;
    Histogram full;
    full.restore(buckets, UINT32_MAX - 1, 1ns);
    Histogram three;
    for (int i = 0; i < 3; ++i) three.add(1ns);
    full.add(three);
    EXPECT_EQ(full.in_bucket(0), UINT32_MAX);
    full.add(1ns);
    EXPECT_EQ(full.in_bucket(0), UINT32_MAX);
    EXPECT_EQ(full.count(), std::uint64_t{UINT32_MAX} + 3);
}
