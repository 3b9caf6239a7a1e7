// SPDX-License-Identifier: MIT
/// With a window that is shown, where SDL really sleeps and Mode::merge really merges. The tests of sdl2_wait run here too.
#include "support/sdl_fixture.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>
#include <ioloop/sdl2.hpp>

#include <cstdlib>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include <SDL.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using sdl2::Mode;

namespace {

class Sdl2X11 : public WithSdl {
protected:
    Sdl2X11() {
        if (std::string(SDL_GetCurrentVideoDriver()) != "x11") throw std::runtime_error("needs an X server");
    }
    static sdl2::Host::Options merging() {
        sdl2::Host::Options options;
        options.mode = Mode::merge;
        return options;
    }
    static sdl2::Host::Options guesting() { return {}; }

    IOLoop loop;
};

// ---- which mode is possible ---------------------------------------------------------------------

TEST_F(Sdl2X11, merges_while_there_is_a_window_and_is_a_guest_while_there_is_none) {
    sdl2::Host host(loop, merging());
    while (host.wait_event(nullptr, 5ms)) forget_events();
    EXPECT_EQ(host.active_mode(), Mode::guest);
    std::optional<ShownWindow> window(std::in_place);
    while (host.wait_event(nullptr, 5ms)) forget_events();
    EXPECT_EQ(host.active_mode(), Mode::merge);
    window.reset();
    while (host.wait_event(nullptr, 5ms)) forget_events();
    EXPECT_EQ(host.active_mode(), Mode::guest);
    EXPECT_EQ(host.mode(), Mode::merge);
}

TEST_F(Sdl2X11, finds_the_connection_however_many_windows_there_were) {
    sdl2::Host host(loop, merging());
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 150; ++i) SDL_DestroyWindow(SDL_CreateWindow("", 0, 0, 8, 8, SDL_WINDOW_HIDDEN));
        const ShownWindow window;
        while (host.wait_event(nullptr, 5ms)) forget_events();
        EXPECT_EQ(host.active_mode(), Mode::merge) << round;
    }
    SDL_QuitSubSystem(SDL_INIT_VIDEO);
    // Numbers its windows anew. (As in WithSdl: the X server may begin anew, too.)
    for (int tries = 1; SDL_InitSubSystem(SDL_INIT_VIDEO) != 0; ++tries) {
        ASSERT_LT(tries, 100) << SDL_GetError();
        SDL_Delay(20);
    }
    const ShownWindow window;
    while (host.wait_event(nullptr, 5ms)) forget_events();
    EXPECT_EQ(host.active_mode(), Mode::merge);
}

TEST_F(Sdl2X11, a_paused_loop_does_not_merge) {
    const ShownWindow window;
    sdl2::Host host(loop, merging());
    loop.set_paused(true);
    while (host.wait_event(nullptr, 50ms)) forget_events();
    EXPECT_EQ(host.active_mode(), Mode::guest);
    EXPECT_LE(host.statistics().sleeps, 5U);
    loop.set_paused(false);
    while (host.wait_event(nullptr, 5ms)) forget_events();
    EXPECT_EQ(host.active_mode(), Mode::merge);
}

// ---- windows that go ----------------------------------------------------------------------------

TEST_F(Sdl2X11, windows_that_a_callable_destroys_while_the_host_waits) {
    for (const Mode mode : {Mode::guest, Mode::merge}) {
        ShownWindow one;
        ShownWindow two;
        sdl2::Host::Options options;
        options.mode = mode;
        sdl2::Host host(loop, options);
        int ticks = 0;
        loop.call_later(5ms, [&] { one.destroy(); });
        loop.call_later(10ms, [&] { two.destroy(); });
        PeriodicCallback heartbeat(loop, 2ms, [&] { ++ticks; });
        heartbeat.start();
        const Stopwatch watch;
        while (watch.elapsed() < 60ms) {
            while (host.wait_event(nullptr, 20ms)) forget_events();
        }
        EXPECT_EQ(host.active_mode(), Mode::guest);
        EXPECT_GE(ticks, 10);
    }
}

TEST_F(Sdl2X11, a_callable_that_quits_video_takes_the_connection_away_from_under_the_wait) {
    ShownWindow window;
    sdl2::Host host(loop, merging());
    int ticks = 0;
    PeriodicCallback heartbeat(loop, 2ms, [&] { ++ticks; });
    heartbeat.start();
    std::optional<SocketPair> pair;
    bool heard = false;
    loop.call_later(5ms, [&] {
        window.destroy();
        SDL_QuitSubSystem(SDL_INIT_VIDEO);
        pair.emplace(); // may get the number of the connection
        loop.add_handler(
            pair->a,
            [&](Fd, Events) {
                pair->read_a();
                heard = true;
            },
            Events::read);
        pair->send_to_a();
    });
    const Stopwatch watch;
    while (watch.elapsed() < 60ms) {
        while (host.wait_event(nullptr, 20ms)) forget_events();
    }
    EXPECT_GE(ticks, 10);
    EXPECT_TRUE(heard);
    loop.remove_handler(pair->a);
}

TEST_F(Sdl2X11, a_program_that_watches_the_connection_itself_keeps_its_handler) {
    const ShownWindow window;
    // What a program does that merges on its own. The connection is the first descriptor that is readable when X tells
    // something; here it is found by asking the loop what the host registers.
    Fd connection = invalid_fd;
    {
        sdl2::Host host(loop, merging());
        PeriodicCallback look(loop, 1ms, [&] {
            Snapshot snapshot;
            loop.snapshot(snapshot);
            for (const HandlerInfo& info : snapshot.handlers) connection = info.fd;
        });
        look.start();
        // There may be events first: it does not sleep then.
        for (int i = 0; i < 1000 && connection == invalid_fd; ++i) {
            host.wait_event(nullptr, 10ms);
            forget_events();
        }
    }
    ASSERT_NE(connection, invalid_fd);
    loop.add_handler(
        connection, [](Fd, Events) {}, Events::read, "of the program");
    sdl2::Host host(loop, merging());
    while (host.wait_event(nullptr, 10ms)) forget_events();
    EXPECT_EQ(host.active_mode(), Mode::guest);
    EXPECT_LE(host.statistics().sleeps, 5U);
    Snapshot snapshot;
    loop.snapshot(snapshot);
    ASSERT_EQ(snapshot.handlers.size(), 1U);
    EXPECT_STREQ(snapshot.handlers[0].origin.name, "of the program");
    loop.remove_handler(connection);
}

// ---- who wakes whom -----------------------------------------------------------------------------

TEST_F(Sdl2X11, an_event_that_another_thread_adds_after_the_host_has_looked_is_seen_soon) {
    // SDL_PushEvent() calls the event watches, the host's among them, and adds the event afterwards. Here afterwards is late.
    const ShownWindow window;
    sdl2::Host host(loop, merging());
    const SDL_EventFilter dawdle = [](void*, SDL_Event* event) {
        if (event->type == SDL_USEREVENT + 7) SDL_Delay(30);
        return 0;
    };
    SDL_AddEventWatch(dawdle, nullptr); // behind the host's
    std::thread pusher;
    loop.call_later(5ms, [&] { pusher = std::thread([] { push(1, SDL_USEREVENT + 7); }); });
    const Stopwatch watch;
    EXPECT_TRUE(host.wait_event(nullptr, 5s));
    EXPECT_LT(watch.elapsed(), 300ms); // and not a second, the longest sleep there is
    pusher.join();
    SDL_DelEventWatch(dawdle, nullptr);
}

TEST_F(Sdl2X11, T4_what_changes_inside_turns_interrupts_nobody_and_what_changes_between_them_is_waited_for) {
    const ShownWindow window;
    sdl2::Host host(loop, guesting());
    int fired = 0;
    std::function<void()> again = [&] {
        loop.call_later(1h, [] {});
        if (++fired < 50) return static_cast<void>(loop.call_later(300us, again));
        push(1);
    };
    loop.add_callback(again);
    EXPECT_TRUE(host.wait_event(nullptr, 10s));
    EXPECT_EQ(fired, 50);
    EXPECT_LE(host.statistics().wakes, 60U); // one for each turn, and none for what was armed in it
    forget_events();

    bool late = false;
    loop.call_later(1ms, [&] { // between turns: the waiter sleeps for an hour already
        late = true;
        push(2);
    });
    const Stopwatch watch;
    EXPECT_TRUE(host.wait_event(nullptr, 10s));
    EXPECT_TRUE(late);
    EXPECT_LT(watch.elapsed(), at_once);
}

TEST_F(Sdl2X11, an_idle_host_sleeps_in_one_piece) {
    const ShownWindow window;
    const auto sleeps_in = [&](Mode mode) {
        sdl2::Host::Options options;
        options.mode = mode;
        sdl2::Host host(loop, options);
        while (host.wait_event(nullptr, 5ms)) forget_events();
        const std::uint64_t before = host.statistics().sleeps;
        while (host.wait_event(nullptr, 300ms)) forget_events();
        return host.statistics().sleeps - before;
    };
    EXPECT_LE(sleeps_in(Mode::guest), 4U);
    EXPECT_LE(sleeps_in(Mode::merge), 4U);
}

TEST_F(Sdl2X11, a_mouse_that_moves_wakes_it_at_once) {
    const ShownWindow window;
    SDL_RaiseWindow(window.get());
    ShownWindow::settle();
    for (const Mode mode : {Mode::guest, Mode::merge}) {
        sdl2::Host::Options options;
        options.mode = mode;
        sdl2::Host host(loop, options);
        std::thread hand;
        TimePoint moved;
        loop.call_later(5ms, [&] {
            hand = std::thread([&] {
                EXPECT_EQ(std::system("xdotool mousemove 20 20 mousemove 40 40"),
                          0); // NOLINT(concurrency-mt-unsafe)
                moved = steady_clock().now();
            });
        });
        SDL_Event event{};
        while (host.wait_event(&event, 5s) && event.type != SDL_MOUSEMOTION) {}
        const TimePoint heard = steady_clock().now();
        hand.join();
        EXPECT_EQ(event.type, SDL_MOUSEMOTION) << name_of(mode);
        EXPECT_LT(heard - moved, at_once);
        forget_events();
    }
}

} // namespace
