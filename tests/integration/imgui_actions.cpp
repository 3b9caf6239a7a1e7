// SPDX-License-Identifier: MIT
/// Everything that can be clicked in the inspector, clicked.
#include "support/inspector_gui.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <chrono>
#include <memory>
#include <string>

#include <gmock/gmock.h>

using namespace ioloop;
using namespace std::chrono_literals;
using ioloop::imgui::id_of;
using testing::HasSubstr;
using testing::Not;

namespace {

class ImguiActions : public testing::Test {
protected:
    std::uint64_t handler_id(Fd fd) {
        loop.snapshot(snapshot);
        for (const HandlerInfo& info : snapshot.handlers) {
            if (info.fd == fd) return info.id;
        }
        return 0;
    }
    std::size_t pending() {
        loop.snapshot(snapshot);
        return snapshot.timeouts.size();
    }

    SimWorld world;
    IOLoop loop{world.options()};
    Snapshot snapshot;
};

TEST_F(ImguiActions, CancelsATimeoutByItsButton) {
    bool ran = false;
    const Timeout doomed = loop.call_later(
        1s, [&] { ran = true; }, "doomed");
    const Timeout other = loop.call_later(
        2s, [] {}, "other");
    InspectorGui gui(loop);
    gui.click("Timeouts");
    gui.click("timeout/cancel", id_of(doomed));
    EXPECT_EQ(pending(), 1U);
    EXPECT_EQ(snapshot.timeouts[0].id, other);
    loop.run_once(1500ms);
    EXPECT_FALSE(ran);
    EXPECT_THAT(gui.text(), HasSubstr("cancelled 'doomed'"));
}

TEST_F(ImguiActions, FiresATimeoutNow) {
    int ran = 0;
    const Timeout timeout = loop.call_later(
        1h, [&] { ++ran; }, "far off");
    InspectorGui gui(loop);
    gui.click("Timeouts");
    gui.click("timeout/fire", id_of(timeout));
    EXPECT_EQ(ran, 0); // not in the middle of drawing
    loop.run_once();
    EXPECT_EQ(ran, 1);
    EXPECT_EQ(pending(), 0U);
}

TEST_F(ImguiActions, APeriodicCallbackThatIsFiredNowGoesOn) {
    int ran = 0;
    PeriodicCallback tick(
        loop, 1h, [&] { ++ran; }, "tick");
    tick.start();
    loop.snapshot(snapshot);
    const std::uint64_t id = id_of(snapshot.timeouts.at(0));
    InspectorGui gui(loop);
    gui.click("Timeouts");
    gui.click("timeout/fire", id);
    loop.run_once();
    EXPECT_EQ(ran, 1);
    EXPECT_EQ(pending(), 1U);
    EXPECT_TRUE(tick.is_running());
}

TEST_F(ImguiActions, TheContextMenuOfATimeoutPostponesAndCancels) {
    const Timeout timeout = loop.call_later(
        1s, [] {}, "menu");
    InspectorGui gui(loop);
    gui.click("Timeouts");
    gui.right_click("timeout", id_of(timeout));
    gui.click("timeout menu/postpone");
    EXPECT_EQ(pending(), 1U);
    EXPECT_EQ(snapshot.timeouts[0].deadline - loop.time(), 10s);

    gui.right_click("timeout", id_of(timeout));
    gui.click("timeout menu/cancel");
    EXPECT_EQ(pending(), 0U);
}

TEST_F(ImguiActions, AskedOfAFrozenViewWhatIsGoneStaysUntouched) {
    const Timeout first = loop.call_later(
        1s, [] {}, "first");
    InspectorGui gui(loop);
    gui.click("Timeouts");
    gui.click("freeze");
    loop.remove_timeout(first);
    const Timeout second = loop.call_later(
        5s, [] {}, "second"); // in the same slot
    ASSERT_EQ(first.slot, second.slot);
    gui.frame();
    gui.click("timeout/cancel", id_of(first));
    EXPECT_EQ(pending(), 1U);
    EXPECT_EQ(snapshot.timeouts[0].id, second);
    EXPECT_THAT(gui.text(), HasSubstr("not pending any more"));
}

TEST_F(ImguiActions, RemovesAHandlerAfterAskingAgain) {
    SocketPair pair;
    int calls = 0;
    loop.add_handler(
        pair.a, [&](Fd, Events) { ++calls; }, Events::read, "link");
    InspectorGui gui(loop);
    gui.click("Descriptors");
    const std::uint64_t id = handler_id(pair.a);

    gui.click("descriptor/remove", id);
    ASSERT_NE(gui.find("confirm/keep"), nullptr);
    gui.click("confirm/keep");
    EXPECT_EQ(gui.find("confirm/keep"), nullptr);
    EXPECT_EQ(handler_id(pair.a), id);

    gui.right_click("descriptor", id);
    gui.click("descriptor menu/remove");
    gui.click("confirm/remove");
    EXPECT_EQ(handler_id(pair.a), 0U);
    pair.send_to_a();
    loop.run_once();
    EXPECT_EQ(calls, 0);
}

TEST_F(ImguiActions, ANumberThatIsAnotherHandlersByNowIsLeftAlone) {
    SocketPair pair;
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read, "old");
    InspectorGui gui(loop);
    gui.click("Descriptors");
    gui.click("descriptor/remove", handler_id(pair.a));
    loop.remove_handler(pair.a);
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read, "new");
    gui.click("confirm/remove");
    EXPECT_NE(handler_id(pair.a), 0U);
    EXPECT_THAT(gui.text(), HasSubstr("not registered any more"));
}

TEST_F(ImguiActions, ClickingARowAnywhereSelectsIt) {
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

TEST_F(ImguiActions, PausesStepsAndResumes) {
    std::string ran;
    InspectorGui gui(loop);
    gui.click("step call"); // disabled: not paused
    EXPECT_FALSE(loop.paused());

    gui.click("pause");
    ASSERT_TRUE(loop.paused());
    for (const char c : {'a', 'b', 'c'}) loop.add_callback([&ran, c] { ran += c; });
    loop.run_once();
    EXPECT_EQ(ran, "");
    gui.click("step call");
    EXPECT_EQ(ran, "a");
    EXPECT_THAT(gui.text(), HasSubstr("step: ran 1 call, 2 left"));
    EXPECT_THAT(gui.text(), HasSubstr("Loop paused"));
    gui.click("step turn");
    EXPECT_EQ(ran, "abc");
    gui.click("pause");
    EXPECT_FALSE(loop.paused());
}

TEST_F(ImguiActions, DrawnInsideACallItRefusesToCommandTheLoop) {
    InspectorGui gui(loop);
    gui.click("Timeouts");
    const Timeout timeout = loop.call_later(
        1s, [] {}, "doomed?");
    std::string text;
    loop.add_callback([&] {
        gui.frames(2);
        gui.click("pause");
        gui.click("timeout/cancel", id_of(timeout));
        text = gui.text();
    });
    loop.run_once();
    EXPECT_FALSE(loop.paused());
    EXPECT_EQ(pending(), 1U);
    EXPECT_THAT(text, HasSubstr("Inside a call"));
}

TEST_F(ImguiActions, AFrozenViewStaysAndSaysHowFarBehindItIs) {
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

TEST_F(ImguiActions, StopsRecordingAndClears) {
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

TEST_F(ImguiActions, FiltersByWhatIsTyped) {
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

TEST_F(ImguiActions, SortsByTheHeaderThatIsClicked) {
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

TEST_F(ImguiActions, RowsStayWhereTheyAreUnderTheCursor) {
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

TEST_F(ImguiActions, ATurnOfTheTimelineCanBeClicked) {
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

TEST_F(ImguiActions, ACallThatRanCanBeClicked) {
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
    EXPECT_THAT(text, HasSubstr("parent  imgui_actions.cpp"));
}

TEST_F(ImguiActions, WhatWasQueuedLastStays) {
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

TEST_F(ImguiActions, LeavesAnotherObserverAlone) {
    Recorder theirs;
    loop.set_observer(&theirs);
    {
        InspectorGui gui(loop);
        EXPECT_EQ(loop.observer(), &theirs);
        EXPECT_THAT(gui.text(), HasSubstr("another observer"));
        gui.click("record");
    }
    EXPECT_EQ(loop.observer(), &theirs);
    loop.set_observer(nullptr);
    {
        InspectorGui gui(loop);
        EXPECT_NE(loop.observer(), nullptr);
    }
    EXPECT_EQ(loop.observer(), nullptr);
}

TEST_F(ImguiActions, ACallableThatIsSteppedMayDestroyTheInspector) {
    InspectorGui gui(loop);
    auto inspector = std::make_unique<InspectorGui::Inspector>(loop);
    InspectorGui::Probe::marks(*inspector);
    gui.draw = [&] {
        ImGui::SetNextWindowPos(ImVec2(0, 0));
        if (inspector) inspector->show_window("other");
    };
    gui.frames(3);
    loop.set_paused(true);
    loop.add_callback([&] { inspector.reset(); });
    const auto& marks = InspectorGui::Probe::marks(*inspector);
    for (const auto& mark : marks) {
        if (std::string(mark.name) == "step call") gui.move_to(mark.min.x + 5, mark.min.y + 5);
    }
    gui.frames(2);
    gui.click_here();
    EXPECT_EQ(inspector, nullptr);
}

TEST_F(ImguiActions, CopiesWhatIsShown) {
    loop.call_later(
        1s, [] {}, "to be copied");
    InspectorGui gui(loop);
    gui.click("Timeouts");
    gui.click("copy");
    gui.frames(2);
    EXPECT_THAT(ImGui::GetClipboardText(), HasSubstr("to be copied"));
}

TEST_F(ImguiActions, SpeaksOfAClosedLoop) {
    loop.call_later(
        1s, [] {}, "dropped");
    InspectorGui gui(loop);
    loop.close();
    EXPECT_THAT(gui.text(), HasSubstr("closed: nothing can run any more"));
    gui.click("pause");
    EXPECT_FALSE(loop.paused());
}

} // namespace
