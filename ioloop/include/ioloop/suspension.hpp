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

#include <ioloop/context.hpp>

#include <coroutine>
#include <type_traits>

namespace ioloop {

class IOLoop; // io_loop.hpp

namespace detail {

class Spawned; ///< a task that belongs to a loop; spawn.hpp

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

template <class Promise> Spawned* root_of(std::coroutine_handle<Promise> handle) noexcept {
    if constexpr (std::is_base_of_v<CoroutinePromise, Promise>) {
        return handle.promise().root;
    } else {
        return nullptr;
    }
}

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

} // namespace detail

} // namespace ioloop
