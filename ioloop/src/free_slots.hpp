// SPDX-License-Identifier: MIT
/// FreeSlots: which slots of a table are free; takes the lowest one. Floor 1.
///
/// The lowest, and not the one that was freed last: what is filled again after it was emptied in any order is filled from
/// one end of the memory to the other, which its prefetcher knows how to do. And ids stay small, and walks over all slots
/// short.
///
/// A bit for each slot, and above that a bit for each word that has some: three words are looked at for a quarter of a
/// million slots.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

namespace ioloop {

class FreeSlots {
public:
    static constexpr std::uint32_t word_bits = 64;

    explicit FreeSlots(std::pmr::memory_resource* memory) : levels_{Words(memory), Words(memory)} {}

    bool empty() const noexcept { return free_ == 0; }
    bool contains(std::uint32_t slot) const noexcept {
        return (levels_[0][slot / word_bits] & bit_of(slot)) != 0;
    }
    /// Requires: not empty.
    std::uint32_t lowest() noexcept {
        while (levels_[1][hint_] == 0) ++hint_;
        const std::uint32_t word = hint_ * word_bits + first_of(levels_[1][hint_]);
        return word * word_bits + first_of(levels_[0][word]);
    }
    void take(std::uint32_t slot) noexcept {
        const std::uint32_t word = slot / word_bits;
        --free_;
        if ((levels_[0][word] &= ~bit_of(slot)) == 0) levels_[1][word / word_bits] &= ~bit_of(word);
    }
    void give(std::uint32_t slot) noexcept {
        const std::uint32_t word = slot / word_bits;
        ++free_;
        levels_[0][word] |= bit_of(slot);
        levels_[1][word / word_bits] |= bit_of(word);
        hint_ = std::min(hint_, word / word_bits);
    }

    /// Makes append() unable to fail. Errors: std::bad_alloc, with nothing changed.
    void reserve_append() {
        const std::size_t words = levels_[0].size() + 1;
        if (words > levels_[0].capacity()) levels_[0].reserve(2 * words);
        levels_[1].reserve(words / word_bits + 1);
    }
    /// A word of slots more, all free, beginning at the multiple of it that comes next.
    void append() noexcept {
        const auto word = static_cast<std::uint32_t>(levels_[0].size());
        levels_[0].push_back(0);
        if (word / word_bits == levels_[1].size()) levels_[1].push_back(0);
        for (std::uint32_t i = 0; i < word_bits; ++i) give(word * word_bits + i);
    }

private:
    using Words = std::pmr::vector<std::uint64_t>;

    static std::uint64_t bit_of(std::uint32_t index) noexcept {
        return std::uint64_t{1} << index % word_bits;
    }
    static std::uint32_t first_of(std::uint64_t word) noexcept {
        return static_cast<std::uint32_t>(std::countr_zero(word));
    }

    std::array<Words, 2> levels_;
    std::uint32_t free_ = 0;
    std::uint32_t hint_ = 0; ///< below it no word of the upper level has a bit
};

} // namespace ioloop
