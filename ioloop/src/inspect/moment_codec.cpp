// SPDX-License-Identifier: MIT
#include "moment_codec.hpp"

#include "moment_fields.hpp"
#include "wire.hpp"

#include <algorithm>

namespace ioloop {
namespace {

// No program has more, and a reader stops there.
constexpr std::size_t most_objects = 100'000;
constexpr std::size_t most_records = 100'000;
constexpr std::size_t most_profiles = 10'000;
constexpr std::size_t most_findings = 1'000;

/// The last of a list that were not seen before.
template <class Record>
std::span<const Record> news(const std::vector<Record>& records, std::uint64_t seen, std::uint64_t before) {
    const std::uint64_t count = std::min<std::uint64_t>(seen - std::min(before, seen), records.size());
    return std::span(records).last(static_cast<std::size_t>(count));
}

template <class Record> void keep_last(std::vector<Record>& records, std::size_t most) {
    if (records.size() <= most) return;
    records.erase(records.begin(), records.end() - static_cast<std::ptrdiff_t>(most));
}

/// All that is neither a list of the snapshot nor a record: of a fixed size, or nearly so.
template <class Wire, class M> void state_fields(Wire& wire, M& moment) {
    auto& snapshot = moment.snapshot;
    statistics_fields(wire, snapshot.statistics);
    wire.number(snapshot.turn);
    wire.bit(snapshot.in_turn);
    wire.bit(snapshot.in_call);
    wire.bit(snapshot.running);
    wire.bit(snapshot.paused);
    wire.bit(snapshot.suspended);
    wire.name(snapshot.name);
    wire.name(snapshot.poller);
    wire.fd(snapshot.kernel_handle);
    if constexpr (Wire::reading) moment.breakpoints.clear();
    wire.rows(moment.breakpoints, Breakpoints::capacity, any_size,
              [&](auto& row, std::size_t) { breakpoint_fields(wire, row); });
    wire.number(moment.hit.number);
    breakpoint_fields(wire, moment.hit.breakpoint);
    call_fields(wire, moment.hit.call);
    call_fields(wire, moment.triggered_by);
    wire.bit(moment.triggered);
    wire.bit(moment.recording);
    wire.bit(moment.observing);
    wire.bit(moment.closed);
}

template <class Wire, class M> void summary_fields(Wire& wire, M& moment) {
    if constexpr (Wire::reading) {
        moment.profiles.clear();
        moment.findings.clear();
    }
    wire.rows(moment.profiles, most_profiles, any_size,
              [&](auto& row, std::size_t) { profile_fields(wire, row); });
    wire.number(moment.unprofiled);
    health_fields(wire, moment.health);
    wire.rows(moment.findings, most_findings, any_size,
              [&](auto& row, std::size_t) { finding_fields(wire, row); });
}

} // namespace

void MomentEncoder::encode(const Moment& moment, const MomentFrame& frame, std::size_t most_bytes,
                           std::vector<std::uint8_t>& out) {
    body_.clear();
    WireWriter wire(body_, &sites_);
    wire.delay(frame.next);
    wire.time(moment.snapshot.time);
    wire.set_base(moment.snapshot.time);
    state_fields(wire, moment);
    write_history(wire, moment);
    wire.flag(frame.summaries);
    if (frame.summaries) summary_fields(wire, moment);
    wire.flag(frame.lists);
    if (frame.lists) {
        // Of the room that there is, each list leaves some for the next.
        const Snapshot& snapshot = moment.snapshot;
        const auto end = [&](std::size_t parts) {
            return wire.size() + (most_bytes - std::min(most_bytes, wire.size())) / parts;
        };
        const bool asked = moment.truth.size() == snapshot.handlers.size() && !moment.truth.empty();
        wire.flag(asked);
        wire.rows(snapshot.handlers, most_objects, end(2), [&](const HandlerInfo& row, std::size_t i) {
            handler_fields(wire, row);
            if (asked) wire.choice(moment.truth[i], KernelTruth::ghost);
        });
        wire.rows(snapshot.timeouts, most_objects, end(2),
                  [&](const TimeoutInfo& row, std::size_t) { timeout_fields(wire, row); });
        wire.rows(snapshot.callbacks, most_objects, end(2),
                  [&](const CallbackInfo& row, std::size_t) { callback_fields(wire, row); });
        wire.rows(snapshot.scopes, most_objects, end(3),
                  [&](const ScopeInfo& row, std::size_t) { scope_fields(wire, row); });
        wire.rows(snapshot.tasks, most_objects, end(2),
                  [&](const TaskInfo& row, std::size_t) { task_fields(wire, row); });
        wire.rows(snapshot.waits, most_objects, end(1),
                  [&](const WaitInfo& row, std::size_t) { wait_fields(wire, row); });
    }
    write_sites(out);
    out.insert(out.end(), body_.begin(), body_.end());
}

template <class Wire> void MomentEncoder::write_history(Wire& wire, const Moment& moment) {
    if (moment.calls_seen < calls_ || moment.turns_seen < turns_ || moment.changes_seen < changes_ ||
        moment.errors_seen < errors_) {
        forget_history();
    }
    wire.flag(anew_);
    anew_ = false;
    const auto calls = news(moment.calls, moment.calls_seen, calls_);
    const auto changes = news(moment.changes, moment.changes_seen, changes_);
    const auto errors = news(moment.errors, moment.errors_seen, errors_);
    // Not all turns that were seen were kept: those are known by their numbers.
    auto first = moment.turns.end();
    while (first != moment.turns.begin() && std::prev(first)->turn > last_turn_) --first;
    const std::span turns(first, moment.turns.end());
    wire.number(moment.calls_seen);
    wire.number(moment.turns_seen);
    wire.number(moment.changes_seen);
    wire.number(moment.errors_seen);
    wire.rows(calls, most_records, any_size, [&](const CallRecord& r, std::size_t) { call_fields(wire, r); });
    wire.rows(turns, most_records, any_size, [&](const TurnRecord& r, std::size_t) { turn_fields(wire, r); });
    wire.rows(changes, most_records, any_size,
              [&](const ChangeRecord& r, std::size_t) { change_fields(wire, r); });
    wire.rows(errors, most_records, any_size,
              [&](const ErrorRecord& r, std::size_t) { error_fields(wire, r); });
    calls_ = moment.calls_seen;
    turns_ = moment.turns_seen;
    changes_ = moment.changes_seen;
    errors_ = moment.errors_seen;
    if (!moment.turns.empty()) last_turn_ = moment.turns.back().turn;
}

void MomentEncoder::write_sites(std::vector<std::uint8_t>& out) {
    WireWriter wire(out);
    // What is longer says nothing more, and a reader would not have it.
    const auto cut = [](const char* text) {
        return std::string_view(text != nullptr ? text : "").substr(0, WireReader::longest_text);
    };
    const auto fresh = sites_.take_new();
    wire.rows(fresh, any_size, any_size, [&](SiteId site, std::size_t) {
        const Origin& origin = origin_of(site);
        wire.text(cut(origin.name));
        wire.text(cut(origin.file));
        wire.text(cut(origin.function));
        wire.number(origin.line);
        wire.flag(origin.internal);
    });
}

bool MomentDecoder::decode(std::span<const std::uint8_t> bytes, Moment& moment, MomentFrame& frame) {
    WireReader wire(bytes, &sites_);
    while (wire.flag()) {
        const std::string_view name = wire.text(WireReader::longest_text);
        const std::string_view file = wire.text(WireReader::longest_text);
        const std::string_view function = wire.text(WireReader::longest_text);
        std::uint32_t line = 0;
        wire.number(line);
        const bool internal = wire.flag();
        if (wire.ok()) sites_.add(name, file, function, line, internal);
    }
    wire.raw(0); // none is left out

    wire.delay(frame.next);
    wire.time(moment.snapshot.time);
    wire.set_base(moment.snapshot.time);
    state_fields(wire, moment);

    if (wire.flag()) {
        moment.calls.clear();
        moment.turns.clear();
        moment.changes.clear();
        moment.errors.clear();
    }
    wire.number(moment.calls_seen);
    wire.number(moment.turns_seen);
    wire.number(moment.changes_seen);
    wire.number(moment.errors_seen);
    wire.rows(moment.calls, most_records, any_size,
              [&](CallRecord& r, std::size_t) { call_fields(wire, r); });
    wire.rows(moment.turns, most_records, any_size,
              [&](TurnRecord& r, std::size_t) { turn_fields(wire, r); });
    wire.rows(moment.changes, most_records, any_size,
              [&](ChangeRecord& r, std::size_t) { change_fields(wire, r); });
    wire.rows(moment.errors, most_records, any_size,
              [&](ErrorRecord& r, std::size_t) { error_fields(wire, r); });
    keep_last(moment.calls, most_calls_);
    keep_last(moment.turns, most_turns_);
    keep_last(moment.changes, most_calls_);
    keep_last(moment.errors, most_calls_);

    frame.summaries = wire.flag();
    if (frame.summaries) summary_fields(wire, moment);
    frame.lists = wire.flag();
    if (frame.lists) {
        Snapshot& snapshot = moment.snapshot;
        snapshot.handlers.clear();
        snapshot.timeouts.clear();
        snapshot.callbacks.clear();
        snapshot.scopes.clear();
        snapshot.tasks.clear();
        snapshot.waits.clear();
        moment.truth.clear();
        const bool asked = wire.flag();
        left_out_ = wire.rows(snapshot.handlers, most_objects, any_size, [&](HandlerInfo& row, std::size_t) {
            handler_fields(wire, row);
            if (asked) wire.choice(moment.truth.emplace_back(), KernelTruth::ghost);
        });
        left_out_ += wire.rows(snapshot.timeouts, most_objects, any_size,
                               [&](TimeoutInfo& row, std::size_t) { timeout_fields(wire, row); });
        left_out_ += wire.rows(snapshot.callbacks, most_objects, any_size,
                               [&](CallbackInfo& row, std::size_t) { callback_fields(wire, row); });
        left_out_ += wire.rows(snapshot.scopes, most_objects, any_size,
                               [&](ScopeInfo& row, std::size_t) { scope_fields(wire, row); });
        left_out_ += wire.rows(snapshot.tasks, most_objects, any_size,
                               [&](TaskInfo& row, std::size_t) { task_fields(wire, row); });
        left_out_ += wire.rows(snapshot.waits, most_objects, any_size,
                               [&](WaitInfo& row, std::size_t) { wait_fields(wire, row); });
    }
    return wire.complete();
}

} // namespace ioloop
