// SPDX-License-Identifier: MIT
/// What the records of a Moment consist of, said once for both directions of wire.hpp. Floor 3.
///
/// `Wire` is a WireWriter, and then the records are const; or a WireReader, which fills them.
#pragma once

#include <ioloop/inspect/command.hpp>
#include <ioloop/inspect/descriptor.hpp>
#include <ioloop/inspect/moment.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace ioloop {

template <class Wire, class Record> void call_fields(Wire& wire, Record& record) {
    wire.number(record.turn);
    wire.number(record.id);
    wire.chain(record.chain);
    wire.time(record.begin);
    wire.duration(record.took);
    wire.duration(record.late);
    wire.choice(record.kind, CallKind::timeout);
    wire.events(record.events);
    wire.fd(record.fd);
    wire.bit(record.threw);
    wire.number(record.depth);
}

template <class Wire, class Record> void turn_fields(Wire& wire, Record& record) {
    wire.number(record.turn);
    wire.time(record.begin);
    wire.time(record.end);
    wire.duration(record.waited);
    wire.duration(record.handlers_took);
    wire.duration(record.callbacks_took);
    wire.duration(record.timeouts_took);
    wire.number(record.handlers);
    wire.number(record.callbacks);
    wire.number(record.timeouts);
    wire.number(record.queued_after);
    wire.number(record.pieces);
    wire.choice(record.reason, WakeReason::polled);
    wire.delay(record.asked);
    wire.chain(record.cause);
    wire.fd(record.cause_fd);
}

template <class Wire, class Record> void change_fields(Wire& wire, Record& record) {
    wire.number(record.turn);
    wire.number(record.id);
    wire.chain(record.chain);
    wire.site(record.by);
    wire.time(record.at);
    wire.deadline(record.deadline);
    wire.choice(record.kind, CallKind::timeout);
    wire.choice(record.change, ChangeKind::died);
    wire.events(record.events);
    wire.fd(record.fd);
}

template <class Wire, class Record> void error_fields(Wire& wire, Record& record) {
    call_fields(wire, record.call);
    wire.text(record.what);
}

template <class Wire, class Stats> void statistics_fields(Wire& wire, Stats& s) {
    wire.number(s.turns);
    wire.number(s.handlers_run);
    wire.number(s.callbacks_run);
    wire.number(s.timeouts_run);
    wire.number(s.sleeps);
    wire.number(s.interrupts);
    wire.number(s.budget_spent);
    wire.number(s.errors);
    wire.number(s.stale_events);
    wire.number(s.dead_handlers);
    wire.number(s.signal_posts_refused);
    wire.number(s.orphan_events);
    wire.site(s.orphan_site);
    wire.number(s.foreign_calls);
    wire.name(s.foreign_member);
    wire.site(s.foreign_site);
    wire.duration(s.waited);
    wire.duration(s.busy);
    wire.number(s.handlers);
    wire.number(s.handlers_peak);
    wire.number(s.timeouts);
    wire.number(s.timeouts_peak);
    wire.number(s.callbacks);
    wire.number(s.callbacks_peak);
    wire.number(s.depth);
    wire.number(s.depth_peak);
}

template <class Wire, class Numbers> void flow_fields(Wire& wire, Numbers& flow) {
    wire.number(flow.bytes_in);
    wire.number(flow.bytes_out);
    wire.number(flow.messages_in);
    wire.number(flow.messages_out);
    wire.number(flow.waiting_in);
    wire.number(flow.waiting_out);
    wire.number(flow.dropped);
}

template <class Wire, class Info> void handler_fields(Wire& wire, Info& info) {
    wire.number(info.id);
    wire.fd(info.fd);
    wire.chain(info.chain);
    wire.events(info.interest);
    wire.events(info.last_ready);
    wire.number(info.calls);
    wire.number(info.last_turn);
    wire.number(info.streak);
    wire.bit(info.running);
    wire.bit(info.adrift);
    wire.number(info.scope);
    bool counted = info.flow.has_value();
    wire.bit(counted);
    if constexpr (Wire::reading) {
        if (counted) info.flow.emplace();
        info.origin = info.chain.origin();
    }
    if (counted) flow_fields(wire, *info.flow);
}

template <class Wire, class Id> void timeout_id_fields(Wire& wire, Id& id) {
    wire.number(id.slot);
    wire.number(id.generation);
}

template <class Wire, class Info> void timeout_fields(Wire& wire, Info& info) {
    timeout_id_fields(wire, info.id);
    wire.chain(info.chain);
    wire.deadline(info.deadline);
    wire.delay(info.period);
    wire.number(info.fires);
    wire.bit(info.due);
    wire.number(info.scope);
    if constexpr (Wire::reading) info.origin = info.chain.origin();
}

template <class Wire, class Info> void callback_fields(Wire& wire, Info& info) {
    wire.number(info.id);
    wire.chain(info.chain);
    wire.time(info.posted_at);
    wire.bit(info.from_thread);
    wire.number(info.scope);
    if constexpr (Wire::reading) info.origin = info.chain.origin();
}

template <class Wire, class Info> void scope_fields(Wire& wire, Info& info) {
    wire.number(info.id);
    wire.text(info.name);
    wire.chain(info.chain);
    wire.time(info.since);
    wire.number(info.size);
    if constexpr (Wire::reading) info.origin = info.chain.origin();
}

template <class Wire, class Info> void task_fields(Wire& wire, Info& info) {
    wire.number(info.id);
    wire.chain(info.chain);
    wire.time(info.since);
    wire.choice(info.state, TaskInfo::State::waiting);
    if constexpr (Wire::reading) info.origin = info.chain.origin();
}

template <class Wire, class Info> void wait_fields(Wire& wire, Info& info) {
    wire.number(info.task);
    wire.number(info.id);
    wire.chain(info.at);
    wire.site(info.of);
    wire.time(info.since);
    wire.choice(info.what, WaitFor::branches);
}

/// Only the buckets that have something in them: how many empty ones come before, and one; 0 ends it.
template <class Wire, class H> void histogram_fields(Wire& wire, H& histogram) {
    if constexpr (Wire::reading) {
        std::array<std::uint32_t, Histogram::bucket_count> buckets{};
        std::size_t at = 0; // of the next bucket
        while (const std::uint64_t gap = wire.raw(Histogram::bucket_count)) {
            at += static_cast<std::size_t>(gap);
            if (at > buckets.size()) return wire.fail();
            wire.number(buckets[at - 1]);
        }
        std::uint64_t count = 0;
        Duration longest{};
        wire.number(count);
        wire.duration(longest);
        histogram.restore(buckets, count, longest);
    } else {
        std::uint64_t gap = 1;
        for (std::size_t i = 0; i < Histogram::bucket_count; ++i, ++gap) {
            if (histogram.in_bucket(i) == 0) continue;
            wire.raw(gap);
            wire.raw(histogram.in_bucket(i));
            gap = 0;
        }
        wire.raw(0);
        wire.raw(histogram.count());
        wire.duration(histogram.longest());
    }
}

template <class Wire, class Profile> void profile_fields(Wire& wire, Profile& profile) {
    wire.site(profile.site);
    wire.choice(profile.kind, CallKind::timeout);
    wire.number(profile.calls);
    wire.number(profile.threw);
    wire.duration(profile.busy);
    histogram_fields(wire, profile.took);
    histogram_fields(wire, profile.late);
    wire.number(profile.added);
    wire.number(profile.moved);
    wire.number(profile.removed);
    wire.number(profile.last_turn);
    wire.number(profile.self_streak);
}

template <class Wire, class H> void health_fields(Wire& wire, H& health) {
    histogram_fields(wire, health.lateness);
    histogram_fields(wire, health.queueing);
    histogram_fields(wire, health.calls);
    histogram_fields(wire, health.turns);
    histogram_fields(wire, health.waits);
    histogram_fields(wire, health.frames);
}

inline constexpr Lint last_lint = static_cast<Lint>(lint_count - 1);

template <class Wire, class F> void finding_fields(Wire& wire, F& finding) {
    wire.choice(finding.lint, last_lint);
    wire.choice(finding.severity, Severity::error);
    wire.choice(finding.kind, CallKind::timeout);
    wire.number(finding.id);
    wire.fd(finding.fd);
    wire.chain(finding.chain);
    wire.time(finding.since);
    wire.time(finding.last);
    wire.number(finding.count);
    wire.bit(finding.active);
    wire.bit(finding.muted);
    wire.text(finding.sentence);
}

template <class Wire, class B> void breakpoint_fields(Wire& wire, B& breakpoint) {
    wire.choice(breakpoint.on, Breakpoint::On::lint);
    wire.choice(breakpoint.kind, CallKind::timeout);
    wire.number(breakpoint.id);
    wire.site(breakpoint.site);
    wire.delay(breakpoint.longer_than);
}

template <class Wire, class D> void descriptor_fields(Wire& wire, D& descriptor) {
    wire.choice(descriptor.kind, Descriptor::Kind::other);
    wire.choice(descriptor.tcp_state, Descriptor::TcpState::closing);
    wire.bit(descriptor.blocking);
    wire.text(descriptor.local);
    wire.text(descriptor.peer);
    wire.number(descriptor.file.device);
    wire.number(descriptor.file.inode);
    wire.number(descriptor.bytes_in);
    wire.number(descriptor.bytes_out);
    wire.number(descriptor.receive_buffer);
    wire.number(descriptor.send_buffer);
    wire.number(descriptor.event_count);
    wire.number(descriptor.accept_queue);
    wire.number(descriptor.accept_limit);
    wire.duration(descriptor.round_trip);
}

} // namespace ioloop
