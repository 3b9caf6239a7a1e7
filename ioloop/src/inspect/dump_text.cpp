// SPDX-License-Identifier: MIT
#include "text_table.hpp"

#include <ioloop/inspect/descriptor.hpp>
#include <ioloop/inspect/dump_text.hpp>
#include <ioloop/inspect/format.hpp>
#include <ioloop/inspect/recorder.hpp>
#include <ioloop/io_loop.hpp>
#include <ioloop/snapshot.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace ioloop {
namespace {

constexpr std::size_t most_of_history = 20;

Text number(std::uint64_t n) { return Text().add(n); }

/// "1 timeout", "2 timeouts".
std::string counted(std::uint64_t n, std::string_view what) {
    return std::string(number(n).view()).append(" ").append(what).append(n == 1 ? "" : "s");
}

/// From `from` to `to`, either of which may be before the other, or `never`.
Duration distance(TimePoint from, TimePoint to) {
    return to >= from ? until(to, from) : -until(from, std::max(to, TimePoint{}));
}

void put(std::string_view text, std::ostream& out) { // unformatted: the stream's width is not for us
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
}

// ---- the state ----------------------------------------------------------------------------------

void add_state(const Snapshot& loop, std::string& out) {
    const Statistics& n = loop.statistics;
    out.append("IOLoop '").append(printable(loop.name)).append("': ").append(printable(loop.poller));
    out.append(", turn ").append(number(loop.turn).view());
    if (loop.running) out += ", in start()";
    if (loop.in_call) {
        out += ", in a call";
    } else if (loop.in_turn) {
        out += ", in the midst of the turn";
    }
    if (loop.paused) out += ", paused";
    if (loop.suspended) out += ", suspended";
    const auto add = [&](std::uint64_t now, std::uint64_t peak, std::string_view what) {
        out.append(", ").append(counted(now, what)).append(" (most ").append(number(peak).view()).append(")");
    };
    add(n.handlers, n.handlers_peak, "descriptor");
    add(n.timeouts, n.timeouts_peak, "timeout");
    add(n.callbacks, n.callbacks_peak, "queued callback");
    out += '\n';
}

void add_statistics(const Statistics& n, std::string& out) {
    out.append("So far: ").append(counted(n.turns, "turn"));
    out.append(", ").append(counted(n.calls_run(), "call"));
    out.append(" (").append(counted(n.handlers_run, "handler"));
    out.append(", ").append(counted(n.callbacks_run, "callback"));
    out.append(", ").append(counted(n.timeouts_run, "timeout"));
    out.append("), busy ").append(format_duration(n.busy).view());
    out.append(", slept ").append(format_duration(n.waited).view());
    out.append(" in ").append(counted(n.sleeps, "wait"));
    // What is mostly zero is told only if it is not.
    const auto add = [&](std::uint64_t count, std::string_view what) {
        if (count > 0) out.append(", ").append(counted(count, what));
    };
    add(n.errors, "error");
    add(n.dead_handlers, "dead handler");
    add(n.stale_events, "stale event");
    add(n.signal_posts_refused, "refused post of a signal");
    add(n.interrupts, "interrupted wait");
    add(n.budget_spent, "spent budget");
    if (n.depth_peak > 1) out.append(", nested ").append(number(n.depth_peak).view()).append(" deep");
    out += '\n';
}

// ---- the tables ---------------------------------------------------------------------------------

/// The title of a table, and whether there is one.
bool add_title(std::string_view title, std::size_t rows, std::string& out) {
    out.append("\n").append(title).append(rows == 0 ? ": none\n" : "\n");
    return rows > 0;
}

void add_handlers(Snapshot& loop, std::string& out) {
    if (!add_title("Descriptors", loop.handlers.size(), out)) return;
    static constexpr std::array<TextTable::Column, 14> columns{{{"fd", true},
                                                                {"name"},
                                                                {"kind"},
                                                                {"wants"},
                                                                {"ready"},
                                                                {"calls", true},
                                                                {"in a row", true},
                                                                {"idle turns", true},
                                                                {"in", true},
                                                                {"out", true},
                                                                {"local"},
                                                                {"peer"},
                                                                {"added at"},
                                                                {"scheduled by"}}};
    std::sort(loop.handlers.begin(), loop.handlers.end(),
              [](const HandlerInfo& a, const HandlerInfo& b) { return a.fd < b.fd; });
    TextTable table(columns);
    for (const HandlerInfo& info : loop.handlers) {
        const Descriptor what = describe(info.fd);
        const bool now = info.last_turn + 1 >= loop.turn;
        table.add(number(static_cast<std::uint64_t>(info.fd)).view());
        table.add(format_name(info.origin).view());
        table.add(Text(name_of(what.kind)).add(what.blocking ? ", blocking" : "").view());
        table.add(format_events(info.interest).view());
        table.add(format_events(info.last_ready).view());
        table.add(number(info.calls).view());
        table.add(number(now ? info.streak : 0).view());
        table.add(info.running          ? "running"
                  : info.adrift         ? "not watched"
                  : info.last_turn == 0 ? "never called"
                                        : number(loop.turn - info.last_turn).view());
        table.add(format_bytes(what.bytes_in).view());
        table.add(format_bytes(what.bytes_out).view());
        table.add(what.local);
        table.add(what.peer);
        table.add(format_place(info.origin).view());
        table.add(format_chain(info.chain).view());
    }
    table.write(out);
}

/// What has passed through those whose owners count it; nothing if there are none.
void add_flows(const Snapshot& loop, std::string& out) {
    const auto counts = [](const HandlerInfo& info) { return info.flow.has_value(); };
    if (std::none_of(loop.handlers.begin(), loop.handlers.end(), counts)) return;
    add_title("Traffic", 1, out);
    static constexpr std::array<TextTable::Column, 9> columns{{{"fd", true},
                                                               {"name"},
                                                               {"received", true},
                                                               {"messages", true},
                                                               {"waiting", true},
                                                               {"sent", true},
                                                               {"messages", true},
                                                               {"queued", true},
                                                               {"dropped", true}}};
    TextTable table(columns);
    for (const HandlerInfo& info : loop.handlers) {
        if (!info.flow) continue;
        const Flow& flow = *info.flow;
        table.add(number(static_cast<std::uint64_t>(info.fd)).view());
        table.add(format_name(info.origin).view());
        table.add(format_bytes(flow.bytes_in).view());
        table.add(number(flow.messages_in).view());
        table.add(format_bytes(flow.waiting_in).view());
        table.add(format_bytes(flow.bytes_out).view());
        table.add(number(flow.messages_out).view());
        table.add(format_bytes(flow.waiting_out).view());
        table.add(number(flow.dropped).view());
    }
    table.write(out);
}

void add_timeouts(const Snapshot& loop, std::string& out) {
    if (!add_title("Timeouts", loop.timeouts.size(), out)) return;
    static constexpr std::array<TextTable::Column, 6> columns{
        {{"due in", true}, {"period", true}, {"fires", true}, {"name"}, {"added at"}, {"scheduled by"}}};
    // Not std::stable_sort: clang warns of what the one of gcc 12 is made of.
    std::vector<const TimeoutInfo*> by_deadline;
    by_deadline.reserve(loop.timeouts.size());
    for (const TimeoutInfo& info : loop.timeouts) {
        by_deadline.push_back(&info);
    }
    std::sort(by_deadline.begin(), by_deadline.end(), [](const TimeoutInfo* a, const TimeoutInfo* b) {
        return a->deadline != b->deadline ? a->deadline < b->deadline : a < b;
    });
    TextTable table(columns);
    for (const TimeoutInfo* timeout : by_deadline) {
        const TimeoutInfo& info = *timeout;
        table.add(format_duration(distance(loop.time, info.deadline)).view());
        table.add(info.period == Duration::zero() ? "once" : format_duration(info.period).view());
        table.add(number(info.fires).view());
        table.add(format_name(info.origin).view());
        table.add(format_place(info.origin).view());
        table.add(format_chain(info.chain).view());
    }
    table.write(out);
}

void add_callbacks(const Snapshot& loop, std::string& out) {
    if (!add_title("Queued callbacks", loop.callbacks.size(), out)) return;
    static constexpr std::array<TextTable::Column, 5> columns{
        {{"age", true}, {"name"}, {"posted by"}, {"posted at"}, {"scheduled by"}}};
    TextTable table(columns);
    for (const CallbackInfo& info : loop.callbacks) {
        const bool known = info.posted_at != TimePoint{};
        table.add(known ? format_duration(until(loop.time, info.posted_at)).view() : "");
        table.add(format_name(info.origin).view());
        table.add(info.from_thread ? "outside" : "the loop");
        table.add(format_place(info.origin).view());
        table.add(format_chain(info.chain).view());
    }
    table.write(out);
}

void add_scopes(const Snapshot& loop, std::string& out) {
    if (!add_title("Scopes", loop.scopes.size(), out)) return;
    static constexpr std::array<TextTable::Column, 5> columns{
        {{"age", true}, {"holds", true}, {"name"}, {"made at"}, {"scheduled by"}}};
    TextTable table(columns);
    for (const ScopeInfo& info : loop.scopes) {
        table.add(format_duration(until(loop.time, info.since)).view());
        table.add(number(info.size).view());
        table.add(printable(info.name.data()));
        table.add(format_place(info.origin).view());
        table.add(format_chain(info.chain).view());
    }
    table.write(out);
}

/// A line for each place where one is suspended.
void add_tasks(const Snapshot& loop, std::string& out) {
    if (!add_title("Tasks", loop.tasks.size(), out)) return;
    static constexpr std::array<TextTable::Column, 9> columns{{{"task", true},
                                                               {"age", true},
                                                               {"name"},
                                                               {"state"},
                                                               {"since", true},
                                                               {"for"},
                                                               {"suspended at"},
                                                               {"spawned at"},
                                                               {"scheduled by"}}};
    TextTable table(columns);
    const auto add = [&](const TaskInfo& info, const WaitInfo* wait) {
        table.add(number(info.id).view());
        table.add(format_duration(until(loop.time, info.since)).view());
        table.add(format_name(info.origin).view());
        table.add(name_of(info.state));
        table.add(wait != nullptr ? format_duration(until(loop.time, wait->since)).view() : "");
        table.add(wait != nullptr ? format_wait(*wait).view() : "");
        table.add(wait != nullptr ? format_places(wait->at).view() : "");
        table.add(format_place(info.origin).view());
        table.add(format_chain(info.chain).view());
    };
    auto wait = loop.waits.begin(); // they are in the order of the tasks
    for (const TaskInfo& info : loop.tasks) {
        if (wait == loop.waits.end() || wait->task != info.id) add(info, nullptr);
        for (; wait != loop.waits.end() && wait->task == info.id; ++wait) add(info, &*wait);
    }
    table.write(out);
}

// ---- what was -----------------------------------------------------------------------------------

/// Appends "Last calls, 20 of 4711" and how many are not to be shown of those that are remembered.
std::size_t add_title_of_history(std::string_view title, std::size_t count, std::uint64_t seen,
                                 std::string& out) {
    const std::size_t shown = std::min(count, most_of_history);
    add_title(std::string(title) + (shown == 0 ? ""
                                               : ", " + std::string(number(shown).view()) + " of " +
                                                     std::string(number(seen).view())),
              shown, out);
    return count - shown;
}

void add_turns(const Recorder& recorder, TimePoint now, std::string& out) {
    std::size_t i = add_title_of_history("Last turns", recorder.turn_count(), recorder.turns_seen(), out);
    if (i == recorder.turn_count()) return;
    static constexpr std::array<TextTable::Column, 10> columns{{{"turn", true},
                                                                {"ago", true},
                                                                {"took", true},
                                                                {"slept", true},
                                                                {"woken by"},
                                                                {"handlers", true},
                                                                {"callbacks", true},
                                                                {"timeouts", true},
                                                                {"left", true},
                                                                {"pieces", true}}};
    const auto part = [](std::uint32_t calls, Duration took) {
        Text text = number(calls);
        if (took > Duration::zero()) text.add(" in ").add(format_duration(took).view());
        return text;
    };
    TextTable table(columns);
    for (; i < recorder.turn_count(); ++i) {
        const TurnRecord& turn = recorder.turn(i);
        table.add(number(turn.turn).view());
        table.add(format_duration(until(now, turn.begin)).view());
        table.add(format_duration(turn.end - turn.begin).view());
        table.add(format_duration(turn.waited).view());
        table.add(name_of(turn.reason));
        table.add(part(turn.handlers, turn.handlers_took).view());
        table.add(part(turn.callbacks, turn.callbacks_took).view());
        table.add(part(turn.timeouts, turn.timeouts_took).view());
        table.add(number(turn.queued_after).view());
        table.add(number(turn.pieces).view());
    }
    table.write(out);
}

void add_calls(const Recorder& recorder, TimePoint now, std::string& out) {
    std::size_t i = add_title_of_history("Last calls", recorder.call_count(), recorder.calls_seen(), out);
    if (i == recorder.call_count()) return;
    static constexpr std::array<TextTable::Column, 11> columns{{{"turn", true},
                                                                {"ago", true},
                                                                {"took", true},
                                                                {"late", true},
                                                                {"kind"},
                                                                {"name"},
                                                                {"fd", true},
                                                                {"ready"},
                                                                {"result"},
                                                                {"added at"},
                                                                {"scheduled by"}}};
    TextTable table(columns);
    for (; i < recorder.call_count(); ++i) {
        const CallRecord& call = recorder.call(i);
        const bool handler = call.kind == CallKind::handler;
        table.add(number(call.turn).view());
        table.add(format_duration(until(now, call.begin)).view());
        table.add(format_duration(call.took).view());
        table.add(handler ? "" : format_duration(call.late).view());
        table.add(Text(name_of(call.kind)).add(call.depth > 1 ? ", nested" : "").view());
        table.add(format_name(call.chain.origin()).view());
        table.add(handler ? number(static_cast<std::uint64_t>(call.fd)).view() : "");
        table.add(handler ? format_events(call.events).view() : "");
        table.add(call.threw ? "threw" : "ok");
        table.add(format_place(call.chain.origin()).view());
        table.add(format_chain(call.chain).view());
    }
    table.write(out);
}

Snapshot add_all(const IOLoop& loop, std::string& out) {
    Snapshot now;
    loop.snapshot(now);
    add_state(now, out);
    add_statistics(now.statistics, out);
    add_handlers(now, out);
    add_flows(now, out);
    add_timeouts(now, out);
    add_callbacks(now, out);
    add_scopes(now, out);
    add_tasks(now, out);
    return now;
}

} // namespace

void dump_text(const IOLoop& loop, std::ostream& out) {
    std::string text;
    add_all(loop, text);
    put(text, out);
}

void dump_text(const IOLoop& loop, const Recorder& recorder, std::ostream& out) {
    std::string text;
    TimePoint now = add_all(loop, text).time;
    // The loop's time may stand still, that of the records does not.
    if (const std::size_t calls = recorder.call_count(); calls > 0)
        now = std::max(now, recorder.call(calls - 1).begin + recorder.call(calls - 1).took);
    add_turns(recorder, now, text);
    add_calls(recorder, now, text);
    put(text, out);
}

} // namespace ioloop
