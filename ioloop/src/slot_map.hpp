// SPDX-License-Identifier: MIT
/// SlotMap: objects under {slot, generation} ids, at addresses that never move. Floor 1.
///
/// Generations live here and nowhere else. A slot's generation is odd while it holds something, even while
/// it is free, and goes up by one on every change; so an id taken before a removal never names what came
/// after it. (After 2^31 uses of one slot it would; at a million a second on one slot that is 35 minutes of
/// holding a stale id.)
///
/// Removal is in two steps, because a callable may remove itself while it runs: retire() ends the id at once,
/// release() destroys the object, when nobody stands inside it any more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <new>
#include <utility>
#include <vector>

namespace ioloop {

template <class T> class SlotMap {
public:
    struct Id {
        std::uint32_t slot;
        std::uint32_t generation;
    };

    explicit SlotMap(std::pmr::memory_resource* memory) : chunks_(memory), memory_(memory) {}
    SlotMap(const SlotMap&) = delete;
    SlotMap& operator=(const SlotMap&) = delete;
    ~SlotMap() {
        for (std::uint32_t slot = 0; slot < end_; ++slot) {
            if (cell(slot).occupied) std::destroy_at(cell(slot).object());
        }
        for (Cell* chunk : chunks_) memory_->deallocate(chunk, chunk_cells * sizeof(Cell), alignof(Cell));
    }

    /// Errors: std::bad_alloc, with nothing changed.
    template <class... Args> Id emplace(Args&&... args) {
        if (free_ == no_slot) grow();
        const std::uint32_t slot = free_;
        Cell& c = cell(slot);
        ::new (static_cast<void*>(c.storage)) T(std::forward<Args>(args)...);
        free_ = c.next_free;
        c.occupied = true;
        ++c.generation;
        ++size_;
        return {slot, c.generation};
    }

    /// Null if the id names nothing (any more).
    T* find(std::uint32_t slot, std::uint32_t generation) noexcept {
        if (slot >= end_) return nullptr;
        Cell& c = cell(slot);
        return c.generation == generation && (generation & 1U) != 0 ? c.object() : nullptr;
    }
    const T* find(std::uint32_t slot, std::uint32_t generation) const noexcept {
        return const_cast<SlotMap*>(this)->find(slot, generation);
    }

    /// Requires: something lives in `slot`, retired or not.
    T& at(std::uint32_t slot) noexcept { return *cell(slot).object(); }
    const T& at(std::uint32_t slot) const noexcept {
        return *const_cast<SlotMap*>(this)->cell(slot).object();
    }
    std::uint32_t generation(std::uint32_t slot) const noexcept {
        return const_cast<SlotMap*>(this)->cell(slot).generation;
    }

    /// Ends the id. The object stays until release().
    void retire(std::uint32_t slot) noexcept {
        ++cell(slot).generation;
        --size_;
    }
    /// Destroys a retired object and frees its slot. The destructor may use this map.
    void release(std::uint32_t slot) noexcept {
        Cell& c = cell(slot);
        c.occupied = false;
        std::destroy_at(c.object());
        c.next_free = std::exchange(free_, slot);
    }

    /// Objects with a valid id.
    std::uint32_t size() const noexcept { return size_; }
    /// One above the highest slot ever used.
    std::uint32_t end() const noexcept { return end_; }
    /// What end() will be after the next emplace().
    std::uint32_t end_after_emplace() const noexcept { return free_ == no_slot ? end_ + chunk_cells : end_; }
    bool live(std::uint32_t slot) const noexcept { return (generation(slot) & 1U) != 0; }

    /// Calls f(slot, object) for every live object, by slot. `f` may retire and release any.
    template <class F> void for_each(F&& f) {
        for (std::uint32_t slot = 0; slot < end_; ++slot) {
            if (live(slot)) f(slot, at(slot));
        }
    }
    template <class F> void for_each(F&& f) const {
        for (std::uint32_t slot = 0; slot < end_; ++slot) {
            if (live(slot)) f(slot, at(slot));
        }
    }

private:
    static constexpr std::uint32_t no_slot = UINT32_MAX;
    static constexpr std::uint32_t chunk_cells = 64;

    struct Cell {
        alignas(T) std::byte storage[sizeof(T)];
        std::uint32_t generation = 0;
        std::uint32_t next_free = no_slot;
        bool occupied = false;

        T* object() noexcept { return std::launder(reinterpret_cast<T*>(storage)); }
    };

    Cell& cell(std::uint32_t slot) noexcept { return chunks_[slot / chunk_cells][slot % chunk_cells]; }

    void grow() {
        chunks_.reserve(chunks_.size() + 1);
        auto* chunk = static_cast<Cell*>(memory_->allocate(chunk_cells * sizeof(Cell), alignof(Cell)));
        std::uninitialized_default_construct_n(chunk, chunk_cells);
        chunks_.push_back(chunk);
        // Lowest slot first, so that small ids stay small and a walk over all of them short.
        for (std::uint32_t i = chunk_cells; i-- > 0;) {
            chunk[i].next_free = std::exchange(free_, end_ + i);
        }
        end_ += chunk_cells;
    }

    std::pmr::vector<Cell*> chunks_;
    std::pmr::memory_resource* memory_;
    std::uint32_t free_ = no_slot;
    std::uint32_t end_ = 0;
    std::uint32_t size_ = 0;
};

} // namespace ioloop
