// SPDX-License-Identifier: MIT
#include "near_heap.hpp"

namespace ioloop {

namespace {

constexpr std::uint32_t nothing = TimeoutRecord::nothing;

/// Without a branch, as nobody can guess it.
bool before(const TimeoutRecord& a, const TimeoutRecord& b) noexcept {
    const bool sooner = a.deadline < b.deadline;
    const bool equal = a.deadline == b.deadline;
    const bool first = a.ticket < b.ticket;
    return sooner | (equal & first); // NOLINT(readability-implicit-bool-conversion)
}

} // namespace

/// Of two trees, the one whose top is later becomes the first child of the other, which is told.
std::uint32_t NearHeap::meld(TimeoutRecord* records, std::uint32_t a, std::uint32_t b) noexcept {
    const bool exchanged = before(records[b], records[a]);
    const std::uint32_t top = exchanged ? b : a;
    const std::uint32_t child = exchanged ? a : b;
    TimeoutRecord& record = records[top];
    records[child].next = record.child;
    records[child].previous = top;
    if (record.child != nothing) records[record.child].previous = child;
    record.child = child;
    return top;
}

/// Trees that are siblings become one: first in pairs, from the first on, then all pairs, from the last on. (One after the
/// other, the next time would take as long as this.)
std::uint32_t NearHeap::meld_siblings(TimeoutRecord* records, std::uint32_t first) noexcept {
    if (first == nothing) return nothing;
    std::uint32_t pairs = nothing; // the last one first
    while (first != nothing) {
        std::uint32_t pair = first;
        const std::uint32_t second = records[first].next;
        first = nothing;
        if (second != nothing) {
            first = records[second].next;
            pair = meld(records, pair, second);
        }
        records[pair].next = pairs;
        pairs = pair;
    }
    std::uint32_t top = pairs;
    for (std::uint32_t pair = records[top].next; pair != nothing;) {
        const std::uint32_t next = records[pair].next;
        top = meld(records, top, pair);
        pair = next;
    }
    records[top].next = records[top].previous = nothing;
    return top;
}

void NearHeap::remove(TimeoutRecord* records, std::uint32_t slot) noexcept {
    if (slot == root_) return pop(records);
    TimeoutRecord& record = records[slot];
    TimeoutRecord& previous = records[record.previous];
    (previous.child == slot ? previous.child : previous.next) = record.next;
    if (record.next != nothing) records[record.next].previous = record.previous;
    record.place = TimeoutRecord::nowhere;
    const std::uint32_t below = meld_siblings(records, record.child);
    if (below != nothing) root_ = meld(records, root_, below);
}

} // namespace ioloop
