// SPDX-License-Identifier: MIT
/// What is new since a mark, and what is pinned: the rows that one keeps an eye on.
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

struct ImguiMarks : InspectedLoop {};

TEST_F(ImguiMarks, OnlyWhatIsNewSinceTheMarkIsShownAndCounted) {
    const Timeout leaves = loop.call_later(
        1s, [] {}, "leaves");
    loop.call_later(
        2s, [] {}, "stays");
    InspectorGui gui(loop);
    gui.click("Timeouts");
    EXPECT_THAT(gui.text(), Not(HasSubstr("since A")));
    gui.click("only new"); // disabled: there is no mark
    gui.click("mark");
    EXPECT_THAT(gui.text(), HasSubstr("2 of 2 timeouts, 0 new, 0 gone since A"));
    loop.remove_timeout(leaves);
    const Timeout again = loop.call_later(
        3s, [] {}, "leaked"); // in the slot of the one that left
    ASSERT_EQ(again.slot, leaves.slot);
    gui.frames(20);
    EXPECT_THAT(gui.text(), HasSubstr("2 of 2 timeouts, 1 new, 1 gone since A"));
    gui.click("only new");
    const std::string text = gui.text();
    EXPECT_THAT(text, HasSubstr("1 of 2 timeouts, 1 new, 1 gone since A"));
    EXPECT_THAT(text, HasSubstr("| leaked |"));
    EXPECT_THAT(text, Not(HasSubstr("| stays |")));
    gui.click("mark"); // anew: nothing is new
    EXPECT_THAT(gui.text(), HasSubstr("0 of 2 timeouts, 0 new, 0 gone since A"));
    gui.click("only new");
    EXPECT_THAT(gui.text(), HasSubstr("2 of 2 timeouts"));
}

TEST_F(ImguiMarks, DescriptorsAreKnownByTheirRegistrationNotByTheirNumber) {
    SocketPair pair;
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read, "old");
    InspectorGui gui(loop);
    gui.click("Descriptors");
    gui.click("mark");
    loop.remove_handler(pair.a);
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read, "new");
    gui.frames(20);
    gui.click("only new");
    EXPECT_THAT(gui.text(), HasSubstr("1 of 1 descriptors, 1 new, 1 gone since A"));
    EXPECT_THAT(gui.text(), HasSubstr("| new |"));
}

TEST_F(ImguiMarks, APinnedRowIsOnTopAndStaysWhenItIsGone) {
    for (int i = 0; i < 5; ++i)
        loop.call_later(
            1s + 1s * i, [] {}, "sooner");
    const Timeout pinned = loop.call_later(
        1h, [] {}, "watched");
    InspectorGui gui(loop);
    gui.click("Timeouts");
    const float top = gui.find("timeout", id_of(pinned))->min.y;
    gui.right_click("timeout", id_of(pinned));
    gui.click("timeout menu/pin");
    gui.move_away();
    gui.frames(30);
    ASSERT_NE(gui.find("timeout", id_of(pinned)), nullptr);
    EXPECT_LT(gui.find("timeout", id_of(pinned))->min.y, top);
    EXPECT_THAT(gui.text(), HasSubstr("| * watched |"));

    gui.click("filter");
    gui.type("sooner"); // does not match
    EXPECT_THAT(gui.text(), HasSubstr("| * watched |"));
    loop.remove_timeout(pinned);
    gui.move_away();
    gui.frames(300);
    EXPECT_THAT(gui.text(), HasSubstr("| * gone: watched |"));

    gui.right_click("timeout", id_of(pinned));
    gui.click("timeout menu/pin");
    gui.move_away();
    gui.click_here(); // closes the menu
    gui.frames(30);
    EXPECT_EQ(gui.find("timeout", id_of(pinned)), nullptr);
}

TEST_F(ImguiMarks, APinnedDescriptorStaysToo) {
    SocketPair pair;
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read, "watched");
    InspectorGui gui(loop);
    gui.click("Descriptors");
    gui.right_click("descriptor", handler_id(pair.a));
    gui.click("descriptor menu/pin");
    loop.remove_handler(pair.a);
    gui.move_away();
    gui.click_here();
    gui.frames(30);
    EXPECT_THAT(gui.text(), HasSubstr("| gone: watched |"));
}

} // namespace
