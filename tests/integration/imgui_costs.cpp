// SPDX-License-Identifier: MIT
/// What the inspector costs: no memory once it is warm, nothing when it is not seen, and bounded with many
/// objects.
#include "support/counting_new.hpp"
#include "support/fake_source.hpp"
#include "support/inspector_gui.hpp"
#include "support/os.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

class ImguiCosts : public testing::Test {
protected:
    ImguiCosts() {
        ImGui::SetAllocatorFunctions(
            [](std::size_t size, void*) {
                ++heap_allocations;
                return std::malloc(size);
            },
            [](void* memory, void*) { std::free(memory); });
    }

    /// What happens between two frames of a game: messages, posts, timeouts that come and go.
    void churn(const SocketPair& pair) {
        pair.send_to_a();
        for (int i = 0; i < 5; ++i) loop.add_callback([] {}, "posted");
        loop.call_later(
            1ms * (round_ % 7), [] {}, "short");
        loop.call_later(
            20ms, [] {}, "a little later");
        ++round_;
        world.advance(16ms);
        loop.run_once();
    }

    SimWorld world;
    IOLoop loop{world.options()};
    int round_ = 0;
};

TEST_F(ImguiCosts, NoAllocationOnceWarm) {
    SocketPair pair;
    loop.add_handler(
        pair.a, [&](Fd, Events) { pair.read_a(); }, Events::read, "link");
    InspectorGui gui(loop);
    gui.between_frames = [&] { churn(pair); };
    for (const char* tab :
         {"Lints", "Sites", "Descriptors", "Timeouts", "Callbacks", "Turn", "Slow", "Journal", "Health"}) {
        gui.click(tab);
        gui.move_away();
        gui.frames(600);
        const std::uint64_t before = heap_allocations;
        gui.between_frames = [] {};
        gui.frames(100);
        EXPECT_EQ(heap_allocations, before) << "of a loop at rest, in " << tab;

        // The loop's own allocations are not the inspector's. A buffer of Dear ImGui may meet a fuller frame than any
        // before once more, or twice; garbage would come in every round.
        std::uint64_t drawing = 1;
        for (int round = 0; round < 4 && drawing > 0; ++round) {
            drawing = 0;
            for (int i = 0; i < 600 / os::turns_left_out; ++i) {
                churn(pair);
                const std::uint64_t begin = heap_allocations;
                gui.frame();
                drawing += heap_allocations - begin;
            }
        }
        EXPECT_EQ(drawing, 0U) << "of a busy loop, in " << tab;
        gui.between_frames = [&] { churn(pair); };
    }
}

TEST_F(ImguiCosts, NoAllocationForWhatTheLintsFound) {
    FakeSource source;
    for (int i = 0; i < 30; ++i) {
        Finding finding;
        finding.active = i % 3 == 0;
        finding.muted = i % 5 == 0;
        finding.chain = Chain{}.then(site_of(Origin("found")));
        finding.sentence = "it is bad";
        source.moment.findings.push_back(finding);
    }
    InspectorGui gui(source);
    gui.click("Lints");
    gui.click("lint/why", 0);
    gui.move_away();
    gui.frames(60);
    const std::uint64_t before = heap_allocations;
    gui.frames(100);
    EXPECT_EQ(heap_allocations, before);
}

TEST_F(ImguiCosts, ClosedOrCollapsedItDoesNotLookAtTheLoop) {
    InspectorGui gui(loop);
    const auto& view = InspectorGui::Probe::view(gui.inspector);
    bool open = true;
    gui.draw = [&] { gui.inspector.show_window("IOLoop", &open); };
    gui.frames(2);
    const std::uint64_t looks = view.version();
    gui.frames(5);
    EXPECT_EQ(view.version(), looks + 5);

    open = false;
    gui.frames(5);
    EXPECT_EQ(view.version(), looks + 5);

    open = true;
    gui.draw = [&] {
        ImGui::SetNextWindowCollapsed(true);
        gui.inspector.show_window("IOLoop", &open);
    };
    gui.frames(2);
    const std::uint64_t collapsed = view.version();
    gui.frames(5);
    EXPECT_EQ(view.version(), collapsed);
    EXPECT_TRUE(open);
}

TEST_F(ImguiCosts, ManyObjectsAreCopiedTenTimesASecond) {
    for (int i = 0; i < 10'000; ++i)
        loop.call_later(
            1h + 1ms * i, [] {}, "one of many");
    InspectorGui gui(loop);
    gui.click("Timeouts");
    gui.move_away();
    gui.frames(10);
    const auto& view = InspectorGui::Probe::view(gui.inspector);
    const std::uint64_t before = view.version();
    const auto begin = std::chrono::steady_clock::now();
    gui.frames(600);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    EXPECT_LE(view.version() - before, 105U); // of ten seconds
    RecordProperty("ms_per_frame", std::to_string(took.count() / 600));
    std::printf("[          ] %.3f ms a frame with 10,000 timeouts\n", took.count() / 600);
}

TEST_F(ImguiCosts, VeryManyObjectsAreCopiedMoreSeldom) {
    for (int i = 0; i < 40'000; ++i)
        loop.call_later(
            1h + 1ms * i, [] {}, "one of very many");
    InspectorGui gui(loop);
    const auto& view = InspectorGui::Probe::view(gui.inspector);
    const std::uint64_t before = view.version();
    gui.frames(240);
    EXPECT_GE(view.version() - before, 8U); // of four seconds
    EXPECT_LE(view.version() - before, 11U);
}

TEST_F(ImguiCosts, LeavesTheUserInterfaceAsItWas) {
    InspectorGui gui(loop);
    const ImGuiStyle style = ImGui::GetStyle();
    const int fonts = ImGui::GetIO().Fonts->Fonts.Size;
    gui.frames(10);
    EXPECT_EQ(std::memcmp(style.Colors, ImGui::GetStyle().Colors, sizeof style.Colors), 0);
    EXPECT_EQ(ImGui::GetIO().Fonts->Fonts.Size, fonts);
    EXPECT_EQ(ImGui::GetIO().IniFilename, nullptr);
}

} // namespace
