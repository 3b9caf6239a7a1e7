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
/// Measured, lateness p50 in us (of it, 25 to 70 are a virtual CPU's way out of its idle state), and what it costs a
/// sleep that something else ends at once:
///
///                             1 ms   4.2 ms   16.67 ms   100 ms   700 ms   at once
///     with the slack          81     103      119        164      778      -
///     without it              38     66       86         180      800      + 0.5 us
///     a timerfd in the set    40     61       75         72       76       + 2 us
///
/// A timerfd is exact also where the sleep is long. But whoever is woken by something else has to disarm it, or the set
/// would become readable for nothing; and it is epoll's alone. So it is not used.
///
/// Nothing is early by this. Other systems have no such thing, as far as is known here: it does nothing.
#pragma once

#include <ioloop/clock.hpp>

namespace ioloop {

class PreciseSleep {
public:
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
