// SPDX-License-Identifier: MIT
/// Statistics: the loop's counters. Floor 1.
///
/// Plain numbers, always on, cheap enough to read every frame. Rates are the reader's: subtract two readings.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/site.hpp>

#include <cstdint>

namespace ioloop {

struct Statistics {
    // Since the loop was made.
    std::uint64_t turns = 0;
    std::uint64_t handlers_run = 0;
    std::uint64_t callbacks_run = 0;
    std::uint64_t timeouts_run = 0;
    std::uint64_t sleeps = 0;       ///< waits that were allowed to block
    std::uint64_t interrupts = 0;   ///< waits that a signal cut short
    std::uint64_t budget_spent = 0; ///< calls that came back with work left
    std::uint64_t errors = 0;       ///< callables that threw
    std::uint64_t stale_events = 0; ///< readiness whose handler was removed in the same turn
    std::uint64_t dead_handlers =
        0; ///< registrations dropped because their descriptor was closed behind the loop's back
    std::uint64_t signal_posts_refused = 0; ///< add_callback_from_signal() found no room
    /// Readiness of what was removed in an earlier turn: it was closed before it was removed, and a duplicate lives.
    std::uint64_t orphan_events = 0;
    SiteId orphan_site = SiteId::none; ///< where the last one of those was registered
    /// Members for the loop's thread that another thread called, and was refused.
    std::uint64_t foreign_calls = 0;
    const char* foreign_member = nullptr; ///< the last one's name; a literal
    SiteId foreign_site = SiteId::none;   ///< and where it was called from, if that is known
    Duration waited{};                    ///< slept in the poller
    Duration busy{};                      ///< spent in calls
    Duration held{}; ///< its time stood still, paused or suspended; a hold under way not included

    // Now, and the most there ever was.
    std::uint32_t handlers = 0;
    std::uint32_t handlers_peak = 0;
    std::uint32_t timeouts = 0;
    std::uint32_t timeouts_peak = 0;
    std::uint32_t callbacks = 0; ///< queued
    std::uint32_t callbacks_peak = 0;
    std::uint32_t depth = 0; ///< run_ calls on the stack: 2 and more when nested
    std::uint32_t depth_peak = 0;

    std::uint64_t calls_run() const noexcept { return handlers_run + callbacks_run + timeouts_run; }
};

} // namespace ioloop
