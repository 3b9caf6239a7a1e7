// SPDX-License-Identifier: MIT
/// WatchSet: the descriptors and the timer of a library that does its own I/O. Floor 3.
///
///     WatchSet watches(loop, "http client", [&](Fd fd, Events ready) { ... }, [&] { ... });
///     watches.set(fd, Events::read);          // what curl, c-ares and their like say of their sockets
///     watches.set_timer(200ms);
///
/// Such libraries open and close sockets as they please, tell for what they wait, and have one deadline. Here they may
/// say so as often as they like, also from within a call of this, and about a number that was closed and is another
/// file now. Nothing is called within set() or set_timer().
///
/// Lifetime: it may be destroyed inside its own calls, which are the last then; and the loop may be closed or destroyed
/// first: then nothing here has an effect.
/// Thread: the loop's.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/events.hpp>
#include <ioloop/fd.hpp>
#include <ioloop/io_loop.hpp>
#include <ioloop/poster.hpp>
#include <ioloop/scope.hpp>

#include <map>
#include <memory>
#include <string>
#include <system_error>

namespace ioloop {

class WatchSet {
public:
    /// `name` is for the inspector, as a Scope's; `origin` is the place of all that is registered.
    /// on_ready   a descriptor, and for what it is ready: of what was asked for, and Events::error
    /// on_timer   set_timer()'s time has come; it is not set any more
    WatchSet(IOLoop& loop, std::string name, Handler on_ready, Callback on_timer,
             Origin origin = Origin::here());

    /// Waits for `events` of `fd`, in the place of what was set before; none: not at all, which is also what to say
    /// before it is closed. The same once more registers anew: it may be another file.
    /// Errors: what the system says; then `fd` is not waited for.
    void set(Fd fd, Events events);
    void set(Fd fd, Events events, std::error_code& error);

    /// In the place of what was set before. Zero is soon; `forever` is not at all.
    void set_timer(Duration delay);

    std::size_t size() const noexcept { return watched_.size(); } ///< descriptors

private:
    struct Calls {
        Handler on_ready;
        Callback on_timer;
        Timeout timeout;
    };

    Poster loop_;
    Origin origin_;
    std::map<Fd, Events> watched_;
    std::shared_ptr<Calls> calls_; ///< shared with what is registered: a call may destroy this
    Scope scope_;
};

} // namespace ioloop
