// SPDX-License-Identifier: MIT
/// A monkey at the mouse, while the loop adds and removes things. Dear ImGui's assertions and the sanitizers
/// watch.
#include "support/inspector_gui.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <chrono>
#include <cstdlib>
#include <deque>
#include <random>
#include <stdexcept>

#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

class ImguiMonkey : public testing::TestWithParam<unsigned> {};

/// By hand, for longer: IOLOOP_MONKEY_FRAMES=25000 test_integration_imgui_monkey
int frames_to_play() {
    const char* frames = std::getenv("IOLOOP_MONKEY_FRAMES");
    return frames != nullptr ? std::atoi(frames) : 3000;
}

TEST_P(ImguiMonkey, BreaksNothing) {
    std::minstd_rand random(GetParam());
    const auto chance = [&](unsigned one_in) { return random() % one_in == 0; };
    SimWorld world;
    IOLoop loop(world.options());
    loop.set_error_hook([](std::exception_ptr, const Origin&, CallKind) {});
    InspectorGui gui(loop);
    std::deque<SocketPair> pairs;
    std::vector<Timeout> timeouts;
    PeriodicCallback tick(
        loop, 50ms, [&] { world.advance(100us); }, "tick");
    tick.start();

    const auto churn = [&] {
        if (chance(10) && pairs.size() < 40) {
            pairs.emplace_back();
            const Fd fd = pairs.back().a;
            loop.add_handler(
                fd, [fd](Fd, Events) { SocketPair::read_all(fd); }, Events::read, "link");
        }
        if (chance(15) && !pairs.empty()) {
            loop.remove_handler(pairs.front().a);
            pairs.pop_front();
        }
        if (!pairs.empty()) pairs[random() % pairs.size()].send_to_a("some bytes");
        if (timeouts.size() < 200)
            timeouts.push_back(loop.call_later(
                1ms * (random() % 500), [] {}, "timeout"));
        if (chance(3)) {
            loop.remove_timeout(timeouts[random() % timeouts.size()]);
            std::swap(timeouts[random() % timeouts.size()], timeouts.back());
            timeouts.pop_back();
        }
        if (chance(4)) loop.add_callback([&] { loop.add_callback([] {}, "child"); }, "parent");
        if (chance(50)) loop.add_callback([] { throw std::runtime_error("oops"); }, "thrower");
        if (chance(60)) loop.add_callback([&] { gui.frame(); }, "draws in a call");
        loop.run_once(5ms, Budget{forever, 20});
    };

    const int frames = frames_to_play();
    for (int frame = 0; frame < frames; ++frame) {
        if (chance(3)) {
            // Half of the time at something that is there.
            const auto& marks = InspectorGui::Probe::marks(gui.inspector);
            if (chance(2) && !marks.empty()) {
                const auto& mark = marks[random() % marks.size()];
                gui.move_to((mark.min.x + mark.max.x) / 2, (mark.min.y + mark.max.y) / 2);
            } else {
                gui.move_to(static_cast<float>(random() % 1100), static_cast<float>(random() % 600));
            }
        }
        if (chance(3)) gui.press(chance(4) ? 1 : 0, chance(2));
        if (chance(20)) gui.press(0, false), gui.press(1, false);
        if (chance(30)) ImGui::GetIO().AddInputCharacter(static_cast<unsigned>(' ' + random() % 95));
#if IMGUI_VERSION_NUM >= 18700
        if (chance(10)) ImGui::GetIO().AddMouseWheelEvent(0, chance(2) ? 1.0F : -1.0F);
#else
        ImGui::GetIO().MouseWheel = chance(10) ? (chance(2) ? 1.0F : -1.0F) : 0.0F;
#endif
        gui.frame();
        churn();
        if (loop.paused() && chance(100)) loop.set_paused(false);
    }
    SUCCEED();
}

INSTANTIATE_TEST_SUITE_P(Seeds, ImguiMonkey, testing::Values(1U, 2U, 3U, 4U));

} // namespace
