// SPDX-License-Identifier: MIT
/// Frames: what a pump may cost, whose budget that is, and what becomes of the time that is left.
#include "support/sdl_fixture.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>
#include <ioloop/sdl2.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <SDL.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::ElementsAre;

namespace {

class Sdl2Frames : public WithSdl {
protected:
    FramePacer pacer(double rate = 100, double share = 0.25) {
        FramePacer::Options options;
        options.rate = rate;
        options.share = share;
        options.clock = &world;
        return FramePacer(options);
    }

    SimWorld world;
    IOLoop loop{world.options()};
    sdl2::Host host{loop};
};

// ---- budgets ------------------------------------------------------------------------------------

TEST_F(Sdl2Frames, T1_a_backlog_of_two_thousand_callbacks_is_worked_off_in_equal_parts_and_in_its_order) {
    std::vector<int> ran;
    for (int i = 0; i < 2000; ++i) {
        loop.add_callback([&, i] {
            world.advance(50us);
            ran.push_back(i);
        });
    }
    for (std::uint32_t frame = 1; frame <= 50; ++frame) {
        const Duration before = world.elapsed();
        const Turn turn = host.pump(Budget{2ms});
        EXPECT_EQ(world.elapsed() - before, 2ms);
        EXPECT_EQ(turn.callbacks, 40U);
        EXPECT_EQ(turn.left, 2000 - 40 * frame);
        EXPECT_EQ(turn.ended, frame < 50 ? Ended::budget : Ended::ran);
        world.advance(14ms); // the rest of the frame
    }
    EXPECT_EQ(ran.size(), 2000U);
    EXPECT_TRUE(std::is_sorted(ran.begin(), ran.end()));
}

TEST_F(Sdl2Frames, T2_nothing_that_renews_itself_keeps_the_frame) {
    const SocketPair pair;
    int calls = 0;
    int timeouts = 0;
    int handlers = 0;
    std::function<void()> post = [&] {
        ++calls;
        world.advance(100us);
        loop.add_callback(post);
    };
    std::function<void()> arm = [&] {
        ++timeouts;
        world.advance(100us);
        loop.call_later(no_wait, arm);
    };
    post();
    arm();
    loop.add_handler(
        pair.a,
        [&](Fd, Events) {
            ++handlers;
            world.advance(100us); // and reads nothing: a flood
        },
        Events::read);
    pair.send_to_a();

    const Turn turn = host.pump();
    EXPECT_EQ(turn.callbacks, 1U);
    EXPECT_EQ(turn.timeouts, 1U);
    EXPECT_EQ(turn.handlers, 1U);

    for (int frame = 0; frame < 20; ++frame) {
        const TimePoint begin = world.now();
        host.pump(Budget{1ms});
        host.pump_until(begin + 10ms);
        EXPECT_LE(world.now(), begin + 10ms + 100us) << "one call too much is what it may take";
    }
    EXPECT_GT(calls, 100);
    EXPECT_NEAR(timeouts, calls, 2);
    EXPECT_NEAR(handlers, calls, 2);
    loop.remove_handler(pair.a);
}

TEST_F(Sdl2Frames, all_pumps_of_a_frame_share_its_budget) {
    FramePacer frame = pacer(); // 10 ms, of which 2.5 for the loop
    for (int i = 0; i < 100; ++i) loop.add_callback([&] { world.advance(500us); });
    frame.begin_frame();
    EXPECT_EQ(host.pump(frame).callbacks, 5U);
    EXPECT_EQ(host.pump(frame).callbacks, 1U) << "a starved loop still moves";
    EXPECT_EQ(host.pump(frame).callbacks, 1U);
    world.advance(frame.left());
    frame.begin_frame();
    EXPECT_EQ(host.pump(frame).callbacks, 5U);
}

TEST_F(Sdl2Frames, a_pump_of_the_frame_answers_what_is_asked_in_it) {
    FramePacer frame = pacer();
    int answers = 0;
    loop.add_callback([&] { loop.add_callback([&] { loop.add_callback([&] { ++answers; }); }); });
    frame.begin_frame();
    const Turn turn = host.pump(frame);
    EXPECT_EQ(turn.callbacks, 3U);
    EXPECT_EQ(turn.ended, Ended::ran);
    EXPECT_EQ(answers, 1);
    EXPECT_EQ(world.elapsed(), 0s) << "without waiting";
}

TEST_F(Sdl2Frames, the_slack_ends_where_the_frame_does_and_its_tail_is_awake) {
    FramePacer::Options options;
    options.rate = 100;
    options.spin = 2ms;
    options.clock = &world;
    FramePacer frame(options);
    world.on_wait = [&] { world.advance(100us); }; // or else the awake tail would never end
    frame.begin_frame();
    std::vector<Duration> fired;
    for (const Duration at : {3ms, 9ms, 11ms}) loop.call_later(at, [&] { fired.push_back(world.elapsed()); });
    const Turn turn = host.pump_until(frame);
    EXPECT_GE(world.elapsed(), 10ms);
    EXPECT_LE(world.elapsed(), 10ms + 200us);
    EXPECT_EQ(fired.size(), 2U) << "one asleep, one awake";
    EXPECT_EQ(turn.timeouts, 2U) << "the turn is that of the whole slack";
    EXPECT_EQ(turn.ended, Ended::ran);
    EXPECT_LE(world.sleeps, 3);
}

TEST_F(Sdl2Frames, a_stop_ends_the_tail_of_a_frame_too) {
    FramePacer::Options options;
    options.rate = 100;
    options.spin = 5ms;
    options.clock = &world;
    FramePacer frame(options);
    world.on_wait = [&] { world.advance(100us); };
    frame.begin_frame();
    loop.call_later(7ms, [&] { loop.stop(); });
    EXPECT_EQ(host.pump_until(frame).ended, Ended::stopped);
    EXPECT_TRUE(host.stopped());
    EXPECT_LT(world.elapsed(), 8ms);
}

TEST_F(Sdl2Frames, a_loop_that_is_destroyed_in_the_frame_ends_it) {
    auto mortal = std::make_unique<IOLoop>();
    sdl2::Host short_lived(*mortal);
    FramePacer::Options options;
    options.spin = 5ms;
    FramePacer frame(options);
    frame.begin_frame();
    mortal->call_later(1ms, [&] { mortal.reset(); });
    short_lived.call_when_idle([](Duration) {});
    EXPECT_EQ(short_lived.pump_until(frame).ended, Ended::stopped);
    EXPECT_THROW(short_lived.pump(frame), std::logic_error);
    EXPECT_THROW(short_lived.pump_until(frame), std::logic_error);
    EXPECT_THROW(short_lived.call_when_idle([](Duration) {}), std::logic_error);
    short_lived.request_frames(); // any thread may, at any time
    EXPECT_TRUE(short_lived.take_frame());
}

// ---- frames on request --------------------------------------------------------------------------

TEST_F(Sdl2Frames, requests_for_frames_are_not_added_up) {
    EXPECT_FALSE(host.take_frame());
    host.request_frames(3);
    host.request_frames(2);
    host.request_frames(0);
    int frames = 0;
    while (host.take_frame()) ++frames;
    EXPECT_EQ(frames, 3);
    EXPECT_THROW(host.request_frames(-1), std::invalid_argument);
}

// ---- what can wait ------------------------------------------------------------------------------

TEST_F(Sdl2Frames, idle_calls_run_in_the_slack_alone_and_in_their_order) {
    std::vector<int> ran;
    for (int i = 1; i <= 3; ++i) host.call_when_idle([&, i](Duration) { ran.push_back(i); });
    host.pump();
    host.pump_until(world.now());
    EXPECT_THAT(ran, ElementsAre());
    host.pump_until(world.now() + 16ms);
    EXPECT_THAT(ran, ElementsAre(1, 2, 3));
    EXPECT_EQ(host.statistics().idle_calls, 3U);
    host.pump_until(world.now() + 16ms);
    EXPECT_EQ(ran.size(), 3U);
}

TEST_F(Sdl2Frames, work_comes_before_idle_calls) {
    std::vector<std::string> ran;
    host.call_when_idle([&](Duration) { ran.emplace_back("idle"); });
    loop.add_callback([&] {
        ran.emplace_back("work");
        loop.add_callback([&] { ran.emplace_back("more work"); });
    });
    host.pump_until(world.now() + 16ms);
    EXPECT_THAT(ran, ElementsAre("work", "more work", "idle"));
}

TEST_F(Sdl2Frames, an_idle_call_is_told_how_long_nobody_else_wants_the_time) {
    Duration left{};
    const auto ask = [&] {
        left = {};
        host.call_when_idle([&](Duration l) { left = l; });
    };
    ask();
    host.pump_until(world.now() + 16ms);
    EXPECT_GT(left, 0ms);
    EXPECT_LE(left, 16ms) << "the frame ends";
    ask();
    loop.call_later(20ms, [] {});
    host.pump_until(world.now() + 1h);
    EXPECT_GT(left, 0ms);
    EXPECT_LE(left, 20ms) << "a timeout comes due";
    ask();
    host.pump_until(world.now() + 1h);
    EXPECT_GT(left, 20ms);
    EXPECT_LE(left, 50ms) << "a user would notice";
    ask();
    loop.suspend();
    world.advance(10s);
    EXPECT_FALSE(host.wait_event(nullptr, 30ms));
    EXPECT_GT(left, 0ms);
    EXPECT_LE(left, 30ms) << "the loop's time stands still, but not the world's";
}

TEST_F(Sdl2Frames, with_too_little_time_left_an_idle_call_waits_for_the_next_frame) {
    int calls = 0;
    host.call_when_idle([&](Duration) { ++calls; });
    host.pump_until(world.now() + 900us); // Options::least_idle is 1 ms
    loop.call_later(500us, [] {});
    EXPECT_EQ(calls, 0);
    host.pump_until(world.now() + 16ms);
    EXPECT_EQ(calls, 1) << "after the timeout";
}

TEST_F(Sdl2Frames, an_idle_call_that_asks_for_more_goes_on_until_the_frame_ends) {
    int calls = 0;
    std::function<void(Duration)> again = [&](Duration) {
        ++calls;
        world.advance(1ms);
        host.call_when_idle(again);
    };
    host.call_when_idle(again);
    const TimePoint begin = world.now();
    host.pump_until(begin + 16ms);
    EXPECT_EQ(calls, 16);
    EXPECT_EQ(world.now(), begin + 16ms);
    host.pump_until(begin + 32ms);
    EXPECT_EQ(calls, 32);
}

TEST_F(Sdl2Frames, an_idle_call_that_is_cancelled_is_not_called) {
    std::vector<int> ran;
    const auto call = [&](int i) { return host.call_when_idle([&, i](Duration) { ran.push_back(i); }); };
    const sdl2::IdleCall one = call(1);
    sdl2::IdleCall three;
    const sdl2::IdleCall two = host.call_when_idle([&](Duration) {
        ran.push_back(2);
        EXPECT_TRUE(host.cancel_idle(three));
    });
    three = call(3);
    const sdl2::IdleCall four = call(4);
    EXPECT_TRUE(host.cancel_idle(one));
    EXPECT_FALSE(host.cancel_idle(one));
    EXPECT_FALSE(host.cancel_idle(sdl2::IdleCall{}));
    host.pump_until(world.now() + 16ms);
    EXPECT_THAT(ran, ElementsAre(2, 4));
    EXPECT_FALSE(host.cancel_idle(two));
    EXPECT_FALSE(host.cancel_idle(four));
    EXPECT_THROW(host.call_when_idle(nullptr), std::invalid_argument);
}

TEST_F(Sdl2Frames, errors_of_idle_calls_go_where_all_errors_go_and_the_next_one_runs) {
    int calls = 0;
    host.call_when_idle([](Duration) { throw std::runtime_error("not today"); }, "autosave");
    host.call_when_idle([&](Duration) { ++calls; });
    host.pump_until(world.now() + 16ms);
    EXPECT_THAT(logged, testing::HasSubstr("not today"));
    EXPECT_THAT(logged, testing::HasSubstr("'autosave'"));
    EXPECT_EQ(calls, 1);
}

TEST_F(Sdl2Frames, an_idle_call_runs_in_the_context_in_which_it_was_asked_for) {
    int inside = 0;
    int entered = 0;
    std::string caught;
    struct Guard {
        explicit Guard(int& i) : count(i) { ++count; }
        Guard(const Guard&) = delete;
        Guard& operator=(const Guard&) = delete;
        ~Guard() { --count; }
        int& count;
    };
    {
        const StackContext guard([&] { return Guard(inside); });
        const ExceptionStackContext handler([&](std::exception_ptr) {
            caught = "by the context";
            return true;
        });
        host.call_when_idle([&](Duration) {
            entered = inside;
            throw 1;
        });
    }
    host.pump_until(world.now() + 16ms);
    EXPECT_EQ(entered, 1);
    EXPECT_EQ(inside, 0);
    EXPECT_EQ(caught, "by the context");
    EXPECT_EQ(logged, "");
}

TEST_F(Sdl2Frames, idle_calls_run_when_a_host_that_waits_would_else_sleep) {
    IOLoop awake;
    for (const sdl2::Mode mode :
         {sdl2::Mode::pump, sdl2::Mode::slack, sdl2::Mode::guest, sdl2::Mode::merge}) {
        sdl2::Host::Options options;
        options.mode = mode;
        sdl2::Host waiting(awake, options);
        Duration left{};
        int calls = 0;
        waiting.call_when_idle([&](Duration l) {
            left = l;
            ++calls;
        });
        push();
        EXPECT_TRUE(waiting.wait_event(nullptr, 30ms));
        EXPECT_EQ(calls, 0) << "there was an event";
        forget_events();
        EXPECT_FALSE(waiting.wait_event(nullptr, 30ms));
        EXPECT_EQ(calls, 1);
        EXPECT_GT(left, 0ms);
        EXPECT_LE(left, 30ms);
    }
}

TEST_F(Sdl2Frames, idle_calls_of_a_host_that_goes_are_forgotten) {
    auto owned = std::make_shared<int>(0);
    {
        sdl2::Host passing(loop);
        passing.call_when_idle([owned](Duration) { ++*owned; });
    }
    EXPECT_EQ(owned.use_count(), 1);
    loop.run_ready();
    EXPECT_EQ(*owned, 0);
}

} // namespace
