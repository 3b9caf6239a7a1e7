// SPDX-License-Identifier: MIT
#include "here.hpp"
#include "raise.hpp"

#include <ioloop/io_loop.hpp>
#include <ioloop/suspension.hpp>

#include <string_view>
#include <utility>

namespace ioloop::detail {
namespace {

struct Driver;
constinit thread_local Driver* innermost_driver = nullptr;

/// A call of drive() on the stack. From before the context is entered to after it is left: what is called for that may cancel
/// `root`, which is then destroyed here.
struct Driver {
    explicit Driver(Spawned* r) : root(r), outer(std::exchange(innermost_driver, this)) {}
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;
    ~Driver() {
        innermost_driver = outer;
        destroy_if_cancelled();
    }
    void run(SuspendedContext& context, std::coroutine_handle<> handle, bool& entered);
    void destroy_if_cancelled() noexcept {
        if (!cancelled) return;
        if (Spawned* const r = std::exchange(root, nullptr)) cancel(r);
    }

    void* running = nullptr;           ///< address of the coroutine that it has resumed
    std::coroutine_handle<> next;      ///< that it resumes then
    SuspendedContext* inner = nullptr; ///< of another library's coroutine, inside the one that runs
    Spawned* root;                     ///< null when that is destroyed
    bool cancelled = false;            ///< root is to be destroyed when it is suspended
    Driver* const outer;
};

void Driver::run(SuspendedContext& context, std::coroutine_handle<> handle, bool& entered) {
    context.resume([&] {
        entered = true;
        if (!cancelled) next = handle;
        while (next) {
            const auto resumed = std::exchange(next, nullptr);
            running = resumed.address();
            resumed.resume();
        }
        running = nullptr; // somebody else may have its address before the context is left
        // Contexts are open still: what runs here waits for another library's coroutine, which takes them along.
        SuspendedContext* const within = std::exchange(inner, nullptr);
        if (within != nullptr && here.blocks != nullptr) within->suspend();
        destroy_if_cancelled();
    });
}

/// The outermost call that runs `root`, or null: if it is on the stack it can not be destroyed.
Driver* driver_of(const Spawned* root) noexcept {
    Driver* found = nullptr;
    for (Driver* driver = innermost_driver; driver != nullptr; driver = driver->outer) {
        if (driver->root == root) found = driver;
    }
    return found;
}

} // namespace

std::coroutine_handle<> transfer(std::coroutine_handle<> from, std::coroutine_handle<> to) noexcept {
    // Resumed by drive(), as it should be: that goes on with `to` when `from` has come back to it.
    if (innermost_driver != nullptr && innermost_driver->running == from.address()) {
        innermost_driver->next = to;
        return std::noop_coroutine();
    }
    return to; // resumed by somebody else, an awaitable of the program
}

bool is_ours(const Origin& place) noexcept {
    const std::string_view file = place.file;
    return place.line == 0 || file.ends_with("ioloop/spawn.hpp") || file.ends_with("ioloop/join.hpp");
}

const Origin& place_of(const Origin& at, const CoroutinePromise* promise) noexcept {
    const Origin* place = &at;
    for (; is_ours(*place); promise = promise->awaiting) {
        if (promise == nullptr) return at;
        place = &promise->awaited_at;
    }
    return *place;
}

void drive(SuspendedContext& context, std::coroutine_handle<> handle, Spawned* root, bool& entered) {
    Driver(root).run(context, handle, entered);
}

void Suspension::resume() {
    Driver driver(root_);
    struct Enter {
        ~Enter() {
            if (!entered && driver.root != nullptr) cancel(driver.root); // it would wait for ever
        }
        Driver& driver;
        bool entered = false;
    } enter{driver};
    unlink();
    if (inside_another_) keep_contexts();
    driver.run(context_, handle_, enter.entered);
}

void Suspension::leave_contexts() noexcept {
    Driver* const driver = innermost_driver;
    if (driver == nullptr || driver->running == handle_.address() || !here.in_coroutine)
        return context_.suspend();
    // Another library's coroutine, inside one of this. If that one waits for it, the contexts that are open go now; if it has
    // only begun it, they are its own, and stay. Which, shows when it waits itself.
    context_.begin();
    if (driver->running == nullptr) return;
    driver->inner = &context_;
    inside_another_ = true;
}

void Suspension::keep_contexts() noexcept {
    inside_another_ = false;
    for (Driver* driver = innermost_driver; driver != nullptr; driver = driver->outer) {
        if (driver->inner == &context_) driver->inner = nullptr;
    }
}

bool is_running(const Spawned* root) noexcept { return root != nullptr && driver_of(root) != nullptr; }

bool cancel_when_suspended(const Spawned* root) noexcept {
    Driver* const driver = driver_of(root);
    if (driver != nullptr) driver->cancelled = true;
    return driver != nullptr;
}

void forget(const Spawned* root) noexcept {
    for (Driver* driver = innermost_driver; driver != nullptr; driver = driver->outer) {
        if (driver->root == root) driver->root = nullptr;
    }
}

bool may_wait() noexcept {
    const Driver* const driver = innermost_driver;
    if (driver == nullptr || driver->running == nullptr || driver->root == nullptr) return true;
    return !driver_of(driver->root)->cancelled;
}

IOLoop& loop_of_coroutine() {
    IOLoop* loop = IOLoop::current(false);
    if (loop == nullptr) raise(std::logic_error("co_await: no loop is current on this thread"));
    return *loop;
}

} // namespace ioloop::detail
