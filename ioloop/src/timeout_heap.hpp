// SPDX-License-Identifier: MIT
/// TimeoutHeap: which slot comes due next. Floor 1.
///
/// Speaks deadlines and slots; knows no callback. A 4-ary heap (a node's children share a cache line or two)
/// that knows where each slot stands, so removal is true removal: the front is always a live deadline and a
/// host can sleep until exactly then. Ties go by order of arming.
///
/// The interface promises nothing that a timing wheel with a near heap could not keep.
#pragma once

#include <ioloop/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

namespace ioloop {

class TimeoutHeap {
public:
    explicit TimeoutHeap(std::pmr::memory_resource* memory) : nodes_(memory), positions_(memory) {}

    /// Makes arm() of any slot below `slots` unable to fail. Errors: std::bad_alloc, with nothing changed.
    void reserve(std::uint32_t slots);

    /// Requires: reserve(slot + 1) was called and the slot is not armed.
    void arm(std::uint32_t slot, TimePoint deadline) noexcept { arm(slot, deadline, ticket()); }
    /// As if armed when the ticket was taken.
    void arm(std::uint32_t slot, TimePoint deadline, std::uint64_t ticket) noexcept;
    /// A place among equals.
    std::uint64_t ticket() noexcept { return sequence_++; }
    /// Moves an armed slot; it counts as armed anew among equals.
    void rearm(std::uint32_t slot, TimePoint deadline) noexcept;
    void disarm(std::uint32_t slot) noexcept;
    bool armed(std::uint32_t slot) const noexcept {
        return slot < positions_.size() && positions_[slot] != nowhere;
    }

    bool empty() const noexcept { return nodes_.empty(); }
    std::size_t size() const noexcept { return nodes_.size(); }

    /// The earliest deadline. Requires: not empty.
    TimePoint front_deadline() const noexcept { return nodes_.front().deadline; }
    /// Takes the front out and says which slot it was. Requires: not empty.
    std::uint32_t pop() noexcept;

    /// Moves every deadline by `gap`; the order stays.
    void shift(Duration gap) noexcept;

    void clear() noexcept;

private:
    struct Node {
        TimePoint deadline;
        std::uint64_t sequence; ///< order of arming
        std::uint32_t slot;

        bool before(const Node& other) const noexcept {
            return deadline != other.deadline ? deadline < other.deadline : sequence < other.sequence;
        }
    };

    static constexpr std::size_t arity = 4;
    static constexpr std::uint32_t nowhere = UINT32_MAX;

    void place(std::size_t index, const Node& node) noexcept {
        nodes_[index] = node;
        positions_[node.slot] = static_cast<std::uint32_t>(index);
    }
    void sift_up(std::size_t index, const Node& node) noexcept;
    void sift_down(std::size_t index, const Node& node) noexcept;
    void settle(std::size_t index, const Node& node) noexcept;
    void take_out(std::size_t index) noexcept;

    std::pmr::vector<Node> nodes_;
    std::pmr::vector<std::uint32_t> positions_; ///< by slot
    std::uint64_t sequence_ = 0;
};

} // namespace ioloop
