// SPDX-License-Identifier: MIT
/// sdl2::Host: an IOLoop in a program whose main loop is SDL's. Floor 4.
///
/// **A game draws all the time**; the rest of each frame is the loop's:
///
///     IOLoop loop;
///     sdl2::Host host(loop);
///     FramePacer pacer;                                // 60 frames a second
///     while (playing) {
///         pacer.begin_frame();
///         while (SDL_PollEvent(&event)) handle(event);
///         host.pump(pacer);                            // what came while the last frame was presented
///         update();
///         draw();
///         SDL_RenderPresent(renderer);
///         host.pump_until(pacer);                      // instead of SDL_Delay: what comes is served at once
///     }
///
/// **A GUI draws when something has changed**, and sleeps otherwise:
///
///     host.request_frames();                                       // the first one
///     while (open) {
///         while (open && host.wait_event(&event)) handle(event);   // not SDL_WaitEvent; callbacks run inside
///         while (host.take_frame()) draw();                        // asked for by host.request_frames()
///     }
///
/// (`open` is asked twice: after the event that closes the window nothing may be left to wait for. A callback that
/// ends the loop by `open = false` also requests a frame, or wait_event() sleeps on.)
///
/// Four ways to sleep (Mode) are the same to the program, and differ in latency and price. The README has them measured.
///
/// **While a window is dragged** or resized, or a menu is open, SDL_PollEvent does not return on Windows and
/// macOS; the host keeps the loop turning from an SDL event watch, as often as SDL says that the window
/// changed. (SDL does that from 2.30 on Windows, and for live resizing on macOS.)
///
/// What runs then runs inside SDL, which holds a lock: do not wait there for a thread that may push an event.
///
/// Thread: the one that pumps SDL's events, for every member; the loop's thread is the same one.
#pragma once

#include <ioloop/frame_pacer.hpp>
#include <ioloop/io_loop.hpp>

#include <cstdint>
#include <memory>
#include <optional>

union SDL_Event;

namespace ioloop::sdl2 {

using ioloop::FramePacer;

/// How wait_event() sleeps.
enum class Mode : std::uint8_t {
    /// In SDL, in short pieces; between them the loop is looked at. What programs do that glue a loop into their frame.
    pump,
    /// In the loop, in short pieces; between them SDL is looked at. Of the two, the loop is served at once.
    slack,
    /// In SDL. A thread waits in the loop's place, and wakes SDL by an event. Everywhere. The loop is a guest (guest.hpp),
    /// of one host at a time, which has its host waker.
    guest,
    /// In the loop, which watches the window system's connection too. No thread, and the fastest. X11 only: elsewhere, and
    /// without a window, as guest. Events added by SDL_PeepEvents() on other threads are seen a second late at worst;
    /// those by SDL_PushEvent(), at once.
    merge,
};

constexpr const char* name_of(Mode mode) noexcept {
    switch (mode) {
    case Mode::pump: return "pump";
    case Mode::slack: return "slack";
    case Mode::guest: return "guest";
    case Mode::merge: return "merge";
    }
    return "?";
}

/// Names a function that waits for idle time. The default names none; one that has run names nothing.
struct IdleCall {
    std::uint64_t id = 0;
    friend bool operator==(IdleCall, IdleCall) = default;
};

class Host {
public:
    struct Options {
        Mode mode = Mode::guest;
        /// What the loop may spend on calls before wait_event() looks at SDL again.
        Duration turn = std::chrono::milliseconds(4);
        /// What pump_until() may spend on calls even if its deadline is near or past: a host that is always
        /// late would else starve its connections.
        Duration least = std::chrono::microseconds(500);
        /// How long Mode::pump and Mode::slack sleep before they look at the other side.
        Duration piece = std::chrono::milliseconds(10);
        /// What one event of a window drag may spend.
        Duration while_dragged = std::chrono::milliseconds(4);
        /// SDL_PollEvent is taken to be stuck in a drag if the loop was not pumped for this long.
        Duration stuck_after = std::chrono::milliseconds(50);
        /// If the program comes back only after longer than this (a level was loaded, a debugger has had it), the time
        /// between is not counted: timeouts have as long to go as they had (IOLoop::skip_time). None: it is. (Not for
        /// programs that suspend the loop meanwhile themselves: they have forgiven already.) What passes inside a
        /// callable of the loop is always counted.
        std::optional<Duration> forgive_gaps_over = std::nullopt;
        /// Idle calls run if at least this long is left. With more than 50 ms they never do: no more is offered.
        Duration least_idle = std::chrono::milliseconds(1);
        /// The loop's time stands still while a mobile system has the program in the background.
        bool suspend_in_background = true;
        /// Send errors of callables to SDL_LogError(), if the loop has no error hook when the host is made.
        bool log_errors = true;
    };

    /// One host for a loop; and none where a Guest runs, as Mode::guest has its own (and uses the loop's host waker).
    /// Errors: std::logic_error if SDL_Init(SDL_INIT_EVENTS), or more, was not called, or the loop is closed;
    /// std::invalid_argument for options that make no sense. From every member that may throw, std::logic_error on
    /// another thread, or if the loop is closed or gone.
    /// Lifetime: loop and host may go in either order, the loop also inside a callable; loop() is not for after the loop. The
    /// host does not go inside its own pumps, wait_event() or hooks. SDL_Quit() comes after it is gone.
    explicit Host(IOLoop& loop);
    Host(IOLoop& loop, Options options);
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    ~Host();

    // ---- for who draws all the time -------------------------------------------------------------

    /// One turn without waiting.
    Turn pump(Budget budget = {});
    /// Turns without waiting until nothing is left to do, or what `frame` has for pumps is spent.
    Turn pump(FramePacer& frame);

    /// Serves the loop until `deadline`, asleep when there is nothing to do. While the loop is paused it sleeps, 100 ms at
    /// most.
    Turn pump_until(TimePoint deadline);
    /// Until the end of the frame; the tail of it awake, if the pacer says so.
    Turn pump_until(FramePacer& frame);

    // ---- for who draws when something has changed -----------------------------------------------

    /// SDL_WaitEventTimeout(), with the loop running meanwhile. True: `event` is one for the program; null leaves it
    /// in SDL's queue. False: the time is up, or a frame is requested, or the loop was stopped or destroyed; and no event is
    /// left. A `timeout` of zero or less does not wait: what -1 is to SDL is `forever` here.
    /// May be called inside a callable of the loop: a modal dialog. There every mode sleeps as Mode::slack does.
    bool wait_event(SDL_Event* event, Duration timeout = forever);

    void set_mode(Mode mode);
    Mode mode() const noexcept;
    /// How it sleeps in truth, known from the first wait_event() on: as guest if it should merge and cannot; as slack
    /// inside a callable; in SDL while the loop is paused.
    Mode active_mode() const noexcept;

    /// wait_event() comes back so that so many frames can be drawn. Of several requests the largest counts, not their
    /// sum. An immediate-mode GUI needs two or three after each event to settle. Thread: any.
    /// Errors: std::invalid_argument for less than none.
    void request_frames(int frames = 1);
    /// True as many times as frames were requested. Thread: any.
    bool take_frame() noexcept;

    /// True if the last pump or wait_event() ended because of IOLoop::stop(). The next one forgets it, so who calls several
    /// a frame asks after each (or looks at the Turn, which says Ended::stopped).
    bool stopped() const noexcept;

    // ---- for what can wait ----------------------------------------------------------------------

    /// Calls `callback(time left)` once, as a callback of the loop, when pump_until() or wait_event() would else sleep;
    /// the time left is until the end of the frame, or of the wait, or the loop's next deadline, and 50 ms at most. First
    /// come, first served. Ask again from inside for more of it. (The idea is the web's requestIdleCallback.)
    /// Errors: std::invalid_argument for a null callback.
    IdleCall call_when_idle(Function<void(Duration)> callback, Origin origin = Origin::here());
    /// After it returns the callback is not called. False if it was already, or never was.
    bool cancel_idle(IdleCall call) noexcept;

    // ---- the life of a mobile program -----------------------------------------------------------
    // Null: no hook. They run on the host's thread; if SDL tells of it on another, in the next pump or wait_event().

    /// Called before the system sends the program to the background, where it may not run: close, save, say good-bye.
    /// After it the loop makes one turn, to send that, and its time stands still (Options::suspend_in_background).
    void on_background(Callback hook);
    /// Called when the program is back, and the loop's time goes on: timeouts have as long to go as they had, and
    /// IOLoop::time() is that of the clock again.
    void on_foreground(Callback hook);
    /// Called when the system is short of memory.
    void on_low_memory(Callback hook);

    // ---- looking --------------------------------------------------------------------------------

    struct Statistics {
        std::uint64_t rescued_turns = 0; ///< made from the event watch, because SDL_PollEvent did not return
        std::uint64_t gaps = 0;          ///< forgiven
        std::uint64_t idle_calls = 0;
        std::uint64_t sleeps = 0;        ///< of wait_event()
        std::uint64_t wakes = 0;         ///< events added to SDL's queue for the loop's sake
        std::uint64_t wakes_refused = 0; ///< and those for which it was full
    };
    Statistics statistics() const noexcept;
    /// Statistics::rescued_turns.
    std::uint64_t rescued_turns() const noexcept;

    IOLoop& loop() noexcept;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace ioloop::sdl2
