// SPDX-License-Identifier: MIT
/// spawn: a task begins, as one that belongs to a loop. Floor 3.
///
///     Future<std::string> answer = spawn(loop, ask(fd, "who's there?"));
///
/// Below task.hpp, as a task that a callback returns is spawned too. Include that one.
#pragma once

#include <ioloop/future.hpp>
#include <ioloop/io_loop.hpp>
#include <ioloop/outcome.hpp>
#include <ioloop/poster.hpp>
#include <ioloop/suspension.hpp>

#include <concepts>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

namespace ioloop {

template <class T = void> class Task; // task.hpp

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
    /// The same, for `parent`, which waits for it. It may be null.
    void prepare(Spawned* root, const CoroutinePromise* parent, void (*ended)(void*), void* owner) noexcept {
        prepare(root, ended, owner);
        handle_.promise().awaiting = parent;
    }
    /// Runs until it waits or has ended. `entered` is set when it begins: not if its context cannot be entered.
    void start(bool& entered) const {
        promise_type& promise = handle_.promise();
        drive(promise.context, handle_, promise.root, entered); // this object may be gone when it returns
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
    Spawned() noexcept;
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
    std::uint64_t id() const noexcept { return id_; }

    Runner runner_;

private:
    friend class Suspension;
    friend class Tasks;
    virtual void give_result() = 0; ///< it has ended

    std::shared_ptr<Spawned> self_; ///< while a loop owns it
    Spawned* next_ = nullptr;       ///< of that loop's
    Spawned* previous_ = nullptr;
    class Tasks* tasks_ = nullptr;

    // For the inspector.
    const std::uint64_t id_;
    Chain chain_; ///< of the spawn() call
    TimePoint since_{};
    Suspension* waits_ = nullptr; ///< where it is suspended, the latest first
    bool begun_ = false;
};

template <class T> class SpawnedTask final : public Spawned {
public:
    SpawnedTask(IOLoop& loop, Task<T> task, std::shared_ptr<void> closure, const Origin& origin)
        : closure_(std::move(closure)),
          promise_(loop, origin) {
        promise_.state_->made_by(WaitFor::task, id());
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

[[noreturn]] void refuse_empty_task();

template <class T>
Future<T> spawn(IOLoop& loop, Task<T> task, std::shared_ptr<void> closure, const Origin& origin) {
    if (!task.valid()) refuse_empty_task();
    auto spawned = std::make_shared<SpawnedTask<T>>(loop, std::move(task), std::move(closure), origin);
    Future<T> future = spawned->future();
    spawned->cancel_with_future(loop, spawned);
    Spawned::launch(loop, std::move(spawned), origin);
    return future;
}

template <class R> inline constexpr bool is_task = false;
template <class T> inline constexpr bool is_task<Task<T>> = true;

/// A function that is a coroutine of this library, or calls one.
template <class F>
concept MakesTask = std::invocable<F&> && is_task<std::invoke_result_t<F&>>;

} // namespace detail

/// Gives a task to the loop: it begins in the next turn, in the context that is current now. Drop the future to let it
/// go its way; cancel() it to end it.
/// Errors: logic_error if the task is empty, or the loop closed. Thread: the loop's.
template <class T> Future<T> spawn(IOLoop& loop, Task<T> task, Origin origin = Origin::here()) {
    return detail::spawn(loop, std::move(task), nullptr, origin);
}

/// The same for a function that makes the task; a closure is kept until the task has ended. (`spawn(loop, [&]() -> Task<>
/// {...}())` would run a coroutine whose lambda, and so whose captures, are gone.)
/// Errors: also invalid_argument if the function is null, and what it throws.
template <detail::MakesTask F> auto spawn(IOLoop& loop, F f, Origin origin = Origin::here()) {
    if (detail::is_null(f)) detail::refuse_null("spawn: null function", origin);
    auto closure = std::make_shared<F>(std::move(f));
    auto task = (*closure)();
    return detail::spawn(loop, std::move(task), std::move(closure), origin);
}

namespace detail {

/// What becomes of a task that a callable returns.
template <class T> void spawn_kept(Task<T> task, std::shared_ptr<void> closure) {
    IOLoop& loop = loop_of_coroutine();
    spawn(loop, std::move(task), std::move(closure), loop.running_origin());
}

} // namespace detail

} // namespace ioloop
