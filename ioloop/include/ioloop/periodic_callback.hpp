// SPDX-License-Identifier: MIT
/// PeriodicCallback: calls back every period. Floor 3.
///
/// Ticks lie on a grid from start(): a slow callback does not shift them, and ticks that it missed are
/// skipped, not made up for in a burst. The first call comes one period after start().
///
/// Thread: the loop's.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/io_loop.hpp>
#include <ioloop/origin.hpp>

#include <memory>

namespace ioloop {

class PeriodicCallback {
public:
    /// Lifetime: may be destroyed inside its own callback, and may outlive the loop's close(), after which
    /// it is stopped.
    /// Errors: std::invalid_argument for a period that is not positive or a null callback.
    PeriodicCallback(IOLoop& loop, Duration period, Callback callback, Origin origin = Origin::here());
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

    /// The tick after `now`, given the last one (Tornado's _update_next in its final form): strictly later
    /// than `now`, on the grid of `last`, whole missed periods skipped. If the clock seems to have gone
    /// backwards, one period on from `last`, so that no tick comes twice (tornado #2333).
    static TimePoint next_tick(TimePoint last, TimePoint now, Duration period) noexcept;

private:
    struct State;
    class Ticker;
    std::shared_ptr<State> state_;
};

} // namespace ioloop
