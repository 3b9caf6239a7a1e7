// SPDX-License-Identifier: MIT
#include "raise.hpp"

#include <ioloop/task.hpp>

namespace ioloop::detail {
namespace {

/// A call of drive() on the stack.
struct Driver {
    Driver(Spawned* r, Driver*& innermost)
        : root(r),
          outer(std::exchange(innermost, this)),
          innermost_(innermost) {}
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;
    ~Driver() { innermost_ = outer; }

    void* running = nullptr;      ///< address of the coroutine that it has resumed
    std::coroutine_handle<> next; ///< that it resumes then
    Spawned* root;                ///< null when that is destroyed
    bool cancelled = false;       ///< root is to be destroyed when it is suspended
    Driver* const outer;

private:
    Driver*& innermost_;
};

constinit thread_local Driver* innermost_driver = nullptr;

/// The outermost call that runs `root`, or null: if it is on the stack it can not be destroyed.
Driver* driver_of(const Spawned* root) noexcept {
    Driver* found = nullptr;
    for (Driver* driver = innermost_driver; driver != nullptr; driver = driver->outer) {
        if (driver->root == root) found = driver;
    }
    return found;
}

} // namespace

// ---- how coroutines run -------------------------------------------------------------------------

std::coroutine_handle<> transfer(std::coroutine_handle<> from, std::coroutine_handle<> to) noexcept {
    // Resumed by drive(), as it should be: that goes on with `to` when `from` has come back to it.
    if (innermost_driver != nullptr && innermost_driver->running == from.address()) {
        innermost_driver->next = to;
        return std::noop_coroutine();
    }
    return to; // resumed by somebody else, an awaitable of the program
}

void drive(std::coroutine_handle<> handle, Spawned* root) {
    Spawned* destroy = nullptr;
    {
        Driver driver(root, innermost_driver);
        driver.next = handle;
        while (driver.next) {
            const auto next = std::exchange(driver.next, nullptr);
            driver.running = next.address();
            next.resume();
        }
        if (driver.cancelled) destroy = driver.root;
    }
    if (destroy != nullptr) destroy->cancel();
}

void cancel(Spawned* root) { root->cancel(); }

bool is_running(const Spawned* root) noexcept { return root != nullptr && driver_of(root) != nullptr; }

void refuse_empty_task() { raise(std::logic_error("co_await or spawn of an empty Task: it was moved from")); }

bool may_wait() noexcept {
    if (innermost_driver == nullptr || innermost_driver->root == nullptr) return true;
    return !driver_of(innermost_driver->root)->cancelled;
}

IOLoop& loop_of_coroutine() {
    IOLoop* loop = IOLoop::current(false);
    if (loop == nullptr) raise(std::logic_error("co_await: no loop is current on this thread"));
    return *loop;
}

// ---- spawned tasks ------------------------------------------------------------------------------

/// Those of a loop.
class Tasks final : public Service {
public:
    explicit Tasks(IOLoop&) {}
    /// The loop closes: what is suspended is destroyed, wherever it waits.
    ~Tasks() override {
        while (first_ != nullptr) {
            Spawned* task = first_;
            if (Driver* driver = driver_of(task)) {
                remove(task); // it is the one that closes the loop, and may go on to its next co_await
                driver->cancelled = true;
            } else {
                destroy(task);
            }
        }
    }

    void adopt(std::shared_ptr<Spawned> task) noexcept {
        Spawned* t = task.get();
        t->self_ = std::move(task);
        t->tasks_ = this;
        t->next_ = first_;
        if (first_ != nullptr) first_->previous_ = t;
        first_ = t;
    }

    static void destroy(Spawned* task) noexcept {
        const auto self = std::move(task->self_);
        if (task->tasks_ != nullptr) task->tasks_->remove(task);
    }
    static void end(void* owner) {
        auto* task = static_cast<Spawned*>(owner);
        task->give_result();
        destroy(task);
    }

private:
    void remove(Spawned* task) noexcept {
        (task->previous_ != nullptr ? task->previous_->next_ : first_) = task->next_;
        if (task->next_ != nullptr) task->next_->previous_ = task->previous_;
        task->next_ = task->previous_ = nullptr;
        task->tasks_ = nullptr;
    }

    Spawned* first_ = nullptr;
};

Spawned::~Spawned() {
    for (Driver* driver = innermost_driver; driver != nullptr; driver = driver->outer) {
        if (driver->root == this) driver->root = nullptr;
    }
}

void Spawned::launch(IOLoop& loop, std::shared_ptr<Spawned> spawned, const Origin& origin) {
    auto& tasks = loop.service<Tasks>();
    spawned->runner_.prepare(spawned.get(), &Tasks::end, spawned.get());
    const std::weak_ptr<Spawned> weak = spawned;
    tasks.adopt(std::move(spawned));
    const NullContext none; // it has its own
    loop.add_callback(
        [weak] {
            Spawned* task = weak.lock().get(); // null: cancelled before it began
            if (task == nullptr) return;
            struct Start {
                ~Start() {
                    const auto waiting = spawned.lock();
                    if (waiting && !entered) waiting->cancel();
                }
                const std::weak_ptr<Spawned>& spawned;
                bool entered = false;
            } start{weak};
            task->runner_.start(start.entered);
        },
        origin);
}

void Spawned::cancel() {
    if (Driver* driver = driver_of(this)) {
        driver->cancelled = true;
    } else {
        Tasks::destroy(this);
    }
}

void Spawned::cancel_on_its_thread(const Poster& loop, const std::weak_ptr<Spawned>& spawned) {
    const auto cancel = [spawned] {
        if (Spawned* task = spawned.lock().get()) task->cancel(); // else it has ended
    };
    if (loop.on_loop_thread()) {
        cancel();
    } else {
        loop.spawn_callback(cancel, "cancelled by another thread");
    }
}

} // namespace ioloop::detail
