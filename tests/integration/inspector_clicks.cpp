// SPDX-License-Identifier: MIT
/// The inspector in a real window, clicked with a real mouse: Arena's window on an X server, and xdotool's
/// hand.
#include "support/inspector_gui.hpp"
#include "window.hpp"

#include <ioloop/imgui.hpp>
#include <ioloop/ioloop.hpp>
#include <ioloop/sdl2.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>

#include <SDL.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using ioloop::imgui::id_of;
using ioloop::imgui::InspectorProbe;
using ioloop::imgui::Mark;

namespace {

class InspectorClicks : public testing::Test {
protected:
    InspectorClicks() {
        if (window_.offscreen()) throw std::runtime_error("no display: " + window_.why_offscreen());
        ImGui::GetIO().IniFilename = nullptr;
        InspectorProbe::marks(inspector_);
        heartbeat_.start();
        frames(10); // until window and tables have found their places
    }

    void frames(int count) {
        for (int i = 0; i < count; ++i) {
            SDL_Event event;
            while (SDL_PollEvent(&event) != 0) window_.handle(event);
            window_.begin_frame();
            inspector_.show_window();
            window_.render();
            window_.present();
            host_.pump_until(loop.time() + 16ms);
        }
    }

    const Mark& mark(const std::string& name, std::uint64_t id = 0) {
        for (const Mark& mark : InspectorProbe::marks(inspector_)) {
            if (mark.name == name && mark.id == id) return mark;
        }
        throw std::runtime_error("not on the screen: " + name);
    }

    /// A person's click: somebody else moves the mouse, while the frames go on.
    void click(const std::string& name, std::uint64_t id = 0) {
        const Mark& at = mark(name, id);
        int left = 0;
        int top = 0;
        SDL_GetWindowPosition(SDL_GL_GetCurrentWindow(), &left, &top);
        const int x = left + static_cast<int>(at.min.x + std::min((at.max.x - at.min.x) / 2, 100.0F));
        const int y = top + static_cast<int>((at.min.y + at.max.y) / 2);
        const std::string command = "xdotool mousemove " + std::to_string(x) + " " + std::to_string(y) +
                                    " sleep 0.1 mousedown 1 sleep 0.1 mouseup 1";
        std::atomic<int> result{-1};
        std::thread hand([&] { result = std::system(command.c_str()); }); // NOLINT(concurrency-mt-unsafe)
        while (result < 0) frames(1);
        hand.join();
        ASSERT_EQ(result, 0) << command;
        frames(5);
    }

    bool is_pending(Timeout timeout) {
        loop.snapshot(snapshot_);
        for (const TimeoutInfo& info : snapshot_.timeouts) {
            if (info.id == timeout) return true;
        }
        return false;
    }

private:
    arena::Window window_{"clicks", 1200, 760};

protected:
    IOLoop loop;

private:
    sdl2::Host host_{loop};
    ioloop::imgui::Inspector inspector_{loop};
    PeriodicCallback heartbeat_{loop, 50ms, [] {}, "heartbeat"};
    Snapshot snapshot_;
};

} // namespace

TEST_F(InspectorClicks, a_click_on_a_timeouts_row_and_one_on_its_cancel_button_cancel_that_timeout) {
    const Timeout doomed = loop.call_later(
        1h, [] {}, "doomed");
    const Timeout spared = loop.call_later(
        2h, [] {}, "spared");
    frames(10);
    click("Timeouts");
    click("timeout", id_of(doomed));
    EXPECT_TRUE(is_pending(doomed)); // selected, not more
    click("timeout/cancel", id_of(doomed));
    EXPECT_FALSE(is_pending(doomed));
    EXPECT_TRUE(is_pending(spared));
}

TEST_F(InspectorClicks, pausing_and_resuming_by_the_mouse) {
    click("pause");
    EXPECT_TRUE(loop.paused());
    click("pause");
    EXPECT_FALSE(loop.paused());
}
