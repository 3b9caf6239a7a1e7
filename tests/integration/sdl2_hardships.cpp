// SPDX-License-Identifier: MIT
/// A full queue, filters that drop everything, no window, joysticks, second hosts and second loops: what programs and
/// systems do to a host.
#include "support/sdl_fixture.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>
#include <ioloop/sdl2.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <SDL.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using sdl2::Mode;

namespace {

int SDLCALL drop_everything(void*, SDL_Event*) { return 0; }

class Sdl2Hardships : public WaitingHost {
protected:
    /// The loop goes on while the host waits: timeouts, posts of other threads, sockets.
    void expect_the_loop_to_live() {
        const SocketPair pair;
        std::string heard;
        loop->add_handler(
            pair.a, [&](Fd, Events) { heard += pair.read_a(); }, Events::read);
        int posts = 0;
        int ticks = 0;
        std::thread other([&] {
            for (int i = 0; i < 10; ++i) {
                loop->add_callback([&] { ++posts; });
                std::this_thread::yield();
            }
            os::send(pair.b, "hello");
        });
        PeriodicCallback heartbeat(*loop, 1ms, [&] { ++ticks; });
        heartbeat.start();
        const Stopwatch watch;
        while ((ticks < 10 || posts < 10 || heard != "hello") && watch.elapsed() < 5s) {
            host.wait_event(nullptr, 20ms);
        }
        other.join();
        EXPECT_GE(ticks, 10);
        EXPECT_EQ(posts, 10);
        EXPECT_EQ(heard, "hello");
        loop->remove_handler(pair.a);
    }
};

INSTANTIATE_TEST_SUITE_P(Modes, Sdl2Hardships, all_modes, name_of_mode);

// ---- SDL's queue --------------------------------------------------------------------------------

TEST_P(Sdl2Hardships, T6_sdls_queue_is_full) {
    SDL_Event event{};
    event.type = SDL_USEREVENT + 5;
    Sint32 pushed = 0;
    while (pushed < 100'000) {
        event.user.code = pushed;
        if (SDL_PeepEvents(&event, 1, SDL_ADDEVENT, 0, 0) != 1) break;
        ++pushed;
    }
    ASSERT_GT(pushed, 60'000);
    expect_the_loop_to_live();

    // All are there, in their order; and the loop was not starved while the program read them.
    int calls = 0;
    std::function<void()> again = [&] {
        ++calls;
        if (calls < 20'000) loop->add_callback(again);
    };
    loop->add_callback(again);
    Sint32 next = 0;
    while (next < pushed && host.wait_event(&event, 5s)) {
        ASSERT_EQ(event.user.code, next) << event.type;
        ++next;
        if (next == 1000) {
            EXPECT_GE(calls, 500);
        }
    }
    EXPECT_EQ(next, pushed);
    loop->call_later(5ms, [] { push(1); });
    EXPECT_EQ(wait_for_user_event(host), 1);
}

TEST_P(Sdl2Hardships, T6_a_filter_that_drops_everything) {
    SDL_SetEventFilter(drop_everything, nullptr);
    expect_the_loop_to_live();
    std::thread other = on_another_thread([] {
        for (int i = 0; i < 100; ++i) push(1);
    });
    EXPECT_FALSE(host.wait_event(nullptr, 60ms)) << "nothing is left for the program";
    other.join();
    host.request_frames();
    EXPECT_FALSE(host.wait_event(nullptr, 5s));
    EXPECT_TRUE(host.take_frame());
}

TEST_P(Sdl2Hardships, T6_a_filter_that_is_set_while_it_waits) {
    // Setting one flushes the queue, and with it what would have woken SDL.
    loop->call_later(5ms, [] { SDL_SetEventFilter(drop_everything, nullptr); });
    int posts = 0;
    std::thread other = on_another_thread([&] { loop->add_callback([&] { ++posts; }); });
    EXPECT_FALSE(host.wait_event(nullptr, 60ms));
    other.join();
    host.wait_event(nullptr, 5ms);
    EXPECT_EQ(posts, 1);
    expect_the_loop_to_live();
}

TEST_P(Sdl2Hardships, T6_a_program_that_flushes_all_events_whenever_it_can) {
    std::function<void()> flush = [&] {
        SDL_FlushEvents(SDL_FIRSTEVENT, SDL_LASTEVENT);
        loop->call_later(500us, flush);
    };
    flush();
    SDL_AddEventWatch(
        [](void*, SDL_Event*) {
            SDL_FlushEvents(SDL_FIRSTEVENT, SDL_LASTEVENT);
            return 0;
        },
        nullptr);
    for (int i = 0; i < 10; ++i) {
        expect_the_loop_to_live();
        push();
        SDL_FlushEvents(SDL_FIRSTEVENT, SDL_LASTEVENT);
    }
}

TEST_P(Sdl2Hardships, event_watches_of_the_program_are_never_called_on_another_thread) {
    struct Seen {
        std::atomic<int> elsewhere{0};
        std::thread::id home = std::this_thread::get_id();
    } seen;
    const SDL_EventFilter look = [](void* s, SDL_Event*) {
        auto* const all = static_cast<Seen*>(s);
        if (std::this_thread::get_id() != all->home) ++all->elsewhere;
        return 1;
    };
    SDL_AddEventWatch(look, &seen);
    SDL_SetEventFilter(look, &seen);
    for (int i = 0; i < 20; ++i) {
        std::atomic<bool> asked{false};
        std::thread other = on_another_thread([&] {
            loop->add_callback([&] { host.request_frames(); });
            asked = true;
            host.request_frames();
        });
        while (!asked) {
            host.wait_event(nullptr, 1s);
            while (host.take_frame()) {}
        }
        other.join();
    }
    SDL_SetEventFilter(nullptr, nullptr);
    SDL_DelEventWatch(look, &seen);
    EXPECT_EQ(seen.elsewhere, 0);
}

// ---- joysticks ----------------------------------------------------------------------------------

TEST_P(Sdl2Hardships, T6_a_joystick_is_attached_and_taken_away_while_it_waits) {
    ASSERT_EQ(SDL_InitSubSystem(SDL_INIT_JOYSTICK), 0) << SDL_GetError();
    forget_events();
    const int device = SDL_JoystickAttachVirtual(SDL_JOYSTICK_TYPE_GAMECONTROLLER, 2, 2, 0);
    ASSERT_GE(device, 0) << SDL_GetError();
    SDL_Joystick* joystick = SDL_JoystickOpen(device);
    ASSERT_NE(joystick, nullptr);
    expect_the_loop_to_live();
    forget_events();

    // A button is told by being asked for: SDL has to be pumped for it, though nothing wakes anybody.
    sdl2::Host::Options usual;
    usual.mode = GetParam();
    host.set_mode(Mode::pump); // a loop is the guest of one host
    sdl2::Host patient(*loop, usual);
    std::thread finger = on_another_thread([&] { SDL_JoystickSetVirtualButton(joystick, 1, SDL_PRESSED); });
    SDL_Event event{};
    const Stopwatch watch;
    while (event.type != SDL_JOYBUTTONDOWN && patient.wait_event(&event, 5s)) {}
    EXPECT_EQ(event.type, SDL_JOYBUTTONDOWN);
    EXPECT_LT(watch.elapsed(), at_once);
    finger.join();

    loop->call_later(5ms, [&] {
        SDL_JoystickClose(joystick);
        SDL_JoystickDetachVirtual(device);
    });
    while (event.type != SDL_JOYDEVICEREMOVED && patient.wait_event(&event, 5s)) {}
    EXPECT_EQ(event.type, SDL_JOYDEVICEREMOVED);
    expect_the_loop_to_live();
}

// ---- more than one ------------------------------------------------------------------------------

TEST_P(Sdl2Hardships, a_loop_with_start_on_a_second_thread_posts_to_the_first) {
    std::latch ready(1);
    IOLoop* second = nullptr;
    std::thread worker([&] {
        IOLoop own;
        second = &own;
        own.add_callback([&] { ready.count_down(); });
        own.start();
    });
    ready.wait();
    int answers = 0;
    std::function<void()> ask = [&] {
        second->add_callback([&] {
            loop->add_callback([&] {
                if (++answers == 50) return push(1);
                ask();
            });
        });
    };
    ask();
    EXPECT_EQ(wait_for_user_event(host), 1);
    EXPECT_EQ(answers, 50);
    second->stop();
    worker.join();
}

TEST_P(Sdl2Hardships, two_hosts_for_two_loops_do_not_disturb_each_other) {
    IOLoop second;
    sdl2::Host host_of_second(second, options(GetParam()));
    int ticks[2] = {0, 0};
    PeriodicCallback one(*loop, 1ms, [&] { ++ticks[0]; });
    PeriodicCallback two(second, 1ms, [&] { ++ticks[1]; });
    one.start();
    two.start();
    for (int i = 0; i < 20; ++i) {
        EXPECT_FALSE(host.wait_event(nullptr, 3ms));
        EXPECT_FALSE(host_of_second.wait_event(nullptr, 3ms));
        loop->add_callback([] {});
        second.add_callback([] {}); // rings both, which the other must not see
    }
    EXPECT_GE(ticks[0], 20);
    EXPECT_GE(ticks[1], 20);
    host.request_frames();
    EXPECT_FALSE(host_of_second.take_frame());
}

TEST_P(Sdl2Hardships, a_host_waits_inside_a_callable_of_another_hosts_loop) {
    IOLoop second;
    sdl2::Host host_of_second(second, options(GetParam()));
    second.add_callback([&] {
        loop->call_later(2ms, [] { push(1); });
        EXPECT_EQ(wait_for_user_event(host), 1);
        push(2);
    });
    EXPECT_EQ(wait_for_user_event(host_of_second), 2);
}

// ---- the end ------------------------------------------------------------------------------------

TEST_P(Sdl2Hardships, hosts_come_and_go_over_one_loop_while_other_threads_post_and_ask) {
    std::atomic<bool> over{false};
    std::atomic<int> calls{0};
    std::thread poster([&, to = Poster(*loop)] {
        while (!over) {
            to.add_callback([&] { ++calls; });
            push(0, SDL_USEREVENT + 3);
            std::this_thread::sleep_for(50us);
        }
    });
    for (int i = 0; i < 30; ++i) {
        sdl2::Host passing(*loop, options(GetParam()));
        passing.wait_event(nullptr, 2ms);
        forget_events();
        passing.wait_event(nullptr, 2ms);
    }
    over = true;
    poster.join();
    loop->run_ready();
    EXPECT_GT(calls, 0);
}

TEST_P(Sdl2Hardships, the_host_quits_while_much_is_under_way) {
    auto mortal = std::make_unique<IOLoop>();
    auto passing = std::make_unique<sdl2::Host>(*mortal, options(GetParam()));
    mortal->call_later(1h, [] {});
    EXPECT_FALSE(passing->wait_event(nullptr, 5ms)); // the waiter sleeps for an hour
    mortal->add_callback([] {});
    passing.reset(); // returns at once, or the test hangs
    mortal->run_ready();
    mortal.reset();

    mortal = std::make_unique<IOLoop>();
    passing = std::make_unique<sdl2::Host>(*mortal, options(GetParam()));
    mortal->call_later(1h, [] {});
    EXPECT_FALSE(passing->wait_event(nullptr, 5ms));
    mortal.reset(); // and the other way round
    EXPECT_THROW(passing->wait_event(nullptr, 5ms), std::logic_error);
    EXPECT_THROW(passing->set_mode(Mode::pump), std::logic_error);
    window_is_dragged(2);
}

// ---- less of SDL than usual ---------------------------------------------------------------------

class Sdl2EventsOnly : public WithSdl, public testing::WithParamInterface<Mode> {
protected:
    Sdl2EventsOnly() : WithSdl(SDL_INIT_EVENTS) {}
};

INSTANTIATE_TEST_SUITE_P(Modes, Sdl2EventsOnly, all_modes, name_of_mode);

TEST_P(Sdl2EventsOnly, T6_without_video_and_without_a_window_it_waits_all_the_same) {
    ASSERT_EQ(SDL_WasInit(SDL_INIT_VIDEO), 0U);
    IOLoop loop;
    sdl2::Host::Options options;
    options.mode = GetParam();
    sdl2::Host host(loop, options);
    int ticks = 0;
    PeriodicCallback heartbeat(loop, 2ms, [&] {
        if (++ticks == 5) push(1);
    });
    heartbeat.start();
    SDL_Event event;
    ASSERT_TRUE(host.wait_event(&event, 5s));
    EXPECT_EQ(event.user.code, 1);
    EXPECT_EQ(ticks, 5);
    std::thread other([] { push(2); });
    EXPECT_TRUE(host.wait_event(&event, 5s));
    other.join();
    EXPECT_FALSE(host.wait_event(&event, 5ms));
    EXPECT_EQ(host.active_mode(), GetParam() == Mode::merge ? Mode::guest : GetParam());
}

} // namespace
