// SPDX-License-Identifier: MIT
/// SDL_PollEvent that does not return, because a window is dragged or a menu is open: the loop goes on from inside it.
#include "support/sdl_fixture.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>
#include <ioloop/sdl2.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include <SDL.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

class Sdl2Drag : public WithSdl {
protected:
    IOLoop loop;
    sdl2::Host host{loop, stuck_at_once()};
};

TEST_F(Sdl2Drag, T5_timers_and_sockets_go_on_while_the_program_is_stuck_inside_a_handler) {
    const SocketPair pair;
    const SocketPair dialog;
    const std::thread::id home = std::this_thread::get_id();
    std::string received;
    int ticks = 0;
    int elsewhere = 0;
    int entered = 0;
    std::uint32_t deepest = 0;
    const auto look = [&] {
        if (std::this_thread::get_id() != home) ++elsewhere;
        deepest = std::max(deepest, loop.statistics().depth);
    };
    loop.add_handler(
        pair.a,
        [&](Fd, Events) {
            look();
            received += pair.read_a();
            if (entered > 0) window_is_dragged(1); // a drag inside the drag
        },
        Events::read);
    PeriodicCallback heartbeat(loop, 1ms, [&] {
        look();
        ++ticks;
    });
    heartbeat.start();
    std::atomic<bool> over{false};
    std::thread worker([&] {
        while (!over) {
            os::send(pair.b, "x");
            window_is_dragged(1); // on a foreign thread, where nothing may run
            std::this_thread::sleep_for(500us);
        }
    });
    // Stuck: it reads nothing and does not return; all that happens is that SDL is told of the window.
    loop.add_handler(
        dialog.a,
        [&](Fd, Events) {
            look();
            ++entered;
            const Stopwatch watch;
            while ((received.size() < 20 || ticks < 20) && watch.elapsed() < 10s) {
                window_is_dragged(1);
                forget_events();
                std::this_thread::yield();
            }
            dialog.read_a();
        },
        Events::read);
    dialog.send_to_a();
    while (entered == 0) host.pump();
    over = true;
    worker.join();
    EXPECT_GE(received.size(), 20U);
    EXPECT_GE(ticks, 20);
    EXPECT_EQ(elsewhere, 0);
    EXPECT_EQ(entered, 1) << "what is stuck is not entered again";
    EXPECT_EQ(deepest, 2U);
    EXPECT_GE(host.rescued_turns(), 20U);
    loop.remove_handler(pair.a);
    loop.remove_handler(dialog.a);
}

TEST_F(Sdl2Drag, a_stop_in_a_drag_is_told_by_the_next_pump) {
    loop.add_callback([&] { loop.stop(); });
    window_is_dragged(1);
    EXPECT_EQ(host.pump().ended, Ended::stopped);
    EXPECT_TRUE(host.stopped());
    EXPECT_EQ(host.pump().ended, Ended::idle);
}

TEST_F(Sdl2Drag, a_stop_in_a_drag_ends_the_next_wait) {
    loop.add_callback([&] { loop.stop(); });
    window_is_dragged(1);
    forget_events();
    EXPECT_FALSE(host.wait_event(nullptr, 5s));
    EXPECT_TRUE(host.stopped());
}

TEST_F(Sdl2Drag, the_loop_is_destroyed_in_a_drag) {
    auto mortal = std::make_unique<IOLoop>();
    sdl2::Host orphan(*mortal, stuck_at_once());
    mortal->add_callback([&] { mortal.reset(); });
    window_is_dragged(3);
    EXPECT_EQ(orphan.rescued_turns(), 1U);
    EXPECT_THROW(orphan.pump(), std::logic_error);
    EXPECT_EQ(logged, "");
}

TEST_F(Sdl2Drag, a_paused_loop_stays_paused_in_a_drag) {
    int calls = 0;
    loop.add_callback([&] { ++calls; });
    loop.set_paused(true);
    window_is_dragged(3);
    EXPECT_EQ(calls, 0);
    loop.set_paused(false);
    window_is_dragged(1);
    EXPECT_EQ(calls, 1);
}

TEST_F(Sdl2Drag, a_drag_is_over_when_the_program_comes_back) {
    IOLoop quiet;
    sdl2::Host::Options options;
    options.stuck_after = 20ms;
    sdl2::Host second(quiet, options);
    second.pump();
    SDL_Delay(25);
    window_is_dragged(2);
    EXPECT_EQ(second.rescued_turns(), 2U) << "from the first one on all of them";
    EXPECT_TRUE(second.wait_event(nullptr, no_wait));
    window_is_dragged(2);
    EXPECT_EQ(second.rescued_turns(), 2U);
}

} // namespace
