// SPDX-License-Identifier: MIT
/// NearHeap: the near timeouts, in exact order: by deadline, and by ticket among equals. Floor 1.
///
/// A pairing heap (Fredman, Sedgewick, Sleator, Tarjan 1986) that lives in the records themselves, so it needs no memory:
/// every timeout there is may come near at once, and room for that would stand empty nearly always. Pushing compares once;
/// popping O(log n) times, in the mean over all operations. What is pushed in reverse order, as the wheel's buckets are
/// if they were filled in order, becomes a list, and is popped without comparing.
#pragma once

#include "timeout_record.hpp"

#include <cstdint>

namespace ioloop {

class NearHeap {
public:
    bool empty() const noexcept { return root_ == TimeoutRecord::nothing; }
    /// The earliest. Requires: not empty.
    std::uint32_t top() const noexcept { return root_; }

    /// Requires: it is filed nowhere; while it is in here, its deadline and its ticket stay as they are.
    void push(TimeoutRecord* records, std::uint32_t slot) noexcept {
        TimeoutRecord& record = records[slot];
        record.next = record.previous = record.child = TimeoutRecord::nothing;
        record.place = TimeoutRecord::in_heap;
        root_ = empty() ? slot : meld(records, root_, slot);
    }
    /// Takes the top out. Requires: not empty.
    void pop(TimeoutRecord* records) noexcept {
        TimeoutRecord& record = records[root_];
        record.place = TimeoutRecord::nowhere;
        root_ = meld_siblings(records, record.child);
    }
    /// Takes it out; its deadline and its ticket do not matter any more. Requires: it is in here.
    void remove(TimeoutRecord* records, std::uint32_t slot) noexcept;
    /// Forgets all. The records do not hear of it.
    void clear() noexcept { root_ = TimeoutRecord::nothing; }

private:
    static std::uint32_t meld(TimeoutRecord* records, std::uint32_t a, std::uint32_t b) noexcept;
    static std::uint32_t meld_siblings(TimeoutRecord* records, std::uint32_t first) noexcept;

    std::uint32_t root_ = TimeoutRecord::nothing;
};

} // namespace ioloop
