// SPDX-License-Identifier: MIT
/// The health tab: histograms, and what they say when they are pointed at.
#include "support/fake_source.hpp"
#include "support/inspector_gui.hpp"

#include <ioloop/ioloop.hpp>

#include <chrono>
#include <string>

#include <gmock/gmock.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::HasSubstr;

namespace {

class ImguiHealth : public testing::Test {
protected:
    ImguiHealth() {
        Recorder::Health& health = source.moment.health;
        for (int i = 0; i < 990; ++i) health.calls.add(100us);
        for (int i = 0; i < 10; ++i) health.calls.add(50ms);
        health.waits.add(16ms);
    }
    FakeSource source;
};

TEST_F(ImguiHealth, IsToldWordByWord) {
    InspectorGui gui(source);
    gui.click("Health");
    const std::string text = gui.text();
    EXPECT_EQ(text.substr(text.find("\nBars")), R"(
Bars: how many took how long, since recording began or was cleared. Height: (x) log ( ) linear
Lateness of timeouts
none yet
Callbacks in the queue
none yet
Calls
1000;  p50 115 us  p90 115 us  p99 115 us  p99.9 50.0 ms  max 50.0 ms
Turns
none yet
Waits
1;  p50 16.0 ms  p90 16.0 ms  p99 16.0 ms  p99.9 16.0 ms  max 16.0 ms
Frames
none yet
6 histograms
)");
}

TEST_F(ImguiHealth, TheHeightIsLogarithmicOrLinear) {
    InspectorGui gui(source);
    gui.click("Health");
    gui.click("health/linear");
    EXPECT_THAT(gui.text(), HasSubstr("( ) log (x) linear"));
    gui.click("health/log");
    EXPECT_THAT(gui.text(), HasSubstr("(x) log ( ) linear"));
}

TEST_F(ImguiHealth, ABarSaysItsBoundsAndHowManyThereAre) {
    InspectorGui gui(source);
    gui.click("Health");
    const auto* chart = gui.find("Calls");
    ASSERT_NE(chart, nullptr);
    // 100 us is in the doubling from 65.5 us, the eleventh after the first, which ends at 64 ns; of 32.
    gui.move_to(chart->min.x + (chart->max.x - chart->min.x) * 11.5F / 32, chart->max.y - 5);
    gui.frames(2);
    gui.draw = [&] {
        ImGui::SetNextWindowPos(ImVec2(0, 0));
        ImGui::Begin("IOLoop");
        ImGui::LogToClipboard(); // up to the end of the tooltip
        gui.inspector.show_contents();
        ImGui::LogFinish();
        ImGui::End();
    };
    gui.frames(2);
    EXPECT_THAT(ImGui::GetClipboardText(), HasSubstr("65.5 us to 131 us: 990"));
    gui.move_to(chart->max.x - 2, chart->max.y - 5);
    gui.frames(2);
    EXPECT_THAT(ImGui::GetClipboardText(), HasSubstr("from 68.7 s on: 0"));
}

} // namespace
