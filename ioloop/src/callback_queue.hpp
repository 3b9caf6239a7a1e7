// SPDX-License-Identifier: MIT
/// CallbackQueue: callbacks on their way to the loop. Floor 1.
///
/// The only code that two threads touch. Other threads append to an inbox under a spin lock held for one
/// append; the loop's thread appends to the queue proper without one. Whoever looks at the queue on the
/// loop's thread first takes the inbox over, so what was posted before (in the sense of happens-before) runs
/// before.
///
/// No callable is run or destroyed under the lock: its destructor may post (tornado #1874 dead-locked there).
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/context.hpp>
#include <ioloop/function.hpp>
#include <ioloop/site.hpp>

#include <atomic>
#include <cstdint>
#include <memory_resource>
#include <vector>

namespace ioloop {

class CallbackQueue {
public:
    struct Item {
        Function<void()> callback;
        Chain chain;
        Context context;
        TimePoint posted_at{}; ///< zero: not stamped (yet)
        bool from_thread = false;
    };

    /// `memory` is used on the loop's thread only; the inbox uses the default resource, as any thread may
    /// grow it.
    explicit CallbackQueue(std::pmr::memory_resource* memory) : ring_(memory) {}

    /// False, with the item untouched, if closed. Thread: any.
    bool push_from_thread(Item&& item);
    /// The same on the loop's thread.
    bool push(Item&& item);

    /// True if another thread's post waits in the inbox. Sequentially consistent: read it after announcing
    /// to sleep, and a post either is seen here or sees the announcement. Thread: any.
    bool has_inbox() const noexcept { return inbox_filled_.load(std::memory_order_seq_cst); }

    /// Takes the inbox over and says how many are queued.
    std::size_t collect();
    /// As collect() would say. Takes the lock if the inbox has something.
    std::size_t size() const;
    bool empty() const noexcept { return count_ == 0 && !has_inbox(); }

    /// The first item. Requires: collect() gave more than 0.
    Item pop() noexcept;
    /// Requires: as pop().
    const Chain& front_chain() const noexcept { return ring_[head_].chain; }
    /// Counts every item ever popped: the id of the front.
    std::uint64_t front_id() const noexcept { return popped_; }

    /// The id of the next item that push() appends.
    std::uint64_t end_id() const noexcept { return popped_ + count_; }
    /// Stamps what push() has appended since end_id() was `first`, unless it is stamped.
    void stamp_from(std::uint64_t first, TimePoint now) noexcept {
        for (std::uint64_t id = first > popped_ ? first : popped_; id < popped_ + count_; ++id) {
            Item& item = ring_[(head_ + static_cast<std::size_t>(id - popped_)) & (ring_.size() - 1)];
            if (item.posted_at == TimePoint{}) item.posted_at = now;
        }
    }

    /// Calls f(id, item) in the order of running.
    template <class F> void for_each(F&& f) const {
        for (std::size_t i = 0; i < count_; ++i) f(popped_ + i, ring_[(head_ + i) & (ring_.size() - 1)]);
    }

    /// From now on pushes are refused. Thread: any.
    void close() noexcept;
    /// Destroys what is queued, outside the lock.
    void clear() noexcept;

private:
    class Lock;

    void append(Item&& item);
    void grow(std::size_t wanted);

    // Loop's thread.
    std::pmr::vector<Item> ring_; ///< size is a power of two
    std::size_t head_ = 0;
    std::size_t count_ = 0;
    std::uint64_t popped_ = 0;
    std::vector<Item> taken_; ///< the other half of the inbox: swapped, so that neither gives its memory back

    // Any thread, under the lock.
    mutable std::atomic<bool> locked_{false};
    std::vector<Item> inbox_;
    std::atomic<bool> inbox_filled_{false};
    std::atomic<bool> closed_{false};
};

} // namespace ioloop
