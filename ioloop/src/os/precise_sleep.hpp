// SPDX-License-Identifier: MIT
/// PreciseSleep: while it lives, this thread's sleeps of a given length are as exact as the system can make them. Floor 1.
///
/// Linux lets a sleep of an ordinary thread last up to 50 us longer, so that several timers may share one interrupt: the
/// thread's timer slack (prctl(2), PR_SET_TIMERSLACK). Here it is 1 ns for the time of one sleep, and then what it was.
/// - Another value than 50 us was chosen by somebody, for this thread or for the program (systemd's TimerSlackNSec=):
///   then it is left alone. So is a real-time thread, which has none. Hence it is read each time.
/// - The poll family grants itself a thousandth of the timeout in any case (fs/select.c, select_estimate_accuracy()). From
///   50 ms on that is more than the slack, and nothing is asked.
///
/// Measured over epoll: lateness, p50 in us (20 to 50 of it are a virtual CPU's way out of its idle state), and what is
/// added to a wait that something else ends at once (0.6 us):
///
///                             1 ms   4.2 ms   16.67 ms   100 ms   700 ms   at once
///     with the slack          74     96       104        138      751      -
///     without it              27     45       58         145      764      0.7 us
///     a timerfd in the set    22     51       47         42       47       0.7 to 3.4 us
///
/// A timerfd is exact also where the sleep is long. But it has to be armed before each sleep, and disarmed whenever
/// something else ends it, or the set would become readable for nothing; each may program the hardware's timer. And it
/// is epoll's alone. So it is not used.
///
/// Nothing is early by this. Other systems have no such thing, as far as is known here: it does nothing.
#pragma once

#include <ioloop/clock.hpp>

namespace ioloop {

class PreciseSleep {
public:
    /// From here on it does nothing.
    static constexpr Duration long_sleep = std::chrono::milliseconds(50);

    /// For a sleep of `timeout`: at most, and beginning now.
    explicit PreciseSleep(Duration timeout) noexcept;
    PreciseSleep(const PreciseSleep&) = delete;
    PreciseSleep& operator=(const PreciseSleep&) = delete;
    /// Leaves errno as it was: it is what the sleep ended with.
    ~PreciseSleep();

private:
    bool changed_ = false;
};

} // namespace ioloop
