// SPDX-License-Identifier: MIT
#include "raise.hpp"

#include <ioloop/periodic_callback.hpp>

#include <string>
#include <utility>

namespace ioloop {

/// Shared with the timeout's closure: the object may be destroyed inside its own callback, and the closure
/// may be destroyed (by close(), by the inspector) while the object lives.
struct PeriodicCallback::State {
    IOLoop& loop;
    Duration period;
    Callback callback;
    Origin origin;
    Timeout timeout{};     ///< none: stopped
    TimePoint tick{};      ///< the next, on the grid
    Timeout ticking{};     ///< the one whose call is on the stack
    std::uint64_t run = 0; ///< counts start()s, to tell a restart inside the callback from the run it ended
};

/// The timeout's closure. One for each start(); re-arms its own timeout, so the inspector sees one row that
/// lives.
class PeriodicCallback::Ticker {
public:
    explicit Ticker(std::shared_ptr<State> state) : state_(std::move(state)), run_(state_->run) {}
    Ticker(Ticker&&) noexcept = default;
    Ticker& operator=(Ticker&&) = delete;
    Ticker(const Ticker&) = delete;
    Ticker& operator=(const Ticker&) = delete;
    /// Whoever made the loop destroy the closure, the periodic callback is stopped, and must not touch a
    /// loop that may be gone.
    ~Ticker() {
        if (state_ && state_->run == run_) state_->timeout = {};
    }

    void operator()() {
        // RAII, as a callback that throws keeps its schedule.
        struct Rearm {
            ~Rearm() {
                state.ticking = {};
                // The callback may have destroyed the loop, and may even have made another in its place;
                if (IOLoop::current(false) != &loop || !loop.in_call()) return;
                if (state.run != run || !state.timeout) return; // ... or stopped this, or restarted it
                state.tick = next_tick(state.tick, loop.time(), state.period);
                loop.update_timeout(state.timeout, state.tick);
            }
            State& state;
            IOLoop& loop;
            std::uint64_t run;
        } const rearm{*state_, state_->loop, run_};
        state_->ticking = state_->timeout;
        state_->callback();
    }

private:
    std::shared_ptr<State> state_;
    std::uint64_t run_;
};

PeriodicCallback::PeriodicCallback(IOLoop& loop, Duration period, Callback callback, Origin origin) {
    if (period <= Duration::zero()) {
        raise(std::invalid_argument("PeriodicCallback: the period must be positive, " + describe(origin)));
    }
    if (!callback) raise(std::invalid_argument("PeriodicCallback: null callback, " + describe(origin)));
    state_ = std::make_shared<State>(State{loop, period, std::move(callback), origin});
}

PeriodicCallback::~PeriodicCallback() { stop(); }

void PeriodicCallback::start() {
    if (is_running()) return;
    State& state = *state_;
    ++state.run;
    state.tick = next_tick(state.loop.time(), state.loop.time(), state.period);
    state.timeout = state.loop.call_at(state.tick, Ticker(state_), state.origin);
    state.loop.note_period(state.timeout, state.period);
}

void PeriodicCallback::stop() noexcept {
    // Inside its own callback there is nothing to remove, and perhaps no loop any more: the ticker finds no timeout, and
    // does not re-arm.
    const Timeout timeout = std::exchange(state_->timeout, {});
    if (timeout && timeout != state_->ticking) state_->loop.remove_timeout(timeout);
}

bool PeriodicCallback::is_running() const noexcept { return static_cast<bool>(state_->timeout); }

Duration PeriodicCallback::period() const noexcept { return state_->period; }

TimePoint PeriodicCallback::next_tick(TimePoint last, TimePoint now, Duration period) noexcept {
    if (last > now) return after(last, period);
    return after(now, period - (now - last) % period);
}

} // namespace ioloop
