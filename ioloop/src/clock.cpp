// SPDX-License-Identifier: MIT
#include <ioloop/clock.hpp>

#include <ctime>

namespace ioloop {
namespace {

#if defined(CLOCK_MONOTONIC_COARSE) // of Linux; std::chrono::steady_clock is CLOCK_MONOTONIC there

/// The time of the last tick of the system: an eighth of the cost, and behind by a tick at most, or by two if that one
/// comes late: clock_gettime(2).
TimePoint coarse_time() noexcept {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
    return TimePoint(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

Duration two_ticks() noexcept {
    timespec tick{};
    ::clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
    return 2 * std::chrono::nanoseconds(tick.tv_nsec);
}

#else

TimePoint coarse_time() noexcept { return std::chrono::steady_clock::now(); }
Duration two_ticks() noexcept { return {}; }

#endif

class SteadyClock final : public Clock {
public:
    TimePoint now() const noexcept override { return std::chrono::steady_clock::now(); }
    TimePoint not_after() const noexcept override { return coarse_time() + ahead_; }

private:
    const Duration ahead_ = two_ticks();
};

} // namespace

Clock& steady_clock() noexcept {
    static SteadyClock clock;
    return clock;
}

} // namespace ioloop
