// SPDX-License-Identifier: MIT
/// sleep_for, sleep_until, next_turn: a task waits for time to pass. Floor 3.
///
///     co_await sleep_for(100ms);
///
/// The timeout is armed when it is awaited, on the loop that runs the task, and removed when the task is destroyed.
#pragma once

#include <ioloop/ids.hpp>
#include <ioloop/io_loop.hpp>
#include <ioloop/poster.hpp>
#include <ioloop/suspension.hpp>

#include <coroutine>

namespace ioloop {

namespace detail {

class SleepAwaiter {
public:
    SleepAwaiter(Duration delay, TimePoint deadline, const Origin& origin) noexcept
        : delay_(delay),
          deadline_(deadline),
          origin_(origin) {}
    SleepAwaiter(const SleepAwaiter& other) noexcept
        : SleepAwaiter(other.delay_, other.deadline_, other.origin_) {}
    SleepAwaiter& operator=(const SleepAwaiter&) = delete;
    ~SleepAwaiter() {
        if (IOLoop* loop = loop_.loop()) loop->remove_timeout(timeout_);
    }

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> handle, const Origin& at = Origin::here()) {
        arm();
        suspension_.suspend(handle, at, {WaitFor::timeout, id_of(timeout_), &origin_});
    }
    void await_resume() const noexcept {}

private:
    void arm();

    Duration delay_; ///< `forever`: until deadline_
    TimePoint deadline_;
    Origin origin_;
    Poster loop_; ///< empty while nothing is armed
    Timeout timeout_;
    Suspension suspension_;
};

} // namespace detail

/// Goes on after `delay`; zero or less: as next_turn().
[[nodiscard]] inline detail::SleepAwaiter sleep_for(Duration delay, Origin origin = Origin::here()) {
    return {delay, never, origin};
}
/// Goes on at `deadline`; if that is past, as next_turn().
[[nodiscard]] inline detail::SleepAwaiter sleep_until(TimePoint deadline, Origin origin = Origin::here()) {
    return {forever, deadline, origin};
}
/// Lets everything else that is ready run once: goes on in the next turn, or, after readable() and writable(), at the end of this one
/// (which runs its callbacks and timeouts after its handlers).
[[nodiscard]] inline detail::SleepAwaiter next_turn(Origin origin = Origin::here()) {
    return {Duration::zero(), never, origin};
}

} // namespace ioloop
