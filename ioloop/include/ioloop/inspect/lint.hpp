// SPDX-License-Identifier: MIT
/// Lint: a way in which programs hurt their loop, and a Finding: one that this program does. Floor 3.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/fd.hpp>
#include <ioloop/inspect/text.hpp>
#include <ioloop/site.hpp>
#include <ioloop/turn.hpp>

#include <cstddef>
#include <cstdint>

namespace ioloop {

enum class Lint : std::uint8_t {
    // descriptors
    busy_read,   ///< readable turn after turn, and never read
    write_spin,  ///< waits to write and has nothing to write
    hup_spin,    ///< only errors and hang-ups, which nobody looks at
    ghost_fd,    ///< closed, but still watched by the kernel
    lost_fd,     ///< registered, but not watched by the kernel any more
    fd_reused,   ///< the number is another file than the one that was registered
    blocking_fd, ///< a socket or pipe without O_NONBLOCK
    stale_event, ///< removed after it was closed: its readiness goes on
    // calls
    slow_dispatch,  ///< a call that takes too long
    over_budget,    ///< frames in which the loop takes more than its share
    repost_forever, ///< a callback that posts itself, turn after turn
    starvation,     ///< waits in the queue although the loop runs
    queue_growing,  ///< more is posted than run
    threw,          ///< an exception left a callable
    // timeouts
    zero_timeout_loop, ///< a timeout that re-arms itself for now
    timeout_storm,     ///< too many are armed, or come due at once
    timer_leak,        ///< ever more timeouts or descriptors of one place
    late_timer,        ///< called long after they are due
    periodic_overrun,  ///< work that takes longer than its period
    // hosts and threads
    not_pumped,   ///< nobody runs the loop, although there is work
    cross_thread, ///< a member for the loop's thread was called from another
};
inline constexpr std::size_t lint_count = 21;

enum class Severity : std::uint8_t { ok, note, warning, error };

/// What there is to say about a lint, whatever it found.
struct LintText {
    const char* name;  ///< "busy-read"
    const char* title; ///< a short sentence
    const char* why;   ///< it is bad
    const char* fix;   ///< what to do about it
    Severity severity;
};
const LintText& text_of(Lint lint) noexcept;

struct Finding {
    Lint lint = Lint::busy_read;
    Severity severity = Severity::warning;
    CallKind kind = CallKind::callback; ///< of what it is about
    std::uint64_t id = 0;               ///< the object, as CallRecord::id; 0: the whole site, or the loop
    Fd fd = invalid_fd;                 ///< if it is a descriptor
    Chain chain;                        ///< the call site that is to blame, and what led to it
    TimePoint since{};                  ///< loop's time
    TimePoint last{};                   ///< when it was seen last
    std::uint64_t count = 0;            ///< how often, in the unit of the sentence
    bool active = false;                ///< it was seen of late; else it is of the past
    bool muted = false;
    Text sentence; ///< with the numbers
};

} // namespace ioloop
