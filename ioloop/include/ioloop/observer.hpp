// SPDX-License-Identifier: MIT
/// Observer: sees every call and every turn of a loop. Floor 1.
///
/// Override what you need. A loop without an observer pays one predictable branch a call. Observers are
/// called on the loop's thread, inside a turn: be quick, and do not call the loop.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/events.hpp>
#include <ioloop/fd.hpp>
#include <ioloop/site.hpp>
#include <ioloop/turn.hpp>

#include <cstdint>

namespace ioloop {

/// One call of a callable.
struct CallRecord {
    std::uint64_t turn = 0;
    std::uint64_t id = 0; ///< HandlerInfo::id, CallbackInfo::id, or slot and generation of a Timeout
    Chain chain;
    TimePoint begin{};
    Duration took{};
    Duration late{}; ///< from posted (callback) or due (timeout) to begin; handlers: zero
    CallKind kind = CallKind::callback;
    Events events = Events::none; ///< handlers
    Fd fd = invalid_fd;           ///< handlers
    bool threw = false;
    std::uint8_t depth = 1; ///< run_ calls on the stack
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
};

class Observer {
public:
    Observer() = default;
    Observer(const Observer&) = delete;
    Observer& operator=(const Observer&) = delete;
    virtual ~Observer() = default;

    virtual void before_call(const CallRecord&) {} ///< `took` and `threw` are not known yet
    virtual void after_call(const CallRecord&) {}
    virtual void after_turn(const TurnRecord&) {}
};

} // namespace ioloop
