// SPDX-License-Identifier: MIT
/// TimeoutWheel: the far timeouts, roughly in order. Floor 1.
///
/// Time is cut into ticks of 2^8 ns (a quarter of a microsecond), and a tick's number into digits of 6 bits. A timeout
/// stands on the level of the highest digit in which its tick differs from that of the time reached, in the bucket
/// of its own digit there: the near future is told apart by ticks, the far one by years, and all 64 bits of time are
/// covered. So
///   - filing is a shift and a list insertion, however many there are;
///   - the lowest level in use holds the earliest ones, and its lowest bit tells the bucket: no empty bucket is looked
///     at, though time jump by a century;
///   - when time enters a bucket above level 0, its timeouts go to lower levels: each moves down 9 times at most.
#pragma once

#include "timeout_record.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace ioloop {

class TimeoutWheel {
public:
    using Tick = std::uint64_t; ///< ordered as time is

    static constexpr Tick tick_of(TimePoint time) noexcept {
        return (static_cast<std::uint64_t>(time.time_since_epoch().count()) ^ sign) >> tick_bits;
    }
    static constexpr TimePoint begin_of(Tick tick) noexcept {
        return TimePoint(Duration(static_cast<std::int64_t>((tick << tick_bits) ^ sign)));
    }

    explicit TimeoutWheel(TimePoint reached) noexcept : reached_(tick_of(reached)) {}

    /// Later ticks only can be filed.
    Tick reached() const noexcept { return reached_; }
    bool empty() const noexcept { return levels_ == 0; }
    /// Nothing filed is earlier. `never` if empty.
    TimePoint not_before() const noexcept { return empty() ? never : begin_of(first_tick()); }
    TimePoint begin_of_bucket(std::uint32_t bucket) const noexcept { return begin_of(first_tick(bucket)); }

    /// Requires: it is filed nowhere, and its deadline is after the tick reached.
    void link(TimeoutRecord* records, std::uint32_t slot) noexcept {
        TimeoutRecord& record = records[slot];
        const Tick tick = tick_of(record.deadline);
        const std::uint32_t level = level_of(tick ^ reached_);
        const std::uint32_t digit = digit_of(tick, level);
        const std::uint32_t bucket = level * digits + digit;
        const std::uint64_t bit = std::uint64_t{1} << digit;
        std::uint32_t next = TimeoutRecord::nothing;
        if ((used_[level] & bit) != 0) {
            next = first_[bucket];
            records[next].previous = slot;
        }
        used_[level] |= bit;
        levels_ |= 1U << level;
        first_[bucket] = slot;
        record.next = next;
        record.previous = TimeoutRecord::nothing;
        record.place = static_cast<std::uint16_t>(bucket);
    }
    void unlink(TimeoutRecord* records, std::uint32_t slot) noexcept;

    /// The first tick of the first bucket. Requires: not empty.
    Tick first_tick() const noexcept { return first_tick(first_bucket()); }
    /// Takes the first bucket out: slots, chained by `next`, that are filed nowhere any more though their records still
    /// say so. Requires: not empty.
    std::uint32_t take_first() noexcept;
    /// Time has come to `tick`. Requires: every bucket begins after that.
    void reach(Tick tick) noexcept { reached_ = std::max(reached_, tick); }

    /// Forgets everything filed. The records do not hear of it.
    void clear(TimePoint reached) noexcept;

private:
    static constexpr std::uint64_t sign = std::uint64_t{1} << 63;
    static constexpr std::uint32_t tick_bits = 8;
    static constexpr std::uint32_t digit_bits = 6;
    static constexpr std::uint32_t digits = 1U << digit_bits;
    static constexpr std::uint32_t levels = (64 - tick_bits + digit_bits - 1) / digit_bits;

    static std::uint32_t level_of(Tick difference) noexcept {
        return (static_cast<std::uint32_t>(std::bit_width(difference | 1)) - 1) / digit_bits;
    }
    static std::uint32_t digit_of(Tick tick, std::uint32_t level) noexcept {
        return static_cast<std::uint32_t>(tick >> (level * digit_bits)) % digits;
    }
    std::uint32_t first_bucket() const noexcept {
        const auto level = static_cast<std::uint32_t>(std::countr_zero(levels_)) % levels;
        return level * digits + static_cast<std::uint32_t>(std::countr_zero(used_[level]));
    }
    /// Above its level, a bucket in use agrees with the tick reached.
    Tick first_tick(std::uint32_t bucket) const noexcept {
        const std::uint32_t shift = bucket / digits * digit_bits;
        return ((reached_ >> shift >> digit_bits << digit_bits) | bucket % digits) << shift;
    }
    void leave(std::uint32_t level, std::uint64_t bits) noexcept {
        used_[level] &= ~bits;
        if (used_[level] == 0) levels_ &= ~(1U << level);
    }

    Tick reached_;
    std::uint32_t levels_ = 0;                 ///< bit: something stands on this level
    std::array<std::uint64_t, levels> used_{}; ///< bit: something stands in this bucket
    std::array<std::uint32_t, std::size_t{levels} * digits> first_{}; ///< of a bucket in use
};

} // namespace ioloop
