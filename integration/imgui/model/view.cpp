// SPDX-License-Identifier: MIT
#include "view.hpp"

#include <algorithm>

namespace ioloop::imgui {
namespace {

constexpr std::size_t shown_calls = 1024;
constexpr std::size_t shown_turns = 512;

/// With more than this many objects, one copy of them all in each frame would be felt.
constexpr std::size_t many = 2000;
constexpr double seconds_between_many = 0.1;

} // namespace

void View::refresh(double now) {
    measure_frame();
    if (frozen_ && version_ > 0) return;

    const Statistics& statistics = loop_.statistics();
    const std::size_t objects = std::size_t{statistics.handlers} + statistics.timeouts + statistics.callbacks;
    if (objects > many && taken_at_ >= 0 && now >= taken_at_ && now - taken_at_ < seconds_between_many) {
        snapshot_.statistics = statistics;
        snapshot_.time = loop_.time();
        snapshot_.paused = loop_.paused();
        snapshot_.in_call = loop_.in_call();
    } else {
        loop_.snapshot(snapshot_);
        taken_at_ = now;
        ++version_;
    }
    turns_rate_.sample(snapshot_.statistics.turns, snapshot_.time);
    calls_rate_.sample(snapshot_.statistics.calls_run(), snapshot_.time);
    sleeps_rate_.sample(snapshot_.statistics.sleeps, snapshot_.time);
    copy_history();
}

std::uint64_t View::behind() const {
    return loop_.statistics().calls_run() - snapshot_.statistics.calls_run();
}

void View::measure_frame() {
    const TimePoint now = loop_.time();
    const Duration busy = loop_.statistics().busy;
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

void View::copy_history() {
    if (recorder_.calls_seen() != calls_seen_) {
        calls_seen_ = recorder_.calls_seen();
        const std::size_t count = recorder_.call_count();
        calls_.clear();
        for (std::size_t i = count - std::min(count, shown_calls); i < count; ++i) {
            calls_.push_back(recorder_.call(i));
        }
    }
    if (recorder_.turns_seen() != turns_seen_) {
        turns_seen_ = recorder_.turns_seen();
        const std::size_t count = recorder_.turn_count();
        turns_.clear();
        for (std::size_t i = count - std::min(count, shown_turns); i < count; ++i) {
            turns_.push_back(recorder_.turn(i));
        }
    }
}

} // namespace ioloop::imgui
