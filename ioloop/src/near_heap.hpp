// SPDX-License-Identifier: MIT
/// NearHeap: the near timeouts, in exact order: by deadline, and by ticket among equals. Floor 1.
///
/// A 4-ary heap (a node's children share two cache lines) that knows where each slot's node stands. The positions
/// are apart from whatever else is known of a slot: putting a node in order writes many of them.
#pragma once

#include <ioloop/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

namespace ioloop {

class NearHeap {
public:
    struct Node {
        TimePoint deadline;
        std::uint64_t ticket;
        std::uint32_t slot;

        /// Without a branch, as nobody can guess it.
        bool before(const Node& other) const noexcept {
            const auto mine = deadline.time_since_epoch().count();
            const auto its = other.deadline.time_since_epoch().count();
            const bool sooner = mine < its;
            const bool equal = mine == its;
            const bool first = ticket < other.ticket;
            return sooner | (equal & first); // NOLINT(readability-implicit-bool-conversion)
        }
    };

    explicit NearHeap(std::pmr::memory_resource* memory) : nodes_(memory), positions_(memory) {}

    /// Room for slots below `slots`. Errors: std::bad_alloc, with nothing changed.
    void reserve(std::size_t slots);

    bool empty() const noexcept { return nodes_.empty(); }
    std::size_t size() const noexcept { return nodes_.size(); }
    /// Requires: not empty.
    const Node& top() const noexcept { return nodes_.front(); }
    /// Calls f(slot) for a few, of which one is the next at the top.
    template <class F> void for_next(F&& f) const {
        for (std::size_t index = 1; index <= arity && index < nodes_.size(); ++index) f(nodes_[index].slot);
    }

    /// Requires: there is room, and the slot has no node.
    void push(const Node& node) noexcept {
        nodes_.emplace_back(); // there is room
        sift_up(nodes_.size() - 1, node);
    }
    /// Pushes without putting in order: settle() is to follow. So are many put in order at once.
    void append(const Node& node) noexcept {
        positions_[node.slot] = static_cast<std::uint32_t>(nodes_.size());
        nodes_.push_back(node);
    }
    /// Puts in order what was appended to a heap of `size`.
    void settle(std::size_t size) noexcept;
    /// Moves the slot's node to where `node` belongs, unless that is after it.
    void hasten(const Node& node) noexcept;
    /// Requires: not empty.
    void pop() noexcept;
    void clear() noexcept { nodes_.clear(); }

private:
    static constexpr std::size_t arity = 4;

    void place(std::size_t index, const Node& node) noexcept {
        nodes_[index] = node;
        positions_[node.slot] = static_cast<std::uint32_t>(index);
    }
    std::size_t least_of(std::size_t first, std::size_t last) const noexcept;
    std::size_t sink(std::size_t index) noexcept;
    void sift_down(std::size_t index, const Node& moved) noexcept;
    // Inline, so that a node is in registers until it is in its place: written to memory in parts and read as a whole on the
    // next level, it would be waited for.
    void sift_up(std::size_t index, const Node& moved) noexcept {
        const Node node = moved;
        while (index > 0) {
            const std::size_t parent = (index - 1) / arity;
            if (!node.before(nodes_[parent])) break;
            place(index, nodes_[parent]);
            index = parent;
        }
        place(index, node);
    }

    std::pmr::vector<Node> nodes_;
    std::pmr::vector<std::uint32_t> positions_; ///< by slot; of one without a node: anything
};

} // namespace ioloop
