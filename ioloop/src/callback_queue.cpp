// SPDX-License-Identifier: MIT
#include "callback_queue.hpp"

#include <algorithm>
#include <bit>
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

bool CallbackQueue::push_from_thread(Item&& item) {
    const Lock lock(locked_);
    if (closed_.load(std::memory_order_relaxed)) return false;
    inbox_.push_back(std::move(item));
    inbox_filled_.store(true, std::memory_order_seq_cst);
    return true;
}

bool CallbackQueue::push(Item&& item) {
    if (closed_.load(std::memory_order_relaxed)) return false;
    if (has_inbox()) collect();
    append(std::move(item));
    return true;
}

std::size_t CallbackQueue::collect() {
    if (!has_inbox()) return count_;
    for (;;) {
        // Room first, and not under the lock; so that running out of memory leaves the inbox as it is.
        std::size_t wanted = 0;
        {
            const Lock lock(locked_);
            wanted = count_ + inbox_.size();
            if (wanted <= ring_.size()) {
                taken_.swap(inbox_);
                inbox_filled_.store(false, std::memory_order_seq_cst);
                break;
            }
        }
        grow(wanted);
    }
    for (Item& item : taken_) append(std::move(item));
    taken_.clear();
    return count_;
}

std::size_t CallbackQueue::size() const {
    if (!has_inbox()) return count_;
    const Lock lock(locked_);
    return count_ + inbox_.size();
}

CallbackQueue::Item CallbackQueue::pop() noexcept {
    Item item = std::move(ring_[head_]);
    head_ = (head_ + 1) & (ring_.size() - 1);
    --count_;
    ++popped_;
    return item;
}

void CallbackQueue::close() noexcept {
    const Lock lock(locked_);
    closed_.store(true, std::memory_order_relaxed);
}

void CallbackQueue::clear() noexcept {
    // The destructors may post, which is refused if this is closed and else lands in a sound, empty queue.
    std::vector<Item> dropped;
    {
        const Lock lock(locked_);
        dropped.swap(inbox_);
        inbox_filled_.store(false, std::memory_order_seq_cst);
    }
    while (count_ > 0) pop();
}

void CallbackQueue::append(Item&& item) {
    if (count_ == ring_.size()) grow(count_ + 1);
    ring_[(head_ + count_) & (ring_.size() - 1)] = std::move(item);
    ++count_;
}

void CallbackQueue::grow(std::size_t wanted) {
    std::pmr::vector<Item> larger(std::bit_ceil(std::max<std::size_t>(64, wanted)), ring_.get_allocator());
    for (std::size_t i = 0; i < count_; ++i) {
        larger[i] = std::move(ring_[(head_ + i) & (ring_.size() - 1)]);
    }
    ring_.swap(larger);
    head_ = 0;
}

} // namespace ioloop
