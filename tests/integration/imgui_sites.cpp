// SPDX-License-Identifier: MIT
/// The sites' tab: where a loop's time goes, however many objects there are.
#include "../../integration/imgui/model/site_list.hpp"
#include "support/fake_source.hpp"
#include "support/inspected_loop.hpp"
#include "support/inspector_gui.hpp"

#include <ioloop/ioloop.hpp>

#include <chrono>
#include <string>

#include <gmock/gmock.h>

using namespace ioloop;
using namespace std::chrono_literals;
using ioloop::imgui::id_of;
using ioloop::imgui::SiteKey;
using testing::HasSubstr;
using testing::Not;

namespace {

constexpr Origin cheap_site{"cheap", "src/game.cpp", 10, "tick"};
constexpr Origin dear_site{"dear", "src/game.cpp", 20, "tick"};
constexpr Origin expiry_site{"session expiry", "src/session.cpp", 7, "begin"};

std::uint64_t id(const Origin& origin, CallKind kind) { return id_of(SiteKey{site_of(origin), kind}); }

struct ImguiSites : InspectedLoop {
    /// Frames of a game, in 20 ms each.
    void play(InspectorGui& gui, int frames) {
        for (int i = 0; i < frames; ++i) {
            loop.add_callback([this] { world.advance(100us); }, cheap_site);
            loop.add_callback([this] { world.advance(2ms); }, dear_site);
            world.advance(17900us);
            loop.run_once();
            gui.frame();
        }
    }
};

TEST_F(ImguiSites, TheyAreToldWordByWord) {
    InspectorGui gui(loop);
    ImGui::GetIO().DisplaySize = ImVec2(2400, 900); // no column out of sight
    gui.draw = [&] {
        ImGui::SetNextWindowPos(ImVec2(0, 0));
        ImGui::SetNextWindowSize(ImVec2(2300, 850));
        gui.inspector.show_window("IOLoop");
    };
    gui.frames(2);
    gui.click("Sites");
    for (int i = 0; i < 5; ++i) {
        loop.call_later(
            1h, [] {}, expiry_site);
    }
    loop.set_error_hook([](std::exception_ptr, const Origin&, CallKind) {});
    loop.add_callback([] { throw 1; }, Origin("bad idea", "src/waves.cpp", 100, "next"));
    play(gui, 500);
    const std::string text = gui.text();
    EXPECT_EQ(text.substr(text.find("\n| name")), R"(
| name | kind | calls/s | ms/s | share | average | p99 | longest | wait p99 | live | new/s | threw | place |
| dear | callback | 50.0 | 100 | 95.2 % | 2.00 ms | 2.00 ms | 2.00 ms | 18.0 ms | 0 | 50.0 | 0 | game.cpp:20 |
| cheap | callback | 50.0 | 5.00 | 4.76 % | 100 us | 100 us | 100 us | 17.9 ms | 0 | 50.0 | 0 | game.cpp:10 |
| session expiry | timeout | 0 | 0 | 0.00 % | - | - | - | - | 5 | 0 | 0 | session.cpp:7 |
| bad idea | callback | 0 | 0 | 0.00 % | 0 | 0 | 0 | 17.9 ms | 0 | 0 | !! 1 | waves.cpp:100 |
Descriptors Timeouts Callbacks Scopes Tasks Turn Slow Journal Health
4 of 4 call sites
)");
}

TEST_F(ImguiSites, TheDearestComesFirstUntilAnotherOrderIsAskedFor) {
    InspectorGui gui(loop);
    gui.click("Sites");
    gui.move_away();
    play(gui, 60);
    const std::uint64_t cheap = id(cheap_site, CallKind::callback);
    const std::uint64_t dear = id(dear_site, CallKind::callback);
    ASSERT_NE(gui.find("site", cheap), nullptr);
    EXPECT_LT(gui.find("site", dear)->min.y, gui.find("site", cheap)->min.y);

    // By name: the header is the row above the first one.
    gui.move_to(gui.find("site", dear)->min.x + 30, gui.find("site", dear)->min.y - 10);
    gui.frames(2);
    gui.click_here();
    gui.move_away();
    gui.frames(30);
    EXPECT_LT(gui.find("site", cheap)->min.y, gui.find("site", dear)->min.y);
}

TEST_F(ImguiSites, ARowSelectsTheSiteAndAllThatIsOfIt) {
    InspectorGui gui(loop);
    const Timeout one = loop.call_later(
        1h, [] {}, expiry_site);
    const Timeout other = loop.call_later(
        2h, [] {}, dear_site);
    gui.click("Sites");
    gui.click("site", id(expiry_site, CallKind::timeout));
    EXPECT_THAT(gui.text(), HasSubstr("timeouts of session expiry"));
    EXPECT_THAT(gui.text(), HasSubstr("objects 1 added, 0 moved, 0 removed"));
    EXPECT_THAT(gui.text(), HasSubstr("place session.cpp:7 in begin"));

    const auto& selection = InspectorGui::Probe::impl(gui.inspector).selection();
    loop.snapshot(snapshot);
    for (const TimeoutInfo& info : snapshot.timeouts) EXPECT_EQ(selection.is(info), info.id == one);
    EXPECT_FALSE(selection.is(SiteKey{site_of(dear_site), CallKind::timeout}));

    // And back: of a timeout that is clicked, the site is highlighted.
    gui.click("Timeouts");
    gui.click("timeout", id_of(other));
    EXPECT_TRUE(selection.is(SiteKey{site_of(dear_site), CallKind::timeout}));
    EXPECT_FALSE(selection.is(SiteKey{site_of(expiry_site), CallKind::timeout}));
}

TEST_F(ImguiSites, WhatLivesIsCountedAlsoIfNothingOfItWasRecorded) {
    for (int i = 0; i < 3; ++i) {
        loop.call_later(
            1h, [] {}, expiry_site);
    }
    InspectorGui gui(loop); // comes later
    gui.click("Sites");
    EXPECT_THAT(gui.text(), HasSubstr("| session expiry | timeout | "));
    EXPECT_THAT(gui.text(), HasSubstr("| - | - | - | - | 3 |")); // average, p99, longest, wait; live
    gui.click("site", id(expiry_site, CallKind::timeout));
    EXPECT_THAT(gui.text(), HasSubstr("calls none was recorded"));
}

TEST_F(ImguiSites, TheyAreForgottenWithTheRest) {
    InspectorGui gui(loop);
    gui.click("Sites");
    play(gui, 5);
    gui.frames(20);
    EXPECT_THAT(gui.text(), HasSubstr("2 of 2 call sites"));
    gui.click("clear");
    gui.move_away();
    gui.frames(20);
    EXPECT_THAT(gui.text(), HasSubstr("0 of 0 call sites"));
}

TEST_F(ImguiSites, TheFilterIsTheirsToo) {
    InspectorGui gui(loop);
    gui.click("Sites");
    play(gui, 20);
    gui.click("filter");
    gui.type("dear");
    EXPECT_THAT(gui.text(), HasSubstr("1 of 2 call sites"));
    EXPECT_THAT(gui.text(), Not(HasSubstr("| cheap")));
}

TEST_F(ImguiSites, ThoseBeyondTheRecordersRoomAreSaidToBeMissing) {
    FakeSource source;
    source.moment.unprofiled = 12;
    InspectorGui gui(source);
    gui.click("Sites");
    EXPECT_THAT(gui.text(), HasSubstr("0 of 0 call sites; 12 calls and changes of sites beyond these"));
}

} // namespace
