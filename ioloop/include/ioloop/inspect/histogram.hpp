// SPDX-License-Identifier: MIT
/// Histogram: how durations are distributed, in 512 bytes and without allocating. Floor 3.
///
/// Log-linear: four buckets to each doubling, from 64 ns to two minutes; so a percentile is at most a quarter
/// too large. What is longer is counted in the last bucket, and `longest()` says how long it was.
#pragma once

#include <ioloop/clock.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace ioloop {

class Histogram {
public:
    static constexpr std::size_t bucket_count = 128;

    void add(Duration duration) noexcept {
        const std::uint64_t ns =
            duration > Duration::zero() ? static_cast<std::uint64_t>(duration.count()) : 0;
        std::uint32_t& bucket = buckets_[bucket_of(ns)];
        bucket += bucket != UINT32_MAX ? 1 : 0;
        ++count_;
        longest_ = std::max(longest_, duration);
    }
    /// All that is in another one.
    void add(const Histogram& other) noexcept;
    void clear() noexcept { *this = Histogram(); }

    std::uint64_t count() const noexcept { return count_; }
    Duration longest() const noexcept { return longest_; }
    /// At least this share of them took no longer: 0.99 is the 99th percentile. Zero if there is none.
    Duration percentile(double share) const noexcept;

    std::uint32_t in_bucket(std::size_t bucket) const noexcept { return buckets_[bucket]; }
    /// The longest duration that goes into this bucket.
    static Duration upper_bound(std::size_t bucket) noexcept;

    /// As it was elsewhere: for who reads one from a file or a connection.
    void restore(std::span<const std::uint32_t, bucket_count> buckets, std::uint64_t count,
                 Duration longest) noexcept;

private:
    // The first four buckets hold 16 ns each, as the four after them do; the rest have two bits below the leading one.
    static constexpr unsigned linear_bits = 6;

    /// No branches, as there is no telling where the next duration goes.
    static std::size_t bucket_of(std::uint64_t ns) noexcept {
        const auto leading = static_cast<unsigned>(std::bit_width(ns | (1U << linear_bits))) - 1;
        const std::uint64_t quarters = ns >> (leading - 2); // 4 to 7; in the linear part 0 to 7
        const std::size_t bucket =
            std::size_t{4} * (leading - linear_bits) + static_cast<std::size_t>(quarters);
        return std::min(bucket, bucket_count - 1);
    }

    std::array<std::uint32_t, bucket_count> buckets_{};
    std::uint64_t count_ = 0;
    Duration longest_{};
};

} // namespace ioloop
