// SPDX-License-Identifier: MIT
/// The format wants the slices of a lane to nest strictly, and ties an arrow to the slice that was begun last
/// on its lane when the arrow's end comes by. So everything is sorted into lanes first, and written lane by
/// lane in the order of beginning, each arrow's end behind the slice that it belongs to.
#include "json_line.hpp"

#include <ioloop/inspect/chrome_trace.hpp>
#include <ioloop/inspect/format.hpp>
#include <ioloop/inspect/moment.hpp>
#include <ioloop/inspect/recorder.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <ostream>
#include <span>
#include <string>
#include <vector>

namespace ioloop {
namespace {

constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

// ---- lanes --------------------------------------------------------------------------------------

struct Span {
    TimePoint begin{};
    TimePoint end{};
    std::size_t record = 0; ///< its index among the records
    unsigned depth = 0;
    unsigned lane = 0;
    std::size_t within = none; ///< the span of the same lane around it
};

/// Sorts by beginning, outer ones first, and gives each the first lane in which it nests. How many there are:
/// more than one only if the records contradict each other, as those of two loops on one Recorder do.
unsigned assign_lanes(std::vector<Span>& spans) {
    std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) {
        if (a.begin != b.begin) return a.begin < b.begin;
        return a.depth != b.depth ? a.depth < b.depth : a.record < b.record;
    });
    std::vector<std::vector<std::size_t>> open; // for each lane: what has not ended, outermost first
    for (std::size_t i = 0; i < spans.size(); ++i) {
        Span& span = spans[i];
        for (;; ++span.lane) {
            if (span.lane == open.size()) open.emplace_back();
            std::vector<std::size_t>& stack = open[span.lane];
            while (!stack.empty() && spans[stack.back()].end <= span.begin) stack.pop_back();
            if (!stack.empty() && spans[stack.back()].end < span.end) continue;
            if (!stack.empty()) span.within = stack.back();
            stack.push_back(i);
            break;
        }
    }
    return static_cast<unsigned>(open.size());
}

// ---- arrows -------------------------------------------------------------------------------------

struct Arrow {
    TimePoint posted{};
    std::size_t from = none; ///< the span of the call that posted it; `none`: elsewhere
    std::size_t to = 0;      ///< the span of the call that it became
};

/// Where they come from is one to the trace. Of each the oldest is [0].
struct Records {
    std::span<const CallRecord> calls;
    std::span<const TurnRecord> turns;
    std::uint64_t calls_seen = 0;
    std::uint64_t turns_seen = 0;
};

class Trace {
public:
    Trace(const Records& records, std::ostream& out) : records_(records), out_(out) {
        collect();
        join();
    }

    void write(std::string_view process) {
        put(R"({"displayTimeUnit":"ns","otherData":)");
        put(line_.begin()
                .number("calls", records_.calls.size())
                .number("calls_seen", records_.calls_seen)
                .number("turns", records_.turns.size())
                .number("turns_seen", records_.turns_seen)
                .end());
        put(R"(,"traceEvents":[)");
        write_names(process);
        for (std::size_t i = 0; i < turns_.size() && out_; ++i) write_turn(turns_[i]);
        write_calls();
        put("\n]}\n");
    }

private:
    // ---- what there is ----

    void collect() {
        for (std::size_t i = 0; i < records_.turns.size(); ++i) {
            const TurnRecord& turn = records_.turns[i];
            turns_.push_back({turn.begin, std::max(turn.begin, turn.end), i, 0, 0, none});
        }
        for (std::size_t i = 0; i < records_.calls.size(); ++i) {
            const CallRecord& call = records_.calls[i];
            const TimePoint end = ioloop::after(call.begin, std::max(call.took, Duration::zero()));
            calls_.push_back({call.begin, end, i, call.depth, 0, none});
        }
        turn_lanes_ = assign_lanes(turns_);
        call_lanes_ = assign_lanes(calls_);
        if (!turns_.empty()) first_ = turns_.front().begin;
        if (!calls_.empty()) first_ = std::min(first_, calls_.front().begin);
    }

    void join() {
        for (std::size_t to = 0; to < calls_.size(); ++to) {
            const CallRecord& call = records_.calls[calls_[to].record];
            if (call.kind != CallKind::callback) continue;
            Arrow arrow{ioloop::after(call.begin, -call.late), none, to};
            arrow.from = poster_of(call, arrow.posted, to);
            // Not late at all: it was posted before anybody observed, or while time stood still.
            if (arrow.from == none && call.late == Duration::zero()) continue;
            if (arrow.from != none) {
                // What a callable posts is dated to its return; the viewer looks for a slice that is still open then.
                const Span& poster = calls_[arrow.from];
                arrow.posted = std::max(poster.begin, std::min(arrow.posted, poster.end - Duration(1)));
            }
            arrow.posted = std::max(arrow.posted, first_);
            arrows_.push_back(arrow);
        }
        std::sort(arrows_.begin(), arrows_.end(), [](const Arrow& a, const Arrow& b) {
            if (a.from != b.from) return a.from < b.from;
            return a.posted != b.posted ? a.posted < b.posted : a.to < b.to;
        });
        elsewhere_ = !arrows_.empty() && arrows_.back().from == none;
    }

    /// The call that was running then, by its site as well as by the time: another thread may have posted in
    /// the midst of any. Of those that begin in the very moment, and the last one before, whichever is right.
    std::size_t poster_of(const CallRecord& call, TimePoint posted, std::size_t to) const {
        const SiteId site = call.chain.sites[1];
        if (site == SiteId::none) return none;
        const auto later = std::upper_bound(calls_.begin(), calls_.begin() + static_cast<std::ptrdiff_t>(to),
                                            posted, [](TimePoint t, const Span& s) { return t < s.begin; });
        for (auto i = static_cast<std::size_t>(later - calls_.begin()); i-- > 0;) {
            for (std::size_t at = i; at != none; at = calls_[at].within) {
                const Span& span = calls_[at];
                if (span.end >= posted && records_.calls[span.record].chain.site() == site) return at;
            }
            if (calls_[i].begin < posted) break;
        }
        return none;
    }

    // ---- how it is written ----

    unsigned turn_lane(unsigned lane) const { return 1 + lane; }
    unsigned call_lane(unsigned lane) const { return 1 + turn_lanes_ + lane; }
    unsigned lane_elsewhere() const { return 1 + turn_lanes_ + call_lanes_; }

    /// Unformatted: the stream's width and locale are not for us.
    void put(std::string_view text) { out_.write(text.data(), static_cast<std::streamsize>(text.size())); }
    void put_event(JsonLine& line) {
        put(first_event_ ? "\n" : ",\n");
        first_event_ = false;
        put(line.end());
    }
    JsonLine& begin(std::string_view phase, unsigned lane) {
        return line_.begin().text("ph", phase).number("pid", 1).number("tid", lane);
    }
    JsonLine& begin(std::string_view phase, unsigned lane, TimePoint at) {
        return begin(phase, lane).microseconds("ts", at - first_);
    }
    JsonLine& begin_slice(unsigned lane, TimePoint at, Duration length) {
        return begin("X", lane, at).microseconds("dur", length);
    }
    static JsonLine& add_origin(JsonLine& line, const Chain& chain) {
        const Origin& origin = chain.origin();
        const std::string place =
            origin.line != 0 ? std::string(origin.file) + ":" + std::to_string(origin.line) : "-";
        return line.text("at", place)
            .text("function", origin.function)
            .text("chain", format_chain(chain).view());
    }

    void write_names(std::string_view process) {
        put_event(begin("M", 0).text("name", "process_name").open("args").text("name", process).close());
        for (unsigned i = 0; i < turn_lanes_; ++i) write_name(turn_lane(i), "turns", i);
        for (unsigned i = 0; i < call_lanes_; ++i) write_name(call_lane(i), "calls", i);
        if (elsewhere_) write_name(lane_elsewhere(), "posted elsewhere", 0);
    }
    void write_name(unsigned lane, std::string_view name, unsigned number) {
        std::string full(name);
        if (number > 0) full.append(" ").append(std::to_string(number + 1));
        put_event(begin("M", lane).text("name", "thread_name").open("args").text("name", full).close());
        put_event(begin("M", lane)
                      .text("name", "thread_sort_index")
                      .open("args")
                      .number("sort_index", lane)
                      .close());
    }

    void write_turn(const Span& span) {
        const TurnRecord& turn = records_.turns[span.record];
        const unsigned lane = turn_lane(span.lane);
        const Duration length = span.end - span.begin;
        put_event(begin_slice(lane, span.begin, length)
                      .text("cat", "turn")
                      .text("name", Text("turn ").add(turn.turn).view())
                      .open("args")
                      .number("turn", turn.turn)
                      .text("reason", name_of(turn.reason))
                      .microseconds("waited_us", turn.waited)
                      .number("handlers", turn.handlers)
                      .number("callbacks", turn.callbacks)
                      .number("timeouts", turn.timeouts)
                      .microseconds("handlers_us", turn.handlers_took)
                      .microseconds("callbacks_us", turn.callbacks_took)
                      .microseconds("timeouts_us", turn.timeouts_took)
                      .number("queued_after", turn.queued_after)
                      .number("pieces", turn.pieces)
                      .close());
        if (turn.waited > Duration::zero()) {
            put_event(begin_slice(lane, span.begin, std::min(turn.waited, length))
                          .text("cat", "wait")
                          .text("name", "wait")
                          .open("args")
                          .text("reason", name_of(turn.reason))
                          .close());
        }
        if (length > Duration::zero()) {
            const Duration busy = turn.handlers_took + turn.callbacks_took + turn.timeouts_took;
            const double share = static_cast<double>(busy.count()) / static_cast<double>(length.count());
            write_counter("busy %", span.begin,
                          static_cast<std::uint32_t>(std::lround(std::clamp(share, 0.0, 1.0) * 100)));
        }
        write_counter("callbacks left", span.end, turn.queued_after);
    }
    void write_counter(std::string_view name, TimePoint at, std::uint32_t value) {
        put_event(begin("C", 0, at).text("name", name).open("args").number("value", value).close());
    }

    void write_calls() {
        std::vector<std::size_t> arrow_to(calls_.size(), none);
        for (std::size_t i = 0; i < arrows_.size(); ++i) arrow_to[arrows_[i].to] = i;
        auto next = arrows_.begin();
        for (std::size_t i = 0; i < calls_.size() && out_; ++i) {
            write_call(calls_[i]);
            const unsigned lane = call_lane(calls_[i].lane);
            if (arrow_to[i] != none) {
                put_event(begin_flow("f", arrows_[arrow_to[i]], lane, calls_[i].begin).text("bp", "e"));
            }
            for (; next != arrows_.end() && next->from == i; ++next)
                put_event(begin_flow("s", *next, lane, next->posted));
        }
        for (; next != arrows_.end() && out_; ++next) write_post(*next);
    }
    void write_call(const Span& span) {
        const CallRecord& call = records_.calls[span.record];
        JsonLine& line = begin_slice(call_lane(span.lane), span.begin, span.end - span.begin)
                             .text("cat", name_of(call.kind))
                             .text("name", format_name(call.chain.origin()).view())
                             .open("args")
                             .text("kind", name_of(call.kind))
                             .number("id", call.id)
                             .number("turn", call.turn)
                             .number("depth", call.depth)
                             .microseconds("late_us", call.late)
                             .flag("threw", call.threw);
        if (call.kind == CallKind::handler)
            line.number("fd", call.fd).text("events", format_events(call.events).view());
        put_event(add_origin(line, call.chain).close());
    }
    /// A moment: a slice of no length, for the arrow to begin in.
    void write_post(const Arrow& arrow) {
        const CallRecord& call = records_.calls[calls_[arrow.to].record];
        JsonLine& line = begin_slice(lane_elsewhere(), arrow.posted, Duration::zero())
                             .text("cat", "post")
                             .text("name", format_name(call.chain.origin()).view())
                             .open("args")
                             .number("id", call.id);
        put_event(add_origin(line, call.chain).close());
        put_event(begin_flow("s", arrow, lane_elsewhere(), arrow.posted));
    }
    JsonLine& begin_flow(std::string_view phase, const Arrow& arrow, unsigned lane, TimePoint at) {
        return begin(phase, lane, at).text("cat", "post").text("name", "post").number("id", arrow.to + 1);
    }

    Records records_;
    std::ostream& out_;
    JsonLine line_;
    bool first_event_ = true;

    std::vector<Span> turns_;
    std::vector<Span> calls_;
    std::vector<Arrow> arrows_; ///< by where they begin
    unsigned turn_lanes_ = 0;
    unsigned call_lanes_ = 0;
    bool elsewhere_ = false;  ///< some arrow begins in no call
    TimePoint first_ = never; ///< the beginning of all
};

} // namespace

void write_chrome_trace(const Recorder& recorder, std::ostream& out, std::string_view process) {
    std::vector<CallRecord> calls;
    for (std::size_t i = 0; i < recorder.call_count(); ++i) calls.push_back(recorder.call(i));
    std::vector<TurnRecord> turns;
    for (std::size_t i = 0; i < recorder.turn_count(); ++i) turns.push_back(recorder.turn(i));
    Trace({calls, turns, recorder.calls_seen(), recorder.turns_seen()}, out).write(process);
}

void write_chrome_trace(const Moment& moment, std::ostream& out, std::string_view process) {
    Trace({moment.calls, moment.turns, moment.calls_seen, moment.turns_seen}, out).write(process);
}

} // namespace ioloop
