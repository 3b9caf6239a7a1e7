// SPDX-License-Identifier: MIT
#include <ioloop/inspect/histogram.hpp>

#include <cmath>

namespace ioloop {

Duration Histogram::upper_bound(std::size_t bucket) noexcept {
    if (bucket >= bucket_count - 1) return forever;
    const std::size_t next = bucket + 1; // the first of the next bucket, less one
    if (next < 4) return Duration(static_cast<Duration::rep>(next << (linear_bits - 2)) - 1);
    const std::size_t leading = next / 4 - 1 + linear_bits;
    return Duration((static_cast<Duration::rep>(4 + next % 4) << (leading - 2)) - 1);
}

void Histogram::add(const Histogram& other) noexcept {
    if (other.count_ == 0) return;
    for (std::size_t i = 0; i < bucket_count; ++i) {
        buckets_[i] += std::min(other.buckets_[i], UINT32_MAX - buckets_[i]);
    }
    count_ += other.count_;
    longest_ = std::max(longest_, other.longest_);
}

Duration Histogram::percentile(double share) const noexcept {
    if (count_ == 0) return {};
    const auto wanted = std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_))));
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < bucket_count; ++i) {
        below += buckets_[i];
        if (below >= wanted) return std::min(upper_bound(i), longest_);
    }
    return longest_;
}

void Histogram::restore(std::span<const std::uint32_t, bucket_count> buckets, std::uint64_t count,
                        Duration longest) noexcept {
    std::copy(buckets.begin(), buckets.end(), buckets_.begin());
    count_ = count;
    longest_ = longest;
}

} // namespace ioloop
