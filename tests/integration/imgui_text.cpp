// SPDX-License-Identifier: MIT
/// Every panel word by word, as Dear ImGui's log tells it: what a user reads, without the pixels.
#include "support/inspector_gui.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <chrono>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

using namespace ioloop;
using namespace std::chrono_literals;
using ioloop::imgui::id_of;

namespace {

/// A small game: a link that chats, an autosave, a queue.
class ImguiText : public testing::Test {
protected:
    ImguiText() {
        // A number that is the same however many descriptors the test runner has open.
        link_ = ::fcntl(pair_.a, F_DUPFD_CLOEXEC, 200);
        loop.set_error_hook([](std::exception_ptr, const Origin&, CallKind) {});
        loop.add_handler(
            link_, [this](Fd fd, Events) { on_message(fd); }, Events::read,
            Origin("server link", "net/link.cpp", 41, "open"));
        autosave.start();
        loop.call_later(
            90s, [] {}, Origin("session expiry", "src/session.cpp", 7, "begin"));
        ImGui::GetIO().DisplaySize = ImVec2(3700, 900); // no column out of sight
        gui.draw = [this] {
            ImGui::SetNextWindowPos(ImVec2(0, 0));
            ImGui::SetNextWindowSize(ImVec2(3600, 850));
            ImGui::Begin("IOLoop");
            gui.inspector.show_contents();
            ImGui::End();
        };
        gui.frames(3);
    }
    ~ImguiText() override { ::close(link_); }

    void on_message(Fd fd) {
        SocketPair::read_all(fd);
        world.advance(250us);
        loop.add_callback([this] { world.advance(1ms); },
                          Origin("apply message", "net/link.cpp", 60, "on_message"));
    }
    /// One frame of the game in 20 ms.
    void play(int frames) {
        for (int i = 0; i < frames; ++i) {
            if (i % 2 == 0) pair_.send_to_a("hello");
            world.advance(20ms);
            loop.run_once();
            gui.frame();
        }
    }
    /// The part that begins at `from`, without the header above.
    std::string text_from(std::string_view from) {
        const std::string text = "\n" + gui.text();
        const std::size_t at = text.find(from);
        return at == std::string::npos ? text : text.substr(at);
    }

    SimWorld world;
    IOLoop loop{world.options()};
    SocketPair pair_;
    Fd link_ = invalid_fd;
    PeriodicCallback autosave{loop, 500ms, [this] { world.advance(3ms); },
                              Origin("autosave", "src/save.cpp", 12, "start")};
    InspectorGui gui{loop};
};

TEST_F(ImguiText, a_suspended_loop_says_that_its_time_stands_still) {
    loop.suspend();
    gui.frames(2);
    EXPECT_THAT(gui.text(), testing::HasSubstr("Time suspended"));
    loop.resume();
    gui.frames(2);
    EXPECT_THAT(gui.text(), testing::Not(testing::HasSubstr("Time suspended")));
}

TEST_F(ImguiText, Header) {
    play(50);
    const std::string text = gui.text();
    EXPECT_EQ(text.substr(0, text.find("Turns ")), R"(Live ok: nothing slow, nothing thrown
busy 887 us, 4.25 %
turns/s 48.2
calls/s 50.7
sleeps/s 0
descriptors 1 (peak 1)
timeouts 2 (peak 2)
callbacks 0 (peak 1)
loop simulated, simulated
[ Freeze view ] [x] Record [ Stop at... ] [ Pause loop ] [ Step call ] [ Step turn ] [ Breaks ] { filter: a,b,-c } [ x ] [ Mark A ] [ ] Only new [ ] Internal [ Copy ] [ Clear ] (?)
)");
}

TEST_F(ImguiText, Descriptors) {
    gui.click("Descriptors");
    play(50);
    EXPECT_EQ(text_from("\n| fd"), R"(
| fd | name | kind | kernel | peer | wants | ready | ready % | calls/s | calls | action | average | longest | site p99 | idle for | added at | in a row | local | bytes in | bytes out | tcp | round trip | to accept | received | received/s | sent | sent/s | queue | dropped | age | scheduled by |
| 200 | server link | unix stream | in step | | R | R | 51.1 % | 24.6 | 25 | [ Remove... ] | 250 us | 250 us | 250 us | 24.2 ms | link.cpp:41 | 1 | | 0 B | 0 B | | | | - | - | - | - | - | - | 1.04 s | - |
Timeouts Callbacks Scopes Tasks Turn Slow Journal Health
1 of 1 descriptors
)");
    Snapshot snapshot;
    loop.snapshot(snapshot);
    gui.click("descriptor", snapshot.handlers.at(0).id);
    EXPECT_EQ(text_from("\nfd 200"), R"(
fd 200, server link
is unix stream
queued 0 B in, 0 B out
wants R, last ready for R
calls 25, the last in turn 49
in a row 1 turn
site took 250 us on average, p99 250 us, at most 250 us, in 25 calls
added at server link  link.cpp:41 in open
[ Copy place ] [ Remove handler ] [ Break ] [ Break on site ] [ Inject R ] [ Inject W ] [ Inject ! ] [ Unselect ]
1 of 1 descriptors
)");
}

TEST_F(ImguiText, Timeouts) {
    play(50);
    gui.click("Timeouts");
    EXPECT_EQ(text_from("\n| name"), R"(
| name | kind | due in | period | fired | action | late | avg late | latest | interval | re-armed | average | longest | created at | scheduled by |
| autosave | periodic | 463 ms | 500 ms | 2 | [ Fire now ] [ Cancel ] | 14.2 ms | 15.2 ms | 16.2 ms | 498 ms | 2 | 3.00 ms | 3.00 ms | save.cpp:12 | - |
| session expiry | once | 89.0 s | - | 0 | [ Fire now ] [ Cancel ] | - | - | - | - | 0 | - | - | session.cpp:7 | - |
Callbacks Scopes Tasks Turn Slow Journal Health
2 of 2 timeouts
)");
    Snapshot snapshot;
    loop.snapshot(snapshot);
    gui.click("timeout", id_of(snapshot.timeouts.at(0)));
    EXPECT_EQ(text_from("\ntimeout autosave"), R"(
timeout autosave
due in 463 ms
repeats every 500 ms
fired 2
id 0, generation 1
site took 3.00 ms on average, p99 3.00 ms, at most 3.00 ms, in 2 calls
created at autosave  save.cpp:12 in start
[ Copy place ] [ Fire now ] [ Postpone ] [ Cancel ] [ Break ] [ Break on site ] [ Unselect ]
2 of 2 timeouts
)");
}

TEST_F(ImguiText, Callbacks) {
    gui.click("Callbacks");
    play(4);
    loop.add_callback([] {}, Origin("spawn wave", "src/waves.cpp", 99, "next"));
    loop.add_callback([] { throw 1; }, Origin("bad idea", "src/waves.cpp", 100, "next"));
    EXPECT_EQ(text_from("\nQueued"), R"(
Queued now: 2
| # | name | waits for | posted by | posted at | scheduled by |
| 1 | spawn wave | 0 | outside | waves.cpp:99 | - |
| 2 | bad idea | 0 | outside | waves.cpp:100 | - |
What ran, the newest first
| turn | kind | name | times | waited | took | longest | result | of | posted at | scheduled by |
| 3 | callback | apply message | | 0 | 1.00 ms | 1.00 ms | ok | | link.cpp:60 | server link |
| 3 | handler | server link | | - | 250 us | 250 us | ok | fd 200 R | link.cpp:41 | - |
| 1 | callback | apply message | | 0 | 1.00 ms | 1.00 ms | ok | | link.cpp:60 | server link |
| 1 | handler | server link | | - | 250 us | 250 us | ok | fd 200 R | link.cpp:41 | - |
Scopes Tasks Turn Slow Journal Health
4 calls in 4 rows
)");
    world.advance(10ms);
    loop.run_once();
    EXPECT_EQ(text_from("\nQueued"), R"(
Queued now: nothing. Below, the last there was: 10.0 ms ago
| # | name | waits for | posted by | posted at | scheduled by |
| 1 | spawn wave | 0 | outside | waves.cpp:99 | - |
| 2 | bad idea | 0 | outside | waves.cpp:100 | - |
What ran, the newest first
| turn | kind | name | times | waited | took | longest | result | of | posted at | scheduled by |
| 5 | callback | bad idea | | 10.0 ms | 0 | 0 | !! threw | | waves.cpp:100 | - |
| 5 | callback | spawn wave | | 10.0 ms | 0 | 0 | ok | | waves.cpp:99 | - |
| 3 | callback | apply message | | 0 | 1.00 ms | 1.00 ms | ok | | link.cpp:60 | server link |
| 3 | handler | server link | | - | 250 us | 250 us | ok | fd 200 R | link.cpp:41 | - |
| 1 | callback | apply message | | 0 | 1.00 ms | 1.00 ms | ok | | link.cpp:60 | server link |
| 1 | handler | server link | | - | 250 us | 250 us | ok | fd 200 R | link.cpp:41 | - |
Scopes Tasks Turn Slow Journal Health
6 calls in 6 rows
)");
    gui.click("ran", InspectorGui::Probe::view(gui.inspector).calls().back().id);
    EXPECT_EQ(text_from("\na call"), R"(
a call of callback bad idea
turn 5, 0 ago
took 0, and threw
late 10.0 ms in the queue
posted by another thread, or the host between two turns
from bad idea  waves.cpp:100 in next
[ Copy place ] [ Break ] [ Break on site ] [ Unselect ]
6 calls in 6 rows
)");
}

} // namespace
