// SPDX-License-Identifier: MIT
#include "signal_queue.hpp"

#include <utility>

namespace ioloop {

bool SignalQueue::push(Function<void()>&& callback, const Origin& origin, Room room) noexcept {
    if (closed_.load(std::memory_order_relaxed)) return false;
    const std::size_t places = room == Room::reserved ? ring_size : capacity;
    std::size_t position = tail_.load(std::memory_order_relaxed);
    for (;;) {
        // A head that was read too early makes the ring look fuller than it is, never emptier.
        if (position - head_.load(std::memory_order_acquire) >= places) {
            const std::size_t again = tail_.load(std::memory_order_relaxed);
            if (again == position) {
                refused_.fetch_add(1, std::memory_order_relaxed);
                return false;
            }
            position = again; // was read too long ago to mean anything
            continue;
        }
        // The slot is free: the consumer freed it before it moved the head past it. Who loses the race for
        // it (to another thread, or to the handler that interrupted us here) tries the next.
        if (tail_.compare_exchange_weak(position, position + 1, std::memory_order_relaxed)) break;
    }
    Slot& claimed = slot(position);
    claimed.entry.callback = std::move(callback);
    claimed.entry.origin = origin;
    claimed.published.store(position + 1); // sequentially consistent: see ready()
    return true;
}

void SignalQueue::pop() noexcept {
    const std::size_t position = head_.load(std::memory_order_relaxed);
    slot(position).entry.callback = nullptr;
    head_.store(position + 1, std::memory_order_release);
}

} // namespace ioloop
