// SPDX-License-Identifier: MIT
/// Guest: the loop as a guest of another main loop. Floor 3.
///
/// For a host that sleeps in a wait of its own which takes none of our descriptors: a toolkit, a game engine,
/// SDL_WaitEvent(). All that is asked of it is one function, which any thread may call: "call me soon, on your thread".
///
///     Guest guest(loop, [&](Function<void()> call) { toolkit.post(std::move(call)); });
///     guest.start();
///     toolkit.run();
///
/// A thread, the waiter, sleeps in the loop's place, on its native_handle() and until its next_deadline(), and posts a
/// turn to the host when there is one to make. It never runs anything of the loop: handlers, callbacks and timeouts
/// run where the host calls them. (The idea is Trio's guest mode.)
///
/// - A turn runs until there is nothing left to do, so what is ready already costs no change of threads. If its budget is
///   spent, the rest is posted behind what the host has queued.
/// - At most one turn is posted at a time. Losing one is harmless if the host makes turns of its own (run_once()
///   at any time is fine); else say so by throwing, and it is posted again.
/// - The waiter is interrupted when the host, between turns, arms an earlier timeout. What happens inside a turn
///   interrupts nothing: it is looked at once, at the end.
/// - Over a poller without a native_handle() (poll, select, WSAPoll) the waiter watches the registered descriptors
///   themselves. It then learns nothing of add_callback_from_signal(), which waits for the next turn.
///
/// IOLoop::stop() stops the guest too, after the turn in which it was called.
///
/// Thread: the host's, which is the loop's.
#pragma once

#include <ioloop/function.hpp>
#include <ioloop/io_loop.hpp>
#include <ioloop/turn.hpp>

#include <cstdint>
#include <memory>

namespace ioloop {

class Guest {
public:
    /// Calls what it is given, once, soon, on the host's thread, and not before it returns. What is given can be moved,
    /// but not copied. For a toolkit that copies (a std::function does), share it:
    /// `[shared = std::make_shared<Function<void()>>(std::move(call))] { (*shared)(); }`.
    /// Thread: any calls it, two at once perhaps.
    /// Errors: if it throws it is called again, 10 ms later; the error hook of the loop hears of it.
    using PostToHost = Function<void(Function<void()>)>;

    static constexpr Budget default_budget{std::chrono::milliseconds(2), unlimited};

    /// `budget` is what one posted turn may take of the host's time.
    /// Lifetime: the loop and the guest may go in either order, also inside a callable. What is still posted then
    /// does nothing.
    /// Errors: invalid_argument for a null function, or a budget without any limit.
    Guest(IOLoop& loop, PostToHost post_to_host, Budget budget = default_budget);
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;
    ~Guest(); ///< stops

    /// Posts the first turn. Idempotent. Uses the loop's host waker while it runs.
    /// Errors: logic_error if the loop is another guest's, or closed; system_error if there is no thread to be had.
    void start();

    /// After it returns PostToHost is not running and will not be called. Idempotent. Not from within PostToHost.
    void stop() noexcept;

    bool running() const noexcept;

    struct Statistics {
        std::uint64_t turns = 0;      ///< posted turns that ran
        std::uint64_t posts = 0;      ///< calls of PostToHost
        std::uint64_t sleeps = 0;     ///< of the waiter
        std::uint64_t interrupts = 0; ///< of such sleeps, by changes between turns
    };
    Statistics statistics() const noexcept;

private:
    class State;
    std::shared_ptr<State> state_; ///< what is posted knows it weakly
};

} // namespace ioloop
