// SPDX-License-Identifier: MIT
/// The host, over SDL's dummy video driver: a real SDL, no screen.
#include "support/sdl_fixture.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"
#include "support/thrown.hpp"

#include <ioloop/sdl2.hpp>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <SDL.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::HasSubstr;

namespace {

using Sdl2Host = WithSdl;

} // namespace

TEST_F(Sdl2Host, pump_makes_one_turn_and_does_not_wait) {
    SimWorld world;
    IOLoop loop(world.options());
    sdl2::Host host(loop);
    int calls = 0;
    loop.call_later(1h, [&] { ++calls; });
    loop.add_callback([&] { loop.add_callback([&] { ++calls; }); });
    EXPECT_EQ(host.pump().callbacks, 1U);
    EXPECT_EQ(host.pump().callbacks, 1U);
    EXPECT_EQ(host.pump().ended, Ended::idle);
    EXPECT_EQ(world.elapsed(), 0s);
    EXPECT_EQ(calls, 1);
}

TEST_F(Sdl2Host, pump_keeps_to_its_budget) {
    SimWorld world;
    IOLoop loop(world.options());
    sdl2::Host host(loop);
    for (int i = 0; i < 100; ++i) loop.add_callback([&] { world.advance(100us); });
    const Turn turn = host.pump(Budget{1ms});
    EXPECT_EQ(turn.callbacks, 10U);
    EXPECT_EQ(turn.left, 90U);
    EXPECT_EQ(turn.ended, Ended::budget);
}

TEST_F(Sdl2Host, pump_until_sleeps_the_slack_and_serves_what_comes_due_in_it) {
    SimWorld world;
    IOLoop loop(world.options());
    sdl2::Host host(loop);
    std::vector<Duration> fired;
    for (const Duration at : {5ms, 10ms, 20ms})
        loop.call_later(at, [&] { fired.push_back(world.elapsed()); });
    host.pump_until(world.now() + 16ms);
    EXPECT_EQ(world.elapsed(), 16ms);
    EXPECT_EQ(fired, (std::vector<Duration>{5ms, 10ms}));
}

TEST_F(Sdl2Host, a_frame_that_is_late_still_serves_the_loop_a_little) {
    SimWorld world;
    IOLoop loop(world.options());
    sdl2::Host host(loop);
    for (int i = 0; i < 100; ++i) loop.add_callback([&] { world.advance(100us); });
    const Turn turn = host.pump_until(world.now() - 5ms);
    EXPECT_EQ(turn.callbacks, 5U); // Options::least is 500 us
    EXPECT_EQ(turn.ended, Ended::budget);
}

TEST_F(Sdl2Host, a_little_slack_is_slept_too_so_that_the_next_frame_is_not_early) {
    SimWorld world;
    IOLoop loop(world.options());
    sdl2::Host host(loop);
    int calls = 0;
    loop.add_callback([&] { ++calls; });
    loop.call_later(200us, [&] { ++calls; });
    const Turn turn = host.pump_until(world.now() + 300us); // less than Options::least
    EXPECT_EQ(world.elapsed(), 300us);
    EXPECT_EQ(turn.calls(), 2U);
    EXPECT_EQ(calls, 2);
}

TEST_F(Sdl2Host, a_stop_ends_the_frame_early_and_is_told) {
    SimWorld world;
    IOLoop loop(world.options());
    sdl2::Host host(loop);
    loop.call_later(5ms, [&] { loop.stop(); });
    EXPECT_EQ(host.pump_until(world.now() + 16ms).ended, Ended::stopped);
    EXPECT_EQ(world.elapsed(), 5ms);
    EXPECT_EQ(host.pump().ended, Ended::idle); // told once
}

TEST_F(Sdl2Host, a_paused_loop_does_not_speed_the_frames_up) {
    IOLoop loop;
    sdl2::Host host(loop);
    loop.set_paused(true);
    const TimePoint begin = steady_clock().now();
    EXPECT_EQ(host.pump_until(begin + 5ms).ended, Ended::paused);
    EXPECT_GE(steady_clock().now(), begin + 5ms);
}

TEST_F(Sdl2Host, errors_of_callables_go_to_the_log_of_sdl_with_their_place) {
    IOLoop loop;
    {
        sdl2::Host host(loop);
        loop.add_callback([] { throw std::runtime_error("no such ship"); }, "spawn");
        host.pump();
        EXPECT_THAT(logged, HasSubstr("no such ship"));
        EXPECT_THAT(logged, HasSubstr("'spawn'"));
        EXPECT_THAT(logged, HasSubstr("sdl2_host.cpp:"));
    }
    logged.clear();
    loop.add_callback([] { throw std::runtime_error("after the host"); });
    testing::internal::CaptureStderr();
    loop.run_once();
    EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("after the host"));
    EXPECT_EQ(logged, "");
}

TEST_F(Sdl2Host, a_hook_of_the_program_stays) {
    IOLoop loop;
    int errors = 0;
    loop.set_error_hook([&](std::exception_ptr, const Origin&, CallKind) { ++errors; });
    {
        sdl2::Host host(loop);
        loop.add_callback([] { throw 1; });
        host.pump();
        EXPECT_EQ(errors, 1);
        EXPECT_EQ(logged, "");
    }
    loop.add_callback([] { throw 2; });
    loop.run_once();
    EXPECT_EQ(errors, 2);
}

TEST_F(Sdl2Host, a_hook_that_the_program_sets_later_stays_when_the_host_goes) {
    IOLoop loop;
    int errors = 0;
    {
        const sdl2::Host host(loop);
        loop.set_error_hook([&](std::exception_ptr, const Origin&, CallKind) { ++errors; });
    }
    loop.add_callback([] { throw 1; });
    loop.run_once();
    EXPECT_EQ(errors, 1);
}

TEST_F(Sdl2Host, a_hook_that_passes_errors_on_to_the_hosts_stays_and_does_so_when_the_host_has_gone) {
    IOLoop loop;
    int errors = 0;
    {
        const sdl2::Host host(loop);
        loop.set_error_hook([&, next = loop.set_error_hook(nullptr)](
                                std::exception_ptr error, const Origin& origin, CallKind kind) mutable {
            ++errors;
            next(std::move(error), origin, kind);
        });
    }
    loop.add_callback([] { throw std::runtime_error("passed on"); });
    loop.run_once();
    EXPECT_EQ(errors, 1);
    EXPECT_THAT(logged, HasSubstr("passed on"));
}

TEST_F(Sdl2Host, a_hook_that_the_program_has_set_for_a_while_does_not_keep_the_hosts) {
    IOLoop loop;
    {
        const sdl2::Host host(loop);
        loop.set_error_hook(loop.set_error_hook([](std::exception_ptr, const Origin&, CallKind) {}));
        loop.add_callback([] { throw std::runtime_error("with the host"); });
        loop.run_once();
        EXPECT_THAT(logged, HasSubstr("with the host"));
    }
    EXPECT_EQ(loop.error_hook_id(), 0U);
}

TEST_F(Sdl2Host, is_not_made_for_a_loop_that_is_closed) {
    IOLoop loop;
    loop.close();
    EXPECT_THAT(thrown<std::logic_error>([&] { const sdl2::Host host(loop); }),
                HasSubstr("the loop is closed"));
}

TEST_F(Sdl2Host, belongs_to_the_thread_that_made_it) {
    IOLoop loop;
    sdl2::Host host(loop);
    std::thread([&] {
        EXPECT_THROW(host.pump(), std::logic_error);
        EXPECT_THROW(host.pump_until(loop.time()), std::logic_error);
    }).join();
}

TEST_F(Sdl2Host, the_loop_turns_while_a_window_is_dragged) {
    SimWorld world;
    IOLoop loop(world.options());
    sdl2::Host host(loop, stuck_at_once());
    SocketPair pair;
    std::string received;
    int ticks = 0;
    loop.add_handler(
        pair.a, [&](Fd, Events) { received += pair.read_a(); }, Events::read);
    PeriodicCallback heartbeat(loop, 100ms, [&] { ++ticks; });
    heartbeat.start();

    // Five seconds in the modal loop, in which the window system calls back every 10 ms.
    for (int i = 0; i < 500; ++i) {
        if (i == 250) pair.send_to_a("still here");
        world.advance(10ms);
        window_is_dragged(1);
    }
    EXPECT_EQ(ticks, 50);
    EXPECT_EQ(received, "still here");
    EXPECT_EQ(host.rescued_turns(), 500U);
}

TEST_F(Sdl2Host, every_change_of_a_window_turns_the_loop_and_other_events_do_not) {
    IOLoop loop;
    sdl2::Host host(loop, stuck_at_once());
    for (const Uint8 change : {SDL_WINDOWEVENT_EXPOSED, SDL_WINDOWEVENT_MOVED, SDL_WINDOWEVENT_RESIZED,
                               SDL_WINDOWEVENT_SIZE_CHANGED}) {
        window_is_dragged(1, change);
    }
    EXPECT_EQ(host.rescued_turns(), 4U);
    window_is_dragged(1, SDL_WINDOWEVENT_FOCUS_GAINED);
    SDL_Event key{};
    key.type = SDL_KEYDOWN;
    SDL_PushEvent(&key);
    EXPECT_EQ(host.rescued_turns(), 4U);
}

TEST_F(Sdl2Host, a_window_that_changes_in_peace_does_not_turn_the_loop) {
    IOLoop loop;
    sdl2::Host host(loop); // stuck after 50 ms without a pump
    int calls = 0;
    loop.add_callback([&] { ++calls; });
    host.pump();
    loop.add_callback([&] { ++calls; });
    window_is_dragged(3);
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(host.rescued_turns(), 0U);
}

TEST_F(Sdl2Host, a_turn_in_a_drag_keeps_to_its_budget) {
    SimWorld world;
    IOLoop loop(world.options());
    sdl2::Host host(loop, stuck_at_once());
    int calls = 0;
    for (int i = 0; i < 100; ++i) {
        loop.add_callback([&] {
            world.advance(1ms);
            ++calls;
        });
    }
    window_is_dragged(1);
    EXPECT_EQ(calls, 4); // Options::while_dragged is 4 ms
    window_is_dragged(1);
    EXPECT_EQ(calls, 8);
}

TEST_F(Sdl2Host, a_window_change_on_another_thread_does_not_run_the_loop_there) {
    IOLoop loop;
    sdl2::Host host(loop, stuck_at_once());
    std::atomic<int> calls{0};
    loop.add_callback([&] { ++calls; });
    std::thread([] { window_is_dragged(3); }).join();
    EXPECT_EQ(calls, 0);
    EXPECT_EQ(host.rescued_turns(), 0U);
}

TEST_F(Sdl2Host, a_callable_that_pumps_events_is_not_entered_again) {
    // A modal dialog out of a handler: it polls SDL's events itself, and a window changes.
    IOLoop loop;
    sdl2::Host host(loop, stuck_at_once());
    int depth = 0;
    int deepest = 0;
    loop.add_callback([&] {
        deepest = std::max(deepest, ++depth);
        window_is_dragged(3);
        --depth;
    });
    host.pump();
    EXPECT_EQ(deepest, 1);
    EXPECT_EQ(host.rescued_turns(), 3U); // the rest of the loop goes on
}

TEST_F(Sdl2Host, an_error_hook_that_throws_does_not_cross_sdl) {
    IOLoop loop;
    sdl2::Host::Options options = stuck_at_once();
    options.log_errors = false;
    sdl2::Host host(loop, options);
    loop.set_error_hook(
        [](std::exception_ptr error, const Origin&, CallKind) { std::rethrow_exception(error); });
    loop.add_callback([] { throw std::runtime_error("through C"); });
    window_is_dragged(1);
    EXPECT_THAT(logged, HasSubstr("through C"));
}

TEST_F(Sdl2Host, a_host_that_is_gone_is_called_no_more) {
    IOLoop loop;
    int calls = 0;
    { const sdl2::Host host(loop, stuck_at_once()); }
    loop.add_callback([&] { ++calls; });
    window_is_dragged(3);
    EXPECT_EQ(calls, 0);
}

TEST_F(Sdl2Host, two_loops_may_have_a_host_each) {
    IOLoop one;
    IOLoop two;
    sdl2::Host host_one(one, stuck_at_once());
    sdl2::Host host_two(two, stuck_at_once());
    window_is_dragged(1);
    EXPECT_EQ(host_one.rescued_turns(), 1U);
    EXPECT_EQ(host_two.rescued_turns(), 1U);
}

TEST(Sdl2HostWithoutSdl, says_what_is_missing) {
    ASSERT_EQ(SDL_WasInit(SDL_INIT_EVENTS), 0U);
    IOLoop loop;
    try {
        const sdl2::Host host(loop);
        FAIL();
    } catch (const std::logic_error& error) {
        EXPECT_THAT(error.what(), HasSubstr("SDL_Init"));
    }
}
