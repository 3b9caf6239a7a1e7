// SPDX-License-Identifier: MIT
#include "journal.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace ioloop::imgui {
namespace {

/// Those of `records`, the last of `seen` ever, that are newer than the first `before`.
template <class Record>
std::span<const Record> news(const std::vector<Record>& records, std::uint64_t seen, std::uint64_t& before) {
    const std::uint64_t fresh = seen - std::exchange(before, seen);
    return std::span<const Record>(records).last(
        static_cast<std::size_t>(std::min<std::uint64_t>(fresh, records.size())));
}

template <class Record> const Record& take_first(std::span<const Record>& records) {
    const Record& first = records.front();
    records = records.subspan(1);
    return first;
}

TimePoint woken_at(const TurnRecord& turn) { return turn.begin + turn.waited; }

/// What is of the same time: first what woke the loop, then a call, then what it did.
bool is_before(const JournalEntry& a, const JournalEntry& b) {
    const auto rank = [](JournalKind kind) {
        if (kind == JournalKind::woken) return 0;
        return kind < JournalKind::threw ? 1 : kind == JournalKind::threw ? 3 : 2;
    };
    return a.at != b.at ? a.at < b.at : rank(a.what) < rank(b.what);
}

JournalKind kind_of(CallKind kind) {
    switch (kind) {
    case CallKind::handler: return JournalKind::handled;
    case CallKind::timeout: return JournalKind::fired;
    case CallKind::callback: break;
    }
    return JournalKind::ran;
}

JournalKind kind_of(ChangeKind kind) {
    switch (kind) {
    case ChangeKind::moved: return JournalKind::moved;
    case ChangeKind::removed: return JournalKind::removed;
    case ChangeKind::died: return JournalKind::died;
    case ChangeKind::added: break;
    }
    return JournalKind::added;
}

JournalEntry entry_of(const CallRecord& call) {
    JournalEntry entry;
    entry.at = call.begin;
    entry.turn = call.turn;
    entry.id = call.id;
    entry.chain = call.chain;
    entry.by = call.chain.sites[1];
    entry.took = call.took;
    entry.late = call.late;
    entry.what = kind_of(call.kind);
    entry.kind = call.kind;
    entry.events = call.events;
    entry.fd = call.fd;
    return entry;
}

} // namespace

void Journal::update(const View& view) {
    const Moment& moment = view.moment();
    const bool cleared = moment.calls_seen < calls_ || moment.errors_seen < errors_ ||
                         moment.changes_seen < changes_ || moment.turns_seen < turns_;
    if (cleared) {
        calls_ = errors_ = changes_ = turns_ = 0;
        first_ = size_ = 0;
        ++version_;
    }
    auto turns = news(moment.turns, moment.turns_seen, turns_);
    auto calls = news(moment.calls, moment.calls_seen, calls_);
    auto changes = news(moment.changes, moment.changes_seen, changes_);
    auto errors = news(moment.errors, moment.errors_seen, errors_);
    // Merged, so that hardly one has to find its place among many.
    while (!turns.empty() || !calls.empty() || !changes.empty() || !errors.empty()) {
        const std::array<TimePoint, 4> heads{
            turns.empty() ? never : woken_at(turns.front()), calls.empty() ? never : calls.front().begin,
            changes.empty() ? never : changes.front().at, errors.empty() ? never : errors.front().call.begin};
        switch (std::min_element(heads.begin(), heads.end()) - heads.begin()) {
        case 0: put_turn(take_first(turns)); break;
        case 1: put_call(take_first(calls)); break;
        case 2: put_change(take_first(changes)); break;
        default: put_error(take_first(errors)); break;
        }
    }
}

/// At its time: a turn is told of after its calls.
void Journal::put(const JournalEntry& entry) {
    if (!recorded_.has(entry.what)) return;
    if (ring_.empty()) ring_.resize(capacity);
    ++version_;
    if (size_ == capacity) {
        if (is_before(entry, (*this)[0])) return;
        first_ = place(1);
        --size_;
    }
    std::size_t at = size_++;
    for (; at > 0 && is_before(entry, ring_[place(at - 1)]); --at) ring_[place(at)] = ring_[place(at - 1)];
    ring_[place(at)] = entry;
}

void Journal::put_call(const CallRecord& call) {
    if (!call.threw) put(entry_of(call)); // else it comes as an error, which knows what
}

void Journal::put_error(const ErrorRecord& error) {
    JournalEntry entry = entry_of(error.call);
    entry.what = JournalKind::threw;
    entry.message = error.what;
    put(entry);
}

void Journal::put_change(const ChangeRecord& change) {
    JournalEntry entry;
    entry.at = change.at;
    entry.turn = change.turn;
    entry.id = change.id;
    entry.chain = change.chain;
    entry.by = change.by;
    entry.deadline = change.deadline;
    entry.what = kind_of(change.change);
    entry.kind = change.kind;
    entry.events = change.events;
    entry.fd = change.fd;
    put(entry);
}

void Journal::put_turn(const TurnRecord& turn) {
    JournalEntry entry;
    entry.at = woken_at(turn);
    entry.turn = turn.turn;
    entry.chain = turn.cause;
    entry.took = turn.waited;
    entry.late = turn.asked;
    entry.reason = turn.reason;
    entry.fd = turn.cause_fd;
    put(entry);
}

} // namespace ioloop::imgui
