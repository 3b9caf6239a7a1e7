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

#include <ioloop/context.hpp>
#include <ioloop/future.hpp>
#include <ioloop/io_loop.hpp>
#include <ioloop/outcome.hpp>

#include <concepts>
#include <coroutine>
#include <memory>
#include <type_traits>
#include <utility>

namespace ioloop {

template <class T = void> class Task;

namespace detail {

class Runner;
template <class T> Runner run(Task<T> task, Outcome<T>& out);

class Spawned; ///< a task that belongs to a loop

/// What all coroutines of this library have.
struct CoroutinePromise {
    Spawned* root = nullptr;              ///< as part of which it runs
    std::coroutine_handle<> continuation; ///< who awaits it
};

/// Goes on with `to` when `from` has been suspended: returned from its await_suspend().
std::coroutine_handle<> transfer(std::coroutine_handle<> from, std::coroutine_handle<> to) noexcept;

/// Runs a coroutine, and those that it transfers to, until all of them wait.
void drive(std::coroutine_handle<> handle, Spawned* root);

/// True while a coroutine that is part of `root` is on the stack of this thread.
bool is_running(const Spawned* root) noexcept;

/// Spawned::cancel().
void cancel(Spawned* root);

template <class Promise> Spawned* root_of(std::coroutine_handle<Promise> handle) noexcept {
    if constexpr (std::is_base_of_v<CoroutinePromise, Promise>) {
        return handle.promise().root;
    } else {
        return nullptr;
    }
}

/// A coroutine that waits for the loop to call: part of every awaiter here, and of those that you write.
class Suspension {
public:
    Suspension() = default;
    Suspension(const Suspension&) = delete;
    Suspension& operator=(const Suspension&) = delete;

    /// In await_suspend(), when everything that can fail is done.
    template <class Promise> void suspend(std::coroutine_handle<Promise> handle) noexcept {
        handle_ = handle;
        root_ = root_of(handle);
        context_.suspend();
    }
    /// In the callable that the loop calls. The awaiter may be gone when it returns.
    void resume() {
        struct Enter {
            ~Enter() {
                if (!entered && root != nullptr) cancel(root); // it would wait for ever
            }
            std::coroutine_handle<> handle;
            Spawned* root;
            bool entered = false;
        } enter{handle_, root_};
        context_.resume([&enter] {
            enter.entered = true;
            drive(enter.handle, enter.root);
        });
    }

private:
    std::coroutine_handle<> handle_;
    Spawned* root_ = nullptr;
    SuspendedContext context_;
};

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
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
        task_.coroutine_.promise().continuation = awaiting;
        task_.coroutine_.promise().root = root_of(awaiting);
        return transfer(awaiting, task_.coroutine_);
    }
    decltype(auto) await_resume() { return take_(task_.coroutine_.promise().outcome); }

private:
    Task<T> task_;
    Take take_;
};

[[noreturn]] void refuse_empty_task();

/// False if the coroutine that runs is cancelled: it is destroyed as soon as it waits. Then an awaiter arranges
/// nothing, as the loop may be gone.
bool may_wait() noexcept;

/// The loop that runs on this thread. Errors: logic_error if none does.
IOLoop& loop_of_coroutine();

template <class T> void spawn_kept(Task<T> task, std::shared_ptr<void> closure);

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

namespace detail {

template <class R> inline constexpr bool is_task = false;
template <class T> inline constexpr bool is_task<Task<T>> = true;

/// A function that is a coroutine of this library, or calls one.
template <class F>
concept MakesTask = std::invocable<F&> && is_task<std::invoke_result_t<F&>>;

} // namespace detail

// ---- coroutines at the top: what nobody awaits --------------------------------------------------

namespace detail {

/// A coroutine that tells its owner, by a call, when it has ended.
class Runner {
public:
    struct promise_type : CoroutinePromise {
        void (*ended)(void* owner) = nullptr; ///< may destroy the coroutine
        void* owner = nullptr;
        SuspendedContext context;

        Runner get_return_object() noexcept { return Runner(handle_type::from_promise(*this)); }
        std::suspend_always initial_suspend() const noexcept { return {}; }
        auto final_suspend() const noexcept {
            struct Finish {
                bool await_ready() const noexcept { return false; }
                void await_suspend(handle_type self) const noexcept {
                    const promise_type& promise = self.promise();
                    promise.ended(promise.owner);
                }
                void await_resume() const noexcept {}
            };
            return Finish{};
        }
        void return_void() const noexcept {}
        [[noreturn]] void unhandled_exception() const noexcept {
            std::terminate();
        } // it awaits outcomes only
    };
    using handle_type = std::coroutine_handle<promise_type>;

    Runner() = default;
    Runner(Runner&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Runner& operator=(Runner&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Runner() {
        if (handle_) handle_.destroy();
    }

    /// Begins, later, in the context that is current now.
    void prepare(Spawned* root, void (*ended)(void*), void* owner) noexcept {
        promise_type& promise = handle_.promise();
        promise.root = root;
        promise.ended = ended;
        promise.owner = owner;
        promise.context.begin();
    }
    /// Runs until it waits or has ended. `entered` is set when it begins: not if its context cannot be entered.
    void start(bool& entered) const {
        const handle_type handle = handle_; // this object may be gone when it ends
        handle.promise().context.resume([handle, &entered] {
            entered = true;
            drive(handle, handle.promise().root);
        });
    }

private:
    explicit Runner(handle_type handle) noexcept : handle_(handle) {}
    handle_type handle_;
};

/// Runs a task and keeps what it came to. Lifetime: `out` longer than the Runner.
template <class T> Runner run(Task<T> task, Outcome<T>& out) {
    out.take_over(co_await std::move(task).own_outcome());
}

/// A spawned task: owned by the loop, until it has ended or is cancelled.
class Spawned {
public:
    Spawned() = default;
    Spawned(const Spawned&) = delete;
    Spawned& operator=(const Spawned&) = delete;
    virtual ~Spawned();

    /// Makes `loop` the owner, and lets it begin in the next turn.
    static void launch(IOLoop& loop, std::shared_ptr<Spawned> spawned, const Origin& origin);
    /// Destroys it: at once, or when it is suspended next, if it is the one that calls this.
    void cancel();
    /// The same, by way of the loop if this is another thread. Thread: any.
    static void cancel_on_its_thread(const Poster& loop, const std::weak_ptr<Spawned>& spawned);

protected:
    Runner runner_;

private:
    friend class Tasks;
    virtual void give_result() = 0; ///< it has ended

    std::shared_ptr<Spawned> self_; ///< while a loop owns it
    Spawned* next_ = nullptr;       ///< of that loop's
    Spawned* previous_ = nullptr;
    class Tasks* tasks_ = nullptr;
};

template <class T> class SpawnedTask final : public Spawned {
public:
    SpawnedTask(IOLoop& loop, Task<T> task, std::shared_ptr<void> closure, const Origin& origin)
        : closure_(std::move(closure)),
          promise_(loop, origin) {
        runner_ = run(std::move(task), outcome_);
    }
    void cancel_with_future(IOLoop& loop, const std::weak_ptr<Spawned>& self) {
        promise_.on_cancel([poster = Poster(loop), self] { cancel_on_its_thread(poster, self); });
    }
    ~SpawnedTask() override {
        runner_ = Runner(); // first: it uses the rest
        if (!promise_.done()) {
            promise_.on_cancel(nullptr);
            promise_.future().cancel();
        }
    }
    Future<T> future() const { return promise_.future(); }

private:
    void give_result() override { promise_.set_outcome(std::move(outcome_)); }

    std::shared_ptr<void> closure_; ///< the callable that made the task, if it lives in one
    Outcome<T> outcome_;
    Promise<T> promise_;
};

template <class T>
Future<T> spawn(IOLoop& loop, Task<T> task, std::shared_ptr<void> closure, const Origin& origin) {
    if (!task.valid()) refuse_empty_task();
    auto spawned = std::make_shared<SpawnedTask<T>>(loop, std::move(task), std::move(closure), origin);
    Future<T> future = spawned->future();
    spawned->cancel_with_future(loop, spawned);
    Spawned::launch(loop, std::move(spawned), origin);
    return future;
}

} // namespace detail

/// Gives a task to the loop: it begins in the next turn, in the context that is current now. Drop the future to let it
/// go its way; cancel() it to end it.
/// Errors: logic_error if the task is empty, or the loop closed. Thread: the loop's.
template <class T> Future<T> spawn(IOLoop& loop, Task<T> task, Origin origin = Origin::here()) {
    return detail::spawn(loop, std::move(task), nullptr, origin);
}

/// The same for a function that makes the task; a closure is kept until the task has ended. (`spawn(loop, [&]() -> Task<>
/// {...}())` would run a coroutine whose lambda, and so whose captures, are gone.)
template <detail::MakesTask F> auto spawn(IOLoop& loop, F f, Origin origin = Origin::here()) {
    auto closure = std::make_shared<F>(std::move(f));
    auto task = (*closure)();
    return detail::spawn(loop, std::move(task), std::move(closure), origin);
}

template <class T> void detail::spawn_kept(Task<T> task, std::shared_ptr<void> closure) {
    IOLoop& loop = loop_of_coroutine();
    spawn(loop, std::move(task), std::move(closure), loop.running_origin());
}

// ---- awaiting futures ---------------------------------------------------------------------------

namespace detail {

/// `moves`: the future is a temporary, and its value may be moved out.
template <class T, bool moves> class FutureAwaiter {
public:
    explicit FutureAwaiter(Future<T> future) : future_(std::move(future)) {
        if (!future_.valid()) refuse_null("co_await: empty future", Origin());
    }
    FutureAwaiter(const FutureAwaiter&) = delete;
    FutureAwaiter& operator=(const FutureAwaiter&) = delete;
    ~FutureAwaiter() {
        if (waiting_) *waiting_ = nullptr;
    }

    bool await_ready() const noexcept { return future_.done(); }
    template <class Promise> void await_suspend(std::coroutine_handle<Promise> handle) {
        if (may_wait()) wait();
        suspension_.suspend(handle);
    }
    std::conditional_t<moves, T, typename Outcome<T>::Reference> await_resume() {
        if constexpr (moves && !std::is_void_v<T> && !std::is_reference_v<T>) {
            // Others may share the value; what cannot be copied cannot have been meant for several.
            if constexpr (std::is_copy_constructible_v<T>) {
                if (future_.state_.use_count() > 1) return future_.result();
            }
            return std::move(future_.result());
        } else {
            return future_.result();
        }
    }

private:
    void wait() {
        waiting_ = std::make_shared<Suspension*>(&suspension_);
        future_.state_->when_done(
            Poster(loop_of_coroutine()),
            [waiting = waiting_] {
                if (*waiting != nullptr) (*waiting)->resume();
            },
            "co_await future");
    }

    Future<T> future_;
    Suspension suspension_;
    std::shared_ptr<Suspension*> waiting_; ///< null when it waits no more. Used on the loop's thread only
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
