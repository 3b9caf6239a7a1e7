// SPDX-License-Identifier: MIT
/// Task: a coroutine that lives on the loop. Floor 3.
///
///     Task<std::string> ask(Fd fd, std::string question) {
///         co_await writable(fd);
///         send(fd, question);
///         co_await with_timeout(5s, readable(fd));      // throws TimeoutError
///         co_return receive(fd);
///     }
///     spawn(loop, ask(fd, "who's there?"));              // or co_await it in another task
///
/// **Lazy.** Calling the function makes the Task and runs nothing. It begins when it is awaited, or spawned, or when
/// it is what a callback, handler or timeout returns: `loop.call_later(1s, [&]() -> Task<> { ... })` (then the lambda
/// is kept until its task has ended, so that it may use its captures).
///
/// **Ownership.** A Task owns its coroutine. Who awaits it owns it; a spawned one belongs to the loop, which destroys
/// it at close(), wherever it is suspended. Destroying a Task is cancelling it: its destructors run, and what it
/// waits for is deregistered. There is no other way to cancel, and nothing to catch.
///
/// **Thread.** A task begins, goes on and ends on the thread of its loop, in calls of the loop: never inside whatever
/// it waits for. What it awaits belongs to IOLoop::current(), which is the loop that runs it.
///
/// **Errors.** An exception leaves the co_await of the task. Of a spawned task it goes to the Future; if nobody asks
/// that for it, to the error hook.
///
/// **Stack.** Running tasks that await tasks take no stack, however many do and however deep: the loop resumes one after the
/// other. (Symmetric transfer is meant for this, but gcc makes a call of it below -O2: its bug 100897.) Cancelling them
/// does take stack: each destroys the one it awaits, so chains of thousands are for those that run to their end.
#pragma once

#include <ioloop/outcome.hpp>
#include <ioloop/spawn.hpp>
#include <ioloop/suspension.hpp>

#include <concepts>
#include <coroutine>
#include <exception>
#include <memory>
#include <utility>

namespace ioloop {

namespace detail {

template <class T> struct TaskPromise;

/// What a Task's promise has whatever its type.
template <class T> struct TaskPromiseBase : CoroutinePromise {
    Outcome<T> outcome;

    Task<T> get_return_object() noexcept;
    std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() const noexcept {
        struct Finish {
            bool await_ready() const noexcept { return false; }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<TaskPromise<T>> self) const noexcept {
                return transfer(self, self.promise().continuation);
            }
            void await_resume() const noexcept {}
        };
        return Finish{};
    }
    // NOLINTNEXTLINE(bugprone-exception-escape): as Outcome's
    void unhandled_exception() noexcept { outcome.set_error(std::current_exception()); }
};

template <class T> struct TaskPromise : TaskPromiseBase<T> {
    template <class U>
        requires std::convertible_to<U&&, T>
    void return_value(U&& value) { this->outcome.set_value(std::forward<U>(value)); }
};
template <> struct TaskPromise<void> : TaskPromiseBase<void> {
    void return_void() { outcome.set_value(); }
};

/// Owns a task, starts it and waits for it. `Take`: what to make of its outcome.
template <class T, class Take> class TaskAwaiter {
public:
    TaskAwaiter(Task<T> task, Take take) noexcept : task_(std::move(task)), take_(take) {}

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> awaiting,
                                          const Origin& at = Origin::here()) noexcept {
        CoroutinePromise& promise = task_.coroutine_.promise();
        promise.continuation = awaiting;
        promise.root = root_of(awaiting);
        promise.awaiting = promise_of(awaiting);
        promise.awaited_at = at;
        return transfer(awaiting, task_.coroutine_);
    }
    decltype(auto) await_resume() { return take_(task_.coroutine_.promise().outcome); }

private:
    Task<T> task_;
    Take take_;
};

} // namespace detail

/// A coroutine of the loop, with a result. Move-only; empty after a move.
template <class T> class [[nodiscard]] Task {
public:
    using promise_type = detail::TaskPromise<T>;
    using value_type = T;

    Task() noexcept = default;
    Task(Task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
    Task& operator=(Task&& other) noexcept {
        std::swap(coroutine_, other.coroutine_);
        return *this;
    }
    /// Cancels it, if it has not ended. Not from within the task itself.
    ~Task() {
        if (coroutine_) coroutine_.destroy();
    }

    bool valid() const noexcept { return coroutine_ != nullptr; }

    /// Runs it to its end and gives its result; whoever awaits takes it over. Errors: what it throws; logic_error if
    /// it is empty.
    auto operator co_await() && {
        return awaiter([](Outcome<T>& outcome) -> T { return outcome.take(); });
    }
    /// co_await of this runs it to its end too, and gives the Outcome; does not throw.
    auto outcome() && {
        return awaiter([](Outcome<T>& outcome) { return std::move(outcome); });
    }

    /// What a Function does with a Task that its callable returns: spawns it on the loop that runs.
    friend void keep_running(Task task, std::shared_ptr<void> closure) {
        detail::spawn_kept(std::move(task), std::move(closure));
    }

private:
    friend struct detail::TaskPromiseBase<T>;
    template <class U> friend detail::Runner detail::run(Task<U> task, Outcome<U>& out);
    template <class U, class Take> friend class detail::TaskAwaiter;
    explicit Task(std::coroutine_handle<promise_type> coroutine) noexcept : coroutine_(coroutine) {}

    /// As outcome(), but where it is, until the end of the expression.
    auto own_outcome() && {
        return awaiter([](Outcome<T>& outcome) -> Outcome<T>&& { return std::move(outcome); });
    }
    template <class Take> auto awaiter(Take take) {
        if (!coroutine_) detail::refuse_empty_task();
        return detail::TaskAwaiter<T, Take>(std::move(*this), take);
    }

    std::coroutine_handle<promise_type> coroutine_;
};

template <class T> Task<T> detail::TaskPromiseBase<T>::get_return_object() noexcept {
    return Task<T>(std::coroutine_handle<TaskPromise<T>>::from_promise(static_cast<TaskPromise<T>&>(*this)));
}

} // namespace ioloop
