// SPDX-License-Identifier: MIT
/// readable, writable: a task waits for a descriptor. Floor 3.
///
///     const Events events = co_await readable(fd);       // read, or error, or both
///
/// Several tasks may wait for the same descriptor, in either direction: the loop has one handler for all of them. A
/// descriptor that has a handler of add_handler() is taken.
///
/// Lifetime: `fd` stays open while a task waits for it. Destroy the task, then close.
#pragma once

#include <ioloop/io_loop.hpp>
#include <ioloop/suspension.hpp>

#include <coroutine>
#include <cstdint>

namespace ioloop {

namespace detail {

class DescriptorWaits; ///< a loop's; readiness.cpp

class ReadinessAwaiter {
public:
    ReadinessAwaiter(Fd fd, Events wanted, const Origin& origin) noexcept
        : fd_(fd),
          wanted_(wanted),
          origin_(origin) {}
    ReadinessAwaiter(const ReadinessAwaiter& other) noexcept
        : ReadinessAwaiter(other.fd_, other.wanted_, other.origin_) {}
    ReadinessAwaiter& operator=(const ReadinessAwaiter&) = delete;
    ~ReadinessAwaiter() {
        if (waits_ != nullptr) leave();
    }

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> handle, const Origin& at = Origin::here()) {
        join();
        suspension_.suspend(handle, at, {WaitFor::descriptor, static_cast<std::uint64_t>(fd_), &origin_});
    }
    Events await_resume() const noexcept { return ready_; }

private:
    friend class DescriptorWaits;

    void join();
    void leave() noexcept;

    Fd fd_;
    Events wanted_;
    Events ready_ = Events::none;
    Origin origin_;
    DescriptorWaits* waits_ = nullptr; ///< null while it does not wait
    ReadinessAwaiter* next_ =
        nullptr; ///< of those that wait for this descriptor, or were found ready with it
    ReadinessAwaiter** link_ = nullptr;
    Suspension suspension_;
};

} // namespace detail

/// Waits until `fd` can be read, or has an error (then reading tells which). Gives what it is ready for.
/// Errors: as IOLoop::add_handler(). Tornado's IOStream does this inside; here it is the primitive.
[[nodiscard]] inline detail::ReadinessAwaiter readable(Fd fd, Origin origin = Origin::here()) {
    return {fd, Events::read, origin};
}
/// Waits until `fd` can be written, or has an error.
[[nodiscard]] inline detail::ReadinessAwaiter writable(Fd fd, Origin origin = Origin::here()) {
    return {fd, Events::write, origin};
}

} // namespace ioloop
