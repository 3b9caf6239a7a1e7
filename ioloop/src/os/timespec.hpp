// SPDX-License-Identifier: MIT
/// A Duration as the system's calls want it. Floor 1.
#pragma once

#include <ioloop/clock.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <limits>

namespace ioloop {

/// Years do not fit where time_t has 32 bits: then it is as long as fits.
inline timespec to_timespec(Duration duration) noexcept {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
    timespec made{};
    made.tv_sec =
        static_cast<time_t>(std::min<std::int64_t>(seconds.count(), std::numeric_limits<time_t>::max()));
    made.tv_nsec = static_cast<long>((duration - seconds).count());
    return made;
}

} // namespace ioloop
