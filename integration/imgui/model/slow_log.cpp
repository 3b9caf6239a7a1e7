// SPDX-License-Identifier: MIT
#include "slow_log.hpp"

#include <algorithm>

namespace ioloop::imgui {

void SlowLog::update(const View& view, Duration slow_call) {
    const std::uint64_t seen = view.moment().calls_seen;
    if (seen < seen_) { // what was recorded is forgotten
        entries_.clear();
        seen_ = 0;
        ++version_;
    }
    const auto calls = view.calls();
    const auto fresh = static_cast<std::size_t>(std::min<std::uint64_t>(seen - seen_, calls.size()));
    for (const CallRecord& call : calls.last(fresh)) look(call, slow_call);
    seen_ = seen;
}

void SlowLog::look(const CallRecord& call, Duration slow_call) {
    for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
        if (entry->call.turn != call.turn) break;
        if (call.begin < entry->call.begin + entry->call.took) continue; // it ran inside of that one
        ++entry->delayed;
        entry->worst_wait = std::max(entry->worst_wait, call.late);
        ++version_;
    }
    if (call.took <= slow_call) return;
    entries_.reserve(capacity);
    if (entries_.size() == capacity) entries_.erase(entries_.begin());
    entries_.push_back({call, 0, {}});
    ++version_;
}

} // namespace ioloop::imgui
