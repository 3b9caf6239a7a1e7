// SPDX-License-Identifier: MIT
/// SlotMap: objects under {slot, generation} ids, at addresses that never move. Floor 1.
///
/// Generations live here and nowhere else. A slot's generation is odd while it holds something, even while
/// it is free, and goes up by one on every change; so an id taken before a removal never names what came
/// after it. (After 2^31 uses of one slot it would; at a million a second on one slot that is 35 minutes of
/// holding a stale id.) They stand apart from the objects, close together: whether an id is valid is asked far more
/// often than for what it names.
///
/// Removal is in two steps, because a callable may remove itself while it runs: retire() ends the id at once,
/// release() destroys the object, when nobody stands inside it any more.
#pragma once

#include "free_slots.hpp"
#include "processor.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <type_traits>
#include <utility>
#include <vector>

namespace ioloop {

template <class T> class SlotMap {
public:
    struct Id {
        std::uint32_t slot;
        std::uint32_t generation;
    };

    explicit SlotMap(std::pmr::memory_resource* memory)
        : chunks_(memory),
          generations_(memory),
          free_(memory),
          memory_(memory) {}
    SlotMap(const SlotMap&) = delete;
    SlotMap& operator=(const SlotMap&) = delete;
    ~SlotMap() {
        for (std::uint32_t slot = 0; slot < end(); ++slot) {
            if (!free_.contains(slot)) std::destroy_at(&at(slot));
        }
        for (Cell* chunk : chunks_) memory_->deallocate(chunk, chunk_cells * sizeof(Cell), alignof(Cell));
    }

    /// Errors: std::bad_alloc, with nothing changed.
    template <class... Args> Id emplace(Args&&... args) {
        reserve();
        return emplace_reserved(std::forward<Args>(args)...);
    }
    /// The same where there is room. Requires: not full.
    template <class... Args> Id emplace_reserved(Args&&... args) noexcept {
        static_assert(std::is_nothrow_constructible_v<T, Args...>);
        const std::uint32_t slot = free_.take();
        std::construct_at(&cell(slot).object, std::forward<Args>(args)...);
        ++size_;
        return {slot, ++generations_[slot]};
    }

    /// emplace() would have to ask for memory.
    bool full() const noexcept { return free_.empty(); }
    /// Makes the next emplace() unable to fail. Errors: std::bad_alloc, with nothing changed.
    void reserve() {
        if (full()) grow();
    }

    /// True if the id names something (still). Looks at no object.
    bool contains(std::uint32_t slot, std::uint32_t generation) const noexcept {
        return slot < generations_.size() && generations_[slot] == generation && (generation & 1U) != 0;
    }
    /// Null if the id names nothing (any more).
    T* find(std::uint32_t slot, std::uint32_t generation) noexcept {
        return contains(slot, generation) ? &at(slot) : nullptr;
    }
    const T* find(std::uint32_t slot, std::uint32_t generation) const noexcept {
        return contains(slot, generation) ? &at(slot) : nullptr;
    }

    /// Requires: something lives in `slot`, retired or not.
    T& at(std::uint32_t slot) noexcept { return cell(slot).object; }
    const T& at(std::uint32_t slot) const noexcept { return cell(slot).object; }
    /// A hint that what is in `slot` will be wanted soon.
    void prefetch(std::uint32_t slot) const noexcept { ioloop::prefetch(&cell(slot), sizeof(Cell)); }
    std::uint32_t generation(std::uint32_t slot) const noexcept { return generations_[slot]; }

    /// Ends the id. The object stays until release().
    void retire(std::uint32_t slot) noexcept {
        ++generations_[slot];
        --size_;
    }
    /// Destroys a retired object and frees its slot. The destructor may use this map.
    void release(std::uint32_t slot) noexcept {
        std::destroy_at(&at(slot));
        free_.give(slot);
    }

    /// Objects with a valid id.
    std::uint32_t size() const noexcept { return size_; }
    /// One above the highest slot ever used.
    std::uint32_t end() const noexcept { return static_cast<std::uint32_t>(generations_.size()); }
    /// What end() will be after the next emplace().
    std::uint32_t end_after_emplace() const noexcept { return full() ? end() + chunk_cells : end(); }
    bool live(std::uint32_t slot) const noexcept { return (generation(slot) & 1U) != 0; }

    /// Calls f(slot, object) for every live object, by slot. `f` may retire and release any.
    template <class F> void for_each(F&& f) {
        for (std::uint32_t slot = 0; slot < end(); ++slot) {
            if (live(slot)) f(slot, at(slot));
        }
    }
    template <class F> void for_each(F&& f) const {
        for (std::uint32_t slot = 0; slot < end(); ++slot) {
            if (live(slot)) f(slot, at(slot));
        }
    }

private:
    static constexpr std::uint32_t chunk_cells = FreeSlots::word_bits;

    /// Room for an object. NOLINTBEGIN(modernize-use-equals-default): that would be deleted, for most
    union Cell {
        Cell() noexcept {}
        ~Cell() {}
        T object;
    };
    // NOLINTEND(modernize-use-equals-default)

    Cell& cell(std::uint32_t slot) const noexcept { return chunks_[slot / chunk_cells][slot % chunk_cells]; }

    void grow() {
        // Everything first gets room, then changes: a failure in between leaves it all as it was.
        const std::size_t slots = generations_.size() + chunk_cells;
        if (slots > generations_.capacity()) generations_.reserve(slots + slots / 4);
        if (chunks_.size() == chunks_.capacity()) chunks_.reserve(chunks_.size() * 2 + 1);
        free_.reserve_append();
        auto* chunk = static_cast<Cell*>(memory_->allocate(chunk_cells * sizeof(Cell), alignof(Cell)));
        std::uninitialized_default_construct_n(chunk, chunk_cells);
        chunks_.push_back(chunk);
        generations_.resize(slots);
        free_.append();
    }

    std::pmr::vector<Cell*> chunks_;
    std::pmr::vector<std::uint32_t> generations_; ///< by slot
    FreeSlots free_;
    std::pmr::memory_resource* memory_;
    std::uint32_t size_ = 0;
};

} // namespace ioloop
