// SPDX-License-Identifier: MIT
#include "view.hpp"

namespace ioloop::imgui {

void View::refresh(double now) {
    if (frozen_ && version_ > 0) return;
    if (source_.refresh(moment_, now)) ++version_;
    measure_frame();
    const Snapshot& snapshot = moment_.snapshot;
    turns_rate_.sample(snapshot.statistics.turns, snapshot.time);
    calls_rate_.sample(snapshot.statistics.calls_run(), snapshot.time);
    sleeps_rate_.sample(snapshot.statistics.sleeps, snapshot.time);
}

std::uint64_t View::behind() const { return source_.calls_run() - moment_.snapshot.statistics.calls_run(); }

void View::measure_frame() {
    const TimePoint now = moment_.snapshot.time;
    const Duration busy = moment_.snapshot.statistics.busy;
    const Duration frame = now - frame_begin_;
    if (frame_begin_ != TimePoint{} && frame > Duration::zero()) {
        // About the last ten frames: steady enough to read, quick enough to see a hitch.
        const double weight = frame_ > 0 ? 0.1 : 1.0;
        busy_ += weight * (static_cast<double>((busy - busy_before_).count()) - busy_);
        frame_ += weight * (static_cast<double>(frame.count()) - frame_);
    }
    frame_begin_ = now;
    busy_before_ = busy;
}

} // namespace ioloop::imgui
