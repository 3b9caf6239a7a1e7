// SPDX-License-Identifier: MIT
#include "timeout_wheel.hpp"

namespace ioloop {

void TimeoutWheel::unlink(TimeoutRecord* records, std::uint32_t slot) noexcept {
    TimeoutRecord& record = records[slot];
    if (record.next != TimeoutRecord::nothing) records[record.next].previous = record.previous;
    if (record.previous != TimeoutRecord::nothing) {
        records[record.previous].next = record.next;
    } else if (record.next != TimeoutRecord::nothing) {
        first_[record.place] = record.next;
    } else {
        leave(record.place / digits, std::uint64_t{1} << record.place % digits);
    }
    record.place = TimeoutRecord::nowhere;
}

TimeoutWheel::Chain TimeoutWheel::take_first() noexcept {
    const std::uint32_t bucket = first_bucket();
    leave(bucket / digits, std::uint64_t{1} << bucket % digits);
    return {first_[bucket], last_tick(first_tick(bucket), bucket / digits)};
}

TimeoutWheel::Left TimeoutWheel::advance(TimeoutRecord* records, Tick tick) noexcept {
    // Below the highest digit that changes, everything is passed; there, what has a lower digit; above, nothing.
    const std::uint32_t top = level_of(tick ^ reached_);
    const std::uint32_t digit = digit_of(tick, top);
    const std::uint64_t here = std::uint64_t{1} << digit;
    reached_ = tick;

    Left left;
    left.passed.last = left.entered.last = tick;
    for (std::uint32_t in_use = levels_ & ((2U << top) - 1); in_use != 0; in_use &= in_use - 1) {
        const auto level = static_cast<std::uint32_t>(std::countr_zero(in_use));
        std::uint64_t passed = level < top ? used_[level] : used_[level] & (here - 1);
        if (level == top && (used_[level] & here) != 0) {
            if (level == 0) {
                passed |= here;
            } else {
                left.entered = {first_[level * digits + digit],
                                last_tick(first_tick(level * digits + digit), level)};
            }
        }
        leave(level, level < top ? passed : passed | here);
        for (; passed != 0; passed &= passed - 1) {
            const std::uint32_t first =
                first_[level * digits + static_cast<std::uint32_t>(std::countr_zero(passed))];
            if (left.passed.first != TimeoutRecord::nothing) {
                std::uint32_t end = first;
                while (records[end].next != TimeoutRecord::nothing) end = records[end].next;
                records[end].next = left.passed.first;
            }
            left.passed.first = first;
        }
    }
    return left;
}

void TimeoutWheel::clear(TimePoint reached) noexcept {
    reached_ = tick_of(reached);
    levels_ = 0;
    used_ = {};
}

} // namespace ioloop
