// SPDX-License-Identifier: MIT
/// DelayLints. Late is what could have run and did not as other calls ran. Where nobody ran the loop meanwhile, that is
/// the host's affair (not-pumped: and a host that pumps at 60 Hz is 16 ms late by right); where one slow call was in
/// the way, that one is to blame (slow-dispatch).
#include "lints.hpp"

#include <ioloop/inspect/format.hpp>

#include <algorithm>

namespace ioloop {
namespace {

constexpr std::uint64_t late_enough = 3; ///< one or two prove nothing
constexpr Duration delay_window = std::chrono::seconds(1);

/// What happened between two times, by the calls that are remembered. Nested calls are in their outer ones.
struct Between {
    Duration busy{};            ///< in calls
    Duration slow{};            ///< of that, in slow ones
    Duration gap{};             ///< the longest time between two calls
    SiteId site = SiteId::none; ///< who took the most, as far as the last few sites go
    CallKind kind = CallKind::callback;
    Duration most{};
    std::uint64_t calls = 0; ///< of that site
};

struct Share {
    SiteId site = SiteId::none;
    CallKind kind = CallKind::callback;
    Duration took{};
    std::uint64_t calls = 0;
};

/// before   so many of the recorder's calls, from the oldest, come before
Between between(const Recorder& recorder, std::size_t before, TimePoint from, TimePoint to, Duration slow) {
    Between out;
    std::array<Share, 8> shares{};
    TimePoint later = to;
    for (std::size_t i = before; i-- > 0;) {
        const CallRecord& call = recorder.call(i);
        const TimePoint end = call.begin + call.took;
        if (end <= from) break;
        if (call.depth > 1) continue;
        const Duration overlap = std::min(end, to) - std::max(call.begin, from);
        if (overlap < Duration::zero()) continue;
        out.busy += overlap;
        if (call.took > slow) out.slow += overlap;
        out.gap = std::max(out.gap, later - end);
        later = std::min(later, call.begin);
        Share* const end_of_shares = shares.data() + shares.size();
        Share* const share = std::find_if(shares.data(), end_of_shares, [&](const Share& each) {
            return each.calls == 0 || (each.site == call.chain.site() && each.kind == call.kind);
        });
        if (share == end_of_shares) continue;
        share->site = call.chain.site();
        share->kind = call.kind;
        share->took += overlap;
        ++share->calls;
    }
    out.gap = std::max(out.gap, later - from);
    for (const Share& share : shares) {
        if (share.took <= out.most) continue;
        out.site = share.site;
        out.kind = share.kind;
        out.most = share.took;
        out.calls = share.calls;
    }
    return out;
}

} // namespace

void DelayLints::look(const Look& look) noexcept {
    window_ += look.passed;
    if (window_ >= delay_window) {
        window_ = {};
        timeouts_ = {Tally{}, timeouts_[0]};
        callbacks_ = {Tally{}, callbacks_[0]};
        timeouts_run_ = {0, timeouts_run_[0]};
    }
    if (look.held) return; // how long, and since when: nobody knows
    const std::size_t count = look.recorder.call_count();
    int budget = 64; // of looks back, each of which goes through what ran meanwhile
    for (std::size_t i = count - look.calls; i < count; ++i) {
        const CallRecord& call = look.recorder.call(i);
        if (call.kind == CallKind::timeout) ++timeouts_run_[0];
        if (call.depth > 1 || budget == 0) continue;
        if (call.kind == CallKind::timeout && call.late > look.options.late) {
            --budget;
            look_at(look, call, i, look.options.late, timeouts_[0]);
        } else if (call.kind == CallKind::callback && call.late > look.options.starving) {
            --budget;
            look_at(look, call, i, look.options.starving, callbacks_[0]);
        }
    }
    report(look);
}

void DelayLints::look_at(const Look& look, const CallRecord& call, std::size_t before, Duration allowed,
                         Tally& tally) noexcept {
    const TimePoint from = call.begin - call.late;
    const Between what = between(look.recorder, before, from, call.begin, look.options.slow_call);
    const Duration late = call.late - look.delay; // of which the machine may have been to blame
    if (late <= allowed || what.slow * 2 >= call.late) return;
    if (call.kind == CallKind::timeout) {
        if (what.busy - look.delay <= allowed) return;
    } else if (what.gap * 2 >= call.late) {
        return;
    }
    ++tally.late;
    if (call.late < tally.latest) return;
    tally.latest = call.late;
    tally.example = call;
    tally.blame = Text("");
    tally.blame.add(what.calls).add(" calls of ").add(name_and_fd(Chain{{what.site}}, invalid_fd).view());
    tally.blame.add(" took ").add(format_duration(what.most).view());
}

void DelayLints::report(const Look& look) noexcept {
    const auto tell = [&](Lint lint, const std::array<Tally, 2>& tallies, const char* what) {
        const Tally& worst = tallies[0].latest >= tallies[1].latest ? tallies[0] : tallies[1];
        Finding found = finding_of(lint, worst.example.kind, worst.example.chain);
        found.id = worst.example.id;
        found.count = tallies[0].late + tallies[1].late;
        found.sentence = name_and_fd(worst.example.chain, invalid_fd).add(" ran ");
        found.sentence.add(format_duration(worst.latest).view()).add(" late, one of ").add(found.count);
        found.sentence.add(what).add(worst.blame.view()).add(" meanwhile");
        look.findings.saw(found);
    };
    const std::uint64_t late = timeouts_[0].late + timeouts_[1].late;
    if (timeouts_[0].late > 0 && late >= late_enough && late * 100 > timeouts_run_[0] + timeouts_run_[1])
        tell(Lint::late_timer, timeouts_, " late timeouts: ");
    if (callbacks_[0].late > 0 && callbacks_[0].late + callbacks_[1].late >= late_enough)
        tell(Lint::starvation, callbacks_, " callbacks that waited: ");
}

} // namespace ioloop
