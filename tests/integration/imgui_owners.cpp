// SPDX-License-Identifier: MIT
/// The panels of those who hold things in the loop: scopes and tasks; and the ways from them to what they hold.
#include "support/inspected_loop.hpp"
#include "support/inspector_gui.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <gmock/gmock.h>

using namespace ioloop;
using namespace std::chrono_literals;
using ioloop::imgui::id_of;
using testing::HasSubstr;
using testing::Not;
using Kind = ioloop::imgui::Selection::Kind;

namespace {

/// A level with a monster in it, and a client that is spoken to.
class ImguiOwners : public InspectedLoop {
protected:
    ImguiOwners() {
        level.call_later(
            90s, [] {}, Origin("respawn", "src/level.cpp", 8, "load"));
        level.add_handler(
            pair.a, [](Fd, Events) {}, Events::read, Origin("level chat", "src/level.cpp", 9, "load"));
        loop.call_later(
            60s, [] {}, Origin("autosave", "src/save.cpp", 12, "start"));
        ImGui::GetIO().DisplaySize = ImVec2(3700, 900); // no column out of sight
        gui.draw = [this] {
            ImGui::SetNextWindowPos(ImVec2(0, 0));
            ImGui::SetNextWindowSize(ImVec2(3600, 850));
            ImGui::Begin("IOLoop");
            gui.inspector.show_contents();
            ImGui::End();
        };
        gui.frames(3);
    }

    Task<int> ask() {
        asked_at = __LINE__ + 1;
        co_await sleep_for(10s, Origin("retry", "net/client.cpp", 5, "ask"));
        co_return 1;
    }
    Task<> serve() {
        served_at = __LINE__ + 1;
        co_await ask();
    }
    void spawn_client() {
        client = spawn(loop, serve(), Origin("client", "net/client.cpp", 70, "accept"));
        run();
    }
    void run(Duration time = 0s) {
        world.advance(time);
        loop.run_once();
        gui.frames(2);
    }
    const Snapshot& look() {
        loop.snapshot(snapshot);
        return snapshot;
    }
    Timeout timeout(std::string_view name) {
        for (const TimeoutInfo& info : look().timeouts) {
            if (info.origin.name == name) return info.id;
        }
        return {};
    }
    const imgui::Selection& selection() { return InspectorGui::Probe::impl(gui.inspector).selection(); }
    /// The part that begins at `from`, without the header above.
    std::string text_from(std::string_view from) {
        const std::string text = "\n" + gui.text();
        const std::size_t at = text.find(from);
        return at == std::string::npos ? text : text.substr(at);
    }

    SocketPair pair;
    unsigned asked_at = 0;
    unsigned served_at = 0;
    Scope level{loop, "level 3", Origin("load level", "src/level.cpp", 7, "load")};
    Future<> client;
    InspectorGui gui{loop};
};

TEST_F(ImguiOwners, ScopesAreToldWordByWord) {
    Scope monster(loop, "monster", Origin("spawn monster", "src/monster.cpp", 3, "Monster"));
    run(2s);
    monster.add_callback([] {}, "attack");
    gui.click("Scopes");
    EXPECT_EQ(text_from("\n| name"), R"(
| name | age | holds | descriptors | timeouts | callbacks | made at | scheduled by |
| level 3 | 2.00 s | 2 | 1 | 1 | 0 | level.cpp:7 | - |
| monster | 2.00 s | 1 | 0 | 0 | 1 | monster.cpp:3 | - |
Tasks Turn Slow Journal Health
2 of 2 scopes
)");
    gui.click("scope", look().scopes.at(1).id);
    const std::string fd = std::to_string(pair.a);
    EXPECT_EQ(text_from("\nscope level 3"), R"(
scope level 3
age 2.00 s
holds 2
holds [ fd )" + fd + R"(, level chat ]
holds [ timeout respawn ]
made at load level  level.cpp:7 in load
[ Copy place ] [ Unselect ]
2 of 2 scopes
)");
}

TEST_F(ImguiOwners, TasksAreToldWordByWord) {
    spawn_client();
    run(2s);
    gui.click("Tasks");
    const std::uint64_t id = look().tasks.at(0).id;
    const std::string number = std::to_string(id);
    const std::string inner = "imgui_owners.cpp:" + std::to_string(asked_at);
    const std::string outer = "imgui_owners.cpp:" + std::to_string(served_at);
    EXPECT_EQ(text_from("\n| name"), R"(
| name | task | state | waits for | waiting | suspended at | age | spawned at | scheduled by |
| client | )" + number + R"( | waiting | timeout, retry | 2.00 s | )" +
                                         inner + " < " + outer + R"( | 2.00 s | client.cpp:70 | - |
Turn Slow Journal Health
1 of 1 tasks
)");
    gui.click("task", id);
    EXPECT_EQ(text_from("\ntask " + number), R"(
task )" + number + R"(, client
state waiting
age 2.00 s
waits for [ timeout retry ]
for 2.00 s
suspended at )" + inner + R"( in ask
awaited at )" + outer + R"( in serve
spawned at client  client.cpp:70 in accept
[ Copy place ] [ Unselect ]
1 of 1 tasks
)");
}

TEST_F(ImguiOwners, AClickOnWhatAScopeHoldsLeadsThereAndBack) {
    gui.click("Scopes");
    const std::uint64_t scope = look().scopes.at(0).id;
    gui.click("scope", scope);
    EXPECT_EQ(selection().kind, Kind::scope);
    gui.click("link/timeout", id_of(timeout("respawn")));
    EXPECT_EQ(selection().kind, Kind::timeout);
    EXPECT_EQ(selection().timeout.id, timeout("respawn"));
    gui.frame();
    EXPECT_NE(gui.find("timeout", id_of(timeout("respawn"))), nullptr) << "its tab is open";
    gui.click("link/scope", scope);
    EXPECT_EQ(selection().kind, Kind::scope);
    EXPECT_EQ(selection().scope.id, scope);
    gui.click("link/handler", handler_id(pair.a));
    EXPECT_EQ(selection().kind, Kind::handler);
    gui.click("link/scope", scope);
    EXPECT_EQ(selection().kind, Kind::scope);
}

TEST_F(ImguiOwners, AClickOnWhatATaskWaitsForLeadsThereAndBack) {
    spawn_client();
    gui.click("Tasks");
    const std::uint64_t task = look().tasks.at(0).id;
    gui.click("task", task);
    EXPECT_EQ(selection().kind, Kind::task);
    gui.click("link/timeout", id_of(timeout("retry")));
    EXPECT_EQ(selection().kind, Kind::timeout);
    EXPECT_EQ(selection().timeout.id, timeout("retry"));
    gui.click("link/task", task);
    EXPECT_EQ(selection().kind, Kind::task);
    EXPECT_EQ(selection().task.id, task);
}

TEST_F(ImguiOwners, ATaskThatAwaitsAnotherLeadsThereAndBack) {
    spawn_client();
    auto parent = [this]() -> Task<> { co_await client; };
    spawn(loop, parent, "parent");
    run();
    const std::uint64_t outer = look().tasks.at(0).id;
    const std::uint64_t inner = look().tasks.at(1).id;
    gui.click("Tasks");
    gui.click("task", outer);
    gui.click("link/task", inner);
    EXPECT_EQ(selection().task.id, inner);
    gui.click("link/task", outer);
    EXPECT_EQ(selection().task.id, outer);
}

TEST_F(ImguiOwners, TheSelectedScopeMarksWhatItHoldsAndTheOtherWayRound) {
    gui.click("Scopes");
    gui.click("scope", look().scopes.at(0).id);
    const auto info = [&](std::string_view name) {
        for (const TimeoutInfo& each : look().timeouts) {
            if (each.origin.name == name) return each;
        }
        return TimeoutInfo();
    };
    EXPECT_TRUE(selection().is(info("respawn")));
    EXPECT_FALSE(selection().is(info("autosave")));
    EXPECT_TRUE(selection().is(look().handlers.at(0)));
    gui.click("Timeouts");
    gui.click("timeout", id_of(timeout("respawn")));
    EXPECT_TRUE(selection().is(look().scopes.at(0)));
    gui.click("timeout", id_of(timeout("autosave")));
    EXPECT_FALSE(selection().is(look().scopes.at(0)));
}

TEST_F(ImguiOwners, TheSelectedTaskMarksWhatItWaitsForAndTheOtherWayRound) {
    spawn_client();
    gui.click("Tasks");
    gui.click("task", look().tasks.at(0).id);
    for (const TimeoutInfo& info : look().timeouts)
        EXPECT_EQ(selection().is(info), info.origin.name == std::string_view("retry")) << info.origin.name;
    gui.click("Timeouts");
    gui.click("timeout", id_of(timeout("retry")));
    EXPECT_TRUE(selection().is(look().tasks.at(0)));
    gui.click("timeout", id_of(timeout("autosave")));
    EXPECT_FALSE(selection().is(look().tasks.at(0)));
}

TEST_F(ImguiOwners, WhatHasEndedStaysInTheDetailAndSaysSo) {
    spawn_client();
    gui.click("Tasks");
    gui.click("task", look().tasks.at(0).id);
    EXPECT_THAT(gui.text(), Not(HasSubstr("gone; this is how it was last seen")));
    client.cancel();
    run();
    EXPECT_THAT(gui.text(), HasSubstr("gone; this is how it was last seen"));
}

TEST_F(ImguiOwners, BothAreFilteredLikeAllTables) {
    spawn_client();
    const Scope monster(loop, "monster", Origin("spawn monster", "src/monster.cpp", 3, "Monster"));
    gui.click("Scopes");
    gui.click("filter");
    gui.type("monster");
    EXPECT_THAT(text_from("\n| name"), HasSubstr("1 of 2 scopes"));
    gui.click("Tasks");
    EXPECT_THAT(text_from("\n| name"), HasSubstr("0 of 1 tasks"));
    gui.click("filter/clear");
    gui.click("filter");
    gui.type("retry"); // what it waits for
    EXPECT_THAT(text_from("\n| name"), HasSubstr("1 of 1 tasks"));
}

TEST_F(ImguiOwners, BothAreCopiedForASpreadsheet) {
    spawn_client();
    gui.click("copy");
    gui.click("copy/scopes");
    const std::string scopes = ImGui::GetClipboardText();
    EXPECT_THAT(scopes,
                HasSubstr("name\tage\tholds\tdescriptors\ttimeouts\tcallbacks\tmade at\tscheduled by\n"));
    EXPECT_THAT(scopes, HasSubstr("level 3\t0\t2\t1\t1\t0\tlevel.cpp:7\t-\n"));
    gui.click("copy");
    gui.click("copy/tasks");
    const std::string tasks = ImGui::GetClipboardText();
    EXPECT_THAT(tasks, HasSubstr("name\ttask\tstate\twaits for\twaiting\tsuspended at\t"));
    EXPECT_THAT(tasks, HasSubstr("\twaiting\ttimeout, retry\t0\timgui_owners.cpp:"));
}

} // namespace
