// SPDX-License-Identifier: MIT
/// TimeoutLints. Counted by call site, in windows.
#include "lints.hpp"

#include <ioloop/inspect/format.hpp>

#include <algorithm>

namespace ioloop {
namespace {

/// A delay of less is none: it has passed when the callable that asked for it has ended.
constexpr Duration for_now = std::chrono::microseconds(20);

constexpr Duration storm_window = std::chrono::milliseconds(500); ///< two of them are looked at
/// Those of one turn that were due within this time were due at once. (After a stall of the host, much comes due in one
/// turn that was spread over the stall.)
constexpr Duration at_once = std::chrono::milliseconds(50);

constexpr Duration leak_window = std::chrono::milliseconds(200);
constexpr std::uint32_t timeouts_leaked = 64; ///< at least, over all windows
/// Descriptors take more of them to tell a leak from a crowd that is arriving: 16 s.
constexpr std::uint32_t windows_of_descriptors = 10;
constexpr std::uint32_t descriptors_leaked = 64;

constexpr std::uint64_t overruns_enough = 3; ///< calls between two looks, or looks with one

} // namespace

TimeoutLints::TimeoutLints() { sites_.reserve(64); }

void TimeoutLints::clear() noexcept {
    sites_.clear();
    storm_window_ = leak_window_ = {};
    leak_windows_ = 0;
}

void TimeoutLints::look(const Look& look) noexcept {
    if (sites_.size() > look.recorder.profiles().size()) clear(); // the recorder has begun anew
    if (sites_.size() < look.recorder.profiles().size()) sites_.resize(look.recorder.profiles().size());
    look_for_zero_timeouts(look);
    look_for_storms(look);
    look_for_bursts(look);
    leak_window_ += look.passed;
    if (!look.objects) return;
    count_objects(look);
    if (leak_window_ >= leak_window) {
        leak_window_ = {};
        look_for_leaks(look);
    }
    look_for_overruns(look);
}

void TimeoutLints::look_for_zero_timeouts(const Look& look) noexcept {
    for (const SiteProfile& profile : look.recorder.profiles()) {
        if (profile.kind != CallKind::timeout || profile.self_streak < look.options.streak) continue;
        if (!look.is_recent(profile.last_turn)) continue;
        // A timeout that runs in each turn may be what the turns are for. When did it arm itself, and for when?
        const Duration took = profile.busy / static_cast<Duration::rep>(profile.calls);
        // By most of its times: one call that lost the CPU halfway asked for a moment further from its beginning.
        std::uint64_t id = 0;
        std::size_t now = 0;
        std::size_t later = 0;
        for (std::size_t i = look.recorder.change_count() - look.changes; i < look.recorder.change_count();
             ++i) {
            const ChangeRecord& change = look.recorder.change(i);
            if (change.kind != CallKind::timeout || change.chain.site() != profile.site) continue;
            if (change.by != profile.site || change.deadline == never) continue;
            ++(change.deadline - change.at - took <= for_now ? now : later);
            id = change.id;
        }
        if (now == 0 || later > now / 8) continue;
        Finding found =
            finding_of(Lint::zero_timeout_loop, CallKind::timeout, Chain{{profile.site, profile.site}});
        found.id = id;
        found.count = profile.self_streak;
        found.sentence = name_and_fd(found.chain, invalid_fd).add(" armed itself for now in ");
        found.sentence.add(profile.self_streak).add(" turns in a row");
        look.findings.saw(found);
    }
}

/// Arming is no storm where what is armed stays: a thousand connections that arrive have a timeout each.
void TimeoutLints::look_for_storms(const Look& look) noexcept {
    storm_window_ += look.passed;
    if (storm_window_ < storm_window) return;
    const double seconds = std::chrono::duration<double>(storm_window_).count();
    storm_window_ = {};
    const auto profiles = look.recorder.profiles();
    for (std::size_t i = 0; i < profiles.size(); ++i) {
        const SiteProfile& profile = profiles[i];
        Site& site = sites_[i];
        if (profile.kind != CallKind::timeout) continue;
        const std::uint64_t ended = profile.removed + profile.calls;
        const std::uint64_t churned = std::min(profile.added - site.added, ended - site.ended);
        site.added = profile.added;
        site.ended = ended;
        const double rate = static_cast<double>(churned) / seconds;
        const double rate_before = static_cast<double>(std::exchange(site.churned, churned)) / seconds;
        if (rate <= look.options.storm || rate_before <= look.options.storm) continue;
        Finding found = finding_of(Lint::timeout_storm, CallKind::timeout, Chain{{profile.site}});
        found.count = static_cast<std::uint64_t>(rate);
        found.sentence = name_and_fd(found.chain, invalid_fd).add(": ").add(format_rate(rate).view());
        found.sentence.add(" timeouts are armed and dropped in a second");
        look.findings.saw(found);
    }
}

void TimeoutLints::look_for_bursts(const Look& look) noexcept {
    const Recorder& recorder = look.recorder;
    for (std::size_t t = recorder.turn_count() - look.turns; t < recorder.turn_count(); ++t) {
        const TurnRecord& turn = recorder.turn(t);
        if (turn.timeouts <= look.options.burst || turn.turn <= last_burst_) continue;
        last_burst_ = turn.turn;
        int candidates = 16;
        // The calls of that turn; backwards, so that the last one of each site, which was due last, comes first.
        for (std::size_t i = recorder.call_count(); i-- > 0;) {
            const CallRecord& last = recorder.call(i);
            if (last.turn < turn.turn) break;
            if (last.turn != turn.turn || last.kind != CallKind::timeout) continue;
            std::uint64_t count = 0;
            const TimePoint due = last.begin - last.late;
            std::size_t j = i + 1;
            for (; j-- > 0 && recorder.call(j).turn >= turn.turn;) {
                const CallRecord& call = recorder.call(j);
                if (call.kind != CallKind::timeout || call.chain.site() != last.chain.site()) continue;
                if (due - (call.begin - call.late) <= at_once) ++count;
            }
            if (count <= look.options.burst) {
                if (--candidates == 0) break;
                continue; // another site, perhaps
            }
            Finding found = finding_of(Lint::timeout_storm, CallKind::timeout, last.chain);
            found.count = count;
            found.sentence = name_and_fd(found.chain, invalid_fd).add(": ").add(count);
            found.sentence.add(" timeouts came due in one turn");
            look.findings.saw(found);
            break;
        }
    }
}

void TimeoutLints::count_objects(const Look& look) noexcept {
    for (Site& site : sites_) site.live = 0, site.period = forever;
    const auto profiles = look.recorder.profiles();
    const auto site_of_profile = [&](SiteId site, CallKind kind) -> Site* {
        const SiteProfile* profile = look.recorder.profile(site, kind);
        return profile != nullptr ? &sites_[static_cast<std::size_t>(profile - profiles.data())] : nullptr;
    };
    SiteId last = SiteId::none; // what is beside each other is often of one site
    Site* site = nullptr;
    for (const TimeoutInfo& timeout : look.snapshot.timeouts) {
        if (timeout.chain.site() != last || site == nullptr) {
            last = timeout.chain.site();
            site = site_of_profile(last, CallKind::timeout);
        }
        if (site == nullptr) continue;
        ++site->live;
        if (timeout.period > Duration::zero() && timeout.period < site->period) {
            site->period = timeout.period;
            site->id = id_of(timeout.id);
        }
    }
    last = SiteId::none;
    site = nullptr;
    for (const HandlerInfo& handler : look.snapshot.handlers) {
        if (handler.chain.site() != last || site == nullptr) {
            last = handler.chain.site();
            site = site_of_profile(last, CallKind::handler);
        }
        if (site != nullptr) ++site->live;
    }
}

void TimeoutLints::look_for_leaks(const Look& look) noexcept {
    const bool descriptors = ++leak_windows_ >= windows_of_descriptors;
    if (descriptors) leak_windows_ = 0;
    const auto handlers = static_cast<std::uint32_t>(look.snapshot.handlers.size());
    const auto profiles = look.recorder.profiles();
    for (std::size_t i = 0; i < profiles.size(); ++i) {
        const SiteProfile& profile = profiles[i];
        const bool of_timeouts = profile.kind == CallKind::timeout;
        if (!of_timeouts && (profile.kind != CallKind::handler || !descriptors)) continue;
        Site& site = sites_[i];
        if (site.live > site.live_before) {
            if (site.grown++ == 0) site.live_first = site.live_before, site.handlers_first = handlers;
        } else {
            site.grown = 0;
        }
        site.live_before = site.live;
        const std::uint32_t grown = site.live - std::min(site.live, site.live_first);
        if (site.grown < windows || grown < (of_timeouts ? timeouts_leaked : descriptors_leaked)) continue;
        // One for each connection that arrives is a crowd, and no leak.
        const std::uint32_t arrived = handlers - std::min(handlers, site.handlers_first);
        if (of_timeouts && grown < arrived + arrived / 4) continue;
        Finding found = finding_of(Lint::timer_leak, profile.kind, Chain{{profile.site}});
        found.count = site.live;
        found.sentence = name_and_fd(found.chain, invalid_fd).add(" has ").add(site.live);
        found.sentence.add(of_timeouts ? " timeouts, " : " descriptors, ").add(grown);
        found.sentence.add(" more than ");
        found.sentence.add(
            format_duration(leak_window * (of_timeouts ? 1 : windows_of_descriptors) * site.grown).view());
        found.sentence.add(" ago, and never fewer in between");
        look.findings.saw(found);
    }
}

void TimeoutLints::look_for_overruns(const Look& look) noexcept {
    const auto profiles = look.recorder.profiles();
    for (std::size_t i = 0; i < profiles.size(); ++i) {
        const SiteProfile& profile = profiles[i];
        Site& site = sites_[i];
        if (profile.kind != CallKind::timeout) continue;
        const std::uint64_t calls = profile.calls - std::min(profile.calls, site.calls);
        const Duration busy = profile.busy - std::min(profile.busy, site.busy);
        if (calls < overruns_enough && site.period != forever) continue; // goes on counting
        site.calls = profile.calls;
        site.busy = profile.busy;
        if (site.period == forever || calls == 0) continue;
        const Duration took = (busy - look.delay) / static_cast<Duration::rep>(calls);
        if (took <= site.period) continue;
        Finding found = finding_of(Lint::periodic_overrun, CallKind::timeout, Chain{{profile.site}});
        found.id = site.id;
        found.count = calls;
        found.sentence = name_and_fd(found.chain, invalid_fd).add(" comes every ");
        found.sentence.add(format_duration(site.period).view()).add(" and takes ");
        found.sentence.add(format_duration(took).view()).add(", as of ").add(calls).add(" calls");
        look.findings.saw(found);
    }
}

} // namespace ioloop
