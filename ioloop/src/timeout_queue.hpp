// SPDX-License-Identifier: MIT
/// TimeoutQueue: which slot comes due next. Floor 1.
///
/// Speaks deadlines and slots; knows no loop and no callback. The far timeouts stand in a TimeoutWheel, the near ones
/// in a NearHeap, which alone puts them in order: most timeouts are cancelled or moved before they come near, and are
/// never compared with another one.
///
/// It is lazy. A slot stays in its bucket, as long as that is not after its deadline: a later deadline is only
/// stored, and disarming only says so; what stands too early is filed anew when it comes up. A slot is filed once at
/// most, so what is left lying takes no memory, and arming the slot again finds it there, and is a store as well.
/// Nobody who merely looks at not_before() disturbs that. (In the heap, what is armed stands in its order at once.)
///
/// A bucket with few timeouts goes to the heap, when its time comes; one with many is divided into those of lower levels,
/// which come in turn: so very many that are due at once are put in order mostly without being compared.
#pragma once

#include "near_heap.hpp"
#include "processor.hpp"
#include "timeout_record.hpp"
#include "timeout_wheel.hpp"

#include <ioloop/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <utility>
#include <vector>

namespace ioloop {

class TimeoutQueue {
public:
    static constexpr std::uint32_t nothing = TimeoutRecord::nothing; ///< no slot

    /// `now` about: a wrong guess costs some speed until the first pop.
    explicit TimeoutQueue(std::pmr::memory_resource* memory, TimePoint now = TimePoint::min())
        : records_(memory),
          wheel_(now) {}

    /// Makes everything below unable to fail, and to allocate, for any slot below `slots`.
    /// Errors: std::bad_alloc, with nothing changed.
    void reserve(std::uint32_t slots) {
        if (slots > records_.size()) [[unlikely]]
            grow(slots);
    }

    // All that follow require reserve(slot + 1).

    /// Requires: it is not armed.
    void arm(std::uint32_t slot, TimePoint deadline) noexcept {
        TimeoutRecord& record = records_[slot];
        record.state = State::armed;
        ++size_;
        move(slot, record, deadline);
    }
    /// Moves an armed slot; it counts as armed anew among equals.
    void rearm(std::uint32_t slot, TimePoint deadline) noexcept { move(slot, records_[slot], deadline); }
    /// Requires: it is armed.
    void disarm(std::uint32_t slot) noexcept {
        records_[slot].state = State::idle;
        if (--size_ == 0) not_before_ = never;
    }
    /// Of a slot that was popped and taken: gives it a deadline and a place among equals, and leaves it idle.
    void plan(std::uint32_t slot, TimePoint deadline) noexcept {
        records_[slot].deadline = deadline;
        records_[slot].ticket = sequence_++;
    }
    /// As if armed when it was planned. Requires: plan() came last.
    void arm_as_planned(std::uint32_t slot) noexcept;

    bool armed(std::uint32_t slot) const noexcept { return records_[slot].state == State::armed; }
    /// It was popped, and not taken or armed again since.
    bool due(std::uint32_t slot) const noexcept { return records_[slot].state == State::due; }
    /// Requires: it is due, which ends.
    void take(std::uint32_t slot) noexcept { records_[slot].state = State::idle; }
    /// A hint that a slot will be asked about soon.
    void prefetch(std::uint32_t slot) const noexcept { ioloop::prefetch(&records_[slot], 1); }
    /// That for which it was armed or planned last.
    TimePoint deadline(std::uint32_t slot) const noexcept { return records_[slot].deadline; }

    bool empty() const noexcept { return size_ == 0; }
    std::size_t size() const noexcept { return size_; }

    /// No deadline is earlier. `never` if empty. Costs nothing, and may be asked all the time.
    TimePoint not_before() const noexcept { return not_before_; }
    /// The earliest deadline, exactly. `never` if empty. Files anew what stands before it without need; so, where none
    /// ever comes due as all are moved in time, this is what learns from `now` that time passes.
    TimePoint front_deadline(TimePoint now) noexcept;
    /// Takes out, of those whose deadline is not after `now`, the one with the earliest deadline, and of equals the
    /// one armed first: it is due then. `nothing` if there is none.
    std::uint32_t pop_due(TimePoint now) noexcept { return now < not_before_ ? nothing : pop(now); }

    /// Moves every deadline by `gap`, but `never`, also of what is not armed; the order stays. Linear.
    void shift(Duration gap) noexcept;

    void clear() noexcept;

private:
    using State = TimeoutRecord::State;

    void grow(std::uint32_t slots);
    void move(std::uint32_t slot, TimeoutRecord& record, TimePoint deadline) noexcept {
        record.ticket = sequence_++;
        if (deadline < not_before_) not_before_ = deadline;
        const TimePoint before = std::exchange(record.deadline, deadline);
        if (record.place == TimeoutRecord::nowhere) {
            file(slot);
        } else if (record.place == TimeoutRecord::in_heap ||
                   (deadline < before && deadline < wheel_.begin_of_bucket(record.place))) {
            file_anew(slot);
        }
    }
    bool is_far(const TimeoutRecord& record) const noexcept {
        return TimeoutWheel::tick_of(record.deadline) > wheel_.reached();
    }
    void file(std::uint32_t slot) noexcept;
    void file_anew(std::uint32_t slot) noexcept;
    bool near_comes_first() const noexcept;
    void enter_first() noexcept;
    void sort_out(std::uint32_t first, bool all_near) noexcept;
    bool few(std::uint32_t first) const noexcept;
    std::uint32_t pop(TimePoint now) noexcept;

    // Not beside each other: loaded as one, they would wait for whoever wrote one of them to be through to the cache.
    std::uint64_t sequence_ = 0;
    TimePoint not_before_ = never;
    std::size_t size_ = 0;                    ///< armed
    std::pmr::vector<TimeoutRecord> records_; ///< by slot
    TimeoutWheel wheel_;
    NearHeap near_;
};

} // namespace ioloop
