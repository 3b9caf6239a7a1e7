// SPDX-License-Identifier: MIT
/// Turn: one round of the loop, what it may spend, and what came of it. Floor 0.
#pragma once

#include <ioloop/clock.hpp>

#include <cstdint>

namespace ioloop {

inline constexpr std::uint32_t unlimited = UINT32_MAX;

/// What one call of run_once, run_ready or run_until may spend on calling handlers, callbacks and timeouts.
/// Sleeping is not spending. (To run_ready(), which never sleeps, all of its time is.) The loop looks between calls: it overruns `time` by at most the call it is in.
/// However small the budget, one call is made when anything is ready, so a starved loop still moves.
struct Budget {
    Duration time = forever;
    std::uint32_t calls = unlimited;
};

/// Why a call of run_once, run_ready or run_until came back.
enum class Ended : std::uint8_t {
    idle,    ///< nothing was ready
    ran,     ///< everything that was ready has run
    budget,  ///< the budget is spent; the next call continues where this one stopped
    stopped, ///< stop() was called
    paused,  ///< the loop is paused; nothing ran
};

/// What came of it. All counts and times are of this call alone.
struct Turn {
    std::uint32_t handlers = 0;
    std::uint32_t callbacks = 0;
    std::uint32_t timeouts = 0;
    std::uint32_t left = 0; ///< ready, not run: the budget was spent
    Ended ended = Ended::idle;
    Duration waited{}; ///< slept in the poller
    /// Spent in the calls; of run_ready() under a budget of time: all of it. Exact under a budget of time or an observer. Else
    /// an unlimited turn would read the clock for this alone, and it is counted in ticks of the system, of some milliseconds.
    Duration busy{};

    constexpr std::uint32_t calls() const noexcept { return handlers + callbacks + timeouts; }
};

/// What kind of callable the loop called.
enum class CallKind : std::uint8_t { handler, callback, timeout };

constexpr const char* name_of(CallKind kind) noexcept {
    switch (kind) {
    case CallKind::handler: return "handler";
    case CallKind::callback: return "callback";
    case CallKind::timeout: return "timeout";
    }
    return "?";
}

/// How far step() goes while the loop is paused.
enum class StepKind : std::uint8_t { call, turn };

} // namespace ioloop
