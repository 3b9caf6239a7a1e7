// SPDX-License-Identifier: MIT
#include "callback_queue.hpp"

#include "here.hpp"

#include <thread>
#include <utility>

namespace ioloop {

/// Test and test-and-set, then yield: the lock is held for one append, and costs half of a std::mutex once the
/// process has a second thread. Yielding keeps it fair where there are fewer cores than posters.
///
/// It knows who holds it, and lets him in again: an append moves a closure, whose constructors and destructors are anybody's,
/// and may post.
class CallbackQueue::Lock {
public:
    explicit Lock(std::atomic<const void*>& holder) noexcept : holder_(holder) {
        const void* found = nullptr;
        if (holder_.compare_exchange_strong(found, &here, std::memory_order_acquire,
                                            std::memory_order_relaxed)) [[likely]]
            return;
        again_ = found == &here;
        if (!again_) wait();
    }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    ~Lock() {
        if (!again_) holder_.store(nullptr, std::memory_order_release);
    }

private:
    void wait() noexcept {
        const void* found = nullptr;
        for (int spins = 0;; ++spins) {
            if (spins < 50) {
                pause();
            } else {
                std::this_thread::yield();
            }
            if (holder_.load(std::memory_order_relaxed) != nullptr) continue;
            found = nullptr;
            if (holder_.compare_exchange_weak(found, &here, std::memory_order_acquire,
                                              std::memory_order_relaxed))
                return;
        }
    }

    std::atomic<const void*>& holder_;
    bool again_ = false;
};

bool CallbackQueue::push_from_thread(Function<void()>&& callback, CallbackLabel&& label) {
    const Lock lock(holder_);
    if (closed()) return false;
    inbox_.push(std::move(callback), std::move(label));
    say_filled();
    return true;
}

bool CallbackQueue::push_from_thread(const CallbackArena::Operations& operations,
                                     detail::ClosureWords closure, SiteId site) {
    const Lock lock(holder_);
    if (closed()) return false;
    inbox_.push(operations, closure, site, true);
    say_filled();
    return true;
}

/// If it says so already, the loop has not looked since, and will.
inline void CallbackQueue::say_filled() noexcept {
    if (!has_inbox()) state_.fetch_or(filled, std::memory_order_seq_cst);
}

void CallbackQueue::take_inbox() noexcept {
    const Lock lock(holder_);
    arena_.take_over(inbox_);
    state_.fetch_and(static_cast<std::uint8_t>(~filled), std::memory_order_relaxed);
    streams_ = true;
}

void CallbackQueue::set_stamps(bool stamps) noexcept {
    if (stamps) {
        state_.fetch_or(stamped, std::memory_order_relaxed);
    } else {
        state_.fetch_and(static_cast<std::uint8_t>(~stamped), std::memory_order_relaxed);
    }
}

std::size_t CallbackQueue::size() const noexcept {
    if (!has_inbox()) return arena_.size();
    const Lock lock(holder_);
    return arena_.size() + inbox_.size();
}

void CallbackQueue::close() noexcept {
    const Lock lock(holder_);
    state_.fetch_or(refuses, std::memory_order_relaxed);
}

void CallbackQueue::close_alone() noexcept {
    if (!left_by_another()) return close();
    state_.store(refuses, std::memory_order_relaxed);
}

bool CallbackQueue::left_by_another() const noexcept {
    const void* const holder = holder_.load(std::memory_order_relaxed);
    return holder != nullptr && holder != &here;
}

void CallbackQueue::clear() noexcept {
    // The destructors may post, which is refused if this is closed and else lands in a sound queue.
    CallbackArena::Taker taker(arena_);
    for (std::size_t count = collect(); count > 0; --count) CallbackArena::Taken{taker};
}

} // namespace ioloop
