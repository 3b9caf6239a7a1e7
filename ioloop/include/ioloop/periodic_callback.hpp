// SPDX-License-Identifier: MIT
/// PeriodicCallback: calls back every period. Floor 3.
///
/// Ticks lie on a grid from start(): a slow callback does not shift them, and ticks that it missed are
/// skipped, not made up for in a burst, unless the Options say otherwise. The first call comes one period after
/// start(). While the loop is paused the grid stands still with the loop's time.
///
/// Thread: the loop's.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/io_loop.hpp>
#include <ioloop/origin.hpp>
#include <ioloop/task.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace ioloop {

/// What becomes of ticks for which the loop or the callback came too late. (The names are tokio's.)
enum class MissedTicks : std::uint8_t {
    skip,  ///< they are left out; the next is the first one on the grid that is still to come (Tornado)
    burst, ///< they are made up for, one a turn, until the grid is caught up with: a simulation's fixed step
    delay, ///< the grid begins anew: the next comes a whole period from now
};

class PeriodicCallback {
public:
    struct Options {
        MissedTicks missed = MissedTicks::skip;
        /// Each period is longer or shorter by up to half of this part of it: 0.5 is 75 % to 125 %. So that a
        /// thousand clients do not call the server in the same second. From 0 to 1.
        double jitter = 0;
        /// From 0 to 1, drawn once a period if there is jitter. Null: a generator of its own.
        Function<double()> random = nullptr;
    };

    /// Lifetime: may be destroyed inside its own callback, and may outlive the loop's close(), after which
    /// it is stopped.
    /// Errors: std::invalid_argument for a period that is not positive or a null callback.
    PeriodicCallback(IOLoop& loop, Duration period, Callback callback, Origin origin = Origin::here());
    /// Errors: std::invalid_argument for a jitter that is not from 0 to 1, as well.
    PeriodicCallback(IOLoop& loop, Duration period, Callback callback, Options options,
                     Origin origin = Origin::here());
    /// With a callback that is a coroutine, `[]() -> Task<> {...}`: no tick begins while the last one is under way (it
    /// is left out), so that its calls never overlap. stop() lets the one under way go on.
    template <detail::MakesTask F>
    PeriodicCallback(IOLoop& loop, Duration period, F callback, Origin origin = Origin::here())
        : PeriodicCallback(loop, period, one_at_a_time(loop, std::move(callback), origin), origin) {}
    template <detail::MakesTask F>
    PeriodicCallback(IOLoop& loop, Duration period, F callback, Options options,
                     Origin origin = Origin::here())
        : PeriodicCallback(loop, period, one_at_a_time(loop, std::move(callback), origin), std::move(options),
                           origin) {}
    PeriodicCallback(const PeriodicCallback&) = delete;
    PeriodicCallback& operator=(const PeriodicCallback&) = delete;
    ~PeriodicCallback(); ///< stops

    /// Begins a new grid at this moment. Does nothing if it runs already.
    void start();
    /// After it returns there is no further call. Idempotent.
    void stop() noexcept;
    /// False also after its timeout was removed by somebody else: the inspector, or close().
    bool is_running() const noexcept;

    Duration period() const noexcept;

    /// Ticks that were left out since this object was made, by `skip` and `delay`.
    std::uint64_t missed() const noexcept;

    /// The tick after `now`, given the last one (Tornado's _update_next in its final form): strictly later
    /// than `now`, on the grid of `last`, whole missed periods skipped. If the clock seems to have gone
    /// backwards, one period on from `last`, so that no tick comes twice (tornado #2333).
    static TimePoint next_tick(TimePoint last, TimePoint now, Duration period) noexcept;

    struct Tick {
        TimePoint at{};
        std::uint64_t missed = 0; ///< left out before it
    };
    /// The same under a policy. Those of `burst` may lie in the past.
    static Tick next_tick(TimePoint last, TimePoint now, Duration period, MissedTicks policy) noexcept;

    /// The length of one period: period * (1 + jitter * (random - 0.5)), and at least a nanosecond.
    static Duration jittered(Duration period, double jitter, double random) noexcept;

private:
    struct State;
    class Ticker;
    std::shared_ptr<State> state_;

    template <class F> static Callback one_at_a_time(IOLoop& loop, F&& f, const Origin& origin) {
        struct Body {
            F callback;
            bool busy;

            static Task<> run(std::shared_ptr<Body> body) {
                const struct Free { // however it ends: by an exception, or with the loop
                    ~Free() { busy = false; }
                    bool& busy;
                } free{body->busy};
                co_await body->callback();
            }
        };
        return [&loop, body = std::make_shared<Body>(Body{std::forward<F>(f), false}),
                origin = std::make_shared<Origin>(origin)] {
            if (!std::exchange(body->busy, true)) spawn(loop, Body::run(body), *origin);
        };
    }
};

} // namespace ioloop
