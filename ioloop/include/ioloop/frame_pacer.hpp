// SPDX-License-Identifier: MIT
/// FramePacer: the arithmetic of a frame loop. Floor 1.
///
/// When does this frame end, how long may the program sleep until then, and how much of the frame may the
/// loop spend? It runs nothing and sleeps nowhere: the frame loop stays yours.
///
///     ioloop::FramePacer pacer({.rate = 60});
///     while (playing) {
///         pacer.begin_frame();
///         handle_events();
///         pacer.spend(loop.run_ready(pacer.budget()));
///         draw();
///         loop.run_until(pacer.sleep_until());    // the slack, slept inside the loop: needs no budget
///         while (pacer.left() > no_wait) {}       // only with Options::spin
///     }
///
/// **The budget belongs to the frame, not to the call.** A frame loop pumps wherever it can: after input,
/// before it draws, while a level loads. If each pump had a budget of its own, a frame with four pumps would
/// lose four. So every pump asks for budget() and tells spend(), and together they keep to one share.
///
/// **The budget is a part of a frame, not a number of milliseconds.** Displays run from 30 to 165 Hz: 4 ms are
/// an eighth of the one frame and two thirds of the other.
///
/// Thread: one at a time.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/turn.hpp>

#include <cstdint>

namespace ioloop {

class FramePacer {
public:
    struct Options {
        double rate = 60;    ///< frames a second
        double share = 0.25; ///< of a frame: what all pumps of that frame together may spend on calls
        /// The last piece of the slack, to be spun rather than slept: 500 us do. As long as a frame, it sleeps no more.
        Duration spin{};
        /// The display keeps the time, and `rate` is what it refreshes with. Each frame is counted from its own
        /// begin_frame(), which comes right after the buffer swap, and not from a grid that would drift
        /// against the display.
        bool vsync = false;
        /// With vsync: how long before the display's next refresh the slack ends, so that the swap is not missed.
        Duration reserve = std::chrono::milliseconds(2);
        Clock* clock = nullptr; ///< the loop's. Null: steady_clock(). Lifetime: longer than the pacer
    };

    struct Statistics {
        std::uint64_t frames = 0;
        std::uint64_t late = 0; ///< began more than a tenth of a frame after the one before should have ended
        std::uint64_t hitches = 0; ///< of the late ones: by more than a whole frame
        std::uint64_t early = 0;   ///< began more than a tenth of a frame before: nobody slept
        Duration worst{};          ///< how late the latest one was
    };

    FramePacer();
    /// Errors: invalid_argument for a rate that is not finite and positive, a share that is not above 0 and at
    /// most 1, a spin or a reserve below zero.
    explicit FramePacer(Options options);

    /// From the next frame on. Setting what is set already changes nothing, so call it as often as you ask the display.
    /// Errors: invalid_argument, as above; the rate stays what it was.
    void set_rate(double rate);
    double rate() const noexcept { return options_.rate; }

    /// A frame begins: call it at the top of the frame loop. Frames end on a grid, so one that began a little late
    /// is so much shorter, and the rate holds. Where that would do harm the grid begins anew, now: after
    /// a hitch of more than a frame (no burst of short frames makes up for it), and when frames come more
    /// than a tenth too early (no long one waits for the grid). So no deadline is in the past when its frame
    /// begins, nor more than 1.1 frames ahead.
    /// Before the first call everything is as in a frame that began when the pacer was made.
    void begin_frame() noexcept;

    /// When this frame's slack ends.
    TimePoint deadline() const noexcept { return deadline_; }
    /// Does not sleep: tells when to wake up, and spin for the rest, as the system may wake a sleeper late. May have
    /// passed.
    TimePoint sleep_until() const noexcept { return after(deadline_, -options_.spin); }
    /// From now until deadline(); never negative.
    Duration left() const noexcept;

    /// What is left of this frame's share for a pump; never negative. With nothing left the loop still
    /// makes one call, and so keeps moving.
    Budget budget() const noexcept;
    /// At most this share of a frame, and no more than is left of the frame's.
    /// Errors: invalid_argument for a share that is not above 0 and at most 1.
    Budget budget(double share) const;
    /// A pump of this frame came to `turn`. (Not for the one that slept the slack: that is time nobody else wants.)
    void spend(const Turn& turn) noexcept;

    const Statistics& statistics() const noexcept { return statistics_; }

private:
    void set_deadline() noexcept;

    Options options_;
    // The grid: frame `index_` of it ends at anchor_ + (index_ + 1) / grid_rate_, rounded once.
    TimePoint anchor_;
    std::uint64_t index_ = 0;
    double grid_rate_;
    TimePoint begun_; ///< the frame
    TimePoint end_{}; ///< and where the grid has its end
    TimePoint deadline_{};
    Duration spent_{}; ///< by the pumps of this frame
    Statistics statistics_;
};

} // namespace ioloop
