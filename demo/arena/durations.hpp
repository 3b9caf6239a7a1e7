// SPDX-License-Identifier: MIT
/// Durations: how long something took, of many times: the middle, the slow ones, the worst.
#pragma once

#include <ioloop/clock.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace arena {

class Durations {
public:
    /// More are not kept: the newest takes the place of the oldest.
    static constexpr std::size_t most = 4096;

    void add(ioloop::Duration took) {
        if (kept_.size() < most) {
            kept_.push_back(took);
        } else {
            kept_[count_ % most] = took;
        }
        ++count_;
        worst_ = std::max(worst_, took);
    }
    void clear() noexcept {
        kept_.clear();
        count_ = 0;
        worst_ = {};
    }

    std::uint64_t count() const noexcept { return count_; }
    ioloop::Duration worst() const noexcept { return worst_; } ///< of all, also those that are not kept
    /// So many hundredths of them took no longer. Zero if there are none.
    ioloop::Duration percentile(int hundredths) const {
        if (kept_.empty()) return {};
        std::vector<ioloop::Duration> sorted = kept_;
        const std::size_t rank = (sorted.size() * static_cast<std::size_t>(hundredths) + 99) / 100;
        const auto at = sorted.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(rank, 1) - 1);
        std::nth_element(sorted.begin(), at, sorted.end());
        return *at;
    }

private:
    std::vector<ioloop::Duration> kept_;
    std::uint64_t count_ = 0;
    ioloop::Duration worst_{};
};

} // namespace arena
