// SPDX-License-Identifier: MIT
// The trace that opens in Perfetto, read back by a parser, and by a checker that knows what a viewer needs.
#include "support/sim_loop.hpp"
#include "support/socket_pair.hpp"
#include "support/trace_check.hpp"

#include <ioloop/ioloop.hpp>

#include <cstdint>
#include <functional>
#include <locale>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using trace_check::events_of;
using trace_check::faults_of;
using trace_check::Json;

namespace {

struct ChromeTrace : SimLoop {
    Recorder recorder;
    SocketPair pair;

    ChromeTrace() { loop.set_observer(&recorder); }

    static Json trace_of(const Recorder& recorder, std::string_view process = "ioloop") {
        std::ostringstream out;
        write_chrome_trace(recorder, out, process);
        EXPECT_TRUE(out);
        Json trace = Json::parse(out.str());
        EXPECT_THAT(faults_of(trace), IsEmpty()) << out.str();
        return trace;
    }
    Json trace() const { return trace_of(recorder); }

    /// The one slice of this name; that of a call, if the moment of its post has one, too.
    static Json slice(const Json& trace, const std::string& name) {
        auto found = events_of(trace, "X", name);
        std::erase_if(found, [](const Json& event) { return event["cat"] == "post"; });
        EXPECT_EQ(found.size(), 1U) << name;
        return found.empty() ? Json() : found.front();
    }
    static std::int64_t begin_of(const Json& slice) { return trace_check::time_of(slice, "ts"); }
    static std::int64_t end_of(const Json& slice) {
        return begin_of(slice) + trace_check::time_of(slice, "dur");
    }
};

TEST_F(ChromeTrace, of_nothing_is_valid_and_empty) {
    const Json empty = trace_of(Recorder());
    EXPECT_THAT(events_of(empty, "X"), IsEmpty());
    EXPECT_EQ(empty["otherData"]["calls"], 0);
}

TEST_F(ChromeTrace, of_what_an_inspector_shows_is_the_same_as_of_the_recorder) {
    loop.add_callback([&] { loop.add_callback([&] { world.advance(1ms); }, "child"); }, "parent");
    loop.run_once();
    loop.run_once();
    Moment moment;
    for (std::size_t i = 0; i < recorder.call_count(); ++i) moment.calls.push_back(recorder.call(i));
    for (std::size_t i = 0; i < recorder.turn_count(); ++i) moment.turns.push_back(recorder.turn(i));
    moment.calls_seen = recorder.calls_seen();
    moment.turns_seen = recorder.turns_seen();
    ASSERT_EQ(moment.calls.size(), 2U);
    std::ostringstream of_recorder;
    std::ostringstream of_moment;
    write_chrome_trace(recorder, of_recorder);
    write_chrome_trace(moment, of_moment);
    EXPECT_EQ(of_moment.str(), of_recorder.str());
}

TEST_F(ChromeTrace, a_call_is_a_slice_that_says_all_there_is_to_say) {
    pair.send_to_a();
    loop.add_handler(
        pair.a,
        [&](Fd fd, Events) {
            world.advance(1'234'567ns);
            loop.remove_handler(fd);
            loop.add_callback([&] { world.advance(1ms); }, "answer");
        },
        Events::read, "link");
    loop.call_later(
        5ms, [&] { throw std::runtime_error("expired"); }, "expiry");
    loop.run_once();
    world.advance(10ms);
    loop.run_once();
    const Json t = trace();

    const Json link = slice(t, "link");
    EXPECT_EQ(link["cat"], "handler");
    EXPECT_EQ(link["dur"], 1234.567);
    EXPECT_EQ(link["args"]["fd"], pair.a);
    EXPECT_EQ(link["args"]["events"], "R");
    EXPECT_EQ(link["args"]["threw"], false);
    EXPECT_THAT(link["args"]["at"], HasSubstr("chrome_trace.cpp:"));
    EXPECT_EQ(link["args"]["function"], "TestBody");
    EXPECT_EQ(link["args"]["chain"], "-");

    const Json answer = slice(t, "answer");
    EXPECT_EQ(answer["cat"], "callback");
    EXPECT_EQ(answer["args"]["chain"], "link");

    const Json expiry = slice(t, "expiry");
    EXPECT_EQ(expiry["cat"], "timeout");
    EXPECT_EQ(expiry["args"]["threw"], true);
    EXPECT_GT(expiry["args"]["late_us"], 5000);
    EXPECT_THAT(reported, ElementsAre("expiry: expired"));
}

TEST_F(ChromeTrace, a_turn_is_a_slice_with_its_wait_within) {
    loop.call_later(
        5s, [&] { world.advance(3ms); }, "later");
    loop.run_once(forever);
    const Json t = trace();
    const Json turn = slice(t, "turn 1");
    const Json wait = slice(t, "wait");
    EXPECT_EQ(turn["ts"], 0.0);
    EXPECT_EQ(turn["dur"], 5'003'000.0);
    EXPECT_EQ(turn["args"]["reason"], "timeout due");
    EXPECT_EQ(wait["dur"], 5'000'000.0);
    EXPECT_EQ(wait["tid"], turn["tid"]);
    const Json later = slice(t, "later");
    EXPECT_NE(later["tid"], turn["tid"]) << "a nested run_ call makes turns overlap calls";
    EXPECT_EQ(later["ts"], 5'000'000.0);
}

TEST_F(ChromeTrace, counters_tell_the_queue_and_the_share_of_the_calls) {
    loop.call_later(3ms, [&] {
        world.advance(1ms);
        for (int i = 0; i < 7; ++i) loop.add_callback([] {});
    });
    loop.run_once(forever);
    const Json t = trace();
    EXPECT_EQ(events_of(t, "C", "callbacks left").front()["args"]["value"], 7);
    EXPECT_EQ(events_of(t, "C", "busy %").front()["args"]["value"], 25);
}

TEST_F(ChromeTrace, an_arrow_leads_from_the_post_to_the_call) {
    loop.add_callback(
        [&] {
            world.advance(2ms);
            loop.add_callback([&] { world.advance(1ms); }, "posted");
            world.advance(3ms);
        },
        "poster");
    world.advance(1ms);
    loop.run_once();
    loop.run_once();
    const Json t = trace();
    const auto starts = events_of(t, "s");
    const auto ends = events_of(t, "f");
    const Json poster = slice(t, "poster");
    ASSERT_EQ(ends.size(), 2U);
    EXPECT_EQ(begin_of(starts[0]), begin_of(poster) + 5'000'000 - 1)
        << "just before it returned: it could not run earlier";
    EXPECT_EQ(starts[0]["tid"], poster["tid"]);
    // The poster itself was posted by nobody who is in the trace, and before it begins.
    EXPECT_EQ(begin_of(starts[1]), 0);
    EXPECT_NE(starts[1]["tid"], poster["tid"]);
    const auto names = events_of(t, "M", "thread_name");
    EXPECT_EQ(names.back()["args"]["name"], "posted elsewhere");
    EXPECT_EQ(names.back()["tid"], starts[1]["tid"]);
}

TEST_F(ChromeTrace, what_another_thread_posts_in_the_midst_of_a_call_does_not_come_from_that_call) {
    loop.add_callback(
        [&] {
            world.advance(2ms);
            std::thread([&] { loop.add_callback([] {}, "from a thread"); }).join();
            world.advance(2ms);
        },
        "bystander");
    loop.run_once();
    loop.run_once();
    const Json t = trace();
    const auto starts = events_of(t, "s");
    ASSERT_EQ(starts.size(), 1U);
    EXPECT_NE(starts[0]["tid"], slice(t, "bystander")["tid"]);
    EXPECT_EQ(begin_of(starts[0]), begin_of(slice(t, "bystander")) + 2'000'000);
}

TEST_F(ChromeTrace, whose_poster_the_ring_has_lost_comes_from_elsewhere) {
    Recorder::Options options;
    options.calls = 1;
    Recorder small(options);
    loop.set_observer(&small);
    loop.add_callback([&] { loop.add_callback([] {}, "orphan"); });
    loop.run_once();
    world.advance(1ms);
    loop.run_once();
    const Json t = trace_of(small);
    EXPECT_EQ(t["otherData"]["calls"], 1);
    EXPECT_EQ(t["otherData"]["calls_seen"], 2);
    ASSERT_EQ(events_of(t, "s").size(), 1U);
    EXPECT_EQ(events_of(t, "X", "post").size(), 1U);
}

TEST_F(ChromeTrace, nested_calls_lie_within_the_call_that_ran_them) {
    loop.add_callback(
        [&] {
            world.advance(1ms);
            loop.add_callback(
                [&] {
                    world.advance(1ms);
                    loop.add_callback([&] { world.advance(1ms); }, "innermost");
                    loop.run_ready();
                    world.advance(1ms);
                },
                "inner");
            loop.run_ready();
            world.advance(1ms);
        },
        "outer");
    loop.run_once();
    const Json t = trace();
    const Json outer = slice(t, "outer");
    const Json inner = slice(t, "inner");
    const Json innermost = slice(t, "innermost");
    EXPECT_EQ(innermost["args"]["depth"], 3);
    EXPECT_EQ(outer["tid"], innermost["tid"]);
    EXPECT_LE(begin_of(outer), begin_of(inner));
    EXPECT_LE(begin_of(inner), begin_of(innermost));
    EXPECT_LE(end_of(innermost), end_of(inner));
    EXPECT_LE(end_of(inner), end_of(outer));
    EXPECT_EQ(events_of(t, "s").size(), 2U);
}

TEST_F(ChromeTrace, is_written_within_a_call_too) {
    Json t;
    loop.add_callback([&] { world.advance(1ms); }, "before");
    loop.add_callback([&] { t = trace(); });
    loop.run_once();
    EXPECT_EQ(events_of(t, "X").size(), 1U) << "neither the call nor the turn has ended";
}

TEST_F(ChromeTrace, records_that_contradict_each_other_get_lanes_of_their_own) {
    CallRecord call;
    call.begin = SimWorld::start;
    call.took = 10ms;
    recorder.after_call(call);
    call.begin += 5ms;
    recorder.after_call(call);
    TurnRecord turn;
    turn.handlers = 1;
    turn.begin = SimWorld::start;
    turn.end = turn.begin + 10ms;
    recorder.after_turn(turn);
    turn.begin += 5ms;
    turn.end += 5ms;
    turn.waited = 1h;
    recorder.after_turn(turn);
    const Json t = trace();
    EXPECT_EQ(events_of(t, "M", "thread_name").size(), 4U);
}

TEST_F(ChromeTrace, names_may_be_any_bytes) {
    loop.add_callback([] {}, "a \"quote\", a \\ and a\nnewline\t\x01\x7F");
    loop.add_callback([] {}, "gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x8E\xAE");
    loop.add_callback([] {}, "\xFF\xC3(\xED\xA0\x80\xC0\xAF\xF4\x90\x80\x80\xE2\x82");
    loop.run_once();
    const Json t = trace_of(recorder, "game \"\xFF\"\n");
    std::vector<std::string> names;
    for (const Json& call : events_of(t, "X", "callback")) names.push_back(call["name"]);
    ASSERT_EQ(names.size(), 3U);
    EXPECT_EQ(names[0], "a \"quote\", a \\ and a\nnewline\t\x01\x7F");
    EXPECT_EQ(names[1], "gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x8E\xAE");
    EXPECT_THAT(names[2], HasSubstr("\xEF\xBF\xBD(")) << "the good byte after a bad one stays";
    EXPECT_EQ(events_of(t, "M", "process_name").front()["args"]["name"], "game \"\xEF\xBF\xBD\"\n");
}

TEST_F(ChromeTrace, numbers_are_the_same_in_every_locale_and_format_of_the_stream) {
    struct Commas : std::numpunct<char> {
        char do_decimal_point() const override { return ','; }
        char do_thousands_sep() const override { return '.'; }
        std::string do_grouping() const override { return "\3"; }
    };
    loop.call_later(
        1234567us, [&] { world.advance(1234567ns); }, "x");
    loop.run_once(forever);
    std::ostringstream plain;
    write_chrome_trace(recorder, plain);
    std::ostringstream strange;
    strange.imbue(std::locale(std::locale::classic(), new Commas));
    strange << std::hex << std::showbase;
    strange.width(9000);
    write_chrome_trace(recorder, strange);
    EXPECT_EQ(strange.str(), plain.str());
}

TEST_F(ChromeTrace, a_stream_that_fails_is_the_callers_to_see) {
    loop.add_callback([] {});
    loop.run_once();
    std::ostringstream out;
    out.setstate(std::ios::badbit);
    write_chrome_trace(recorder, out);
    EXPECT_TRUE(out.bad());
    EXPECT_EQ(out.str(), "");
}

TEST_F(ChromeTrace, a_deadline_before_all_time_does_not_stretch_the_trace) {
    loop.call_at(TimePoint::min(), [&] { world.advance(1ms); });
    loop.run_once();
    EXPECT_EQ(events_of(trace(), "X", "timeout").front()["ts"], 0.0);
}

TEST_F(ChromeTrace, a_busy_hour_keeps_the_rules) {
    std::function<void(int)> work = [&](int depth) {
        world.advance(100us);
        loop.add_callback([&, depth] {
            world.advance(10us);
            if (depth < 3) work(depth + 1);
        });
        if (depth % 2 == 0) loop.run_ready();
        world.advance(1us);
    };
    for (int i = 0; i < 200; ++i) loop.call_later(i * 18s, [&, i] { work(i % 3); });
    while (loop.statistics().timeouts > 0) loop.run_once(forever, Budget{200us, 2});
    const Json t = trace();
    EXPECT_GT(events_of(t, "X").size(), 800U);
    EXPECT_GT(events_of(t, "f").size(), 200U);
}

// ---- the checker itself -------------------------------------------------------------------------

Json event(const char* phase, std::int64_t lane, double ts, double dur = 0) {
    Json args = {{"id", 1},        {"turn", 1}, {"depth", 1},     {"late_us", 0},
                 {"threw", false}, {"at", "-"}, {"function", ""}, {"chain", "-"}};
    return {{"ph", phase}, {"pid", 1},  {"tid", lane},       {"ts", ts},    {"dur", dur},
            {"id", 1},     {"bp", "e"}, {"cat", "callback"}, {"name", "x"}, {"args", args}};
}

std::vector<std::string> faults_of_events(std::vector<Json> events) {
    events.push_back(
        {{"ph", "M"}, {"pid", 1}, {"tid", 1}, {"name", "thread_name"}, {"args", {{"name", "x"}}}});
    return faults_of({{"traceEvents", events}});
}

TEST(TraceCheck, accepts_what_is_right) {
    EXPECT_THAT(faults_of_events({event("X", 1, 0, 10), event("X", 1, 2, 8), event("X", 1, 10, 1),
                                  event("s", 1, 1), event("f", 1, 2)}),
                IsEmpty());
}

TEST(TraceCheck, finds_each_fault) {
    EXPECT_THAT(faults_of(Json::array()), Contains(HasSubstr("no traceEvents")));
    EXPECT_THAT(faults_of_events({event("X", 2, 0, 1)}), Contains(HasSubstr("lane 2 has no name")));
    EXPECT_THAT(faults_of_events({event("X", 1, 0, 10), event("X", 1, 2, 8.001)}),
                Contains(HasSubstr("ends after 'x', in which it began")));
    EXPECT_THAT(faults_of_events({event("X", 1, -1, 2)}), Contains(HasSubstr("before the beginning")));
    EXPECT_THAT(faults_of_events({event("X", 1, 1, -1)}), Contains(HasSubstr("ends before it begins")));
    EXPECT_THAT(faults_of_events({event("X", 1, 2, 1), event("f", 1, 2)}),
                Contains(HasSubstr("0 beginnings and 1 ends")));
    EXPECT_THAT(faults_of_events({event("X", 1, 2, 1), event("s", 1, 3), event("f", 1, 2)}),
                Contains(HasSubstr("ends before it begins")));
    EXPECT_THAT(faults_of_events({event("X", 1, 2, 1), event("s", 1, 0), event("f", 1, 2)}),
                Contains(HasSubstr("begins nowhere")));
    EXPECT_THAT(faults_of_events({event("X", 1, 2, 1), event("s", 1, 2), event("f", 1, 3)}),
                Contains(HasSubstr("does not end where a callback begins")));
    Json bare = event("X", 1, 0);
    bare["args"].erase("chain");
    EXPECT_THAT(faults_of_events({bare}), Contains(HasSubstr("no chain")));
    EXPECT_THAT(faults_of_events({event("B", 1, 0)}), Contains(HasSubstr("an unknown phase")));
}

} // namespace
