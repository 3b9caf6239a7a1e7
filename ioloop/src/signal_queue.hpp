// SPDX-License-Identifier: MIT
/// SignalQueue: callbacks on their way from signal handlers to the loop. Floor 1.
///
/// A bounded ring for many producers and one consumer (Vyukov's, with a number in each slot). A
/// producer claims a slot, fills it and publishes it; there is no lock and no allocation, so it may be a
/// signal handler, and may be interrupted by another one between any two instructions. Slots are taken out in
/// the order of the claims: the consumer stops at a slot that is claimed and not yet published, and is woken
/// again by whoever publishes it.
///
/// What is in the ring is trivially copyable, and so needs no destructor: closing has nothing to wait for.
#pragma once

#include <ioloop/function.hpp>
#include <ioloop/origin.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ioloop {

class SignalQueue {
public:
    /// Places for add_callback_from_signal(); beyond them it is refused.
    static constexpr std::size_t capacity = 64;

    struct Entry {
        Function<void()> callback; ///< inline, and relocated as bytes
        Origin origin;             ///< not interned: that may allocate
    };

    enum class Room : std::uint8_t {
        ordinary,
        reserved, ///< may use the second half too. For those of whom there are no more than `capacity`
    };

    /// False, and counted, if there is no room or the queue is closed. Requires: the callable is trivially
    /// copyable and lives inside the Function. Thread: any, signal-safe.
    bool push(Function<void()>&& callback, const Origin& origin, Room room) noexcept;
    /// From now on pushes are refused. Thread: any.
    void close() noexcept { closed_.store(true); }

    /// True if front() may be looked at. Sequentially consistent: read it after announcing to sleep, and a
    /// push either is seen here or sees the announcement.
    bool ready() const noexcept {
        const std::size_t head = head_.load(std::memory_order_relaxed);
        return slot(head).published.load() == head + 1;
    }
    /// Requires: ready().
    Entry& front() noexcept { return slot(head_.load(std::memory_order_relaxed)).entry; }
    void pop() noexcept;

    /// Claimed and not taken out yet; a moment's number. Thread: any.
    std::size_t size() const noexcept {
        return tail_.load(std::memory_order_relaxed) - head_.load(std::memory_order_relaxed);
    }
    /// Pushes for which there was no room. Thread: any.
    std::uint64_t refused() const noexcept { return refused_.load(std::memory_order_relaxed); }

private:
    static constexpr std::size_t ring_size = 2 * capacity; ///< a power of two

    struct Slot {
        std::atomic<std::size_t> published{0}; ///< the position that it holds or held, plus one
        Entry entry;
    };

    Slot& slot(std::size_t position) noexcept { return ring_[position & (ring_size - 1)]; }
    const Slot& slot(std::size_t position) const noexcept { return ring_[position & (ring_size - 1)]; }

    static_assert((ring_size & (ring_size - 1)) == 0);
    static_assert(std::atomic<std::size_t>::is_always_lock_free, "a signal handler may touch it");
    static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<bool>::is_always_lock_free,
                  "a signal handler may touch it");

    std::array<Slot, ring_size> ring_;
    std::atomic<std::size_t> tail_{0}; ///< the next to be claimed
    std::atomic<std::size_t> head_{0}; ///< the next to be taken out; written by the consumer
    std::atomic<std::uint64_t> refused_{0};
    std::atomic<bool> closed_{false};
};

} // namespace ioloop
