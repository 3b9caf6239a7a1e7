// SPDX-License-Identifier: MIT
#include "biased_lock.hpp"

#include <thread>

namespace ioloop {

/// The calling thread's seat, in this use; null if another thread is inside.
BiasedLock::Seat* BiasedLock::take_over(Use use) {
    const std::lock_guard guard(mutex_);
    Seat* mine = nullptr;
    for (const auto& seat : seats_) {
        if (seat->thread == this_thread()) mine = seat.get();
    }
    if (mine == nullptr) mine = seats_.emplace_back(std::make_unique<Seat>(this_thread())).get();

    Seat* const other = seat_.exchange(mine);
    if (other != mine) {
        heavy_fence();
        for (;;) {
            const Use seen = other->use.load(std::memory_order_acquire);
            if (seen == Use::none) break;
            if (seen == Use::inside) {
                seat_.store(other);
                return nullptr;
            }
            std::this_thread::yield();
        }
    }
    mine->use.store(use, std::memory_order_relaxed);
    return mine;
}

} // namespace ioloop
