// SPDX-License-Identifier: MIT
/// Executor: where work runs that would block the loop; IOLoop::run_in_executor(). Floor 3.
///
///     Image image = co_await loop.run_in_executor([path] { return decode(path); });
///
/// The work runs on a thread of the executor, and touches nothing of the loop; the result comes back to the loop's
/// thread. A game gives its own job system: an Executor is one function.
///
///     struct Jobs : Executor {
///         void execute(Function<void()> job) override { engine.jobs.push(std::move(job)); }
///     };
#pragma once

#include <ioloop/future.hpp>
#include <ioloop/io_loop.hpp>

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace ioloop {

class Executor {
public:
    Executor() = default;
    Executor(const Executor&) = delete;
    Executor& operator=(const Executor&) = delete;
    virtual ~Executor() = default;

    /// Runs `job` once, on some thread, or destroys it: then its future gets broken_promise. Jobs do not throw.
    /// Thread: any.
    virtual void execute(Function<void()> job) = 0;
};

/// A fixed number of threads, made when there is work for them; jobs begin in the order in which they came.
///
/// The destructor drops the jobs that have not begun, and waits for no job that has: a thread that is stuck (in a
/// name server that does not answer) must not hang a game that quits. Such a thread ends by itself, later; its future gets
/// the result still, though nobody on a closed loop is told.
class ThreadPool final : public Executor {
public:
    /// Errors: std::invalid_argument for none.
    explicit ThreadPool(std::size_t threads = default_size());
    ~ThreadPool() override;

    /// Errors: std::invalid_argument for a null job; logic_error in a forked child, which has none of the threads. Thread: any.
    void execute(Function<void()> job) override;

    /// For work that mostly waits: the number of processors and 4, at most 32 (as Python has it).
    static std::size_t default_size() noexcept;

private:
    struct State;
    std::shared_ptr<State> state_; ///< shared with the threads
};

namespace detail {

/// The executor of a loop that is given none: its own pool, or what set_default_executor() said.
class DefaultExecutor final : public Service {
public:
    explicit DefaultExecutor(IOLoop&) {}
    Executor& get();
    void set(Executor* executor) noexcept { chosen_ = executor; }

private:
    Executor* chosen_ = nullptr;
    std::unique_ptr<ThreadPool> pool_;
};

/// Out of the header: what is compiled into another module, with hidden visibility say, would ask for a service of its own.
Executor& default_executor(IOLoop& loop);

/// Calls `f` and keeps what it came to, an exception too.
template <class T, class F> void call_into(Outcome<T>& outcome, F& f) {
#if defined(__cpp_exceptions)
    try {
#endif
        if constexpr (std::is_void_v<T>) {
            f();
            outcome.set_value();
        } else {
            outcome.set_value(f());
        }
#if defined(__cpp_exceptions)
    } catch (...) {
        outcome.set_error(std::current_exception());
    }
#endif
}

} // namespace detail

template <class F>
Future<std::invoke_result_t<std::decay_t<F>&>> IOLoop::run_in_executor(F&& f, Executor* executor,
                                                                       const Origin& origin) {
    using T = std::invoke_result_t<std::decay_t<F>&>;
    if (detail::is_null(f)) detail::refuse_null("run_in_executor: null function", origin);
    Executor& chosen = executor != nullptr ? *executor : detail::default_executor(*this);
    Promise<T> promise(*this, origin);
    promise.state_->made_by(WaitFor::job);
    Future<T> future = promise.future();
    chosen.execute([promise = std::move(promise), f = std::forward<F>(f)]() mutable {
        if (promise.done()) return; // cancelled before it began
        Outcome<T> outcome;
        const auto begin = [&f]() -> T {
            auto work = std::move(f); // and its captures go before anybody is told
            return work();
        };
        detail::call_into(outcome, begin);
        promise.set_outcome(std::move(outcome));
    });
    return future;
}

} // namespace ioloop
