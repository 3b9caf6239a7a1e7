// SPDX-License-Identifier: MIT
#include "timeout_queue.hpp"

#include <algorithm>

namespace ioloop {

namespace {

/// So many timeouts of a bucket are put in order by the heap, rather than moved down level by level.
constexpr int few_timeouts = 32;

} // namespace

void TimeoutQueue::grow(std::uint32_t slots) {
    // By a quarter, as there may be very many; resize() alone would double it.
    const std::size_t size = std::max<std::size_t>(slots, records_.size() + records_.size() / 4);
    records_.reserve(size);
    records_.resize(size);
}

void TimeoutQueue::arm_as_planned(std::uint32_t slot) noexcept {
    TimeoutRecord& record = records_[slot];
    record.state = State::armed;
    ++size_;
    not_before_ = std::min(not_before_, record.deadline);
    file(slot); // what was popped is filed nowhere
}

/// Takes it out of where it is filed first.
void TimeoutQueue::file_anew(std::uint32_t slot) noexcept {
    if (records_[slot].place == TimeoutRecord::in_heap) {
        near_.remove(records_.data(), slot);
    } else {
        wheel_.unlink(records_.data(), slot);
    }
    file(slot);
}

/// Requires: it is filed nowhere.
void TimeoutQueue::file(std::uint32_t slot) noexcept {
    if (is_far(records_[slot])) {
        wheel_.link(records_.data(), slot);
    } else {
        near_.push(records_.data(), slot);
    }
}

/// The first of all is in the heap, and is its top.
bool TimeoutQueue::near_comes_first() const noexcept {
    if (near_.empty()) return false;
    // If a bucket begins at that moment, somebody in there may have been armed earlier.
    return wheel_.empty() || records_[near_.top()].deadline < wheel_.not_before();
}

TimePoint TimeoutQueue::front_deadline(TimePoint now) noexcept {
    if (empty()) return never;
    for (;;) {
        if (near_comes_first()) {
            const TimeoutRecord& record = records_[near_.top()];
            if (record.state == State::armed) return not_before_ = record.deadline;
            near_.pop(records_.data());
        } else if (wheel_.not_before() <= now) {
            enter_first();
        } else {
            // By the time as it is first: buckets are the smaller, the nearer they are.
            wheel_.reach(TimeoutWheel::tick_of(now));
            sort_out(wheel_.take_first(), true);
        }
    }
}

std::uint32_t TimeoutQueue::pop(TimePoint now) noexcept {
    for (;;) {
        if (near_comes_first()) {
            const std::uint32_t slot = near_.top();
            TimeoutRecord& record = records_[slot];
            if (record.deadline > now) break;
            near_.pop(records_.data());
            if (record.state != State::armed) continue;
            disarm(slot);
            record.state = State::due;
            return slot;
        }
        if (wheel_.empty() || wheel_.not_before() > now) break;
        enter_first();
    }
    wheel_.reach(TimeoutWheel::tick_of(now));
    not_before_ = wheel_.not_before();
    if (!near_.empty()) not_before_ = std::min(not_before_, records_[near_.top()].deadline);
    if (empty()) not_before_ = never;
    return nothing;
}

/// Time has come to the first bucket, which may end later.
void TimeoutQueue::enter_first() noexcept {
    const TimeoutWheel::Tick begin = wheel_.first_tick();
    const std::uint32_t first = wheel_.take_first();
    wheel_.reach(begin);
    sort_out(first, few(first));
}

/// Files a chain anew: all to the heap, or each where it belongs.
void TimeoutQueue::sort_out(std::uint32_t first, bool all_near) noexcept {
    for (std::uint32_t slot = first; slot != nothing;) {
        TimeoutRecord& record = records_[slot];
        const std::uint32_t next = record.next;
        if (record.state != State::armed) {
            record.place = TimeoutRecord::nowhere;
        } else if (all_near) {
            near_.push(records_.data(), slot);
        } else {
            file(slot);
        }
        slot = next;
    }
}

bool TimeoutQueue::few(std::uint32_t first) const noexcept {
    std::uint32_t slot = first;
    for (int count = 0; slot != nothing && count < few_timeouts; ++count) slot = records_[slot].next;
    return slot == nothing;
}

void TimeoutQueue::shift(Duration gap) noexcept {
    // `never` stays never; everything else moves alike, so no deadline overtakes another.
    const auto moved = [gap](TimePoint time) { return time == never ? never : after(time, gap); };
    // But not all of them stay within their ticks: they are filed anew.
    wheel_.clear(moved(TimeoutWheel::begin_of(wheel_.reached())));
    near_.clear();
    for (std::uint32_t slot = 0; slot < records_.size(); ++slot) {
        TimeoutRecord& record = records_[slot];
        record.place = TimeoutRecord::nowhere;
        record.deadline = moved(record.deadline);
        if (record.state == State::armed) file(slot);
    }
    not_before_ = moved(not_before_);
}

void TimeoutQueue::clear() noexcept {
    std::fill(records_.begin(), records_.end(), TimeoutRecord{});
    wheel_.clear(TimeoutWheel::begin_of(wheel_.reached()));
    near_.clear();
    size_ = 0;
    not_before_ = never;
}

} // namespace ioloop
