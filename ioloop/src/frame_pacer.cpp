// SPDX-License-Identifier: MIT
#include "raise.hpp"

#include <ioloop/frame_pacer.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace ioloop {
namespace {

/// How long so many frames take; `forever` if that cannot be counted.
Duration length_of(double frames, double rate) noexcept {
    const double nanoseconds = frames * 1e9 / rate;
    return nanoseconds < 0x1p63 ? Duration(std::llround(nanoseconds)) : forever;
}

void require_rate(double rate) {
    if (std::isfinite(rate) && rate > 0) return;
    raise(std::invalid_argument("FramePacer: the rate must be a positive number of frames a second, not " +
                                std::to_string(rate)));
}

void require_share(double share) {
    if (share > 0 && share <= 1) return;
    raise(std::invalid_argument("FramePacer: a share of a frame must be above 0 and at most 1, not " +
                                std::to_string(share)));
}

void require_not_negative(Duration value, const char* name) {
    if (value >= Duration::zero()) return;
    raise(std::invalid_argument(std::string("FramePacer: ") + name + " must not be negative, and is " +
                                std::to_string(value.count()) + " ns"));
}

FramePacer::Options checked(FramePacer::Options options) {
    require_rate(options.rate);
    require_share(options.share);
    require_not_negative(options.spin, "spin");
    require_not_negative(options.reserve, "reserve");
    if (options.clock == nullptr) options.clock = &steady_clock();
    return options;
}

} // namespace

FramePacer::FramePacer() : FramePacer(Options{}) {}

FramePacer::FramePacer(Options options)
    : options_(checked(options)),
      anchor_(options_.clock->now()),
      grid_rate_(options_.rate),
      begun_(anchor_) {
    set_deadline();
}

void FramePacer::set_rate(double rate) {
    require_rate(rate);
    options_.rate = rate;
}

void FramePacer::begin_frame() noexcept {
    const Duration frame = length_of(1, options_.rate);
    const TimePoint due = end_; // the frame before ends where this one begins
    begun_ = options_.clock->now();
    spent_ = {};

    bool anew = options_.vsync;
    if (statistics_.frames++ == 0) {
        anew = true;
    } else if (const Duration late = until(begun_, due); late > frame / 10) {
        ++statistics_.late;
        statistics_.worst = std::max(statistics_.worst, late);
        if (late > frame) {
            ++statistics_.hitches;
            anew = true;
        }
    } else if (until(due, begun_) > frame / 10) {
        ++statistics_.early;
        anew = true;
    }

    if (anew || grid_rate_ != options_.rate) {
        anchor_ = anew ? begun_ : due;
        index_ = 0;
        grid_rate_ = options_.rate;
    } else {
        ++index_;
    }
    set_deadline();
}

void FramePacer::set_deadline() noexcept {
    // From the anchor each time, and not from the frame before: a 60th of a second is no whole number of
    // nanoseconds, and the error would grow with every frame.
    end_ = after(anchor_, length_of(static_cast<double>(index_ + 1), grid_rate_));
    deadline_ = options_.vsync ? std::max(begun_, after(end_, -options_.reserve)) : end_;
}

Duration FramePacer::left() const noexcept { return until(deadline_, options_.clock->now()); }

Budget FramePacer::budget() const noexcept {
    return Budget{std::max(length_of(options_.share, grid_rate_) - spent_, Duration::zero()), unlimited};
}

Budget FramePacer::budget(double share) const {
    require_share(share);
    return Budget{std::min(length_of(share, grid_rate_), budget().time), unlimited};
}

void FramePacer::spend(const Turn& turn) noexcept {
    spent_ += std::clamp(turn.busy, Duration::zero(), forever - spent_);
}

} // namespace ioloop
