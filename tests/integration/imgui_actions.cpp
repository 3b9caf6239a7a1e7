// SPDX-License-Identifier: MIT
/// What the inspector does to the loop when it is clicked.
#include "support/inspected_loop.hpp"
#include "support/inspector_gui.hpp"
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

namespace {

struct ImguiActions : InspectedLoop {};

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

TEST_F(ImguiActions, AnErrorHookMayThrowOutOfAStep) {
    loop.set_error_hook(
        [](const std::exception_ptr& error, const Origin&, CallKind) { std::rethrow_exception(error); });
    InspectorGui gui(loop);
    int thrown = 0;
    gui.draw = [&, draw = gui.draw] {
        try {
            draw();
        } catch (const std::runtime_error&) {
            ++thrown;
        }
    };
    gui.click("pause");
    loop.add_callback([] { throw std::runtime_error("of the program"); });
    gui.click("step call");
    EXPECT_EQ(thrown, 1);
    EXPECT_FALSE(InspectorGui::Probe::impl(gui.inspector).acts()) << "it looks at a frame that is left";
    loop.set_paused(false);
}

} // namespace
