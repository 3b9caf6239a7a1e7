// SPDX-License-Identifier: MIT
/// Poster: posts to a loop that may be gone by then. Floor 2.
///
/// For threads and objects that outlive the loop, or may: a worker that is still busy when the game quits. Copyable,
/// two pointers.
#pragma once

#include <ioloop/io_loop.hpp>

#include <memory>

namespace ioloop {

class Poster {
public:
    Poster() = default; ///< posts nowhere
    explicit Poster(IOLoop& loop);

    /// As IOLoop::add_callback(); also false if the loop is destroyed. Thread: any.
    bool add_callback(Callback callback, const Origin& origin = Origin::here()) const;
    /// As IOLoop::spawn_callback(). Thread: any.
    bool spawn_callback(Callback callback, const Origin& origin = Origin::here()) const;

    /// True if nothing posted will run. Thread: any; a loop that is not closed may be, the next moment.
    bool closed() const noexcept;

    /// True on the loop's thread: inside a run_ call, or between them on the one that ran it last (before the first: that
    /// made it). Thread: any.
    bool on_loop_thread() const noexcept;

    /// The loop, or null if it is closed or destroyed. Thread: the loop's.
    IOLoop* loop() const noexcept;

    /// As IOLoop::add_callback(), of what somebody waits for, and must not be lost: if Options::memory is used up, the default
    /// resource is taken. Thread: any.
    bool deliver(Callback callback, const Origin& origin = Origin::here()) const;

private:
    bool post(Callback& callback, const Origin& origin, bool detached) const;

    std::shared_ptr<IOLoop::Gate> gate_;
};

} // namespace ioloop
