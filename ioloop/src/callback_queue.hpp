// SPDX-License-Identifier: MIT
/// CallbackQueue: callbacks on their way to the loop. Floor 1.
///
/// The only code that two threads touch. The loop's thread appends to the queue proper without a lock; other threads append
/// to an inbox, under a spin lock held for one append. Whoever looks at the queue on the loop's thread first takes the
/// inbox over, so what was posted before (in the sense of happens-before) runs before.
///
/// No callable is run or destroyed under the lock: its destructor may post (tornado #1874 dead-locked there).
#pragma once

#include "callback_arena.hpp"
#include "processor.hpp"

#include <atomic>
#include <cstddef>
#include <memory_resource>

namespace ioloop {

class CallbackQueue {
public:
    /// `memory` is used on the loop's thread only; the inbox uses the default resource, as any thread may
    /// grow it.
    explicit CallbackQueue(std::pmr::memory_resource* memory)
        : arena_(memory),
          inbox_(std::pmr::get_default_resource()) {}

    /// False, with the callback untouched, if closed. Thread: any.
    bool push_from_thread(Function<void()>&& callback, CallbackLabel&& label);
    /// The same for the words of a closure, with a plain label.
    bool push_from_thread(const CallbackArena::Operations& operations, detail::ClosureWords closure,
                          SiteId site);
    /// The same on the loop's thread.
    bool push(Function<void()>&& callback, CallbackLabel&& label) {
        if (closed()) return false;
        if (has_inbox()) take_inbox();
        arena_.push(std::move(callback), std::move(label));
        return true;
    }
    /// True if nothing stands before a push on the loop's thread: it is not refused, not to be stamped, and the inbox is
    /// empty.
    bool is_clear() const noexcept { return state_.load(std::memory_order_relaxed) == 0; }
    /// Whether who posts notes the time, for an observer: label and all. Thread: any.
    bool stamps() const noexcept { return (state_.load(std::memory_order_relaxed) & stamped) != 0; }
    void set_stamps(bool stamps) noexcept;

    /// True if another thread's post waits in the inbox. Sequentially consistent: read it after announcing
    /// to sleep, and a post either is seen here or sees the announcement. Thread: any.
    bool has_inbox() const noexcept { return (state_.load(std::memory_order_seq_cst) & filled) != 0; }

    /// Takes the inbox over and says how many are queued.
    std::size_t collect() noexcept {
        if (has_inbox()) take_inbox();
        return arena_.size();
    }
    /// Before collect(), where the loop has time: if posts of other threads come so fast that it does not get to sleep, gives them
    /// a moment to gather. Taking a few from under the hands of who posts costs both threads more than the posts: their
    /// processors' caches hand each other what either has just written.
    void let_gather() const noexcept {
        if (!streams_ || !has_inbox()) return;
        for (int i = 0; i < 64; ++i) pause(); // a microsecond or two
    }
    /// The loop goes to sleep.
    void calm_down() noexcept { streams_ = false; }
    /// As collect() would say. Takes the lock if the inbox has something. Thread: any.
    std::size_t size() const noexcept;
    /// Thread: any.
    bool empty() const noexcept { return arena_.empty() && !has_inbox(); }

    /// What was collected.
    CallbackArena& queued() noexcept { return arena_; }
    const CallbackArena& queued() const noexcept { return arena_; }

    /// From now on pushes are refused. Thread: any.
    void close() noexcept;
    /// The same in a forked child, where there is no other thread. One may have been in the middle of a post at the fork: what
    /// is in the inbox stays there then.
    void close_alone() noexcept;
    /// So it is: then the inbox is half written, and may not be destroyed.
    bool left_by_another() const noexcept;
    /// Destroys what is queued, outside the lock.
    void clear() noexcept;

private:
    class Lock;

    enum State : std::uint8_t {
        filled = 1,  ///< the inbox has something
        refuses = 2, ///< closed
        stamped = 4,
    };
    bool closed() const noexcept { return (state_.load(std::memory_order_relaxed) & refuses) != 0; }
    void take_inbox() noexcept;
    void say_filled() noexcept;

    // Three places, each with cache lines of its own: the loop writes to the first with each callback that it runs, the
    // others to the third with each post, and the second, where both look all the time, changes once a batch.
    CallbackArena arena_;

    /// Of State: none is the rule, and one look tells.
    alignas(cache_line) std::atomic<std::uint8_t> state_{0};
    bool streams_ = false; ///< of the loop's thread: the inbox was taken since it slept

    // Any thread, under the lock.
    alignas(cache_line) mutable std::atomic<const void*> holder_{nullptr}; ///< see Lock
    CallbackArena inbox_;
};

} // namespace ioloop
