// SPDX-License-Identifier: MIT
/// SlowLog: the calls that took too long, and whom they kept waiting. It remembers them when the ring of calls
/// has long moved on; but it sees only what that shows it, once in a frame.
#pragma once

#include "view.hpp"

#include <ioloop/observer.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ioloop::imgui {

class SlowLog {
public:
    static constexpr std::size_t capacity = 256;

    struct Entry {
        CallRecord call;
        std::uint32_t delayed = 0; ///< calls of the same turn that had to come after it
        Duration worst_wait{};     ///< the largest CallRecord::late of them
    };

    /// Once in each frame that is shown. A call is slow if it takes longer than that.
    void update(const View& view, Duration slow_call);

    /// The oldest first.
    std::span<const Entry> entries() const { return entries_; }
    /// Another number for other entries.
    std::uint64_t version() const { return version_; }

private:
    void look(const CallRecord& call, Duration slow_call);

    std::vector<Entry> entries_;
    std::uint64_t seen_ = 0; ///< of Moment::calls_seen
    std::uint64_t version_ = 1;
};

} // namespace ioloop::imgui
