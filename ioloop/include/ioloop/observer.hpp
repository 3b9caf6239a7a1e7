// SPDX-License-Identifier: MIT
/// Observer: sees every call, change and turn of a loop. Floor 1.
///
/// Override what you need. A loop without an observer pays two predictable branches a call. Observers are
/// called on the loop's thread: be quick, do not call the loop, and throw nothing.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/events.hpp>
#include <ioloop/fd.hpp>
#include <ioloop/site.hpp>
#include <ioloop/turn.hpp>

#include <cstdint>
#include <exception>

namespace ioloop {

/// One call of a callable.
struct CallRecord {
    std::uint64_t turn = 0;
    std::uint64_t id = 0; ///< HandlerInfo::id, CallbackInfo::id, or slot and generation of a Timeout
    Chain chain;
    TimePoint begin{};
    /// From due (timeout) or posted (callback) to begin; handlers: zero. Posted by a callable: from when that returned.
    Duration late{};
    CallKind kind = CallKind::callback;
    Events events = Events::none; ///< handlers
    Fd fd = invalid_fd;           ///< handlers
    bool threw = false;
    std::uint8_t depth = 1; ///< run_ calls on the stack
    /// Last: it is written last, and whoever copies the record at once would wait for it in the middle of a wide load.
    Duration took{};
};

/// Why a turn's wait came back.
enum class WakeReason : std::uint8_t {
    descriptor, ///< something was ready
    callbacks,  ///< not slept: callbacks were queued
    deadline,   ///< a timeout came due
    woken,      ///< wake(), stop(), or a post from another thread
    timeout,    ///< the host's timeout passed: nothing to do
    polled,     ///< the host asked not to wait, and nothing was ready
};

constexpr const char* name_of(WakeReason reason) noexcept {
    switch (reason) {
    case WakeReason::descriptor: return "descriptor";
    case WakeReason::callbacks: return "callbacks queued";
    case WakeReason::deadline: return "timeout due";
    case WakeReason::woken: return "woken";
    case WakeReason::timeout: return "host's timeout";
    case WakeReason::polled: return "polled";
    }
    return "?";
}

/// One complete turn, however many calls of run_once it took.
struct TurnRecord {
    std::uint64_t turn = 0;
    TimePoint begin{}; ///< before the wait
    TimePoint end{};   ///< after the last call
    Duration waited{}; ///< slept in the poller
    Duration handlers_took{};
    Duration callbacks_took{};
    Duration timeouts_took{};
    std::uint32_t handlers = 0;
    std::uint32_t callbacks = 0;
    std::uint32_t timeouts = 0;
    std::uint32_t queued_after = 0; ///< callbacks left for the next turn
    std::uint32_t pieces = 1;       ///< calls of run_once over which the budget spread it
    WakeReason reason = WakeReason::polled;
    Duration asked{}; ///< how long it might have slept, at most
    Chain cause;      ///< the first call of the kind that `reason` names; none if there was no such call
    Fd cause_fd = invalid_fd; ///< its descriptor, if that was a handler
};

enum class ChangeKind : std::uint8_t {
    added,   ///< a handler was registered, a timeout armed
    moved,   ///< the events of a handler, the deadline of a timeout
    removed, ///< by the program: not because it ran
    died,    ///< a handler: its descriptor was closed behind the loop's back
};

constexpr const char* name_of(ChangeKind change) noexcept {
    switch (change) {
    case ChangeKind::added: return "added";
    case ChangeKind::moved: return "moved";
    case ChangeKind::removed: return "removed";
    case ChangeKind::died: return "died";
    }
    return "?";
}

/// What became of a handler or a timeout. (Of a callback, its CallRecord tells all.)
struct ChangeRecord {
    std::uint64_t turn = 0;
    std::uint64_t id = 0;       ///< as CallRecord::id
    Chain chain;                ///< of the handler or timeout
    SiteId by = SiteId::none;   ///< the callable that ran; none: between calls
    TimePoint at{};             ///< within a call: when that began, which takes no reading of the clock
    TimePoint deadline = never; ///< timeouts: the new one
    CallKind kind = CallKind::handler;
    ChangeKind change = ChangeKind::added;
    Events events = Events::none; ///< handlers: the new ones
    Fd fd = invalid_fd;           ///< handlers
};

class Observer {
public:
    Observer() = default;
    Observer(const Observer&) = delete;
    Observer& operator=(const Observer&) = delete;
    virtual ~Observer() = default;

    /// True: the loop pauses, as by set_paused(), before it makes this call. Not asked when stepping. Only
    /// turn, id, chain, kind, fd and events are known yet.
    virtual bool pause_before(const CallRecord&) { return false; }
    virtual void before_call(const CallRecord&) {} ///< `took` and `threw` are not known yet
    virtual void after_call(const CallRecord&) {}
    /// The call threw: after after_call(), before the error hook.
    virtual void on_error(const CallRecord&, const std::exception_ptr&) {}
    virtual void after_change(const ChangeRecord&) {}
    virtual void after_turn(const TurnRecord&) {}
};

} // namespace ioloop
