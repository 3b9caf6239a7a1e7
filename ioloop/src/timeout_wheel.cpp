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

std::uint32_t TimeoutWheel::take_first() noexcept {
    const std::uint32_t bucket = first_bucket();
    leave(bucket / digits, std::uint64_t{1} << bucket % digits);
    return first_[bucket];
}

void TimeoutWheel::clear(TimePoint reached) noexcept {
    reached_ = tick_of(reached);
    levels_ = 0;
    used_ = {};
}

} // namespace ioloop
