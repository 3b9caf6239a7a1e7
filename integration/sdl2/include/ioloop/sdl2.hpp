// SPDX-License-Identifier: MIT
/// sdl2::Host: an IOLoop in a program whose main loop is SDL's. Floor 4.
///
///     ioloop::IOLoop loop;
///     ioloop::sdl2::Host host(loop);
///     while (playing) {
///         while (SDL_PollEvent(&event)) handle(event);
///         update();
///         draw();
///         SDL_RenderPresent(renderer);
///         next = std::max(next + 16667us, loop.time());   // after a hitch: go on from here
///         host.pump_until(next);                          // instead of SDL_Delay
///     }
///
/// Two ways to live in a frame:
/// - pump(): once a frame, never blocks. What arrives just after it waits for the next frame.
/// - pump_until(): sleeps the slack of the frame inside the loop; what arrives is handled at once.
///
/// While a window is dragged or resized, or a menu is open, SDL_PollEvent does not return on Windows and
/// macOS; the host keeps the loop turning from an SDL event watch, as often as SDL says that the window
/// changed. (SDL does that from 2.30 on Windows, and for live resizing on macOS.)
///
/// Thread: the one that pumps SDL's events, for every member; the loop's thread is the same one.
#pragma once

#include <ioloop/io_loop.hpp>

#include <cstdint>
#include <memory>

union SDL_Event;

namespace ioloop::sdl2 {

class Host {
public:
    struct Options {
        /// What pump_until() may spend on calls even if its deadline is near or past: a host that is always
        /// late would else starve its connections.
        Duration least = std::chrono::microseconds(500);
        /// What one event of a window drag may spend.
        Duration while_dragged = std::chrono::milliseconds(4);
        /// SDL_PollEvent is taken to be stuck in a drag if the loop was not pumped for this long.
        Duration stuck_after = std::chrono::milliseconds(50);
        /// Send errors of callables to SDL_LogError(), if the loop has no error hook when the host is made.
        bool log_errors = true;
    };

    /// Errors: std::logic_error if SDL_Init(SDL_INIT_EVENTS), or more, was not called; from every member on another
    /// thread.
    /// Lifetime: `loop` outlives the host; SDL_Quit() comes after the host is gone.
    explicit Host(IOLoop& loop);
    Host(IOLoop& loop, Options options);
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    ~Host();

    /// One turn without waiting.
    Turn pump(Budget budget = {});

    /// Serves the loop until `deadline`, asleep when there is nothing to do; also while the loop is paused.
    Turn pump_until(TimePoint deadline);

    /// How many turns were made from the event watch, because SDL_PollEvent did not return.
    std::uint64_t rescued_turns() const noexcept;

    IOLoop& loop() noexcept;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace ioloop::sdl2
