// SPDX-License-Identifier: MIT
#include "raise.hpp"

#include <ioloop/site.hpp>
#include <ioloop/spawn.hpp>

#include <atomic>
#include <cstddef>

namespace ioloop::detail {
namespace {

std::atomic<std::uint64_t> tasks_made{0};

/// The co_awaits that it is in, the innermost first: as many as a Chain has room for.
Chain places(const Origin& at, const CoroutinePromise* promise) {
    Chain chain;
    std::size_t count = 0;
    const auto add = [&](const Origin& place) {
        if (!is_ours(place)) chain.sites[count++] = site_of(place);
    };
    add(at);
    for (; promise != nullptr && count < chain.sites.size(); promise = promise->awaiting)
        add(promise->awaited_at);
    return chain;
}

} // namespace

/// Those of a loop.
class Tasks final : public Service {
public:
    explicit Tasks(IOLoop& loop) : loop_(loop) {}
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

    void list(Snapshot& out) const override {
        for (const Spawned* task = first_; task != nullptr; task = task->next_) {
            using State = TaskInfo::State;
            const State state = is_running(task) ? State::running
                                : task->begun_   ? State::waiting
                                                 : State::queued;
            out.tasks.push_back({task->id_, task->chain_.origin(), task->chain_, task->since_, state});
            for (const Suspension* wait = task->waits_; wait != nullptr; wait = wait->next_) {
                const Wait& what = wait->wait_;
                out.waits.push_back({task->id_, what.id, places(wait->at_, wait->promise_),
                                     what.of != nullptr ? site_of(*what.of) : SiteId::none, wait->since_,
                                     what.what});
            }
        }
    }
    TimePoint now() const noexcept { return loop_.now(); }

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

    IOLoop& loop_;
    Spawned* first_ = nullptr;
};

Spawned::Spawned() noexcept : id_(tasks_made.fetch_add(1, std::memory_order_relaxed) + 1) {}

Spawned::~Spawned() {
    forget(this);
    while (waits_ != nullptr) waits_->unlink();
}

void Suspension::link() noexcept {
    unlink();
    if (root_->tasks_ != nullptr) since_ = root_->tasks_->now();
    next_ = root_->waits_;
    if (next_ != nullptr) next_->link_ = &next_;
    link_ = &root_->waits_;
    root_->waits_ = this;
}

void Spawned::launch(IOLoop& loop, std::shared_ptr<Spawned> spawned, const Origin& origin) {
    auto& tasks = loop.service<Tasks>("spawn");
    spawned->runner_.prepare(spawned.get(), &Tasks::end, spawned.get());
    spawned->chain_ = loop.running_chain().then(site_of(origin));
    spawned->since_ = loop.now();
    const std::weak_ptr<Spawned> weak = spawned;
    struct Undo { // if there is no room for the callback: nobody would ever begin it
        ~Undo() {
            if (!posted) Tasks::destroy(task);
        }
        Spawned* task;
        bool posted = false;
    } undo{spawned.get()};
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
            task->begun_ = true;
            task->runner_.start(start.entered);
        },
        origin);
    undo.posted = true;
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
