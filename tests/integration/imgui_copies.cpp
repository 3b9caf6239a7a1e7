// SPDX-License-Identifier: MIT
/// What the inspector puts on the clipboard.
#include "support/inspected_loop.hpp"
#include "support/inspector_gui.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <chrono>
#include <sstream>
#include <string>

#include <gmock/gmock.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

struct ImguiCopies : InspectedLoop {
    static std::string copied(InspectorGui& gui, const char* what) {
        gui.click("copy");
        gui.click(what);
        gui.frames(2);
        return ImGui::GetClipboardText();
    }
};

TEST_F(ImguiCopies, WhatIsShownAsText) {
    loop.call_later(
        1s, [] {}, "to be copied");
    InspectorGui gui(loop);
    gui.click("Timeouts");
    const std::string text = copied(gui, "copy/text");
    EXPECT_THAT(text, StartsWith("Live ok"));
    EXPECT_THAT(text, HasSubstr("| to be copied |"));
    EXPECT_THAT(text, HasSubstr("1 of 1 timeouts"));
}

TEST_F(ImguiCopies, ATableForASpreadsheetAlsoWhatIsOutOfSight) {
    for (int i = 0; i < 200; ++i)
        loop.call_later(
            1s * (200 - i), [] {}, "one of many");
    loop.call_later(
        1h, [] {}, Origin("with\ta tab", "file.cpp", 7, "here"));
    InspectorGui gui(loop);
    gui.click("Descriptors"); // not the table in sight
    const std::string text = copied(gui, "copy/timeouts");
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 202);
    EXPECT_THAT(text, StartsWith("name\tkind\tdue in\tperiod\tfired\tlate\t"));
    EXPECT_THAT(text, HasSubstr("\nwith a tab\tonce\t60.0 min\t-\t0\t-\t-\t-\t-\t0\t-\t-\tfile.cpp:7\t-\n"));
    gui.click("filter");
    gui.type("tab");
    const std::string filtered = copied(gui, "copy/timeouts");
    EXPECT_EQ(std::count(filtered.begin(), filtered.end(), '\n'), 2);
}

TEST_F(ImguiCopies, DescriptorsWithWhatTheyStandFor) {
    SocketPair pair;
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read, "link");
    InspectorGui gui(loop);
    gui.click("Timeouts");
    EXPECT_THAT(copied(gui, "copy/descriptors"), HasSubstr("\tlink\tunix stream\t"));
}

TEST_F(ImguiCopies, WhatRanAsATableAndAsATrace) {
    InspectorGui gui(loop);
    loop.add_callback([&] { world.advance(20ms); }, "hog");
    loop.run_once();
    loop.snapshot(snapshot);
    EXPECT_THAT(
        copied(gui, "copy/calls"),
        StartsWith("turn\tkind\tname\ttimes\twaited\ttook\tlongest\tresult\tof\tposted at\tscheduled by\n"
                   "1\tcallback\thog\t\t0\t20.0 ms\t20.0 ms\tok\t\t"));
    const std::string trace = copied(gui, "copy/trace");
    std::ostringstream expected;
    write_chrome_trace(InspectorGui::Probe::view(gui.inspector).moment(), expected, snapshot.name);
    EXPECT_EQ(trace, expected.str());
    EXPECT_THAT(trace, HasSubstr("hog"));
}

} // namespace
