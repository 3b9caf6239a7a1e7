// SPDX-License-Identifier: MIT
/// wait_event() when the loop is stopped, paused or destroyed in it, or the program waits inside a callable, or changes the
/// mode: the same in all four modes.
#include "support/sdl_fixture.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>
#include <ioloop/sdl2.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

#include <SDL.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using sdl2::Mode;

namespace {

class Sdl2Interrupted : public WaitingHost {};

INSTANTIATE_TEST_SUITE_P(Modes, Sdl2Interrupted, all_modes, name_of_mode);

// ---- stopping, pausing, suspending --------------------------------------------------------------

TEST_P(Sdl2Interrupted, a_stop_by_a_timeout_while_it_sleeps_ends_the_wait_and_is_told_once) {
    for (int i = 0; i < 3; ++i) {
        loop->call_later(5ms, [&] { loop->stop(); });
        const Stopwatch watch;
        EXPECT_FALSE(host.wait_event(nullptr, 5s));
        EXPECT_LT(watch.elapsed(), at_once);
        EXPECT_TRUE(host.stopped());
        EXPECT_FALSE(host.wait_event(nullptr, 2ms));
        EXPECT_FALSE(host.stopped());
    }
}

TEST_P(Sdl2Interrupted, a_stop_by_another_thread_ends_the_wait) {
    std::thread stopper = on_another_thread([&] { loop->stop(); });
    EXPECT_FALSE(host.wait_event(nullptr, 5s));
    stopper.join();
    EXPECT_TRUE(host.stopped());
}

TEST_P(Sdl2Interrupted, a_stop_that_comes_together_with_an_event_is_told_after_it) {
    loop->add_callback([&] {
        push(1);
        push(2);
        loop->stop();
    });
    EXPECT_EQ(wait_for_user_event(host), 1);
    EXPECT_EQ(wait_for_user_event(host), 2);
    const Stopwatch watch;
    EXPECT_FALSE(host.wait_event(nullptr, 5s));
    EXPECT_LT(watch.elapsed(), at_once);
    EXPECT_TRUE(host.stopped());
}

TEST_P(Sdl2Interrupted, a_stop_by_a_filter_of_the_program_is_not_lost) {
    // Called by SDL on this thread, while the host looks for events.
    SDL_SetEventFilter(
        [](void* l, SDL_Event* event) {
            if (event->type != SDL_QUIT) return 1;
            static_cast<IOLoop*>(l)->stop();
            return 0;
        },
        loop.get());
    loop->call_later(5ms, [] { push(0, SDL_QUIT); });
    const Stopwatch watch;
    EXPECT_FALSE(host.wait_event(nullptr, 5s));
    EXPECT_LT(watch.elapsed(), at_once);
    EXPECT_TRUE(host.stopped());
}

TEST_P(Sdl2Interrupted, a_loop_that_is_paused_or_suspended_sleeps_and_goes_on_afterwards) {
    const SocketPair pair;
    loop->add_handler(
        pair.a, [&](Fd, Events) { pair.read_a(); }, Events::read);
    for (const bool pausing : {true, false}) {
        pausing ? loop->set_paused(true) : loop->suspend();
        int calls = 0;
        loop->call_later(1ms, [&] { ++calls; });
        if (pausing) loop->add_callback([&] { ++calls; });
        if (pausing) pair.send_to_a();
        const std::uint64_t sleeps = host.statistics().sleeps;
        EXPECT_FALSE(host.wait_event(nullptr, 100ms));
        EXPECT_LE(host.statistics().sleeps - sleeps, 20U) << "it turned and turned";
        EXPECT_EQ(calls, 0);
        EXPECT_FALSE(host.stopped());
        pausing ? loop->set_paused(false) : loop->resume();
        EXPECT_FALSE(host.wait_event(nullptr, 30ms));
        EXPECT_EQ(calls, pausing ? 2 : 1);
    }
}

TEST_P(Sdl2Interrupted, a_pause_that_another_thread_ends_is_over_at_once) {
    sdl2::Host::Options usual;
    usual.mode = GetParam();
    sdl2::Host patient(*loop, usual); // looks at the loop every now and then in Mode::slack, too
    loop->set_paused(true);
    TimePoint resumed;
    loop->add_callback([] { push(1); });
    std::thread other([&] {
        std::this_thread::sleep_for(20ms); // asleep by then, most likely; right in any case
        resumed = steady_clock().now();
        loop->set_paused(false);
    });
    EXPECT_EQ(wait_for_user_event(patient), 1);
    const TimePoint heard = steady_clock().now();
    other.join();
    EXPECT_LT(heard - resumed, at_once);
}

// ---- callables that do more than they should ----------------------------------------------------

TEST_P(Sdl2Interrupted, a_callable_that_waits_for_events_itself_is_a_modal_dialog) {
    int ticks = 0;
    int entered = 0;
    Sint32 answer = 0;
    PeriodicCallback heartbeat(*loop, 2ms, [&] {
        if (++ticks == 10) push(42);
    });
    heartbeat.start();
    loop->add_callback([&] {
        ++entered;
        answer = wait_for_user_event(host);
        push(1);
    });
    EXPECT_EQ(wait_for_user_event(host), 1);
    EXPECT_EQ(answer, 42);
    EXPECT_EQ(entered, 1);
    EXPECT_GE(ticks, 10);
}

TEST_P(Sdl2Interrupted, a_modal_dialog_hears_other_threads_at_once) {
    Sint32 answer = 0;
    std::thread other;
    TimePoint pushed;
    TimePoint heard;
    loop->add_callback([&] {
        other = on_another_thread([&] {
            pushed = steady_clock().now();
            push(42);
        });
        answer = wait_for_user_event(host);
        heard = steady_clock().now();
        push(1);
    });
    EXPECT_EQ(wait_for_user_event(host), 1);
    other.join();
    EXPECT_EQ(answer, 42);
    EXPECT_LT(heard - pushed, at_once);
}

TEST_P(Sdl2Interrupted, an_error_hook_that_throws_gets_through_and_leaves_the_host_usable) {
    loop->set_error_hook(
        [](std::exception_ptr error, const Origin&, CallKind) { std::rethrow_exception(error); });
    loop->add_callback([] { throw std::runtime_error("at once"); });
    EXPECT_THROW(host.wait_event(nullptr, 5s), std::runtime_error);
    loop->call_later(5ms, [] { throw std::runtime_error("while asleep"); });
    EXPECT_THROW(host.wait_event(nullptr, 5s), std::runtime_error);
    loop->call_later(5ms, [] { push(1); });
    EXPECT_EQ(wait_for_user_event(host), 1);
}

TEST_P(Sdl2Interrupted, the_loop_is_destroyed_by_a_callable_inside_the_wait) {
    loop->call_later(5ms, [&] { loop.reset(); });
    EXPECT_FALSE(host.wait_event(nullptr, 5s));
    EXPECT_TRUE(host.stopped());
    EXPECT_THROW(host.wait_event(nullptr, 5s), std::logic_error);
    window_is_dragged(3);
}

TEST_P(Sdl2Interrupted, the_loop_is_destroyed_inside_a_modal_dialog) {
    bool inner = true;
    loop->add_callback([&] {
        loop->call_later(5ms, [&] { loop.reset(); });
        inner = host.wait_event(nullptr, 5s);
    });
    EXPECT_FALSE(host.wait_event(nullptr, 5s));
    EXPECT_FALSE(inner);
    EXPECT_TRUE(host.stopped());
}

// ---- from mode to mode --------------------------------------------------------------------------

TEST_P(Sdl2Interrupted, goes_over_to_every_other_mode_between_waits_and_inside_a_callable) {
    int ticks = 0;
    PeriodicCallback heartbeat(*loop, 1ms, [&] { ++ticks; });
    heartbeat.start();
    for (const Mode next : {Mode::pump, Mode::slack, Mode::guest, Mode::merge}) {
        for (const bool inside : {false, true}) {
            host.set_mode(GetParam());
            EXPECT_FALSE(host.wait_event(nullptr, 5ms));
            if (inside) {
                loop->add_callback([&] { host.set_mode(next); });
            } else {
                std::thread([&] {
                    loop->add_callback([] {});
                }).join(); // something is posted, and stays behind
                host.set_mode(next);
            }
            EXPECT_FALSE(host.wait_event(nullptr, 5ms));
            EXPECT_EQ(host.mode(), next);
            const int before = ticks;
            const std::uint64_t sleeps = host.statistics().sleeps;
            EXPECT_FALSE(host.wait_event(nullptr, 20ms));
            EXPECT_GT(ticks, before);
            EXPECT_LE(host.statistics().sleeps - sleeps, 100U) << "it turned and turned";
            loop->call_later(1ms, [] { push(5); });
            EXPECT_EQ(wait_for_user_event(host), 5);
        }
    }
    EXPECT_THROW(host.set_mode(static_cast<Mode>(9)), std::invalid_argument);
}

} // namespace
