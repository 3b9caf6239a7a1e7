// SPDX-License-Identifier: MIT
#include "view.hpp"

#include <algorithm>

namespace ioloop::imgui {
namespace {

std::uint64_t key_of(SiteId site, CallKind kind) {
    return (static_cast<std::uint64_t>(site) << 2U) | static_cast<std::uint64_t>(kind);
}

} // namespace

void View::refresh(double now) {
    if (frozen_ && version_ > 0) return;
    if (source_.refresh(moment_, now)) {
        ++version_;
        count_internal();
    }
    if (!source_.paused()) step();
    measure_frame();
    index_profiles(now);
    const Snapshot& snapshot = moment_.snapshot;
    turns_rate_.sample(snapshot.statistics.turns, snapshot.time);
    calls_rate_.sample(snapshot.statistics.calls_run(), snapshot.time);
    sleeps_rate_.sample(snapshot.statistics.sleeps, snapshot.time);
}

void View::count_internal() {
    const auto count = [](const auto& infos) {
        return static_cast<std::uint32_t>(
            std::count_if(infos.begin(), infos.end(), [](const auto& info) { return info.origin.internal; }));
    };
    const Snapshot& snapshot = moment_.snapshot;
    internal_ = {count(snapshot.handlers), count(snapshot.timeouts), count(snapshot.callbacks)};
}

const Breakpoints::Hit* View::stopped_by() const {
    return source_.paused() && moment_.hit.number > hit_before_ ? &moment_.hit : nullptr;
}

std::uint64_t View::behind() const { return source_.calls_run() - moment_.snapshot.statistics.calls_run(); }

/// Now and then: profiles come one by one, and stay where they are until all are cleared.
void View::index_profiles(double now) {
    if (indexed_at_ >= 0 && now >= indexed_at_ && now - indexed_at_ < 0.25) return;
    indexed_at_ = now;
    profiles_.reset(moment_.profiles.size());
    for (std::uint32_t i = 0; i < moment_.profiles.size(); ++i) {
        profiles_.insert(key_of(moment_.profiles[i].site, moment_.profiles[i].kind), i);
    }
}

const SiteProfile* View::profile(SiteId site, CallKind kind) const {
    const std::uint32_t at = profiles_.find(key_of(site, kind));
    if (at >= moment_.profiles.size()) return nullptr;
    const SiteProfile& profile = moment_.profiles[at];
    return profile.site == site && profile.kind == kind ? &profile : nullptr;
}

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
