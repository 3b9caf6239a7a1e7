// SPDX-License-Identifier: MIT
/// The slow log: which calls took too long, and whom they kept waiting.
#include "support/inspected_loop.hpp"
#include "support/inspector_gui.hpp"

#include <ioloop/ioloop.hpp>

#include <chrono>
#include <string>

#include <gmock/gmock.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

namespace {

struct ImguiSlow : InspectedLoop {
    void run(Duration took, const Origin& origin) {
        loop.add_callback([this, took] { world.advance(took); }, origin);
        loop.run_once();
    }
    static std::string page(InspectorGui& gui) {
        const std::string text = gui.text();
        const std::size_t at = text.find("\nCalls of more");
        return at == std::string::npos ? text : text.substr(at);
    }
};

TEST_F(ImguiSlow, IsToldWordByWord) {
    InspectorGui gui(loop);
    gui.click("Slow");
    gui.move_away();
    loop.add_callback(
        [&] {
            loop.add_callback([this] { world.advance(62ms); },
                              Origin("load level", "src/level.cpp", 5, "load"));
            loop.add_callback([this] { world.advance(5ms); },
                              Origin("apply", "net/link.cpp", 60, "on_message"));
            loop.add_callback([] {}, "quick");
        },
        Origin("start", "src/game.cpp", 1, "main"));
    loop.run_once();
    loop.run_once();
    world.advance(1s);
    EXPECT_EQ(page(gui), R"(
Calls of more than 4.00 ms, the newest first
| turn | ago | took | too long | kind | name | it delayed | place | scheduled by |
| 2 | 1.00 s | 5.00 ms | x 1.2 | callback | apply | 1 call, up to 67.0 ms | link.cpp:60 | start |
| 2 | 1.07 s | 62.0 ms | x 15.5 | callback | load level | 2 calls, up to 67.0 ms | level.cpp:5 | start |
Journal Health
2 of 2 slow calls
)");
}

TEST_F(ImguiSlow, RemembersWhatTheRingOfCallsHasForgotten) {
    InspectorGui gui(loop);
    gui.click("Slow");
    gui.move_away();
    run(10ms, "the slow one");
    gui.frame();
    for (int i = 0; i < 5000; ++i) run(1us, "quick");
    EXPECT_THAT(page(gui), HasSubstr("the slow one"));
    EXPECT_THAT(page(gui), HasSubstr("1 of 1 slow calls"));
}

TEST_F(ImguiSlow, RemembersSoManyAndNoMore) {
    InspectorGui gui(loop);
    gui.click("Slow");
    gui.move_away();
    run(10ms, "the first");
    for (int i = 0; i < 256; ++i) {
        run(10ms, "another");
        gui.frame();
    }
    EXPECT_THAT(page(gui), HasSubstr("256 of 256 slow calls; older ones are forgotten"));
    EXPECT_THAT(page(gui), Not(HasSubstr("the first")));
}

TEST_F(ImguiSlow, LogsWhicheverTabIsOpen) {
    InspectorGui gui(loop);
    gui.click("Descriptors");
    run(10ms, "unseen");
    gui.frame();
    gui.click("Slow");
    EXPECT_THAT(page(gui), HasSubstr("unseen"));
}

TEST_F(ImguiSlow, WhatIsSlowIsAnOption) {
    InspectorGui::Inspector::Options options;
    options.slow_call = 20ms;
    InspectorGui gui(loop, options);
    gui.click("Slow");
    run(20ms, "just in time");
    EXPECT_THAT(page(gui), HasSubstr("Calls of more than 20.0 ms"));
    EXPECT_THAT(page(gui), HasSubstr("0 of 0 slow calls"));
    run(21ms, "late");
    EXPECT_THAT(page(gui), HasSubstr("1 of 1 slow calls"));
}

TEST_F(ImguiSlow, ACallThatRanInsideOfASlowOneWasNotDelayedByIt) {
    InspectorGui gui(loop);
    gui.click("Slow");
    gui.move_away();
    loop.add_callback(
        [this] {
            world.advance(1ms);
            loop.run_once(); // the rest of the turn
            world.advance(9ms);
        },
        "outer");
    loop.add_callback([] {}, "inner");
    loop.run_once();
    EXPECT_THAT(page(gui), HasSubstr("| outer | nobody |"));
}

TEST_F(ImguiSlow, ARowSelectsTheCall) {
    InspectorGui gui(loop);
    gui.click("Slow");
    run(10ms, "first");
    run(20ms, "second");
    gui.frame();
    gui.click("slow", 1);
    EXPECT_THAT(gui.text(), HasSubstr("a call of callback first"));
}

TEST_F(ImguiSlow, RowsStayUnderTheCursor) {
    InspectorGui gui(loop);
    gui.click("Slow");
    run(10ms, "first");
    gui.frame();
    gui.move_to("slow", 0);
    run(10ms, "second");
    gui.frames(3);
    EXPECT_EQ(gui.find("slow", 1), nullptr);
    gui.move_away();
    EXPECT_NE(gui.find("slow", 1), nullptr);
}

TEST_F(ImguiSlow, IsForgottenWithTheRest) {
    InspectorGui gui(loop);
    gui.click("Slow");
    run(10ms, "first");
    gui.click("clear");
    EXPECT_THAT(page(gui), HasSubstr("0 of 0 slow calls"));
    run(10ms, "second");
    EXPECT_THAT(page(gui), HasSubstr("| second |"));
}

} // namespace
