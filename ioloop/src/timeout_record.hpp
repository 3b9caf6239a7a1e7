// SPDX-License-Identifier: MIT
/// TimeoutRecord: what a TimeoutQueue knows of one slot. Floor 1.
///
/// A slot is filed in one place at most: in a bucket of the TimeoutWheel, or in the NearHeap. Half a cache line, and
/// aligned to that, so that arming touches one.
#pragma once

#include <ioloop/clock.hpp>

#include <cstdint>

namespace ioloop {

struct alignas(32) TimeoutRecord {
    static constexpr std::uint32_t nothing = UINT32_MAX; ///< no slot
    static constexpr std::uint16_t nowhere = UINT16_MAX; ///< as a place: not filed
    static constexpr std::uint16_t in_heap = nowhere - 1;

    enum class State : std::uint8_t {
        idle,
        armed,
        due, ///< popped, and nobody has taken it since
    };

    TimePoint deadline{}; ///< never earlier than where it is filed, armed or not
    std::uint64_t ticket = 0;
    std::uint32_t next = nothing; ///< in the bucket, or of its siblings in the heap
    std::uint32_t previous =
        nothing; ///< the same; of the first one: in the bucket nothing, in the heap what is above it
    std::uint32_t child = nothing; ///< in the heap: the first below it
    std::uint16_t place = nowhere; ///< where it is filed: a bucket, or in_heap
    State state = State::idle;
};
static_assert(sizeof(TimeoutRecord) == 32);

} // namespace ioloop
