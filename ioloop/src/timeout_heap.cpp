// SPDX-License-Identifier: MIT
#include "timeout_heap.hpp"

#include <algorithm>

namespace ioloop {

void TimeoutHeap::reserve(std::uint32_t slots) {
    if (slots <= positions_.size()) return;
    // Both vectors first get room, then change: a failure in between leaves everything as it was.
    const std::size_t size = std::max<std::size_t>(slots, positions_.size() * 2);
    nodes_.reserve(size);
    positions_.resize(size, nowhere);
}

void TimeoutHeap::arm(std::uint32_t slot, TimePoint deadline, std::uint64_t ticket) noexcept {
    const Node node{deadline, ticket, slot};
    nodes_.push_back(node); // room was reserved
    sift_up(nodes_.size() - 1, node);
}

void TimeoutHeap::rearm(std::uint32_t slot, TimePoint deadline) noexcept {
    settle(positions_[slot], Node{deadline, sequence_++, slot});
}

void TimeoutHeap::disarm(std::uint32_t slot) noexcept { take_out(positions_[slot]); }

std::uint32_t TimeoutHeap::pop() noexcept {
    const std::uint32_t slot = nodes_.front().slot;
    take_out(0);
    return slot;
}

void TimeoutHeap::shift(Duration gap) noexcept {
    // `never` stays never; everything else moves alike, so no parent overtakes a child.
    for (Node& node : nodes_) node.deadline = node.deadline == never ? never : after(node.deadline, gap);
}

void TimeoutHeap::clear() noexcept {
    nodes_.clear();
    std::fill(positions_.begin(), positions_.end(), nowhere);
}

void TimeoutHeap::take_out(std::size_t index) noexcept {
    positions_[nodes_[index].slot] = nowhere;
    const Node last = nodes_.back();
    nodes_.pop_back();
    if (index < nodes_.size()) settle(index, last);
}

void TimeoutHeap::settle(std::size_t index, const Node& node) noexcept {
    if (index > 0 && node.before(nodes_[(index - 1) / arity])) {
        sift_up(index, node);
    } else {
        sift_down(index, node);
    }
}

void TimeoutHeap::sift_up(std::size_t index, const Node& node) noexcept {
    while (index > 0) {
        const std::size_t parent = (index - 1) / arity;
        if (!node.before(nodes_[parent])) break;
        place(index, nodes_[parent]);
        index = parent;
    }
    place(index, node);
}

void TimeoutHeap::sift_down(std::size_t index, const Node& node) noexcept {
    const std::size_t size = nodes_.size();
    for (;;) {
        const std::size_t first = index * arity + 1;
        if (first >= size) break;
        std::size_t least = first;
        const std::size_t last = std::min(first + arity, size);
        for (std::size_t child = first + 1; child < last; ++child) {
            if (nodes_[child].before(nodes_[least])) least = child;
        }
        if (!nodes_[least].before(node)) break;
        place(index, nodes_[least]);
        index = least;
    }
    place(index, node);
}

} // namespace ioloop
