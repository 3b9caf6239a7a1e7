// SPDX-License-Identifier: MIT
#include "raise.hpp"

#include <ioloop/spawn.hpp>

namespace ioloop::detail {

/// Those of a loop.
class Tasks final : public Service {
public:
    explicit Tasks(IOLoop&) {}
    /// The loop closes: what is suspended is destroyed, wherever it waits.
    ~Tasks() override {
        while (first_ != nullptr) {
            Spawned* task = first_;
            if (cancel_when_suspended(task)) {
                remove(task); // it is the one that closes the loop, and may go on to its next co_await
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

Spawned::~Spawned() { forget(this); }

void Spawned::launch(IOLoop& loop, std::shared_ptr<Spawned> spawned, const Origin& origin) {
    auto& tasks = loop.service<Tasks>("spawn");
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
    if (!cancel_when_suspended(this)) Tasks::destroy(this);
}

void cancel(Spawned* root) { root->cancel(); }

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

void refuse_empty_task() { raise(std::logic_error("co_await or spawn of an empty Task: it was moved from")); }

} // namespace ioloop::detail
