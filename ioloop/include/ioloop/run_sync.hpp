// SPDX-License-Identifier: MIT
/// IOLoop::run_sync(): the loop for as long as one thing takes. Floor 3.
///
///     int main() {
///         IOLoop loop;
///         return loop.run_sync([] { return play(); }, 10min);       // play() is a Task<int>
///     }
#pragma once

#include <ioloop/executor.hpp>
#include <ioloop/future.hpp>
#include <ioloop/io_loop.hpp>
#include <ioloop/task.hpp>

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace ioloop {

namespace detail {

template <class R> struct SyncResult { using type = R; };
template <class T> struct SyncResult<Future<T>> { using type = T; };
template <class T> struct SyncResult<Task<T>> { using type = T; };

/// What `f()` comes to, as a future.
template <class F, class R = std::invoke_result_t<F&>>
Future<typename SyncResult<R>::type> as_future(IOLoop& loop, F& f, const Origin& origin) {
    using T = typename SyncResult<R>::type;
    if constexpr (std::is_same_v<R, Future<T>>) {
        return f();
    } else if constexpr (std::is_same_v<R, Task<T>>) {
        return spawn(loop, f(), origin);
    } else {
        Promise<T> promise(loop, origin);
        Outcome<T> outcome;
        call_into(outcome, f);
        promise.set_outcome(std::move(outcome));
        return promise.future();
    }
}

[[noreturn]] void raise_timeout();
[[noreturn]] void raise_stopped();

} // namespace detail

template <class F> decltype(auto) IOLoop::run_sync(F&& f, std::optional<Duration> timeout) {
    using Work = std::decay_t<F>;
    static_assert(std::is_invocable_v<Work&>,
                  "run_sync calls what makes the task: run_sync([&] { return task(); })");
    using R = std::invoke_result_t<Work&>;
    using T = typename detail::SyncResult<R>::type;

    if (detail::is_null(f)) detail::refuse_null("run_sync: null function");
    // Shared with what is posted: if this call ends by stop(), that is still in the queue.
    struct State {
        explicit State(F&& work) : f(std::forward<F>(work)) {}
        Work f;
        Future<T> future;
        Outcome<void> failed; ///< to make a future at all
        bool over = false;
    };
    const Origin origin("run_sync");
    const auto state = std::make_shared<State>(std::forward<F>(f));
    const Poster poster(*this); // `f` may destroy the loop
    bool timed_out = false;
    Timeout limit;
    if (timeout) {
        limit = call_later(
            *timeout,
            [this, &timed_out] {
                timed_out = true;
                stop();
            },
            origin);
    }
    struct Over { // however start() ends
        ~Over() {
            state->over = true;
            if (!limit) return;
            if (IOLoop* loop = poster.loop()) loop->remove_timeout(limit);
        }
        Poster poster;
        std::shared_ptr<State> state;
        Timeout limit;
    } const over{poster, state, limit};

    // After the timeout, which is refused on another thread than the loop's: then nothing is left behind.
    add_callback(
        [this, poster, state, origin] {
            if (state->over) return;
            const auto begin = [&] {
                state->future = detail::as_future(*this, state->f, origin);
                if (poster.closed()) return;
                if (!state->future.valid()) detail::refuse_null("run_sync: empty future");
                add_future(state->future, [this, state](const Future<T>&) {
                    if (!state->over) stop();
                });
            };
            detail::call_into(state->failed, begin);
            if (state->failed.failed() && !poster.closed()) stop();
        },
        origin);
    start();
    if (state->failed.failed()) state->failed.get();
    if (!state->future.valid() || !state->future.done()) {
        if (state->future.valid()) state->future.cancel();
        if (timed_out) detail::raise_timeout();
        detail::raise_stopped();
    }
    return static_cast<T>(state->future.take());
}

} // namespace ioloop
