// SPDX-License-Identifier: MIT
/// What the inspector shows when it is clicked, typed at and sorted.
#include "support/inspected_loop.hpp"
#include "support/inspector_gui.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <chrono>
#include <string>

#include <gmock/gmock.h>

using namespace ioloop;
using namespace std::chrono_literals;
using ioloop::imgui::id_of;
using testing::HasSubstr;
using testing::Not;

namespace {

struct ImguiViews : InspectedLoop {};

TEST_F(ImguiViews, ClickingARowAnywhereSelectsIt) {
    SocketPair pair;
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read, "the link");
    const Timeout timeout = loop.call_later(
        1s, [] {}, "the timeout");
    InspectorGui gui(loop);
    gui.click("Descriptors");
    EXPECT_EQ(gui.find("detail/unselect"), nullptr);
    gui.click("descriptor", handler_id(pair.a));
    EXPECT_THAT(gui.text(), HasSubstr(", the link\n"));
    ASSERT_NE(gui.find("detail/unselect"), nullptr);

    gui.click("Timeouts");
    gui.click("timeout", id_of(timeout));
    EXPECT_THAT(gui.text(), HasSubstr("timeout the timeout"));
    gui.click("detail/cancel");
    EXPECT_EQ(pending(), 0U);
    EXPECT_THAT(gui.text(), HasSubstr("gone; this is how it was last seen"));
    gui.click("detail/unselect");
    EXPECT_EQ(gui.find("detail/unselect"), nullptr);
}

TEST_F(ImguiViews, ARowThatIsClickedInAllStaysAmongTheOthers) {
    SocketPair pair;
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read, "the link");
    const Timeout timeout = loop.call_later(
        1s, [] {}, "the timeout");
    InspectorGui gui(loop);
    ImGui::SetWindowSize("IOLoop", ImVec2(1100, 670)); // so that the details take much of the room
    gui.frames(3);
    gui.click("descriptor", handler_id(pair.a));
    EXPECT_NE(gui.find("detail/unselect"), nullptr);
    EXPECT_NE(gui.find("descriptor", handler_id(pair.a)), nullptr);
    EXPECT_NE(gui.find("timeout", id_of(timeout)), nullptr);
}

TEST_F(ImguiViews, AFrozenViewStaysAndSaysHowFarBehindItIs) {
    loop.call_later(
        1s, [] {}, "seen");
    InspectorGui gui(loop);
    gui.click("Timeouts");
    gui.click("freeze");
    for (int i = 0; i < 5; ++i) loop.add_callback([] {});
    loop.run_once();
    loop.call_later(
        1s, [] {}, "not seen");
    EXPECT_THAT(gui.text(), HasSubstr("Frozen, 5 calls behind"));
    EXPECT_THAT(gui.text(), Not(HasSubstr("not seen")));
    loop.run_once(2s);
    EXPECT_THAT(gui.text(), HasSubstr("| seen"));
    gui.click("freeze");
    EXPECT_THAT(gui.text(), HasSubstr("Live"));
    EXPECT_THAT(gui.text(), Not(HasSubstr("| seen")));
}

TEST_F(ImguiViews, StopsRecordingAndClears) {
    Recorder recorder;
    InspectorGui::Inspector::Options options;
    options.recorder = &recorder;
    InspectorGui gui(loop, options);
    loop.add_callback([] {});
    loop.run_once();
    EXPECT_EQ(recorder.calls_seen(), 1U);
    gui.click("record");
    EXPECT_FALSE(recorder.recording());
    gui.click("record");
    EXPECT_TRUE(recorder.recording());
    gui.click("clear");
    EXPECT_EQ(recorder.calls_seen(), 0U);
}

TEST_F(ImguiViews, FiltersByWhatIsTyped) {
    loop.call_later(
        1s, [] {}, "red apple");
    loop.call_later(
        2s, [] {}, "green apple");
    loop.call_later(
        3s, [] {}, "pear");
    InspectorGui gui(loop);
    gui.click("Timeouts");
    gui.click("filter");
    gui.type("APPLE,-green");
    const std::string text = gui.text();
    EXPECT_THAT(text, HasSubstr("red apple"));
    EXPECT_THAT(text, Not(HasSubstr("green apple")));
    EXPECT_THAT(text, Not(HasSubstr("pear")));
    EXPECT_THAT(text, HasSubstr("1 of 3 timeouts"));
    gui.click("filter/clear");
    EXPECT_THAT(gui.text(), HasSubstr("3 of 3 timeouts"));
}

TEST_F(ImguiViews, SortsByTheHeaderThatIsClicked) {
    loop.call_later(
        1s, [] {}, "cherry");
    loop.call_later(
        2s, [] {}, "apple");
    loop.call_later(
        3s, [] {}, "banana");
    InspectorGui gui(loop);
    gui.click("Timeouts");
    gui.frames(20);
    const auto order = [&] {
        const std::string text = gui.text();
        std::string letters;
        for (const char* name : {"cherry", "apple", "banana"}) {
            EXPECT_THAT(text, HasSubstr(name));
        }
        for (std::size_t i = 0; i + 3 < text.size(); ++i) {
            if (text.compare(i, 3, "| c") == 0 || text.compare(i, 3, "| a") == 0 ||
                text.compare(i, 3, "| b") == 0) {
                if (text.compare(i, 8, "| cherry") == 0 || text.compare(i, 7, "| apple") == 0 ||
                    text.compare(i, 8, "| banana") == 0) {
                    letters += text[i + 2];
                }
            }
        }
        return letters;
    };
    EXPECT_EQ(order(), "cab"); // by deadline

    // The header is the row above the first one.
    loop.snapshot(snapshot);
    const auto* row = gui.find("timeout", id_of(snapshot.timeouts.at(0)));
    ASSERT_NE(row, nullptr);
    const float x = row->min.x + 30;
    const float y = row->min.y - 10;
    gui.move_to(x, y);
    gui.frames(2);
    gui.click_here();
    EXPECT_EQ(order(), "abc");
    gui.move_to(x, y);
    gui.frames(2);
    gui.click_here();
    EXPECT_EQ(order(), "cba");
}

TEST_F(ImguiViews, RowsStayWhereTheyAreUnderTheCursor) {
    const Timeout first = loop.call_later(
        10s, [] {}, "first");
    const Timeout second = loop.call_later(
        20s, [] {}, "second");
    InspectorGui gui(loop);
    gui.click("Timeouts");
    gui.move_to("timeout", id_of(second));
    const float y = gui.find("timeout", id_of(second))->min.y;
    loop.remove_timeout(first);
    const Timeout sooner = loop.call_later(
        1s, [] {}, "sooner");
    gui.frames(60);
    EXPECT_EQ(gui.find("timeout", id_of(second))->min.y, y);
    EXPECT_NE(gui.find("timeout", id_of(first)), nullptr); // marked as gone
    EXPECT_GT(gui.find("timeout", id_of(sooner))->min.y, y);

    gui.move_away();
    gui.frames(30);
    EXPECT_EQ(gui.find("timeout", id_of(first)), nullptr);
    EXPECT_LT(gui.find("timeout", id_of(sooner))->min.y, gui.find("timeout", id_of(second))->min.y);
}

TEST_F(ImguiViews, ATurnOfTheTimelineCanBeClicked) {
    InspectorGui gui(loop);
    loop.add_callback([&] { world.advance(3ms); }, "three milliseconds");
    loop.run_once();
    gui.frame();
    const auto* strip = gui.find("timeline");
    ASSERT_NE(strip, nullptr);
    gui.move_to(strip->max.x - 1, strip->max.y - 2);
    gui.frames(2);
    gui.click_here();
    const std::string text = gui.text();
    EXPECT_THAT(text, HasSubstr("turn 1, "));
    EXPECT_THAT(text, HasSubstr("1, took 3.00 ms"));
    EXPECT_THAT(text, HasSubstr("three milliseconds"));
}

TEST_F(ImguiViews, ACallThatRanCanBeClicked) {
    InspectorGui gui(loop);
    gui.click("Callbacks");
    loop.add_callback([&] { loop.add_callback([] {}, "child"); }, "parent");
    loop.run_once();
    loop.run_once();
    gui.frame();
    EXPECT_THAT(gui.text(), HasSubstr("child"));
    const auto calls = InspectorGui::Probe::view(gui.inspector).calls();
    gui.click("ran", calls.back().id);
    const std::string text = gui.text();
    EXPECT_THAT(text, HasSubstr("a call of callback child"));
    EXPECT_THAT(text, HasSubstr("parent  imgui_views.cpp"));
}

TEST_F(ImguiViews, WhatWasQueuedLastStays) {
    InspectorGui gui(loop);
    gui.click("Callbacks");
    EXPECT_THAT(gui.text(), HasSubstr("Queued now: nothing, nor since"));
    loop.add_callback([] {}, "for a moment");
    EXPECT_THAT(gui.text(), HasSubstr("Queued now: 1"));
    world.advance(10ms);
    loop.run_once();
    gui.click("clear");
    EXPECT_THAT(gui.text(), HasSubstr("the last there was: 10.0 ms ago"));
    EXPECT_THAT(gui.text(), HasSubstr("for a moment"));
}

TEST_F(ImguiViews, SpeaksOfAClosedLoop) {
    loop.call_later(
        1s, [] {}, "dropped");
    InspectorGui gui(loop);
    loop.close();
    EXPECT_THAT(gui.text(), HasSubstr("closed: nothing can run any more"));
    gui.click("pause");
    EXPECT_FALSE(loop.paused());
}

} // namespace
