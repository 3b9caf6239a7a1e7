// SPDX-License-Identifier: MIT
/// Spread: how numbers are distributed, however many, in a few kilobytes; and the last of them, to be drawn.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace arena {

class Spread {
public:
    static constexpr std::size_t recent_count = 150;

    /// Percentiles are rounded up to `grain`, and know no more than 1000 times that: there is worst().
    explicit Spread(float grain) noexcept : grain_(grain) {}

    void add(float value) noexcept {
        value = std::max(value, 0.0F);
        const float bucket = std::min(std::ceil(value / grain_), static_cast<float>(buckets_.size() - 1));
        ++buckets_[static_cast<std::size_t>(bucket)];
        recent_[count_++ % recent_.size()] = value;
        worst_ = std::max(worst_, value);
    }

    std::uint64_t count() const noexcept { return count_; }
    float worst() const noexcept { return worst_; }

    /// At least this share of them is no larger: 0.99 is the 99th percentile. Zero if there is none.
    float percentile(double share) const noexcept {
        const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i + 1 < buckets_.size(); ++i) {
            sum += buckets_[i];
            if (sum >= wanted) return std::min(static_cast<float>(i) * grain_, worst_);
        }
        return worst_;
    }

    /// The last ones, in a ring; recent_begin() is the oldest. Zeroes where there were none yet.
    const std::array<float, recent_count>& recent() const noexcept { return recent_; }
    std::size_t recent_begin() const noexcept { return count_ % recent_.size(); }

private:
    float grain_;
    std::uint64_t count_ = 0;
    float worst_ = 0;
    std::array<std::uint32_t, 1001> buckets_{};
    std::array<float, recent_count> recent_{};
};

} // namespace arena
