// SPDX-License-Identifier: MIT
/// HostLints.
#include "../os/traffic.hpp"
#include "lints.hpp"

#include <ioloop/inspect/format.hpp>

#include <algorithm>

namespace ioloop {
namespace {

/// Between two calls of check() no more than this counts as unpumped: if the program was stopped (in a debugger, say), so
/// was whoever checks.
constexpr Duration longest_unpumped = std::chrono::milliseconds(200);

} // namespace

HostLints::HostLints(const IOLoop& loop) { clear(loop); }

void HostLints::clear(const IOLoop& loop) noexcept {
    foreign_calls_ = loop.statistics().foreign_calls;
    seen_at_ = loop.time();
    idle_ = ready_ = {};
}

void HostLints::note_progress(const Snapshot& snapshot) noexcept {
    const Duration passed = std::clamp(snapshot.time - seen_at_, Duration::zero(), longest_unpumped);
    const std::uint64_t progress = snapshot.statistics.turns + snapshot.statistics.calls_run();
    seen_at_ = snapshot.time;
    if (progress != progress_ || snapshot.paused || snapshot.suspended || snapshot.in_call ||
        snapshot.running) {
        progress_ = progress;
        idle_ = ready_ = {};
        return;
    }
    idle_ += passed;
    const Fd handle = snapshot.kernel_handle;
    const bool ready =
        handle != invalid_fd && any(traffic_of(handle, Descriptor::Kind::epoll).ready & Events::read);
    ready_ = ready ? ready_ + passed : Duration{};
}

void HostLints::look(const Look& look) noexcept {
    const Snapshot& snapshot = look.snapshot;
    const Statistics& statistics = snapshot.statistics;
    if (statistics.foreign_calls > foreign_calls_) {
        Finding found = finding_of(Lint::cross_thread, CallKind::callback, Chain{{statistics.foreign_site}});
        found.count = statistics.foreign_calls - foreign_calls_;
        const char* member = statistics.foreign_member != nullptr ? statistics.foreign_member : "a member";
        found.sentence.add(member).add("() was called from another thread");
        if (statistics.foreign_site != SiteId::none)
            found.sentence.add(", at ").add(format_place(origin_of(statistics.foreign_site)).view());
        found.sentence.add(": refused");
        if (found.count > 1) found.sentence.add(", one of ").add(found.count).add(" such calls");
        look.findings.saw(found);
    }
    foreign_calls_ = statistics.foreign_calls;

    const Duration allowed = look.options.unpumped;
    if (idle_ <= allowed) return;
    Duration waits = ready_;
    Chain chain;
    CallKind kind = CallKind::callback;
    std::uint64_t id = 0;
    std::uint64_t waiting = snapshot.callbacks.size() + (ready_ > Duration::zero() ? 1 : 0);
    for (const TimeoutInfo& timeout : snapshot.timeouts) {
        if (timeout.deadline <= snapshot.time) ++waiting;
        if (timeout.deadline > snapshot.time - waits) continue;
        waits = snapshot.time - timeout.deadline;
        chain = timeout.chain;
        kind = CallKind::timeout;
        id = id_of(timeout.id);
    }
    if (!snapshot.callbacks.empty()) {
        // When it was posted may not be known; and pauses count in: so no more than the loop has been idle.
        const CallbackInfo& first = snapshot.callbacks.front();
        const Duration age = first.posted_at != TimePoint{} ? snapshot.time - first.posted_at : idle_;
        if (age > waits) {
            waits = age;
            chain = first.chain;
            kind = CallKind::callback;
            id = first.id;
        }
    }
    waits = std::min(waits, idle_);
    if (waits <= allowed) return;
    Finding found = finding_of(Lint::not_pumped, kind, chain);
    found.id = id;
    found.count = waiting;
    found.sentence.add("nobody has run the loop for ").add(format_duration(idle_).view()).add("; ");
    if (chain.site() != SiteId::none) {
        found.sentence.add(name_and_fd(chain, invalid_fd).view()).add(" waits");
        if (waiting > 1) found.sentence.add(", one of ").add(waiting);
    } else {
        found.sentence.add("a descriptor is ready");
    }
    look.findings.saw(found);
}

} // namespace ioloop
