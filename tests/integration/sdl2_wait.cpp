// SPDX-License-Identifier: MIT
/// wait_event(): what is the same in all four modes, over the dummy driver and, in sdl2_x11, with a window.
#include "support/sdl_fixture.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>
#include <ioloop/sdl2.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
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

class Sdl2Wait : public WaitingHost {};

INSTANTIATE_TEST_SUITE_P(Modes, Sdl2Wait, all_modes, name_of_mode);

// ---- events -------------------------------------------------------------------------------------

TEST_P(Sdl2Wait, gives_the_events_of_the_program_in_their_order) {
    push(1);
    push(2);
    EXPECT_EQ(wait_for_user_event(host), 1);
    EXPECT_EQ(wait_for_user_event(host), 2);
    EXPECT_FALSE(host.wait_event(nullptr, no_wait));
}

TEST_P(Sdl2Wait, without_a_place_for_it_an_event_stays_in_the_queue) {
    push(7);
    EXPECT_TRUE(host.wait_event(nullptr, 5s));
    EXPECT_TRUE(host.wait_event(nullptr, 5s));
    EXPECT_EQ(wait_for_user_event(host), 7);
    EXPECT_FALSE(host.wait_event(nullptr, no_wait));
}

TEST_P(Sdl2Wait, events_of_types_that_the_program_has_not_registered_are_its_own) {
    // Most programs never call SDL_RegisterEvents(), and so use the type that it gave to the host.
    const Uint32 next = SDL_RegisterEvents(1);
    for (Uint32 type = SDL_USEREVENT; type < next; ++type) {
        push(1, type);
        EXPECT_EQ(wait_for_user_event(host), 1) << type;
        loop->call_later(2ms, [&] { push(2, type); });
        EXPECT_EQ(wait_for_user_event(host), 2) << type;
    }
}

TEST_P(Sdl2Wait, an_event_behind_the_end_of_sdls_poll_cycle_is_not_overlooked) {
    push(1);
    SDL_Event event;
    while (SDL_PollEvent(&event) == 0 || event.type != SDL_USEREVENT) {
    } // leaves SDL's mark of the cycle's end behind
    push(2);
    const Stopwatch watch;
    EXPECT_EQ(wait_for_user_event(host), 2);
    EXPECT_LT(watch.elapsed(), at_once);
    push(3);
    EXPECT_EQ(wait_for_user_event(host, no_wait), 3);
}

TEST_P(Sdl2Wait, an_event_pushed_by_another_thread_wakes_it_at_once) {
    for (Sint32 i = 1; i <= 5; ++i) {
        TimePoint pushed;
        std::thread pusher = on_another_thread([&, i] {
            pushed = steady_clock().now();
            push(i);
        });
        EXPECT_EQ(wait_for_user_event(host, 8s), i);
        const TimePoint heard = steady_clock().now();
        pusher.join();
        EXPECT_LT(heard - pushed, at_once);
    }
}

TEST_P(Sdl2Wait, an_event_pushed_by_a_callable_ends_the_wait) {
    loop->call_later(5ms, [] { push(3); });
    const Stopwatch watch;
    EXPECT_EQ(wait_for_user_event(host), 3);
    EXPECT_LT(watch.elapsed(), at_once);
}

TEST_P(Sdl2Wait, what_wakes_sdl_is_never_given_to_the_program_and_at_most_one_of_it_is_queued) {
    int most = 0;
    int calls = 0;
    std::thread poster = on_another_thread([&] {
        for (int i = 0; i < 200; ++i) {
            loop->add_callback([&] {
                ++calls;
                most = std::max(most, queued_user_events());
            });
            if (i % 10 == 0) std::this_thread::sleep_for(100us);
        }
        loop->add_callback([] { push(9); });
    });
    SDL_Event event;
    while (host.wait_event(&event, 5s) && event.type != SDL_USEREVENT) EXPECT_LT(event.type, SDL_USEREVENT);
    poster.join();
    EXPECT_EQ(calls, 200);
    EXPECT_LE(most, 1);
    // Nor is it there for a program that looks into SDL's queue itself.
    loop->add_callback([] {});
    std::thread([&] { loop->add_callback([] {}); }).join();
    host.request_frames();
    EXPECT_EQ(queued_user_events(), 0);
}

// ---- time ---------------------------------------------------------------------------------------

TEST_P(Sdl2Wait, comes_back_when_the_time_is_up_and_never_before) {
    for (const Duration timeout :
         {Duration(-1s), Duration(0), Duration(1ns), Duration(300us), Duration(20ms)}) {
        const Stopwatch watch;
        EXPECT_FALSE(host.wait_event(nullptr, timeout));
        EXPECT_GE(watch.elapsed(), timeout);
        EXPECT_LT(watch.elapsed(), std::max(timeout, no_wait) + at_once);
        EXPECT_FALSE(host.stopped());
    }
}

TEST_P(Sdl2Wait, serves_the_loop_on_this_thread_meanwhile) {
    const SocketPair pair;
    std::vector<std::string> calls;
    const auto note = [&, me = std::this_thread::get_id()](const char* what) {
        EXPECT_EQ(std::this_thread::get_id(), me);
        calls.emplace_back(what);
    };
    loop->add_handler(
        pair.a,
        [&](Fd, Events) {
            pair.read_a();
            note("handler");
            loop->add_callback([] { push(1); });
        },
        Events::read);
    loop->add_callback([&] { note("callback"); });
    loop->call_later(3ms, [&] { note("timeout"); });
    std::thread peer = on_another_thread([&] { pair.send_to_a(); });
    EXPECT_EQ(wait_for_user_event(host), 1);
    peer.join();
    EXPECT_THAT(calls, testing::ElementsAre("callback", "timeout", "handler"));
}

TEST_P(Sdl2Wait, T7_timers_of_half_a_millisecond_are_never_early) {
    int fired = 0;
    int early = 0;
    TimePoint due;
    std::function<void()> again = [&] {
        if (loop->time() < due) ++early;
        if (++fired == 100) return push(1);
        due = loop->time() + 500us;
        loop->call_at(due, again);
    };
    loop->add_callback(again);
    EXPECT_EQ(wait_for_user_event(host, 20s), 1);
    EXPECT_EQ(fired, 100);
    EXPECT_EQ(early, 0);
}

// ---- frames -------------------------------------------------------------------------------------

TEST_P(Sdl2Wait, a_request_for_frames_ends_the_wait_from_a_callable_and_from_another_thread_at_once) {
    loop->call_later(5ms, [&] { host.request_frames(2); });
    Stopwatch watch;
    EXPECT_FALSE(host.wait_event(nullptr, 8s));
    EXPECT_LT(watch.elapsed(), at_once);
    EXPECT_TRUE(host.take_frame());
    EXPECT_TRUE(host.take_frame());
    EXPECT_FALSE(host.take_frame());

    TimePoint asked;
    std::thread asker = on_another_thread([&] {
        asked = steady_clock().now();
        host.request_frames();
    });
    EXPECT_FALSE(host.wait_event(nullptr, 8s));
    const TimePoint heard = steady_clock().now();
    asker.join();
    EXPECT_LT(heard - asked, at_once);
    EXPECT_TRUE(host.take_frame());
    EXPECT_FALSE(host.take_frame());
}

TEST_P(Sdl2Wait, events_come_before_the_frames_that_are_requested) {
    host.request_frames();
    push(1);
    SDL_Event event;
    EXPECT_TRUE(host.wait_event(&event, 5s));
    EXPECT_FALSE(host.wait_event(&event, 5s));
    EXPECT_FALSE(host.stopped());
    EXPECT_TRUE(host.take_frame());
}

} // namespace
