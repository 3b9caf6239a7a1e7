// SPDX-License-Identifier: MIT
/// Snapshot: what the loop holds at one moment, copied out. Floor 1.
///
/// For inspectors, dumps and tests. Keep one and pass it to IOLoop::snapshot() again: its vectors are
/// reused, so a steady state allocates nothing.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/events.hpp>
#include <ioloop/fd.hpp>
#include <ioloop/flow.hpp>
#include <ioloop/ids.hpp>
#include <ioloop/origin.hpp>
#include <ioloop/site.hpp>
#include <ioloop/statistics.hpp>

#include <array>
#include <cstdint>
#include <optional>
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
    bool adrift = false;         ///< not watched: the system lacks what that takes; it is tried again
    std::uint64_t scope = 0;     ///< ScopeInfo::id, if it came through one
    std::optional<Flow> flow;    ///< if its owner counts
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
    std::uint64_t scope = 0; ///< as HandlerInfo::scope
};

/// A queued callback.
struct CallbackInfo {
    std::uint64_t id = 0; ///< counts up with the queue: the order of running
    Origin origin;
    Chain chain;
    TimePoint posted_at{}; ///< zero if nobody was observing then, or the callable that posted it still runs
    bool from_thread = false; ///< posted by another thread than the loop's, or between turns
    std::uint64_t scope = 0;  ///< as HandlerInfo::scope
};

/// A Scope that is alive. What it holds says so itself: HandlerInfo::scope.
struct ScopeInfo {
    std::uint64_t id = 0;        ///< never used again
    std::array<char, 48> name{}; ///< so much of it as fits, and a zero
    Origin origin;               ///< where it was made
    Chain chain;
    TimePoint since{};
    std::uint64_t size = 0; ///< Scope::size()
};

/// A task that was spawned and has not ended.
struct TaskInfo {
    enum class State : std::uint8_t {
        queued, ///< it begins in the next turn
        running,
        waiting, ///< for what its WaitInfos say; none: for something that this library knows nothing of
    };
    std::uint64_t id = 0; ///< never used again
    Origin origin;        ///< the spawn() call
    Chain chain;
    TimePoint since{}; ///< of that call
    State state = State::queued;
};

constexpr const char* name_of(TaskInfo::State state) noexcept {
    switch (state) {
    case TaskInfo::State::queued: return "queued";
    case TaskInfo::State::running: return "running";
    case TaskInfo::State::waiting: return "waiting";
    }
    return "?";
}

/// What a suspended coroutine waits for.
enum class WaitFor : std::uint8_t {
    timeout,    ///< a sleep
    descriptor, ///< readable(), writable()
    future,     ///< a result that somebody will give
    task,       ///< the result of a spawned task
    job,        ///< the result of run_in_executor()
    branches,   ///< all(), any(), with_timeout(): what they were given are waits of the same task
};

constexpr const char* name_of(WaitFor what) noexcept {
    switch (what) {
    case WaitFor::timeout: return "timeout";
    case WaitFor::descriptor: return "descriptor";
    case WaitFor::future: return "future";
    case WaitFor::task: return "task";
    case WaitFor::job: return "job";
    case WaitFor::branches: return "branches";
    }
    return "?";
}

/// One place where a task is suspended. Most tasks have one; those in all(), any() and with_timeout() have more.
struct WaitInfo {
    std::uint64_t task = 0; ///< TaskInfo::id
    /// timeout: id_of() it; descriptor: its number; task: its TaskInfo::id; branches: of their time limit, or 0.
    std::uint64_t id = 0;
    Chain at;                 ///< the co_await; then that of the task which awaits this one; and so on
    SiteId of = SiteId::none; ///< where the work began whose result is awaited
    TimePoint since{};
    WaitFor what = WaitFor::future;
};

struct Snapshot {
    std::vector<HandlerInfo> handlers;   ///< by slot; no order is promised
    std::vector<TimeoutInfo> timeouts;   ///< no order is promised
    std::vector<CallbackInfo> callbacks; ///< in the order of running
    std::vector<ScopeInfo> scopes;       ///< the youngest first
    std::vector<TaskInfo> tasks;         ///< the youngest first
    std::vector<WaitInfo> waits;         ///< of these tasks, in their order
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
