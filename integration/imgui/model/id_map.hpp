// SPDX-License-Identifier: MIT
/// IdMap: from an id to an index. Filled anew each time; never gives memory back, so a steady state
/// allocates nothing.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ioloop::imgui {

class IdMap {
public:
    static constexpr std::uint32_t none = UINT32_MAX;

    /// Empties it, and makes room for `count` ids.
    void reset(std::size_t count) {
        const std::size_t wanted = std::bit_ceil(count * 2 + 2);
        if (slots_.size() < wanted) {
            slots_.assign(wanted, Slot{});
            epoch_ = 0;
        }
        ++epoch_; // what has another epoch is empty: nothing to wipe
    }
    void insert(std::uint64_t id, std::uint32_t index) {
        Slot& slot = slots_[position(id)];
        slot = {id, index, epoch_};
    }
    std::uint32_t find(std::uint64_t id) const {
        if (slots_.empty()) return none;
        const Slot& slot = slots_[position(id)];
        return slot.epoch == epoch_ ? slot.index : none;
    }

private:
    struct Slot {
        std::uint64_t id = 0;
        std::uint32_t index = 0;
        std::uint32_t epoch = 0;
    };

    /// Of the id, or of the empty slot where it would be.
    std::size_t position(std::uint64_t id) const {
        const std::size_t mask = slots_.size() - 1;
        auto at = static_cast<std::size_t>((id * 0x9E3779B97F4A7C15U) >> 32U) & mask;
        while (slots_[at].epoch == epoch_ && slots_[at].id != id) at = (at + 1) & mask;
        return at;
    }

    std::vector<Slot> slots_;
    std::uint32_t epoch_ = 0;
};

} // namespace ioloop::imgui
