// SPDX-License-Identifier: MIT
/// PeriodicCallback: calls back every period. Floor 3.
///
/// Ticks lie on a grid from start(): a slow callback does not shift them, and ticks that it missed are
/// skipped, not made up for in a burst, unless the Options say otherwise. The first call comes one period after
/// start(). While the loop is paused the grid stands still with the loop's time.
///
/// A callback may return a Task, or a Future as run_in_executor() does. It is not called again while that goes on: such
/// ticks are left out, whatever the policy. stop() does not cancel it.
///
/// Thread: the loop's.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/future.hpp>
#include <ioloop/io_loop.hpp>
#include <ioloop/origin.hpp>
#include <ioloop/task.hpp>

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace ioloop {

namespace detail {

template <class R> inline constexpr bool goes_on = false;
template <class T> inline constexpr bool goes_on<Future<T>> = true;
template <class T> inline constexpr bool goes_on<Task<T>> = true;

/// A callable that returns work which goes on when the call is over.
template <class F>
concept begins_work = goes_on<std::invoke_result_t<F&>>;

} // namespace detail

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
    /// it is stopped; when the loop is destroyed, only stop(), is_running() and destruction are left.
    /// Errors: std::invalid_argument for a period that is not positive or a null callback.
    PeriodicCallback(IOLoop& loop, Duration period, Callback callback, Origin origin = Origin::here());
    /// Errors: std::invalid_argument for a jitter that is not from 0 to 1, as well.
    PeriodicCallback(IOLoop& loop, Duration period, Callback callback, Options options,
                     Origin origin = Origin::here());
    /// The same for callbacks that return a Task or a Future.
    template <detail::begins_work F>
    PeriodicCallback(IOLoop& loop, Duration period, F callback, Origin origin = Origin::here())
        : PeriodicCallback(loop, period, std::move(callback), Options{}, origin) {}
    template <detail::begins_work F>
    PeriodicCallback(IOLoop& loop, Duration period, F callback, Options options,
                     Origin origin = Origin::here())
        : PeriodicCallback(loop, period, std::move(callback), std::move(options), origin,
                           std::make_shared<bool>(false)) {}
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

    /// Ticks that were left out since this object was made: by `skip` and `delay`, or as the work of an earlier one
    /// went on.
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

    /// `busy`: whether the work of the last call goes on.
    template <class F>
    PeriodicCallback(IOLoop& loop, Duration period, F callback, Options options, const Origin& origin,
                     std::shared_ptr<bool> busy)
        : PeriodicCallback(loop, period, alone(loop, std::move(callback), busy), std::move(options), origin) {
        skip_while(std::move(busy));
    }
    template <class F> static Callback alone(IOLoop& loop, F callback, std::shared_ptr<bool> busy) {
        if (detail::is_null(callback)) return nullptr;
        // The closure is kept as long as its task, which may use the captures.
        return [&loop, f = std::make_shared<F>(std::move(callback)), busy = std::move(busy)] {
            auto work = (*f)();
            if (IOLoop::current(false) != &loop || !loop.in_call()) return; // it destroyed the loop
            const auto wait_for = [&](auto future) {
                loop.add_future(std::move(future), [busy](const auto&) { *busy = false; });
                *busy = true;
            };
            if constexpr (requires { detail::spawn(loop, std::move(work), f, loop.running_origin()); }) {
                wait_for(detail::spawn(loop, std::move(work), f, loop.running_origin()));
            } else {
                wait_for(std::move(work));
            }
        };
    }
    void skip_while(std::shared_ptr<bool> busy) noexcept;

    std::shared_ptr<State> state_;
};

} // namespace ioloop
