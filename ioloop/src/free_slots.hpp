// SPDX-License-Identifier: MIT
/// FreeSlots: which slots of a table are free; takes the lowest one. Floor 1.
///
/// The lowest, and not the one that was freed last: what is filled again after it was emptied in any order is filled from
/// one end of the memory to the other, which its prefetcher knows how to do. And ids stay small, and walks over all slots
/// short.
///
/// A bit for each slot; and above that a bit for each word of them, by which long stretches without a free one are
/// passed.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <utility>
#include <vector>

namespace ioloop {

class FreeSlots {
public:
    static constexpr std::uint32_t word_bits = 64;

    explicit FreeSlots(std::pmr::memory_resource* memory) : words_(memory), loose_words_(memory) {}

    bool empty() const noexcept { return free_ == 0; }
    bool contains(std::uint32_t slot) const noexcept {
        return (words_[slot / word_bits] & bit_of(slot)) != 0;
    }
    /// Takes out the lowest one. Requires: not empty.
    std::uint32_t take() noexcept {
        if (words_[first_] == 0) [[unlikely]]
            find_first();
        std::uint64_t& word = words_[first_];
        const std::uint32_t slot = first_ * word_bits + lowest_of(word);
        word &= word - 1;
        --free_;
        return slot;
    }
    void give(std::uint32_t slot) noexcept {
        const std::uint32_t word = slot / word_bits;
        // A word that has one is known to.
        if (std::exchange(words_[word], words_[word] | bit_of(slot)) == 0)
            loose_words_[word / word_bits] |= bit_of(word);
        if (word < first_) first_ = word;
        ++free_;
    }

    /// Makes append() unable to fail. Errors: std::bad_alloc, with nothing changed.
    void reserve_append() {
        const std::size_t words = words_.size() + 1;
        if (words > words_.capacity()) words_.reserve(2 * words);
        loose_words_.reserve(words / word_bits + 1);
    }
    /// A word of slots more, all free, above those there are.
    void append() noexcept {
        const auto word = static_cast<std::uint32_t>(words_.size());
        words_.push_back(~std::uint64_t{0});
        if (word / word_bits == loose_words_.size()) loose_words_.push_back(0);
        loose_words_[word / word_bits] |= bit_of(word);
        first_ = std::min(first_, word);
        free_ += word_bits;
    }

private:
    using Words = std::pmr::vector<std::uint64_t>;

    static std::uint64_t bit_of(std::uint32_t index) noexcept {
        return std::uint64_t{1} << index % word_bits;
    }
    static std::uint32_t lowest_of(std::uint64_t word) noexcept {
        return static_cast<std::uint32_t>(std::countr_zero(word));
    }

    /// The first word that has a free slot is above the one that was.
    void find_first() noexcept {
        std::uint32_t upper = first_ / word_bits;
        for (;; ++upper) {
            // A word that was used up is noticed here, and not when it was.
            std::uint64_t& maybe = loose_words_[upper];
            for (; maybe != 0; maybe &= maybe - 1) {
                first_ = upper * word_bits + lowest_of(maybe);
                if (words_[first_] != 0) return;
            }
        }
    }

    Words words_;             ///< a bit for each slot: it is free
    Words loose_words_;       ///< a bit for each word: it may have a free slot; else it has none
    std::uint32_t first_ = 0; ///< no word below has a free slot
    std::uint32_t free_ = 0;
};

} // namespace ioloop
