// SPDX-License-Identifier: MIT
/// Moment: all that an inspector shows of a loop, copied out. Floor 3.
///
/// Keep one and let a Source bring it up to date: its memory is reused.
#pragma once

#include <ioloop/inspect/breakpoints.hpp>
#include <ioloop/inspect/kernel_set.hpp>
#include <ioloop/inspect/lint.hpp>
#include <ioloop/inspect/recorder.hpp>
#include <ioloop/inspect/site_profile.hpp>
#include <ioloop/observer.hpp>
#include <ioloop/snapshot.hpp>

#include <cstdint>
#include <vector>

namespace ioloop {

struct Moment {
    Snapshot snapshot;
    std::vector<KernelTruth> truth; ///< of snapshot.handlers, in their order; empty: not asked yet

    // What was recorded of late: of each the newest last, and how many there were ever.
    std::vector<CallRecord> calls;
    std::vector<TurnRecord> turns;
    std::vector<ChangeRecord> changes;
    std::vector<ErrorRecord> errors;
    std::uint64_t calls_seen = 0;
    std::uint64_t turns_seen = 0;
    std::uint64_t changes_seen = 0;
    std::uint64_t errors_seen = 0;

    std::vector<SiteProfile> profiles; ///< in the order in which they were first seen
    std::uint64_t unprofiled = 0;
    Recorder::Health health;
    std::vector<Finding> findings; ///< the worst first

    std::vector<Breakpoint> breakpoints;
    Breakpoints::Hit hit;
    CallRecord triggered_by;
    bool triggered = false;
    bool recording = false;
    bool observing = false; ///< false: another observer looks at the loop, and nothing is recorded
    bool closed = false;    ///< the loop is
};

} // namespace ioloop
