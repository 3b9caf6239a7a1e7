// SPDX-License-Identifier: MIT
/// Programs that are sent to the background, that are stopped in a debugger, and that end.
#include "support/sdl_fixture.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>
#include <ioloop/sdl2.hpp>

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
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

class Sdl2Life : public WithSdl {
protected:
    Sdl2Life() {
        host.on_background([this] { told.emplace_back("background"); });
        host.on_foreground([this] { told.emplace_back("foreground"); });
        host.on_low_memory([this] { told.emplace_back("low memory"); });
    }
    /// As a mobile system does.
    static void tell(Uint32 app_event) { push(0, app_event); }
    static void tell_on_another_thread(Uint32 app_event) { std::thread(tell, app_event).join(); }

    SimWorld world;
    IOLoop loop{world.options()};
    sdl2::Host host{loop};
    std::vector<std::string> told;
};

// ---- the background -----------------------------------------------------------------------------

TEST_F(Sdl2Life, before_the_background_it_says_good_bye_and_then_the_loops_time_stands_still) {
    const SocketPair pair;
    host.on_background([&] { loop.add_callback([&] { os::send(pair.a, "bye"); }); });
    int ticks = 0;
    PeriodicCallback heartbeat(loop, 1s, [&] { ++ticks; });
    heartbeat.start();
    world.advance(500ms);
    tell(SDL_APP_WILLENTERBACKGROUND);
    EXPECT_EQ(SocketPair::read_all(pair.b), "bye") << "at once: the program may not run again";
    EXPECT_TRUE(loop.suspended());
    world.advance(1h);
    host.pump();
    EXPECT_EQ(ticks, 0);
    tell(SDL_APP_DIDENTERFOREGROUND);
    EXPECT_FALSE(loop.suspended());
    host.pump();
    EXPECT_EQ(ticks, 0);
    host.pump_until(world.now() + 500ms);
    EXPECT_EQ(ticks, 1) << "the tick has as long to go as it had";
    EXPECT_THAT(told, ElementsAre("foreground"));
    EXPECT_EQ(host.rescued_turns(), 1U);
}

TEST_F(Sdl2Life, what_another_thread_says_of_background_and_memory_is_heard_at_the_next_visit_on_this_one) {
    tell_on_another_thread(SDL_APP_LOWMEMORY);
    tell_on_another_thread(SDL_APP_WILLENTERBACKGROUND);
    EXPECT_THAT(told, ElementsAre());
    host.pump();
    EXPECT_THAT(told, ElementsAre("low memory", "background"));
    EXPECT_TRUE(loop.suspended());
    told.clear();
    tell_on_another_thread(SDL_APP_DIDENTERFOREGROUND);
    EXPECT_TRUE(host.wait_event(nullptr, 1s)) << "they are events, too";
    EXPECT_THAT(told, ElementsAre("foreground"));
    EXPECT_FALSE(loop.suspended());
}

TEST_F(Sdl2Life, a_program_that_wants_to_go_on_in_the_background_does) {
    sdl2::Host::Options options;
    options.suspend_in_background = false;
    sdl2::Host tireless(loop, options);
    tell(SDL_APP_WILLENTERBACKGROUND); // the other host suspends
    loop.resume();
    host.on_background(nullptr);
    tell(SDL_APP_DIDENTERFOREGROUND);
    EXPECT_FALSE(loop.suspended());
    EXPECT_THAT(told, ElementsAre("background", "foreground"));
}

TEST_F(Sdl2Life, a_loop_that_the_program_has_suspended_is_not_resumed_by_the_host) {
    loop.suspend();
    tell(SDL_APP_WILLENTERBACKGROUND);
    tell(SDL_APP_DIDENTERFOREGROUND);
    EXPECT_TRUE(loop.suspended());
    EXPECT_THAT(told, ElementsAre("background", "foreground"));
}

TEST_F(Sdl2Life, a_hook_may_replace_itself_and_throw) {
    host.on_low_memory([this, big = std::string(100, 'x')] {
        host.on_low_memory(nullptr);
        throw std::runtime_error("no memory for " + big);
    });
    tell(SDL_APP_LOWMEMORY);
    EXPECT_THAT(logged, HasSubstr("no memory for xxx"));
    EXPECT_THAT(logged, HasSubstr("on_low_memory"));
    tell(SDL_APP_LOWMEMORY);
    std::thread([&] { EXPECT_THROW(host.on_low_memory(nullptr), std::logic_error); }).join();
}

TEST_F(Sdl2Life, a_hook_may_close_the_loop_or_destroy_it) {
    auto mortal = std::make_unique<IOLoop>();
    sdl2::Host short_lived(*mortal);
    short_lived.on_background([&] { mortal->close(); });
    tell(SDL_APP_WILLENTERBACKGROUND);
    tell(SDL_APP_DIDENTERFOREGROUND);
    EXPECT_THROW(short_lived.pump(), std::logic_error);

    auto second = std::make_unique<IOLoop>();
    sdl2::Host host_of_second(*second);
    host_of_second.on_background([&] { second.reset(); });
    tell_on_another_thread(SDL_APP_WILLENTERBACKGROUND);
    EXPECT_THROW(host_of_second.pump(), std::logic_error);

    auto third = std::make_unique<IOLoop>();
    sdl2::Host host_of_third(*third);
    host_of_third.on_background([&] { third->add_callback([&] { third.reset(); }); });
    tell(SDL_APP_WILLENTERBACKGROUND);
    EXPECT_THROW(host_of_third.wait_event(nullptr, 1s), std::logic_error);
    EXPECT_EQ(logged, "");
}

TEST_F(Sdl2Life, a_callable_may_destroy_the_loop_while_an_idle_call_waits) {
    auto mortal = std::make_unique<IOLoop>();
    sdl2::Host survivor(*mortal);
    survivor.call_when_idle([](Duration) { ADD_FAILURE(); });
    mortal->add_callback([&] { mortal.reset(); });
    EXPECT_EQ(survivor.pump_until(steady_clock().now() + 1h).callbacks, 1U);
    EXPECT_EQ(mortal, nullptr);
}

TEST_F(Sdl2Life, a_stop_on_the_way_into_the_background_is_told_afterwards) {
    host.on_background([&] { loop.add_callback([&] { loop.stop(); }); });
    tell(SDL_APP_WILLENTERBACKGROUND);
    EXPECT_EQ(host.pump().ended, Ended::stopped);
    EXPECT_TRUE(host.stopped());
}

// ---- suspended ----------------------------------------------------------------------------------

TEST_F(Sdl2Life, T7_after_ten_seconds_of_suspension_no_policy_for_missed_ticks_has_any) {
    for (const MissedTicks missed : {MissedTicks::skip, MissedTicks::burst, MissedTicks::delay}) {
        int ticks = 0;
        PeriodicCallback::Options options;
        options.missed = missed;
        PeriodicCallback heartbeat(
            loop, 100ms, [&] { ++ticks; }, std::move(options));
        heartbeat.start();
        host.pump_until(world.now() + 250ms);
        EXPECT_EQ(ticks, 2);
        tell(SDL_APP_WILLENTERBACKGROUND);
        world.advance(10s);
        tell(SDL_APP_DIDENTERFOREGROUND);
        host.pump();
        host.pump();
        EXPECT_EQ(ticks, 2) << "nothing storms";
        host.pump_until(world.now() + 50ms);
        EXPECT_EQ(ticks, 3) << "and nothing is late";
    }
}

TEST_F(Sdl2Life, T7_ten_seconds_that_nobody_forgives_are_for_the_policies) {
    const auto ticks_after_gap = [&](MissedTicks missed) {
        int ticks = 0;
        PeriodicCallback::Options options;
        options.missed = missed;
        PeriodicCallback heartbeat(
            loop, 100ms, [&] { ++ticks; }, std::move(options));
        heartbeat.start();
        world.advance(10s + 50ms);
        for (int i = 0; i < 200; ++i) host.pump();
        const int made_up = ticks;
        host.pump_until(world.now() + 50ms);
        return std::pair(made_up, ticks - made_up);
    };
    EXPECT_EQ(ticks_after_gap(MissedTicks::skip), std::pair(1, 1));
    EXPECT_EQ(ticks_after_gap(MissedTicks::burst), std::pair(100, 1));
    EXPECT_EQ(ticks_after_gap(MissedTicks::delay), std::pair(1, 0));
}

// ---- gaps ---------------------------------------------------------------------------------------

class Sdl2Gaps : public WithSdl {
protected:
    static sdl2::Host::Options forgiving() {
        sdl2::Host::Options options;
        options.forgive_gaps_over = 50ms;
        return options;
    }
    /// In real time, which is all that a debugger stops.
    static void breakpoint(Uint32 milliseconds = 150) { SDL_Delay(milliseconds); }

    IOLoop loop;
};

TEST_F(Sdl2Gaps, T7_a_breakpoint_that_is_forgiven_is_not_counted) {
    sdl2::Host host(loop, forgiving());
    bool fired = false;
    host.pump();
    const TimePoint begin = loop.time();
    loop.call_later(100ms, [&] { fired = true; });
    breakpoint();
    host.pump();
    EXPECT_FALSE(fired);
    EXPECT_EQ(host.statistics().gaps, 1U);
    while (!fired) host.pump_until(loop.time() + 5ms);
    EXPECT_GE(loop.time() - begin, 250ms) << "as long to go as it had";
    EXPECT_EQ(host.statistics().gaps, 1U);
}

TEST_F(Sdl2Gaps, a_breakpoint_that_is_not_forgiven_counts) {
    sdl2::Host host(loop);
    bool fired = false;
    host.pump();
    loop.call_later(100ms, [&] { fired = true; });
    breakpoint();
    host.pump();
    EXPECT_TRUE(fired);
    EXPECT_EQ(host.statistics().gaps, 0U);
}

TEST_F(Sdl2Gaps, waiting_for_events_is_no_gap_nor_are_frames) {
    sdl2::Host host(loop, forgiving());
    for (const sdl2::Mode mode :
         {sdl2::Mode::pump, sdl2::Mode::slack, sdl2::Mode::guest, sdl2::Mode::merge}) {
        host.set_mode(mode);
        bool fired = false;
        const TimePoint begin = loop.time();
        loop.call_later(60ms, [&] { fired = true; });
        EXPECT_FALSE(host.wait_event(nullptr, 80ms));
        EXPECT_TRUE(fired);
        EXPECT_LT(loop.time() - begin, 60ms + at_once);
    }
    host.pump_until(loop.time() + 60ms);
    host.pump();
    EXPECT_EQ(host.statistics().gaps, 0U);
}

TEST_F(Sdl2Gaps, the_time_before_a_modal_dialog_is_forgiven_once_and_inside_it_there_is_no_gap) {
    sdl2::Host host(loop, forgiving());
    host.pump();
    loop.add_callback([&] {
        EXPECT_FALSE(host.wait_event(nullptr, 60ms));
        breakpoint(60); // a slow callable: the program has not left the host
        host.pump();
    });
    breakpoint();
    host.pump();
    EXPECT_EQ(host.statistics().gaps, 1U);
}

TEST_F(Sdl2Gaps, a_pause_or_a_suspension_forgives_by_itself) {
    sdl2::Host host(loop, forgiving());
    bool fired = false;
    host.pump();
    loop.call_later(40ms, [&] { fired = true; });
    loop.suspend();
    breakpoint();
    host.pump();
    EXPECT_EQ(host.statistics().gaps, 0U);
    loop.resume();
    const TimePoint begin = loop.time();
    while (!fired) host.pump_until(loop.time() + 5ms);
    EXPECT_LT(loop.time() - begin, 40ms + at_once);
    EXPECT_EQ(host.statistics().gaps, 0U);
}

TEST_F(Sdl2Gaps, the_background_is_no_gap_either) {
    sdl2::Host host(loop, forgiving());
    host.pump();
    push(0, SDL_APP_WILLENTERBACKGROUND);
    breakpoint();
    push(0, SDL_APP_DIDENTERFOREGROUND);
    host.pump();
    EXPECT_EQ(host.statistics().gaps, 0U);
}

} // namespace
