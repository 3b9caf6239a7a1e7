// SPDX-License-Identifier: MIT
/// View: the moment of the loop that is shown. Live, it is taken anew for each frame; frozen, it stays.
#pragma once

#include "rate.hpp"

#include <ioloop/inspect/recorder.hpp>
#include <ioloop/io_loop.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace ioloop::imgui {

class View {
public:
    View(IOLoop& loop, Recorder& recorder) : loop_(loop), recorder_(recorder) {}

    /// Once a frame that is shown, before anything is drawn. `now` is the user interface's time, in seconds.
    void refresh(double now);

    void set_frozen(bool frozen) { frozen_ = frozen; }
    bool frozen() const { return frozen_; }
    /// How many calls the loop has made since the view was frozen.
    std::uint64_t behind() const;
    /// Counts up whenever the view shows another moment.
    std::uint64_t version() const { return version_; }

    const Snapshot& snapshot() const { return snapshot_; }
    /// Loop time of the moment that is shown.
    TimePoint time() const { return snapshot_.time; }
    bool closed() const { return snapshot_.poller == "closed"; }

    /// What ran lately, the newest last.
    std::span<const CallRecord> calls() const { return calls_; }
    std::span<const TurnRecord> turns() const { return turns_; }
    /// The number of the newest call, since the recorder was cleared.
    std::uint64_t calls_seen() const { return calls_seen_; }

    double turns_per_second() const { return turns_rate_.per_second(); }
    double calls_per_second() const { return calls_rate_.per_second(); }
    double sleeps_per_second() const { return sleeps_rate_.per_second(); }
    /// In calls, of a frame; smoothed.
    Duration busy_in_frame() const { return Duration(static_cast<Duration::rep>(busy_)); }
    double busy_share() const { return frame_ > 0 ? busy_ / frame_ : 0; }

    IOLoop& loop() const { return loop_; }
    Recorder& recorder() const { return recorder_; }
    /// False if somebody else observes the loop.
    bool observing() const { return loop_.observer() == &recorder_; }

private:
    void measure_frame();
    void copy_history();

    IOLoop& loop_;
    Recorder& recorder_;
    Snapshot snapshot_;
    std::vector<CallRecord> calls_;
    std::vector<TurnRecord> turns_;
    std::uint64_t calls_seen_ = 0;
    std::uint64_t turns_seen_ = 0;
    std::uint64_t version_ = 0;
    bool frozen_ = false;
    double taken_at_ = -1; ///< user interface time of the snapshot

    Rate turns_rate_;
    Rate calls_rate_;
    Rate sleeps_rate_;
    TimePoint frame_begin_{};
    Duration busy_before_{};
    double busy_ = 0;  ///< nanoseconds a frame
    double frame_ = 0; ///< nanoseconds
};

} // namespace ioloop::imgui
