// SPDX-License-Identifier: MIT
/// Scope: what belongs together in the loop, and ends together. Floor 3.
///
/// A game object, a level, a connection registers through its scope instead of the loop, with the same verbs.
/// When the scope goes, so does all that came through it: handlers, timeouts, and callbacks that are queued,
/// those of this very turn included. No callable runs after the scope's destructor has returned, so what they
/// capture needs no weak pointers:
///
///     struct Monster {
///         Scope scope{loop, "monster"};
///         Monster() { scope.call_later(5s, [this] { attack(); }); }
///     };
///
/// The callables are destroyed with the scope, at once; the one that is running is destroyed when it returns. A
/// scope may be cleared or destroyed inside any of its own callables. What has run is forgotten: a scope that
/// lives as long as the program does not grow.
///
/// A Task that a callable returns is the loop's, and goes on without the scope: spawn() it yourself and cancel() its
/// Future, if it uses what goes with the scope.
///
/// Lifetime: clear() and the destructor may come after the loop was closed or destroyed, when there is nothing
/// left in the scope. Everything else needs the loop.
/// Thread: the loop's, but for what is marked.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/events.hpp>
#include <ioloop/fd.hpp>
#include <ioloop/ids.hpp>
#include <ioloop/io_loop.hpp>
#include <ioloop/origin.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

namespace ioloop {

class Scope {
    class State;
    class Scopes;

public:
    /// `name` is for the inspector and for errors: "add_handler: fd 7, scope 'level 3', game.cpp:120".
    /// Errors: logic_error if the loop is closed.
    Scope(IOLoop& loop, std::string name, const Origin& origin = Origin::here());
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    /// clear(), and nothing comes any more.
    ~Scope();

    /// Ends all that came through the scope. What comes afterwards is welcome.
    void clear() noexcept;

    // ---- IOLoop's verbs; contracts and errors are there -----------------------------------------

    void add_handler(Fd fd, Handler handler, Events events, const Origin& origin = Origin::here());
    void add_handler(Fd fd, Handler handler, Events events, std::error_code& error,
                     const Origin& origin = Origin::here());
    /// Of a handler that came through this scope; no other descriptor is known here.
    void update_handler(Fd fd, Events events);
    void update_handler(Fd fd, Events events, std::error_code& error);
    bool remove_handler(Fd fd) noexcept;

    /// Thread: any, as long as scope and loop are there. For threads that may be late there is poster().
    bool add_callback(Callback callback, const Origin& origin = Origin::here());
    bool spawn_callback(Callback callback, const Origin& origin = Origin::here());

    Timeout call_at(TimePoint deadline, Callback callback, const Origin& origin = Origin::here());
    Timeout call_later(Duration delay, Callback callback, const Origin& origin = Origin::here());
    Timeout add_timeout(TimePoint deadline, Callback callback, const Origin& origin = Origin::here());
    Timeout add_timeout(Duration delay, Callback callback, const Origin& origin = Origin::here());
    /// The loop's members of that name: a Timeout says by itself which one it is.
    bool remove_timeout(Timeout timeout) noexcept;
    bool update_timeout(Timeout timeout, TimePoint deadline) noexcept;

    // ---------------------------------------------------------------------------------------------

    /// The way back for a job on another thread, which cannot know whether the scope is still there.
    class Poster {
    public:
        /// False, and dropped (on this thread), once the scope is gone, or the loop closed. A post that races with the scope's
        /// destructor runs before that returns (if it is inside a turn) or never. Thread: any.
        bool add_callback(Callback callback, const Origin& origin = Origin::here());

    private:
        friend class Scope;
        explicit Poster(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}
        std::shared_ptr<State> state_;
    };
    /// Thread: any, as long as the scope is there; the Poster for ever.
    Poster poster() const noexcept { return Poster(state_); }

    IOLoop& loop() const noexcept;
    const std::string& name() const noexcept;
    /// Registrations that are alive. Thread: any.
    std::size_t size() const noexcept;

private:
    std::shared_ptr<State> state_; ///< shared with what the loop holds
};

} // namespace ioloop
