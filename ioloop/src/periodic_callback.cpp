// SPDX-License-Identifier: MIT
#include "raise.hpp"

#include <ioloop/periodic_callback.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace ioloop {

/// Shared with the timeout's closure: the object may be destroyed inside its own callback, and the closure
/// may be destroyed (by close(), by the inspector) while the object lives.
struct PeriodicCallback::State {
    State(IOLoop& l, Duration p, Callback&& c, Options&& o, const Origin& at, std::uint64_t s)
        : loop(l),
          period(p),
          callback(std::move(c)),
          options(std::move(o)),
          origin(at),
          seed(s) {}

    IOLoop& loop;
    Duration period;
    Callback callback;
    Options options;
    Origin origin;
    std::uint64_t seed;    ///< of the generator
    Timeout timeout{};     ///< none: stopped
    Timeout ticking{};     ///< the one whose call is on the stack
    std::uint64_t run = 0; ///< counts start()s, to tell a restart inside the callback from the run it ended
    std::uint64_t missed = 0;
    Duration drawn{};             ///< the length of the period that begins with the next tick
    std::shared_ptr<bool> busy{}; ///< null: calls end when they return

    /// The length of the period that begins now.
    Duration draw() {
        drawn = period; // also if the program's dice throw
        if (options.jitter != 0)
            drawn = jittered(period, options.jitter, options.random ? options.random() : uniform());
        return drawn;
    }

private:
    /// From 0 to 1. SplitMix64: nobody needs better dice for this, and an engine of <random> would be larger than
    /// all the rest.
    double uniform() noexcept {
        std::uint64_t bits = seed += 0x9e3779b97f4a7c15U;
        bits = (bits ^ (bits >> 30U)) * 0xbf58476d1ce4e5b9U;
        bits = (bits ^ (bits >> 27U)) * 0x94d049bb133111ebU;
        return static_cast<double>((bits ^ (bits >> 31U)) >> 11U) * 0x1.0p-53;
    }
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
                // The deadline that it really had, as the grid moves with pauses.
                const Tick tick = next_tick(loop.deadline_of(state.timeout), loop.time(), state.drawn,
                                            state.options.missed);
                state.missed += tick.missed;
                loop.update_timeout(state.timeout, tick.at);
            }
            State& state;
            IOLoop& loop;
            std::uint64_t run;
        } const rearm{*state_, state_->loop, run_};
        state_->ticking = state_->timeout;
        state_->draw(); // the program's dice may throw: now, rather than in a destructor
        if (state_->busy && *state_->busy) {
            ++state_->missed;
            return;
        }
        state_->callback();
    }

private:
    std::shared_ptr<State> state_;
    std::uint64_t run_;
};

PeriodicCallback::PeriodicCallback(IOLoop& loop, Duration period, Callback callback, Origin origin)
    : PeriodicCallback(loop, period, std::move(callback), Options{}, origin) {}

PeriodicCallback::PeriodicCallback(IOLoop& loop, Duration period, Callback callback, Options options,
                                   Origin origin) {
    if (period <= Duration::zero()) {
        raise(std::invalid_argument("PeriodicCallback: the period must be positive, " + describe(origin)));
    }
    if (!callback) raise(std::invalid_argument("PeriodicCallback: null callback, " + describe(origin)));
    if (!(options.jitter >= 0 && options.jitter <= 1)) { // so that NaN is refused too
        raise(std::invalid_argument("PeriodicCallback: the jitter must be from 0 to 1, " + describe(origin)));
    }
    // Different for every object and every start of the program.
    const auto seed = static_cast<std::uint64_t>(steady_clock().now().time_since_epoch().count()) ^
                      (std::uint64_t{reinterpret_cast<std::uintptr_t>(this)} << 16U);
    state_ = std::make_shared<State>(loop, period, std::move(callback), std::move(options), origin, seed);
}

PeriodicCallback::~PeriodicCallback() { stop(); }

void PeriodicCallback::skip_while(std::shared_ptr<bool> busy) noexcept { state_->busy = std::move(busy); }

void PeriodicCallback::start() {
    if (is_running()) return;
    State& state = *state_;
    const Duration first = state.draw();
    ++state.run;
    state.timeout = state.loop.call_at(after(state.loop.time(), first), Ticker(state_), state.origin);
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

std::uint64_t PeriodicCallback::missed() const noexcept { return state_->missed; }

TimePoint PeriodicCallback::next_tick(TimePoint last, TimePoint now, Duration period) noexcept {
    return next_tick(last, now, period, MissedTicks::skip).at;
}

PeriodicCallback::Tick PeriodicCallback::next_tick(TimePoint last, TimePoint now, Duration period,
                                                   MissedTicks policy) noexcept {
    last =
        std::max(last, after(now, -forever)); // somebody may have moved the timeout to the beginning of time
    if (last > now || policy == MissedTicks::burst) return {after(last, period), 0};
    const auto missed = static_cast<std::uint64_t>((now - last) / period);
    if (policy == MissedTicks::delay && missed > 0) return {after(now, period), missed};
    return {after(now, period - (now - last) % period), missed};
}

Duration PeriodicCallback::jittered(Duration period, double jitter, double random) noexcept {
    // Only the difference goes through floating point, so that no jitter is exactly the period; and only as much
    // as fits, as the longest period there is stands for `never`.
    const double difference = static_cast<double>(period.count()) * jitter * (random - 0.5);
    if (!(difference < static_cast<double>((forever - period).count()))) return forever;
    return std::max(period + Duration(static_cast<Duration::rep>(difference)), Duration(1));
}

} // namespace ioloop
