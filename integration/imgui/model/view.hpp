// SPDX-License-Identifier: MIT
/// View: the moment of the loop that is shown. Live, it is taken anew for each frame; frozen, it stays.
#pragma once

#include "id_map.hpp"
#include "rate.hpp"

#include <ioloop/inspect/moment.hpp>
#include <ioloop/inspect/source.hpp>

#include <cstdint>
#include <span>

namespace ioloop::imgui {

class View {
public:
    explicit View(Source& source) : source_(source) {}

    /// Once a frame that is shown, before anything is drawn. `now` is the user interface's time, in seconds.
    void refresh(double now);

    void set_frozen(bool frozen) { frozen_ = frozen; }
    bool frozen() const { return frozen_; }
    /// How many calls the loop has made since the view was frozen.
    std::uint64_t behind() const;
    /// Counts up whenever the view shows another moment.
    std::uint64_t version() const { return version_; }

    /// Why the loop is paused, if that was a breakpoint. Null: it was not, or it was stepped since.
    const Breakpoints::Hit* stopped_by() const;
    /// The loop is stepped: it stands somewhere else from now on.
    void step() { hit_before_ = moment_.hit.number; }

    /// How much of what the loop holds is the library's own.
    struct Internal {
        std::uint32_t handlers = 0;
        std::uint32_t timeouts = 0;
        std::uint32_t callbacks = 0;
    };
    const Internal& internal() const { return internal_; }

    Source& source() const { return source_; }
    const Moment& moment() const { return moment_; }
    const Snapshot& snapshot() const { return moment_.snapshot; }
    /// Loop time of the moment that is shown.
    TimePoint time() const { return moment_.snapshot.time; }
    /// What ran lately, the newest last.
    std::span<const CallRecord> calls() const { return moment_.calls; }
    std::span<const TurnRecord> turns() const { return moment_.turns; }
    std::span<const ChangeRecord> changes() const { return moment_.changes; }
    /// What the calls of a call site add up to. Null: not seen.
    const SiteProfile* profile(SiteId site, CallKind kind) const;

    double turns_per_second() const { return turns_rate_.per_second(); }
    double calls_per_second() const { return calls_rate_.per_second(); }
    double sleeps_per_second() const { return sleeps_rate_.per_second(); }
    /// In calls, of a frame; smoothed.
    Duration busy_in_frame() const { return Duration(static_cast<Duration::rep>(busy_)); }
    double busy_share() const { return frame_ > 0 ? busy_ / frame_ : 0; }

private:
    void count_internal();
    void measure_frame();
    void index_profiles(double now);

    Source& source_;
    Moment moment_;
    std::uint64_t version_ = 0;
    bool frozen_ = false;
    std::uint64_t hit_before_ = 0; ///< Hit::number when the loop was last seen running, or was stepped

    Internal internal_;

    IdMap profiles_; ///< from site and kind to a place in moment_.profiles
    double indexed_at_ = -1;

    Rate turns_rate_;
    Rate calls_rate_;
    Rate sleeps_rate_;
    TimePoint frame_begin_{};
    Duration busy_before_{};
    double busy_ = 0;  ///< nanoseconds a frame
    double frame_ = 0; ///< nanoseconds
};

} // namespace ioloop::imgui
