// SPDX-License-Identifier: MIT
/// Samples: durations that were measured, and what to say of them.
#pragma once

#include <ioloop/clock.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

namespace bench {

using ioloop::Duration;

class Samples {
public:
    void add(Duration sample) { samples_.push_back(sample); }

    std::size_t count() const noexcept { return samples_.size(); }
    /// Of those from `least` on and below `end`, how many in a hundred.
    double percent_between(Duration least, Duration end) const {
        const auto in = std::count_if(samples_.begin(), samples_.end(),
                                      [&](Duration sample) { return sample >= least && sample < end; });
        return samples_.empty() ? 0 : 100.0 * static_cast<double>(in) / static_cast<double>(count());
    }

    /// `fraction` is 0.5 for the median, 1 for the largest. Zero if there are none.
    Duration percentile(double fraction) const {
        if (samples_.empty()) return {};
        std::vector<Duration> sorted = samples_;
        std::sort(sorted.begin(), sorted.end());
        return sorted[static_cast<std::size_t>(fraction * static_cast<double>(sorted.size() - 1))];
    }

private:
    std::vector<Duration> samples_;
};

inline std::string with_decimals(double number, int decimals) {
    char text[32];
    std::snprintf(text, sizeof text, "%.*f", decimals, number);
    return text;
}

inline std::string microseconds(Duration time) {
    return with_decimals(std::chrono::duration<double, std::micro>(time).count(), 0);
}

} // namespace bench
