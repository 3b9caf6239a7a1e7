// SPDX-License-Identifier: MIT
#include "near_heap.hpp"

#include <algorithm>

namespace ioloop {

void NearHeap::reserve(std::size_t slots) {
    // Both vectors first get room, then change: a failure in between leaves everything as it was.
    nodes_.reserve(slots);
    positions_.resize(slots);
}

void NearHeap::settle(std::size_t size) noexcept {
    if (nodes_.size() - size > size / 4 && nodes_.size() > 1) { // many: all of them anew, which is linear
        for (std::size_t index = (nodes_.size() - 2) / arity + 1; index-- > 0;)
            sift_down(index, nodes_[index]);
    } else {
        for (; size < nodes_.size(); ++size) sift_up(size, nodes_[size]);
    }
}

void NearHeap::hasten(const Node& node) noexcept {
    const std::size_t index = positions_[node.slot];
    if (node.before(nodes_[index])) sift_up(index, node);
}

void NearHeap::pop() noexcept {
    const Node last = nodes_.back();
    nodes_.pop_back();
    // What was last belongs near the bottom, as a rule: so the gap goes there without asking on each level.
    if (!nodes_.empty()) sift_up(sink(0), last);
}

/// The earliest of some siblings.
std::size_t NearHeap::least_of(std::size_t first, std::size_t last) const noexcept {
    const auto earlier = [this](std::size_t a, std::size_t b) { return nodes_[b].before(nodes_[a]) ? b : a; };
    if (last - first == arity) { // two pairs at the same time
        static_assert(arity == 4);
        return earlier(earlier(first, first + 1), earlier(first + 2, first + 3));
    }
    std::size_t least = first;
    for (std::size_t index = first + 1; index < last; ++index) least = earlier(least, index);
    return least;
}

/// Moves a gap down to where nothing is below it, and says where.
std::size_t NearHeap::sink(std::size_t index) noexcept {
    const std::size_t size = nodes_.size();
    for (std::size_t first = 0; (first = index * arity + 1) < size;) {
        const std::size_t least = least_of(first, std::min(first + arity, size));
        place(index, nodes_[least]);
        index = least;
    }
    return index;
}

void NearHeap::sift_down(std::size_t index, const Node& moved) noexcept {
    const Node node = moved;
    const std::size_t size = nodes_.size();
    for (;;) {
        const std::size_t first = index * arity + 1;
        if (first >= size) break;
        const std::size_t least = least_of(first, std::min(first + arity, size));
        if (!nodes_[least].before(node)) break;
        place(index, nodes_[least]);
        index = least;
    }
    place(index, node);
}

} // namespace ioloop
