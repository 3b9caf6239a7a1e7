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
    if (!nodes_.empty()) sift_down(0, last);
}

void NearHeap::sift_up(std::size_t index, Node node) noexcept {
    while (index > 0) {
        const std::size_t parent = (index - 1) / arity;
        if (!node.before(nodes_[parent])) break;
        place(index, nodes_[parent]);
        index = parent;
    }
    place(index, node);
}

void NearHeap::sift_down(std::size_t index, Node node) noexcept {
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
