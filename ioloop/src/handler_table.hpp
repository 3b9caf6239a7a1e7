// SPDX-License-Identifier: MIT
/// HandlerTable: which descriptor has which handler. Floor 1.
///
/// Found by number (registration) and by key (readiness): a key is slot and generation of one registration, so
/// readiness that was meant for an earlier owner of the number finds nothing.
#pragma once

#include "fd_map.hpp"
#include "slot_map.hpp"

#include <ioloop/context.hpp>
#include <ioloop/events.hpp>
#include <ioloop/fd.hpp>
#include <ioloop/flow.hpp>
#include <ioloop/function.hpp>
#include <ioloop/poller.hpp>
#include <ioloop/site.hpp>

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <vector>

namespace ioloop {

/// The program's object that stands for a descriptor, if it gave one; it goes with the registration.
struct DescriptorObject {
    std::shared_ptr<void> object;
    void (*close)(void* object) = nullptr; ///< null: it has no close() of its own
};

/// There is one for each idle connection of a server: so its order is that of sizes.
struct HandlerEntry {
    Function<void(Fd, Events)> handler;
    Chain chain;
    Context context;
    std::unique_ptr<DescriptorObject> object; ///< null: there is none, as a rule
    const Flow* flow = nullptr;               ///< its owner's; null: it counts nothing
    std::uint64_t calls = 0;
    std::uint64_t last_turn = 0; ///< of the last call
    std::uint32_t streak = 0;    ///< turns in a row in which it was ready
    Fd fd = invalid_fd;
    Events interest = Events::none;
    Events watched = Events::none; ///< what the poller was told last: the interest, and perhaps more
    Events last_ready = Events::none;
    bool running = false;   ///< on the stack; released by whoever called it
    bool unwatched = false; ///< not in the poller: runs while a nested turn waits, or is adrift
    bool reported = false;  ///< that it is adrift
    bool narrowed = false;  ///< remembered: the poller is to be told of a smaller interest
};

class HandlerTable {
public:
    explicit HandlerTable(std::pmr::memory_resource* memory)
        : entries_(memory),
          slots_(memory),
          removals_(memory) {}

    /// The entry of `fd`, or null.
    HandlerEntry* find(Fd fd) noexcept {
        const std::uint32_t slot = slots_.find(fd);
        return slot != FdMap::nowhere ? &entries_.at(slot) : nullptr;
    }
    /// The entry that `key` was made for, or null if it was removed.
    HandlerEntry* find_key(Poller::Key key) noexcept {
        return entries_.find(slot_of(key), generation_of(key));
    }
    /// Requires: find(fd) is not null.
    Poller::Key key_of(Fd fd) const noexcept;

    /// Puts an entry into a slot; not found by its number until bind(). Errors: std::bad_alloc, with nothing
    /// changed.
    Poller::Key emplace(HandlerEntry&& entry);
    /// Makes an emplaced entry the one of its number. The table grows up to it, so it should be one that the
    /// system knows.
    /// Requires: the number has none. Errors: std::bad_alloc, with nothing changed.
    void bind(Poller::Key key);
    /// bind() for a number that has an entry: ends that registration, as remove() does, but what is destroyed of it is left to
    /// the caller. Gives the entry, empty if it runs. Requires: find(at(key).fd) is not null.
    [[nodiscard]] HandlerEntry rebind(Poller::Key key, std::uint64_t turn);
    /// Takes out an entry that was not bound.
    void discard(Poller::Key key) noexcept;

    /// Ends the registration of `fd`; its readiness is stale from now on. The callable is destroyed, unless it
    /// runs: then by release(), by whoever runs it. Requires: find(fd) is not null.
    void remove(Fd fd, std::uint64_t turn) noexcept;
    void release(Poller::Key key) noexcept { entries_.release(slot_of(key)); }
    /// The entry of a key, alive or retired but not released.
    HandlerEntry& at(Poller::Key key) noexcept { return entries_.at(slot_of(key)); }

    /// How a registration came to its end, if `key` is of the last one of its slot.
    struct Removal {
        std::uint32_t turn = 0;     ///< the lower half of its number; the same again in months
        SiteId site = SiteId::none; ///< where it was registered

        bool was_in(std::uint64_t t) const noexcept { return turn == static_cast<std::uint32_t>(t); }
    };
    Removal removal_of(Poller::Key key) const noexcept;

    std::uint32_t size() const noexcept { return entries_.size(); }

    /// Calls f(key, entry) for every registration.
    template <class F> void for_each(F&& f) {
        entries_.for_each([&](std::uint32_t slot, HandlerEntry& entry) {
            f(make_key(slot, entries_.generation(slot)), entry);
        });
    }
    template <class F> void for_each(F&& f) const {
        entries_.for_each([&](std::uint32_t slot, const HandlerEntry& entry) {
            f(make_key(slot, entries_.generation(slot)), entry);
        });
    }

private:
    static Poller::Key make_key(std::uint32_t slot, std::uint32_t generation) noexcept {
        return (static_cast<Poller::Key>(generation) << 32U) | slot;
    }
    static std::uint32_t slot_of(Poller::Key key) noexcept { return static_cast<std::uint32_t>(key); }
    static std::uint32_t generation_of(Poller::Key key) noexcept {
        return static_cast<std::uint32_t>(key >> 32U);
    }

    SlotMap<HandlerEntry> entries_;
    FdMap slots_;                        ///< by number
    std::pmr::vector<Removal> removals_; ///< by slot: the last one
};

} // namespace ioloop
