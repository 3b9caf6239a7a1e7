// SPDX-License-Identifier: MIT
#include "callback_queue.hpp"

#include <thread>
#include <utility>

namespace ioloop {

/// Test-and-set, then yield: the lock is held for one append, and costs half of a std::mutex once the
/// process has a second thread. Yielding keeps it fair where there are fewer cores than posters.
class CallbackQueue::Lock {
public:
    explicit Lock(std::atomic<bool>& locked) noexcept : locked_(locked) {
        for (int spins = 0; locked_.exchange(true, std::memory_order_acquire); ++spins) {
            if (spins >= 50) std::this_thread::yield();
        }
    }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    ~Lock() { locked_.store(false, std::memory_order_release); }

private:
    std::atomic<bool>& locked_;
};

bool CallbackQueue::push_from_thread(Function<void()>&& callback, CallbackLabel&& label) {
    const Lock lock(locked_);
    if (closed_.load(std::memory_order_relaxed)) return false;
    inbox_.push(std::move(callback), std::move(label));
    // If it says so already, the loop has not looked since, and will.
    if (!inbox_filled_.load(std::memory_order_relaxed)) inbox_filled_.store(true, std::memory_order_seq_cst);
    return true;
}

void CallbackQueue::take_inbox() noexcept {
    const Lock lock(locked_);
    arena_.take_over(inbox_);
    inbox_filled_.store(false, std::memory_order_relaxed);
}

std::size_t CallbackQueue::size() const noexcept {
    if (!has_inbox()) return arena_.size();
    const Lock lock(locked_);
    return arena_.size() + inbox_.size();
}

void CallbackQueue::close() noexcept {
    const Lock lock(locked_);
    closed_.store(true, std::memory_order_relaxed);
}

void CallbackQueue::clear() noexcept {
    // The destructors may post, which is refused if this is closed and else lands in a sound queue.
    for (std::size_t count = collect(); count > 0; --count) CallbackArena::Taken{arena_};
}

} // namespace ioloop
