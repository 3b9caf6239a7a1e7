// SPDX-License-Identifier: MIT
/// The turn's tab: one turn, why it woke and what ran in it.
#include "support/inspected_loop.hpp"
#include "support/inspector_gui.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <chrono>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

namespace {

struct ImguiTurn : InspectedLoop {
    static std::string page(InspectorGui& gui) {
        const std::string text = gui.text();
        const std::size_t at = text.find("\n[ < Previous");
        return at == std::string::npos ? text : text.substr(at);
    }
    /// Turns with one call each.
    void make_turns(int count) {
        for (int i = 0; i < count; ++i) {
            loop.add_callback([this] { world.advance(1ms); }, "work");
            loop.run_once();
        }
    }
};

TEST_F(ImguiTurn, IsToldWordByWord) {
    SocketPair pair;
    const Fd link = ::fcntl(pair.a, F_DUPFD_CLOEXEC, 200);
    loop.set_error_hook([](std::exception_ptr, const Origin&, CallKind) {});
    loop.add_handler(
        link,
        [&](Fd fd, Events) {
            SocketPair::read_all(fd);
            world.advance(250us);
            loop.add_callback([&] { world.advance(5ms); }, Origin("apply", "net/link.cpp", 60, "on_message"));
            loop.add_callback([] { throw 1; }, Origin("bad idea", "net/link.cpp", 61, "on_message"));
        },
        Events::read, Origin("server link", "net/link.cpp", 41, "open"));
    InspectorGui gui(loop);
    gui.click("Turn");
    EXPECT_THAT(gui.text(), HasSubstr("No turn with calls was recorded."));
    pair.send_to_a();
    loop.run_once(3s);
    world.advance(1s);
    EXPECT_EQ(page(gui), R"(
[ < Previous ] [ Next > ] [ Last ] the last turn; select another in the timeline
turn 1, 1.01 s ago
woken by descriptor, fd 200: server link  link.cpp:41
waited 0 of 3.00 s
handlers 1, took 250 us
callbacks 2, took 5.00 ms; 0 left queued
timeouts 0, took 0
| # | after | kind | name | waited | took | result | of | posted at | scheduled by |
| 1 | 0 | handler | server link | - | 250 us | ok | fd 200 R | link.cpp:41 | - |
| 2 | 250 us | callback | apply | 0 | ! 5.00 ms | ok | | link.cpp:60 | server link |
| 3 | 5.25 ms | callback | bad idea | 5.00 ms | 0 | !! threw | | link.cpp:61 | server link |
Slow Journal Health
3 calls in turn 1
)");
    loop.remove_handler(link);
    ::close(link);
}

TEST_F(ImguiTurn, FollowsTheLastTurnUntilAnotherIsAskedFor) {
    InspectorGui gui(loop);
    gui.click("Turn");
    gui.move_away();
    make_turns(5);
    EXPECT_THAT(page(gui), HasSubstr("turn 5,"));
    gui.click("turn/previous");
    EXPECT_THAT(page(gui), HasSubstr("turn 4,"));
    make_turns(1);
    EXPECT_THAT(page(gui), HasSubstr("turn 4,"));
    gui.click("turn/previous");
    EXPECT_THAT(page(gui), HasSubstr("turn 3,"));
    gui.click("turn/next");
    gui.click("turn/next");
    EXPECT_THAT(page(gui), HasSubstr("turn 5,"));
    gui.click("turn/last");
    EXPECT_THAT(page(gui), HasSubstr("turn 6,"));
    gui.click("turn/next"); // disabled: there is none
    EXPECT_THAT(page(gui), HasSubstr("the last turn; "));
}

TEST_F(ImguiTurn, BeforeTheFirstThereIsNone) {
    InspectorGui gui(loop);
    gui.click("Turn");
    gui.click("turn/previous");
    make_turns(2);
    gui.frame();
    gui.click("turn/previous");
    gui.click("turn/previous");
    EXPECT_THAT(page(gui), HasSubstr("turn 1,"));
}

TEST_F(ImguiTurn, IsThatOfTheCallThatIsClicked) {
    InspectorGui gui(loop);
    make_turns(3);
    gui.click("Turn");
    gui.click("turn/previous");
    gui.click("turn call", 0);
    EXPECT_THAT(gui.text(), HasSubstr("a call of callback work"));
    EXPECT_THAT(page(gui), HasSubstr("turn 2,"));
    make_turns(1);
    EXPECT_THAT(page(gui), HasSubstr("turn 2,"));
}

TEST_F(ImguiTurn, OfWhichNoCallIsRememberedSaysSo) {
    InspectorGui gui(loop);
    make_turns(1);
    gui.click("Turn");
    gui.click("turn/previous");
    gui.click("turn call", 0);
    gui.click("clear");
    gui.click("Health");
    gui.click("Turn");
    EXPECT_THAT(page(gui), HasSubstr("This turn is remembered no more, or not finished yet."));
}

TEST_F(ImguiTurn, ACallThatRanOthersIsAboveThem) {
    InspectorGui gui(loop);
    gui.click("Turn");
    gui.move_away();
    loop.add_callback(
        [this] {
            world.advance(1ms);
            loop.run_once(); // goes on with this turn
            world.advance(1ms);
        },
        "outer");
    loop.add_callback([this] { world.advance(2ms); }, "inner");
    loop.run_once();
    const std::string text = page(gui);
    const std::size_t outer = text.find("callback | outer");
    ASSERT_NE(outer, std::string::npos) << text;
    const std::size_t inner = text.find("callback |   inner");
    ASSERT_NE(inner, std::string::npos) << text;
    EXPECT_LT(outer, inner);
    EXPECT_THAT(text, HasSubstr("2 calls in turn 1"));
}

} // namespace
