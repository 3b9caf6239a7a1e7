// SPDX-License-Identifier: MIT
/// Where the inspector is told to stop: the loop, by breakpoints; the recording, by a trigger. And readiness that
/// is made up.
#include "support/inspected_loop.hpp"
#include "support/inspector_gui.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <chrono>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>

using namespace ioloop;
using namespace std::chrono_literals;
using ioloop::imgui::id_of;
using testing::HasSubstr;
using testing::Not;

namespace {

struct ImguiBreaks : InspectedLoop {
    ImguiBreaks() {
        loop.set_error_hook([](std::exception_ptr, const Origin&, CallKind) {});
    }
    void run_for(Duration time) {
        world.advance(time);
        loop.run_once();
    }
};

TEST_F(ImguiBreaks, OnATimeoutFromItsMenuTheLoopPausesBeforeItIsCalled) {
    int calls = 0;
    const Timeout timeout = loop.call_later(
        1s, [&] { ++calls; }, "save");
    InspectorGui gui(loop);
    gui.click("Timeouts");
    gui.right_click("timeout", id_of(timeout));
    gui.click("break/object");
    EXPECT_THAT(gui.text(), HasSubstr("breakpoint set"));
    run_for(2s);
    EXPECT_TRUE(loop.paused());
    EXPECT_EQ(calls, 0);
    gui.frame();
    EXPECT_THAT(gui.text(), HasSubstr("Loop paused: before timeout 'save'"));
    gui.click("show hit");
    EXPECT_THAT(gui.text(), HasSubstr("a call of timeout save"));

    gui.click("step call");
    EXPECT_EQ(calls, 1);
    gui.frame();
    EXPECT_THAT(gui.text(), HasSubstr("Loop paused"));
    EXPECT_THAT(gui.text(), Not(HasSubstr("Loop paused: before"))); // it stands somewhere else by now
}

TEST_F(ImguiBreaks, OnASiteFromTheDetailsEachObjectOfThePlaceStops) {
    int calls = 0;
    const auto post = [&] { loop.add_callback([&] { ++calls; }, "job"); };
    InspectorGui gui(loop);
    gui.click("Callbacks");
    post();
    loop.run_once();
    gui.frame();
    gui.click("ran", InspectorGui::Probe::view(gui.inspector).calls().back().id);
    gui.click("break/site");
    post();
    loop.run_once();
    EXPECT_TRUE(loop.paused());
    EXPECT_EQ(calls, 1);
    gui.click("break/site"); // takes it away again
    gui.click("pause");
    loop.run_once();
    EXPECT_EQ(calls, 2);
    post();
    loop.run_once();
    EXPECT_EQ(calls, 3);
    EXPECT_FALSE(loop.paused());
}

TEST_F(ImguiBreaks, OnACallThatThrowsOrTakesLongTheyAreListedAndRemoved) {
    InspectorGui gui(loop);
    gui.click("breaks");
    gui.click("breaks/error");
    gui.click("breaks/slow");
    const auto& breakpoints = InspectorGui::Probe::view(gui.inspector).moment().breakpoints;
    ASSERT_EQ(breakpoints.size(), 2U);
    EXPECT_EQ(breakpoints[1].longer_than, 16ms);

    loop.add_callback([] { throw std::runtime_error("oops"); }, "thrower");
    loop.run_once();
    loop.add_callback([] {}, "next");
    loop.run_once();
    EXPECT_TRUE(loop.paused());
    gui.frame();
    EXPECT_THAT(gui.text(), HasSubstr("Loop paused: callback 'thrower' threw"));

    gui.click("breaks"); // the click elsewhere closed it
    if (gui.find("breaks/remove", 0) == nullptr) gui.click("breaks");
    gui.click("breaks/remove", 0);
    ASSERT_EQ(breakpoints.size(), 1U);
    EXPECT_EQ(breakpoints[0].on, Breakpoint::On::slow);
    gui.click("breaks/remove", 0);
    EXPECT_EQ(breakpoints.size(), 0U);
}

TEST_F(ImguiBreaks, ReadinessIsInjectedFromTheMenuAndTheDetails) {
    SocketPair pair;
    std::string seen;
    loop.add_handler(
        pair.a, [&](Fd, Events events) { seen += any(events & Events::error) ? "error " : "read "; },
        Events::read, "link");
    InspectorGui gui(loop);
    gui.click("Descriptors");
    const std::uint64_t id = handler_id(pair.a);
    gui.right_click("descriptor", id);
    gui.click("inject/write"); // disabled: it does not want that
    loop.run_once();
    EXPECT_EQ(seen, "");
    gui.click("inject/read");
    loop.run_once();
    EXPECT_EQ(seen, "read ");
    gui.move_away();
    gui.click_here(); // closes the menu
    gui.click("descriptor", id);
    gui.click("inject/error");
    loop.run_once();
    EXPECT_EQ(seen, "read error ");
    EXPECT_THAT(gui.text(), HasSubstr("as if ready for"));
}

TEST_F(ImguiBreaks, ATriggerStopsTheRecordingALittleAfterASlowCall) {
    InspectorGui gui(loop);
    gui.click("trigger");
    gui.click("trigger/set");
    EXPECT_THAT(gui.text(), HasSubstr("Waits to stop"));
    const auto& moment = InspectorGui::Probe::view(gui.inspector).moment();
    EXPECT_FALSE(moment.triggered);
    loop.add_callback([&] { world.advance(20ms); }, "hog");
    for (int i = 0; i < 20; ++i) {
        loop.add_callback([] {}, "work");
        loop.run_once();
    }
    gui.frame();
    EXPECT_TRUE(moment.triggered);
    EXPECT_FALSE(moment.recording);
    EXPECT_THAT(gui.text(), HasSubstr("! Triggered"));
    if (gui.find("trigger/set") == nullptr) gui.click("trigger");
    gui.click("trigger/set"); // for the next one
    gui.frame();
    EXPECT_TRUE(moment.recording);
    EXPECT_FALSE(moment.triggered);
    gui.click("trigger/clear");
    loop.add_callback([&] { world.advance(20ms); }, "hog");
    loop.run_once();
    gui.frame();
    EXPECT_FALSE(moment.triggered);
}

} // namespace
