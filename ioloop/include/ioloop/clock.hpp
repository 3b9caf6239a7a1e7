// SPDX-License-Identifier: MIT
/// Time: a TimePoint is a deadline, a Duration is a delay; there are no bare numbers. Floor 0.
///
/// The loop reads time only through a Clock, so that a test (or a replay) can be exact and instant.
#pragma once

#include <chrono>

namespace ioloop {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;

inline constexpr Duration no_wait = Duration::zero();
inline constexpr Duration forever = Duration::max();
inline constexpr TimePoint never = TimePoint::max();

/// `start + delay`, but `never` where the sum does not fit: `after(now, forever) == never`.
constexpr TimePoint after(TimePoint start, Duration delay) noexcept {
    if (delay > Duration::zero() && start > TimePoint::max() - delay) return TimePoint::max();
    if (delay < Duration::zero() && start < TimePoint::min() - delay) return TimePoint::min();
    return start + delay;
}

/// `deadline - start`, but `forever` where the deadline is `never` or that does not fit, and never negative.
constexpr Duration until(TimePoint deadline, TimePoint start) noexcept {
    if (deadline == never) return forever;
    if (deadline <= start) return Duration::zero();
    if (start < TimePoint() && deadline > never + start.time_since_epoch()) return forever;
    return deadline - start;
}

/// Where the loop gets its time from. Monotonic: a reading is never smaller than one before it.
/// Thread: any. Lifetime: longer than every loop that uses it.
class Clock {
public:
    Clock() = default;
    Clock(const Clock&) = delete;
    Clock& operator=(const Clock&) = delete;
    virtual ~Clock() = default;

    virtual TimePoint now() const noexcept = 0;
    /// A moment that is not over yet: now() or, where that is cheaper to tell, a little later, by some milliseconds. What is
    /// due after it is not due. As monotonic as now().
    virtual TimePoint not_after() const noexcept { return now(); }
};

/// std::chrono::steady_clock as a Clock; what a loop uses unless told otherwise.
Clock& steady_clock() noexcept;

} // namespace ioloop
