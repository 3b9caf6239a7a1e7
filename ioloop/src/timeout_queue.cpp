// SPDX-License-Identifier: MIT
#include "timeout_queue.hpp"

#include <algorithm>

namespace ioloop {

namespace {

/// So many timeouts of a bucket are put in order at once, rather than moved down level by level.
constexpr int few_timeouts = 32;

} // namespace

void TimeoutQueue::grow(std::uint32_t slots) {
    // Both first get room, then change: a failure in between leaves everything as it was. By a quarter, as there may be
    // very many.
    const std::size_t size = std::max<std::size_t>(slots, records_.size() + records_.size() / 4);
    records_.reserve(size);
    near_.reserve(size);
    records_.resize(size);
}

void TimeoutQueue::arm_as_planned(std::uint32_t slot) noexcept {
    TimeoutRecord& record = records_[slot];
    record.state = State::armed;
    ++size_;
    not_before_ = std::min(not_before_, record.deadline);
    file(slot);
}

/// Sees to it that it is filed, and not after its deadline.
void TimeoutQueue::file(std::uint32_t slot) noexcept {
    const TimeoutRecord& record = records_[slot];
    if (record.place == TimeoutRecord::nowhere) {
        file_anew(slot);
    } else if (record.place == TimeoutRecord::in_heap) {
        near_.hasten({record.deadline, record.ticket, slot});
    } else if (record.deadline < wheel_.begin_of_bucket(record.place)) {
        wheel_.unlink(records_.data(), slot);
        file_anew(slot);
    }
}

void TimeoutQueue::file_anew(std::uint32_t slot) noexcept {
    TimeoutRecord& record = records_[slot];
    if (is_far(record)) {
        wheel_.link(records_.data(), slot);
    } else {
        record.place = TimeoutRecord::in_heap;
        near_.push({record.deadline, record.ticket, slot});
    }
}

/// To the heap, which is to be settled then.
void TimeoutQueue::append(std::uint32_t slot) noexcept {
    TimeoutRecord& record = records_[slot];
    record.place = TimeoutRecord::in_heap;
    near_.append({record.deadline, record.ticket, slot});
}

TimePoint TimeoutQueue::front_deadline(TimePoint now) noexcept {
    if (empty()) return never;
    for (;;) {
        if (near_.empty() || near_.top().deadline > wheel_.not_before()) {
            // By the time as it is first: buckets are the smaller, the nearer they are.
            if (const TimeoutWheel::Tick tick = TimeoutWheel::tick_of(now); tick > wheel_.reached()) {
                advance(tick);
                continue;
            }
            const std::size_t size = near_.size();
            sort_out(wheel_.take_first());
            near_.settle(size);
            continue;
        }
        const NearHeap::Node top = near_.top();
        TimeoutRecord& record = records_[top.slot];
        const bool armed = record.state == State::armed;
        if (armed && record.ticket == top.ticket) return not_before_ = top.deadline;
        near_.pop();
        record.place = TimeoutRecord::nowhere;
        if (armed) file_anew(top.slot);
    }
}

std::uint32_t TimeoutQueue::pop(TimePoint now) noexcept {
    if (const TimeoutWheel::Tick tick = TimeoutWheel::tick_of(now); tick > wheel_.reached()) advance(tick);
    while (!near_.empty() && near_.top().deadline <= now) {
        const NearHeap::Node top = near_.top();
        near_.for_next([this](std::uint32_t slot) { prefetch(slot); });
        near_.pop();
        TimeoutRecord& record = records_[top.slot];
        record.place = TimeoutRecord::nowhere;
        if (record.state != State::armed) continue;
        if (record.ticket == top.ticket) {
            disarm(top.slot);
            record.state = State::due;
            return top.slot;
        }
        file_anew(top.slot);
    }
    not_before_ = wheel_.not_before();
    if (!near_.empty()) not_before_ = std::min(not_before_, near_.top().deadline);
    if (empty()) not_before_ = never;
    return nothing;
}

void TimeoutQueue::advance(TimeoutWheel::Tick tick) noexcept {
    TimeoutWheel::Left left = wheel_.advance(records_.data(), tick);
    if (!few(left.entered)) left.entered.last = tick;
    const std::size_t size = near_.size();
    sort_out(left.passed);
    sort_out(left.entered);
    near_.settle(size);
}

/// Up to the last tick of the chain to the heap, which is not in order then; what is later back to the wheel.
void TimeoutQueue::sort_out(TimeoutWheel::Chain chain) noexcept {
    for (std::uint32_t slot = chain.first; slot != nothing;) {
        TimeoutRecord& record = records_[slot];
        const std::uint32_t next = record.next;
        if (record.state != State::armed) {
            record.place = TimeoutRecord::nowhere;
        } else if (TimeoutWheel::tick_of(record.deadline) <= chain.last) {
            append(slot);
        } else {
            wheel_.link(records_.data(), slot);
        }
        slot = next;
    }
}

bool TimeoutQueue::few(TimeoutWheel::Chain chain) const noexcept {
    std::uint32_t slot = chain.first;
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
        if (record.state != State::armed) continue;
        if (is_far(record)) {
            wheel_.link(records_.data(), slot);
        } else {
            append(slot);
        }
    }
    near_.settle(0);
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
