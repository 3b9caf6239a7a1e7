// SPDX-License-Identifier: MIT
/// Future and Promise: a result that is not there yet, and whoever will give it. Floor 3.
///
///     Promise<int> promise;
///     loop.add_future(promise.future(), [](Future<int> f) { show(f.result()); });
///     promise.set_value(42);            // from any thread; show() runs later, on the loop's thread
///
/// A Future is a handle: copies share one result. It is given once, as a value or as an exception, by any thread;
/// whoever waits, by IOLoop::add_future() or by co_await in a Task, is called on the thread of the loop in which he
/// waits, and never from within set_value(): always in a later call of the loop, even if the result is there already.
/// (Only a co_await of what is done does not wait at all.)
///
/// No error is lost. A Promise that goes away without a result gives std::future_error(broken_promise). An error that
/// nobody asks for is reported to the error hook of the loop on which the Promise was made, when the last handle goes;
/// unless it is a CancelledError, which somebody wanted.
///
/// Thread: any, handle by handle; result() and what it refers to belong to whoever waits.
#pragma once

#include <ioloop/context.hpp>
#include <ioloop/io_loop.hpp>
#include <ioloop/outcome.hpp>
#include <ioloop/poster.hpp>
#include <ioloop/suspension.hpp>

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>

namespace ioloop {

template <class T = void> class Promise;

namespace detail {

[[noreturn]] void refuse_empty_future(const char* member);
[[noreturn]] void refuse_moved_from(const char* member);

/// What does not depend on the type of the result.
class FutureState {
public:
    FutureState(IOLoop* home, const Origin& origin);
    FutureState(const FutureState&) = delete;
    FutureState& operator=(const FutureState&) = delete;
    virtual ~FutureState() = default;

    bool done() const noexcept { return done_.load(std::memory_order_acquire); }

    struct Waiter {
        Poster loop;
        Callback callback;
        Origin origin;
    };
    using Waiters = std::list<Waiter>;

    /// Posts `callback` to `loop` when the result is there, or now if it is.
    Waiters::iterator when_done(const Poster& loop, Callback callback, const Origin& origin);
    /// Who waits there wants to be told no more. Nothing if he has been.
    void withdraw(Waiters::iterator waiter) noexcept;

    /// Gives the result by calling `set`, unless there is one. False if it was cancelled before.
    /// Errors: std::future_error(promise_already_satisfied); what `set` throws, and then there is no result.
    template <class F> bool settle(F&& set) {
        struct Claim { // of the right to give it: `set` moves a value of the program, so not under the lock
            explicit Claim(FutureState& s) : state(s), granted(s.claim()) {}
            Claim(const Claim&) = delete;
            Claim& operator=(const Claim&) = delete;
            ~Claim() {
                if (granted && !given) state.unclaim();
            }
            FutureState& state;
            const bool granted;
            bool given = false;
        } claim(*this);
        if (!claim.granted) return false;
        set();
        claim.given = true;
        publish();
        return true;
    }
    bool cancel();
    void on_cancel(Callback hook);
    /// ~Promise.
    void abandon();

    /// Who gives the result, for the inspector: before others know of it.
    void made_by(WaitFor what, std::uint64_t task = 0) noexcept {
        made_by_ = what;
        task_ = task;
    }
    Wait wait() const noexcept { return {made_by_, task_, &origin_}; }

    void retrieved() noexcept { retrieved_.store(true, std::memory_order_relaxed); }
    void require_done(const char* member) const;

protected:
    virtual void set_error(std::exception_ptr error) noexcept = 0;
    /// For the destructor of the derived: an error that nobody has seen is reported.
    void report_unseen(const std::exception_ptr& error) noexcept;

private:
    bool claim();
    void unclaim();
    void publish(); ///< the result is there
    static void post(Waiters& waiters);

    std::mutex mutex_;
    std::atomic<bool> done_{false};
    std::atomic<bool> retrieved_{false};
    bool claimed_ = false; ///< somebody gives the result, or has
    bool cancelled_ = false;
    WaitFor made_by_ = WaitFor::future;
    std::uint64_t task_ = 0;
    Waiters waiters_; ///< a list: who gives up waiting leaves nothing behind
    /// Apart: to move a closure is to run code of the program, so not under the mutex.
    std::unique_ptr<Callback> on_cancel_;
    Origin origin_;
    Poster home_;     ///< where an error is reported that nobody asks for
    Context context_; ///< and in which context
};

template <class T> class FutureStateOf final : public FutureState {
public:
    using FutureState::FutureState;
    ~FutureStateOf() override {
        if (outcome.failed()) report_unseen(outcome.error());
    }
    // NOLINTNEXTLINE(bugprone-exception-escape): as Outcome's
    void set_error(std::exception_ptr error) noexcept override { outcome.set_error(std::move(error)); }

    Outcome<T> outcome;
};

template <class T, bool moves> class FutureAwaiter;
template <class T> class SpawnedTask; // spawn.hpp

} // namespace detail

/// A handle of a result. Empty when default-constructed: then only assignment, valid() and done() are of use, and the
/// other members an error (logic_error).
template <class T> class Future {
public:
    Future() = default;

    bool valid() const noexcept { return state_ != nullptr; }
    bool done() const noexcept { return valid() && state_->done(); }

    /// The value. It is shared by all handles; move from it only if there is no other.
    /// Errors: the exception that was set; logic_error if not done().
    typename Outcome<T>::Reference result() const { return done_state("Future::result").outcome.get(); }
    /// std::future's spelling of result().
    typename Outcome<T>::Reference get() const { return result(); }

    /// Null if it is a value. Errors: logic_error if not done().
    std::exception_ptr exception() const { return done_state("Future::exception").outcome.error(); }

    /// Gives it the result CancelledError, and tells whoever works on it. False if it was done. A spawned task is destroyed
    /// on its loop's thread: now, or soon if this is another. Thread: any.
    bool cancel() const {
        if (!valid()) detail::refuse_empty_future("Future::cancel");
        const auto kept = state_; // what is cancelled may hold this very handle
        return kept->cancel();
    }

    friend bool operator==(const Future& a, const Future& b) noexcept { return a.state_ == b.state_; }

private:
    friend class IOLoop;
    friend class Promise<T>;
    template <class U, bool moves> friend class detail::FutureAwaiter;
    using State = detail::FutureStateOf<T>;
    explicit Future(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}

    /// The result for somebody whose handle goes now. Others may share the value; what cannot be copied cannot have been meant
    /// for several.
    T take() const {
        if constexpr (std::is_void_v<T> || std::is_reference_v<T>) {
            return result();
        } else {
            if constexpr (std::is_copy_constructible_v<T>) {
                if (state_.use_count() > 1) return result();
            }
            return std::move(result());
        }
    }
    /// For somebody who asks for what is in it.
    State& done_state(const char* member) const {
        if (!valid()) detail::refuse_empty_future(member);
        state_->require_done(member);
        state_->retrieved();
        return *state_;
    }

    std::shared_ptr<State> state_;
};

/// Gives the result of its future, once. Move-only; after a move only assignment and done() are of use, and the other
/// members an error (logic_error).
template <class T> class Promise {
public:
    /// On the loop that is current on this thread, if any. `origin` names the work in an error that nobody asks for.
    explicit Promise(Origin origin = Origin::here())
        : state_(std::make_shared<State>(IOLoop::current(false), origin)) {}
    explicit Promise(IOLoop& loop, Origin origin = Origin::here())
        : state_(std::make_shared<State>(&loop, origin)) {}
    Promise(Promise&&) noexcept = default;
    Promise& operator=(Promise&& other) noexcept {
        std::swap(state_, other.state_);
        return *this;
    }
    ~Promise() {
        if (state_) state_->abandon();
    }

    Future<T> future() const {
        state("Promise::future");
        return Future<T>(state_);
    }

    /// False, and the value is dropped, if the future was cancelled. Thread: any.
    /// Errors: std::future_error if there is a result already.
    template <class... Args>
        requires(std::is_void_v<T> ? sizeof...(Args) == 0 : sizeof...(Args) <= 1)
    bool set_value(Args&&... args) {
        const auto s = kept_state("Promise::set_value");
        return s->settle([&] { s->outcome.set_value(std::forward<Args>(args)...); });
    }
    /// Errors: also invalid_argument for null.
    bool set_exception(std::exception_ptr error) {
#if defined(__cpp_exceptions) // else there are none but null
        if (error == nullptr) detail::refuse_null("Promise::set_exception: null");
#endif
        const auto s = kept_state("Promise::set_exception");
        return s->settle([&] { s->outcome.set_error(std::move(error)); });
    }
    /// Tornado's spelling of set_value().
    template <class... Args> bool set_result(Args&&... args) {
        return set_value(std::forward<Args>(args)...);
    }

    /// Takes over what a piece of work came to. Requires: outcome.done().
    bool set_outcome(Outcome<T>&& outcome) {
        const auto s = kept_state("Promise::set_outcome");
        return s->settle([&] { s->outcome.take_over(std::move(outcome)); });
    }

    /// Called, once and by whoever cancels, when the future is cancelled: stop working on it.
    void on_cancel(Callback hook) { state("Promise::on_cancel").on_cancel(std::move(hook)); }
    /// True if nobody waits for a result any more. Thread: any.
    bool done() const noexcept { return state_ == nullptr || state_->done(); }
    /// True if a result would be seen: it is not done, and somebody has a handle of the future. Thread: any; the last
    /// handle may go the next moment.
    bool wanted() const noexcept { return !done() && state_.use_count() > 1; }

private:
    friend class IOLoop;
    friend class detail::SpawnedTask<T>;
    using State = detail::FutureStateOf<T>;

    State& state(const char* member) const {
        if (state_ == nullptr) detail::refuse_moved_from(member);
        return *state_;
    }
    /// For whoever gives the result: as soon as others see it, this promise may be gone.
    std::shared_ptr<State> kept_state(const char* member) const {
        state(member);
        return state_;
    }

    std::shared_ptr<State> state_;
};

template <class T, class F> void IOLoop::add_future(Future<T> future, F callback, const Origin& origin) {
    if (detail::is_null(callback)) detail::refuse_null("add_future: null callback", origin);
    if (!future.valid()) detail::refuse_null("add_future: empty future", origin);
    detail::FutureState& state = *future.state_;
    state.when_done(Poster(*this),
                    wrap([future = std::move(future), callback = std::move(callback)]() mutable {
                        return callback(future);
                    }),
                    origin);
}

// ---- awaiting -----------------------------------------------------------------------------------

namespace detail {

/// `moves`: the future is a temporary, and its value may be moved out.
template <class T, bool moves> class FutureAwaiter {
public:
    explicit FutureAwaiter(Future<T> future) : future_(std::move(future)) {
        if (!future_.valid()) refuse_null("co_await: empty future");
    }
    FutureAwaiter(const FutureAwaiter&) = delete;
    FutureAwaiter& operator=(const FutureAwaiter&) = delete;
    ~FutureAwaiter() {
        if (!waiting_) return;
        *waiting_ = nullptr;
        future_.state_->withdraw(waiter_);
    }

    bool await_ready() const noexcept { return future_.done(); }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> handle, const Origin& at = Origin::here()) {
        if (may_wait()) wait(place_of(at, promise_of(handle)));
        suspension_.suspend(handle, at, future_.state_->wait());
    }
    std::conditional_t<moves, T, typename Outcome<T>::Reference> await_resume() {
        if constexpr (moves) {
            return future_.take();
        } else {
            return future_.result();
        }
    }

private:
    void wait(const Origin& place) {
        auto waiting = std::make_shared<Suspension*>(&suspension_);
        waiter_ = future_.state_->when_done(
            Poster(loop_of_coroutine()),
            [waiting] {
                if (*waiting != nullptr) (*waiting)->resume();
            },
            place);
        waiting_ = std::move(waiting);
    }

    Future<T> future_;
    Suspension suspension_;
    std::shared_ptr<Suspension*> waiting_;  ///< null when it waits no more. Used on the loop's thread only
    FutureState::Waiters::iterator waiter_; ///< if there is a `waiting_`
};

} // namespace detail

/// Waits for the result, if it is not there, and gives it. Errors: the exception that was set.
template <class T> auto operator co_await(const Future<T>& future) {
    return detail::FutureAwaiter<T, false>(future);
}
template <class T> auto operator co_await(Future<T>&& future) {
    return detail::FutureAwaiter<T, true>(std::move(future));
}

} // namespace ioloop
