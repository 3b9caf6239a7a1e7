// SPDX-License-Identifier: MIT
// The loop as text, word by word.
#include "support/sim_loop.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <locale>
#include <sstream>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

namespace {

/// Places that do not move when this file does.
Origin at(std::uint32_t line, const char* name) {
    Origin origin;
    origin.name = name;
    origin.file = "src/game.cpp";
    origin.function = "tick";
    origin.line = line;
    return origin;
}

Task<> nap() { co_await sleep_for(1s, "nap"); }

struct DumpText : SimLoop {
    SocketPair pair;

    std::string dump() const {
        std::ostringstream out;
        dump_text(loop, out);
        return out.str();
    }
    std::string dump(const Recorder& recorder) const {
        std::ostringstream out;
        dump_text(loop, recorder, out);
        return out.str();
    }
    static std::ptrdiff_t lines(const std::string& text) {
        return std::count(text.begin(), text.end(), '\n');
    }
};

TEST_F(DumpText, of_an_empty_loop_says_that_there_is_nothing) {
    EXPECT_EQ(
        dump(),
        R"(IOLoop 'simulated': simulated, turn 0, 0 descriptors (most 0), 0 timeouts (most 0), 0 queued callbacks (most 0)
So far: 0 turns, 0 calls (0 handlers, 0 callbacks, 0 timeouts), busy 0, slept 0 in 0 waits

Descriptors: none

Timeouts: none

Queued callbacks: none

Scopes: none

Tasks: none
)");
}

TEST_F(DumpText, of_a_closed_loop_says_so) {
    loop.call_later(1s, [] {});
    loop.close();
    const std::string text = dump();
    EXPECT_THAT(text, HasSubstr("IOLoop 'simulated': closed, turn 0, 0 descriptors"));
    EXPECT_THAT(text, HasSubstr("Timeouts: none"));
}

TEST_F(DumpText, shows_timeouts_by_the_time_they_are_due_and_callbacks_in_order) {
    Recorder recorder;
    loop.set_observer(&recorder);
    PeriodicCallback tick(
        loop, 500ms, [] {}, at(7, "tick"));
    tick.start();
    loop.call_at(
        never, [] {}, at(8, "never mind"));
    loop.add_callback(
        [&] {
            loop.call_later(
                50ms, [] {}, at(9, "retry"));
            loop.add_callback([] {}, at(10, "first"));
            world.advance(62'400us);
        },
        at(11, "connect"));
    loop.run_once();
    world.advance(5ms);
    loop.add_callback([] {}, at(12, nullptr));
    EXPECT_EQ(
        dump(),
        R"(IOLoop 'simulated': simulated, turn 1, 0 descriptors (most 0), 3 timeouts (most 3), 2 queued callbacks (most 2)
So far: 1 turn, 1 call (0 handlers, 1 callback, 0 timeouts), busy 62.4 ms, slept 0 in 0 waits

Descriptors: none

Timeouts
    due in  period  fires  name        added at    scheduled by
  -17.4 ms    once      0  retry       game.cpp:9  connect
    433 ms  500 ms      0  tick        game.cpp:7  -
     never    once      0  never mind  game.cpp:8  -

Queued callbacks
      age  name    posted by  posted at    scheduled by
  5.00 ms  first   the loop   game.cpp:10  connect
        0  tick()  outside    game.cpp:12  -

Scopes: none

Tasks: none
)");
}

TEST_F(DumpText, shows_scopes_and_tasks_the_youngest_first_and_where_a_task_is_suspended) {
    Scope level(loop, "level 3", at(20, "load"));
    level.call_later(1s, [] {});
    spawn(
        loop, [] { return nap(); }, at(30, "sleeper"));
    loop.run_once();
    world.advance(5ms);
    spawn(
        loop, [] { return nap(); }, at(31, "newcomer"));
    const std::string text = dump();
    EXPECT_THAT(text, HasSubstr(R"(
Scopes
      age  holds  name     made at      scheduled by
  5.00 ms      1  level 3  game.cpp:20  -
)"));
    const Snapshot now = [&] {
        Snapshot snapshot;
        loop.snapshot(snapshot);
        return snapshot;
    }();
    const std::string young = std::to_string(now.tasks.at(0).id);
    const std::string old = std::to_string(now.tasks.at(1).id);
    EXPECT_THAT(text, HasSubstr("Tasks\n"));
    EXPECT_THAT(text, HasSubstr(young + "        0  newcomer  queued"));
    EXPECT_THAT(text, HasSubstr(old + "  5.00 ms  sleeper   waiting  5.00 ms  timeout, nap"));
    EXPECT_THAT(text, HasSubstr("dump_text.cpp:"));
}

TEST_F(DumpText, shows_what_the_system_knows_of_a_descriptor) {
    loop.add_handler(
        pair.a, [&](Fd, Events) { pair.read_a(); }, Events::read, at(3, "link"));
    loop.add_handler(
        pair.b, [](Fd, Events) {}, Events::none, at(4, "quiet"));
    pair.send_to_a("hello");
    loop.run_once();
    loop.run_once();
    pair.send_to_a("again");
    const Descriptor a = describe(pair.a);
    const Descriptor b = describe(pair.b);
    const auto or_dash = [](const char* text) { return *text == '\0' ? "-" : text; };
    std::istringstream rows(dump().substr(dump().find("Descriptors")));
    std::string row_a;
    std::string row_b;
    for (std::string row; std::getline(rows, row);) {
        if (row.find("link") != std::string::npos) row_a = row;
        if (row.find("quiet") != std::string::npos) row_b = row;
    }
    const auto squeezed = [](const std::string& row) {
        std::istringstream in(row);
        std::string out;
        for (std::string word; in >> word;) out += (out.empty() ? "" : " ") + word;
        return out;
    };
    EXPECT_EQ(squeezed(row_a), std::to_string(pair.a) + " link " + name_of(a.kind) + " R R 1 1 1 " +
                                   format_bytes(a.bytes_in).c_str() + " " +
                                   format_bytes(a.bytes_out).c_str() + " " + or_dash(a.local) + " " +
                                   or_dash(a.peer) + " game.cpp:3 -");
    EXPECT_EQ(squeezed(row_b), std::to_string(pair.b) + " quiet " + name_of(b.kind) +
                                   " - - 0 0 never called " + format_bytes(b.bytes_in).c_str() + " " +
                                   format_bytes(b.bytes_out).c_str() + " " + or_dash(b.local) + " " +
                                   or_dash(b.peer) + " game.cpp:4 -");
    EXPECT_EQ(a.bytes_in, 5U);
    EXPECT_LT(dump().find(pair.a < pair.b ? "link" : "quiet"),
              dump().find(pair.a < pair.b ? "quiet" : "link"))
        << "by number";
}

TEST_F(DumpText, tells_of_a_descriptor_that_was_closed_behind_the_loops_back) {
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read, at(3, "forgotten"));
    pair.close_a();
    EXPECT_THAT(dump(), testing::ContainsRegex("forgotten  closed "));
}

TEST_F(DumpText, within_a_call_tells_what_is_under_way) {
    std::string text;
    loop.add_handler(
        pair.a,
        [&](Fd fd, Events) {
            pair.read_a();
            text = dump();
            loop.remove_handler(fd);
        },
        Events::read, at(3, "link"));
    pair.send_to_a();
    loop.run_once();
    EXPECT_THAT(text, HasSubstr("turn 1, in a call, 1 descriptor (most 1)"));
    EXPECT_THAT(text, HasSubstr("running"));
}

TEST_F(DumpText, a_loop_whose_time_stands_still_says_why) {
    loop.set_paused(true);
    EXPECT_THAT(dump(), HasSubstr("turn 0, paused, 0 descriptors"));
    loop.suspend();
    EXPECT_THAT(dump(), HasSubstr("turn 0, paused, suspended, 0 descriptors"));
}

TEST_F(DumpText, troubles_are_told_if_there_are_any) {
    loop.add_callback([] { throw std::runtime_error("no"); });
    loop.add_callback([&] {
        loop.add_callback([] {});
        loop.run_ready();
    });
    loop.run_once(no_wait, Budget{forever, 1});
    EXPECT_THAT(dump(), HasSubstr("in the midst of the turn"));
    loop.run_once();
    EXPECT_THAT(dump(), HasSubstr(", 1 error, 1 spent budget, nested 2 deep\n"));
}

TEST_F(DumpText, a_row_stays_a_row_whatever_the_names_are) {
    loop.call_later(
        1s, [] {}, "two\nrows\r\x1b[2J\t\x7F");
    loop.call_later(
        2s, [] {}, "\xFF\xC2\x9B gr\xC3\xBC\xC3\x9F");
    const std::string text = dump();
    EXPECT_THAT(text, HasSubstr(R"(two\nrows\r\x1b[2J\t\x7f)"));
    EXPECT_THAT(text, HasSubstr(std::string(R"(\xff\xc2\x9b gr)") + "\xC3\xBC\xC3\x9F"));
    EXPECT_EQ(lines(text), 2 + 2 + 5 + 2 + 4) << "two timeouts, with a heading, a title and a gap";
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST_F(DumpText, with_a_recorder_tells_what_was) {
    Recorder recorder;
    loop.set_observer(&recorder);
    loop.call_later(
        5s, [&] { world.advance(3ms); }, at(5, "ping"));
    loop.run_once(forever);
    loop.add_callback(
        [&] {
            loop.add_callback([&] { world.advance(2ms); }, at(6, "inner"));
            loop.run_ready();
            throw std::runtime_error("no");
        },
        at(7, "outer"));
    loop.run_once();
    const std::string text = dump(recorder);
    EXPECT_THAT(text, testing::StartsWith(dump()));
    EXPECT_EQ(text.substr(dump().size()), R"(
Last turns, 3 of 4
  turn      ago     took   slept  woken by          handlers     callbacks      timeouts  left  pieces
     1   5.00 s   5.00 s  5.00 s  timeout due              0             0  1 in 3.00 ms     0       1
     2  2.00 ms        0       0  callbacks queued         0             1             0     1       2
     3  2.00 ms  2.00 ms       0  callbacks queued         0  1 in 2.00 ms             0     0       1

Last calls, 3 of 3
  turn      ago     took  late  kind              name   fd  ready  result  added at    scheduled by
     1  5.00 ms  3.00 ms     0  timeout           ping    -  -      ok      game.cpp:5  -
     3  2.00 ms  2.00 ms     0  callback, nested  inner   -  -      ok      game.cpp:6  outer
     2  2.00 ms  2.00 ms     0  callback          outer   -  -      threw   game.cpp:7  -
)");
}

TEST_F(DumpText, with_a_recorder_that_saw_nothing_says_so) {
    EXPECT_EQ(dump(Recorder()).substr(dump().size()), "\nLast turns: none\n\nLast calls: none\n");
}

TEST_F(DumpText, history_is_the_end_of_it) {
    Recorder recorder;
    loop.set_observer(&recorder);
    for (int i = 0; i < 300; ++i) {
        loop.add_callback([] {}, "again");
        loop.run_once();
    }
    const std::string text = dump(recorder);
    EXPECT_THAT(text, HasSubstr("\nLast turns, 20 of 300\n"));
    EXPECT_THAT(text, HasSubstr("\nLast calls, 20 of 300\n"));
    EXPECT_THAT(text, HasSubstr("\n   281 "));
    EXPECT_THAT(text, Not(HasSubstr("\n   280 ")));
}

TEST_F(DumpText, does_not_depend_on_the_locale_and_format_of_the_stream) {
    struct Commas : std::numpunct<char> {
        char do_decimal_point() const override { return ','; }
        char do_thousands_sep() const override { return '.'; }
        std::string do_grouping() const override { return "\1"; }
    };
    loop.call_later(1234567us, [] {});
    std::ostringstream strange;
    strange.imbue(std::locale(std::locale::classic(), new Commas));
    strange << std::hex;
    strange.width(9000);
    dump_text(loop, strange);
    EXPECT_EQ(strange.str(), dump());
}

TEST_F(DumpText, a_stream_that_fails_is_the_callers_to_see) {
    std::ostringstream out;
    out.setstate(std::ios::badbit);
    dump_text(loop, out);
    EXPECT_TRUE(out.bad());
    EXPECT_EQ(out.str(), "");
}

} // namespace
