// SPDX-License-Identifier: MIT
/// What the library registers for itself is not shown as the program's, unless somebody asks.
#include "support/inspected_program.hpp"
#include "support/inspector_gui.hpp"
#include "support/sim_world.hpp"

#include <ioloop/ioloop.hpp>

#include <chrono>
#include <string>

#include <gmock/gmock.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

namespace {

struct ImguiInternal : testing::Test {
    ImguiInternal() {
        ImGui::GetIO().DisplaySize = ImVec2(3700, 900); // no column out of sight
        gui.draw = [this] {
            ImGui::SetNextWindowPos(ImVec2(0, 0));
            ImGui::SetNextWindowSize(ImVec2(3600, 850));
            ImGui::Begin("IOLoop");
            gui.inspector.show_contents();
            ImGui::End();
        };
        loop.call_later(
            10s, [] {}, "the program's");
        loop.call_later(
            20s, [] {}, own);
        loop.add_callback([] {}, "a callback");
        loop.add_callback([] {}, own);
        gui.frames(3);
    }
    std::string tab(const char* name) {
        gui.click(name);
        return gui.text();
    }

    static constexpr Origin own = Origin("the library's").as_internal();
    SimWorld world;
    IOLoop loop{world.options()};
    InspectorGui gui{loop};
};

TEST_F(ImguiInternal, WhatTheLibraryMadeForItselfIsInNoTableAndInNoTotal) {
    EXPECT_THAT(gui.text(), HasSubstr("timeouts 1 (peak 1)"));
    EXPECT_THAT(gui.text(), HasSubstr("callbacks 1 (peak 1)"));
    EXPECT_THAT(tab("Timeouts"), HasSubstr("1 of 1 timeouts"));
    EXPECT_THAT(tab("Callbacks"), HasSubstr("Queued now: 1\n"));
    loop.run_once();
    EXPECT_THAT(tab("Callbacks"), HasSubstr("1 calls in 1 rows"));
    EXPECT_THAT(tab("Sites"), HasSubstr(" of 2 call sites"));
    for (const char* name : {"Timeouts", "Callbacks", "Sites", "Journal"})
        EXPECT_THAT(tab(name), Not(HasSubstr("the library's"))) << name;
}

TEST_F(ImguiInternal, AToggleShowsIt) {
    loop.run_once();
    gui.click("internal");
    EXPECT_THAT(gui.text(), HasSubstr("timeouts 2 (peak 2)"));
    EXPECT_THAT(tab("Timeouts"), HasSubstr("2 of 2 timeouts"));
    EXPECT_THAT(tab("Callbacks"), HasSubstr("2 calls in 2 rows"));
    for (const char* name : {"Timeouts", "Callbacks", "Sites", "Journal"})
        EXPECT_THAT(tab(name), HasSubstr("the library's")) << name;
    gui.click("internal");
    EXPECT_THAT(tab("Timeouts"), Not(HasSubstr("the library's")));
}

TEST_F(ImguiInternal, ItIsNotCopiedForASpreadsheetEither) {
    gui.click("copy");
    gui.click("copy/timeouts");
    EXPECT_THAT(ImGui::GetClipboardText(), HasSubstr("the program's"));
    EXPECT_THAT(ImGui::GetClipboardText(), Not(HasSubstr("the library's")));
}

struct InternalOfServer : InspectedProgram {
    static void expect_all_internal(const IOLoop& loop) {
        Snapshot snapshot;
        loop.snapshot(snapshot);
        EXPECT_FALSE(snapshot.handlers.empty());
        for (const HandlerInfo& info : snapshot.handlers)
            EXPECT_TRUE(info.origin.internal) << info.origin.name;
        for (const TimeoutInfo& info : snapshot.timeouts)
            EXPECT_TRUE(info.origin.internal) << info.origin.name;
    }
};

TEST_F(InternalOfServer, AllThatAnInspectorServerAndAViewerRegisterIsTheLibrarysOwn) {
    serve();
    expect_all_internal(program);
    ASSERT_TRUE(attach());
    expect_all_internal(program);
    expect_all_internal(viewers);
    for (const HandlerInfo& info : moment.snapshot.handlers)
        EXPECT_TRUE(info.origin.internal) << "also when told to the viewer: " << info.origin.name;
    EXPECT_FALSE(moment.snapshot.handlers.empty());
}

TEST_F(InternalOfServer, AnInspectorOfAProgramThatServesShowsAnEmptyLoop) {
    serve();
    InspectorGui gui(program);
    EXPECT_THAT(gui.text(), HasSubstr("descriptors 0 (peak 0)"));
    gui.click("Descriptors");
    EXPECT_THAT(gui.text(), HasSubstr("0 of 0 descriptors"));
    gui.click("internal");
    EXPECT_THAT(gui.text(), HasSubstr("1 of 1 descriptors"));
}

} // namespace
