// SPDX-License-Identifier: MIT
/// The inspector and the keyboard; and what it says about itself.
#include "support/inspected_loop.hpp"
#include "support/inspector_gui.hpp"

#include <ioloop/ioloop.hpp>

#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>

using namespace ioloop;
using namespace std::chrono_literals;
using ioloop::imgui::id_of;

namespace {

struct ImguiKeys : InspectedLoop {
    ImguiKeys() {
        for (int i = 0; i < 100; ++i)
            timeouts.push_back(loop.call_later(
                1h + 1s * i, [] {}, "one of many"));
    }
    bool frozen() { return InspectorGui::Probe::view(gui.inspector).frozen(); }

    std::vector<Timeout> timeouts;
    InspectorGui gui{loop};
};

TEST_F(ImguiKeys, SpaceFreezesTheViewWhileTheCursorIsOnTheWindow) {
    gui.click("Timeouts");
    gui.press_key(ImGuiKey_Space);
    EXPECT_TRUE(frozen());
    gui.press_key(ImGuiKey_Space);
    EXPECT_FALSE(frozen());
    gui.move_away();
    gui.press_key(ImGuiKey_Space); // the game's
    EXPECT_FALSE(frozen());
}

TEST_F(ImguiKeys, WhatIsTypedIsNoCommand) {
    gui.click("filter");
    gui.press_key(ImGuiKey_Space);
    EXPECT_FALSE(frozen());
}

TEST_F(ImguiKeys, AProgramWhoseKeyboardNavigatesKeepsItsKeys) {
    ImGui::GetIO().ConfigFlags |= ImGuiConfigFlags_NavEnableKeyboard;
    gui.click("Timeouts");
    gui.press_key(ImGuiKey_Escape);
    gui.click("timeout", id_of(timeouts[0]));
    gui.press_key(ImGuiKey_Escape);
    EXPECT_NE(gui.find("detail/unselect"), nullptr);
}

TEST_F(ImguiKeys, ArrowsMoveTheSelectionAndScrollToItEscapeUnselects) {
    gui.click("Timeouts");
    gui.frames(20);
    gui.click("timeout", id_of(timeouts[0]));
    gui.press_key(ImGuiKey_DownArrow);
    gui.press_key(ImGuiKey_DownArrow);
    gui.press_key(ImGuiKey_UpArrow);
    gui.click("break/object");
    gui.frame();
    const auto& breakpoints = InspectorGui::Probe::view(gui.inspector).moment().breakpoints;
    ASSERT_EQ(breakpoints.size(), 1U);
    EXPECT_EQ(breakpoints[0].id, id_of(timeouts[1]));

    EXPECT_EQ(gui.find("timeout", id_of(timeouts[90])), nullptr); // out of sight
    gui.move_to("timeout", id_of(timeouts[1]));
    for (int i = 1; i < 90; ++i) gui.press_key(ImGuiKey_DownArrow);
    const auto* row = gui.find("timeout", id_of(timeouts[90]));
    ASSERT_NE(row, nullptr);
    for (int i = 0; i < 200; ++i) gui.press_key(ImGuiKey_UpArrow);
    EXPECT_NE(gui.find("timeout", id_of(timeouts[0])), nullptr);

    gui.press_key(ImGuiKey_Escape);
    EXPECT_EQ(gui.find("detail/unselect"), nullptr);
}

} // namespace
