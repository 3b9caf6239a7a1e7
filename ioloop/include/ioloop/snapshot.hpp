// SPDX-License-Identifier: MIT
/// Snapshot: what the loop holds at one moment, copied out. Floor 1.
///
/// For inspectors, dumps and tests. Keep one and pass it to IOLoop::snapshot() again: its vectors are
/// reused, so a steady state allocates nothing.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/events.hpp>
#include <ioloop/fd.hpp>
#include <ioloop/ids.hpp>
#include <ioloop/origin.hpp>
#include <ioloop/site.hpp>
#include <ioloop/statistics.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace ioloop {

/// A registered descriptor.
struct HandlerInfo {
    std::uint64_t id = 0; ///< of this registration; never used again, while `fd` numbers are
    Fd fd = invalid_fd;
    Origin origin; ///< the add_handler() call
    Chain chain;   ///< and what was running then
    Events interest = Events::none;
    Events last_ready = Events::none; ///< as last reported by the poller
    std::uint64_t calls = 0;
    std::uint64_t last_turn = 0; ///< the turn of the last call; 0: never called
    std::uint32_t streak = 0;    ///< turns in a row, up to last_turn, in which it was ready
    bool running = false;        ///< on the stack at this moment
};

/// A pending timeout.
struct TimeoutInfo {
    Timeout id;
    Origin origin;
    Chain chain;
    TimePoint deadline{};
    Duration period{};       ///< zero: once
    std::uint64_t fires = 0; ///< calls so far; above 0 only if it re-arms itself
    bool due = false;        ///< set aside in this turn, its call is next
};

/// A queued callback.
struct CallbackInfo {
    std::uint64_t id = 0; ///< counts up with the queue: the order of running
    Origin origin;
    Chain chain;
    TimePoint posted_at{}; ///< zero if nobody was observing then, or the callable that posted it still runs
    bool from_thread = false; ///< posted by another thread than the loop's, or between turns
};

struct Snapshot {
    std::vector<HandlerInfo> handlers;   ///< by slot; no order is promised
    std::vector<TimeoutInfo> timeouts;   ///< no order is promised
    std::vector<CallbackInfo> callbacks; ///< in the order of running
    Statistics statistics;
    TimePoint time{};        ///< the loop's clock
    std::uint64_t turn = 0;  ///< number of the current or last turn
    bool in_turn = false;    ///< a turn is unfinished: budget spent, or the snapshot was taken by a callable
    bool in_call = false;    ///< taken from within a callable of this loop
    bool running = false;    ///< inside start()
    bool paused = false;     ///< by set_paused()
    bool suspended = false;  ///< its time stands still
    std::string_view name;   ///< Options::name
    std::string_view poller; ///< "epoll", ...
    Fd kernel_handle = invalid_fd; ///< of the poller, if it has one: what the kernel watches is known by it
};

} // namespace ioloop
