// SPDX-License-Identifier: MIT
#include "site_list.hpp"

namespace ioloop::imgui {
namespace {

/// Another number for other profiles: whatever happens to one is counted.
std::uint64_t stamp_of(const Moment& moment) {
    std::uint64_t stamp = moment.profiles.size();
    for (const SiteProfile& profile : moment.profiles) {
        stamp += profile.calls + profile.added + profile.moved + profile.removed;
    }
    return stamp;
}

} // namespace

bool SiteList::update(const View& view) {
    const std::uint64_t stamp = stamp_of(view.moment());
    const bool profiles_changed = stamp != profile_stamp_;
    if (!profiles_changed && version_ == view.version()) return false;
    if (profiles_changed) summarize(view.moment());
    profile_stamp_ = stamp;
    version_ = view.version();
    count_living(view.snapshot());
    return profiles_changed;
}

void SiteList::summarize(const Moment& moment) {
    sites_.clear();
    for (const SiteProfile& profile : moment.profiles) {
        SiteInfo info;
        info.key = {profile.site, profile.kind};
        info.calls = profile.calls;
        info.threw = profile.threw;
        info.created = profile.added;
        info.busy = profile.busy;
        if (profile.calls > 0) info.average = profile.busy / static_cast<Duration::rep>(profile.calls);
        info.p99 = profile.took.percentile(0.99);
        info.longest = profile.took.longest();
        info.late_p99 = profile.late.percentile(0.99);
        sites_.push_back(info);
    }
    profiled_ = sites_.size();
}

void SiteList::count_living(const Snapshot& snapshot) {
    sites_.resize(profiled_);
    index_.reset(profiled_ + snapshot.handlers.size() + snapshot.timeouts.size() + snapshot.callbacks.size());
    for (std::size_t i = 0; i < profiled_; ++i) {
        sites_[i].live = 0;
        index_.insert(id_of(sites_[i]), static_cast<std::uint32_t>(i));
    }
    for (const HandlerInfo& info : snapshot.handlers) count_one(subject_of(info).site);
    for (const TimeoutInfo& info : snapshot.timeouts) count_one(subject_of(info).site);
    for (const CallbackInfo& info : snapshot.callbacks) count_one(subject_of(info).site);
}

void SiteList::count_one(SiteKey key) {
    std::uint32_t at = index_.find(id_of(key));
    if (at == IdMap::none) {
        at = static_cast<std::uint32_t>(sites_.size());
        index_.insert(id_of(key), at);
        sites_.emplace_back().key = key;
    }
    ++sites_[at].live;
}

} // namespace ioloop::imgui
