// SPDX-License-Identifier: MIT
/// Suspension: a coroutine that waits for the loop to call. Floor 3.
///
/// Part of every awaiter here, and of those that you write; sleep.hpp is the smallest.
///
/// Coroutines do not resume each other: drive() resumes one after the other, so that those that await each other take
/// no stack, however many there are.
///
/// Thread: that of the loop.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/context.hpp>
#include <ioloop/origin.hpp>
#include <ioloop/snapshot.hpp>

#include <coroutine>
#include <cstdint>
#include <type_traits>

namespace ioloop {

class IOLoop; // io_loop.hpp

namespace detail {

class Spawned; ///< a task that belongs to a loop; spawn.hpp

/// What all coroutines of this library have.
struct CoroutinePromise {
    Spawned* root = nullptr;                    ///< as part of which it runs
    std::coroutine_handle<> continuation;       ///< who awaits it
    const CoroutinePromise* awaiting = nullptr; ///< the same, if it is of this library
    Origin awaited_at;                          ///< where that is
};

/// Goes on with `to` when `from` has been suspended: returned from its await_suspend().
std::coroutine_handle<> transfer(std::coroutine_handle<> from, std::coroutine_handle<> to) noexcept;

/// Runs a coroutine in its context, and those that it transfers to, until all of them wait. `entered` is set when it begins:
/// not if the context cannot be entered.
void drive(SuspendedContext& context, std::coroutine_handle<> handle, Spawned* root, bool& entered);

/// True while a coroutine that is part of `root` is on the stack of this thread.
bool is_running(const Spawned* root) noexcept;

/// Lets `root` be cancelled when it is suspended next. False if it is not running: then the caller does it.
bool cancel_when_suspended(const Spawned* root) noexcept;

/// Nothing will be done with `root` any more: it is being destroyed.
void forget(const Spawned* root) noexcept;

/// Spawned::cancel().
void cancel(Spawned* root);

/// False if the coroutine that runs is cancelled: it is destroyed as soon as it waits. Then an awaiter arranges
/// nothing, as the loop may be gone.
bool may_wait() noexcept;

/// The loop that runs on this thread. Errors: logic_error if none does.
IOLoop& loop_of_coroutine();

/// Its promise if it is of this library, else null.
template <class Promise> CoroutinePromise* promise_of(std::coroutine_handle<Promise> handle) noexcept {
    if constexpr (std::is_base_of_v<CoroutinePromise, Promise>) {
        return &handle.promise();
    } else {
        return nullptr;
    }
}
template <class Promise> Spawned* root_of(std::coroutine_handle<Promise> handle) noexcept {
    const CoroutinePromise* promise = promise_of(handle);
    return promise != nullptr ? promise->root : nullptr;
}

/// Whether it is a co_await in spawn(), all() and their like: of the program are those around it.
bool is_ours(const Origin& place) noexcept;
/// The innermost that is not: `at`, or around it.
const Origin& place_of(const Origin& at, const CoroutinePromise* promise) noexcept;

/// What is waited for, for the inspector.
struct Wait {
    WaitFor what = WaitFor::future;
    std::uint64_t id = 0;       ///< WaitInfo::id
    const Origin* of = nullptr; ///< where the work began whose result is awaited. Lifetime: the Suspension's
};

class Suspension {
public:
    Suspension() = default;
    Suspension(const Suspension&) = delete;
    Suspension& operator=(const Suspension&) = delete;
    ~Suspension() {
        unlink();
        if (inside_another_) keep_contexts();
    }

    /// In await_suspend(), when everything that can fail is done. `at` is the co_await: await_suspend()'s own
    /// `Origin at = Origin::here()`.
    template <class Promise>
    void suspend(std::coroutine_handle<Promise> handle, const Origin& at, const Wait& wait) noexcept {
        handle_ = handle;
        root_ = root_of(handle);
        promise_ = promise_of(handle);
        at_ = at;
        wait_ = wait;
        if (root_ != nullptr) link();
        leave_contexts();
    }
    /// Says better what it waits for.
    void wait_for(const Wait& wait) noexcept { wait_ = wait; }
    /// place_of() this.
    const Origin& place() const noexcept { return place_of(at_, promise_); }
    /// In the callable that the loop calls. The awaiter may be gone when it returns.
    void resume();

private:
    friend class Spawned;
    friend class Tasks;

    void leave_contexts() noexcept;
    void keep_contexts() noexcept;
    void link() noexcept; ///< among those of its root
    void unlink() noexcept {
        if (link_ == nullptr) return;
        *link_ = next_;
        if (next_ != nullptr) next_->link_ = link_;
        link_ = nullptr;
    }

    std::coroutine_handle<> handle_;
    Spawned* root_ = nullptr;
    SuspendedContext context_;
    bool inside_another_ = false; ///< suspended while a coroutine of this library ran, and not as that one

    // For the inspector.
    const CoroutinePromise* promise_ = nullptr;
    Origin at_;
    Wait wait_;
    TimePoint since_{};
    Suspension* next_ = nullptr;
    Suspension** link_ = nullptr; ///< null while it does not wait
};

} // namespace detail

} // namespace ioloop
