// SPDX-License-Identifier: MIT
// start() and stop(), and what stop() means to run_once(), run_ready() and run_until().
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"
#include "support/thrown.hpp"

#include <ioloop/ioloop.hpp>

#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class StartStop : public testing::Test {
protected:
    SimWorld world;
    IOLoop loop{world.options()};
    std::vector<std::string> order;

    Callback note(const char* what) {
        return [this, what] { order.emplace_back(what); };
    }
    Callback stop() {
        return [this] { loop.stop(); };
    }
};

// ---- start --------------------------------------------------------------------------------------

TEST_F(StartStop, R1_start_runs_until_stop) {
    int ticks = 0;
    PeriodicCallback periodic(loop, 1s, [&] {
        if (++ticks == 5) loop.stop();
    });
    periodic.start();
    loop.start();
    EXPECT_EQ(ticks, 5);
    EXPECT_EQ(world.elapsed(), 5s);
}

TEST_F(StartStop, R1_start_inside_start_is_an_error_and_the_loop_goes_on) {
    std::string error;
    loop.add_callback([&] { error = thrown<std::logic_error>([&] { loop.start(); }); });
    loop.add_callback(note("after"));
    loop.add_callback(stop());
    loop.start();
    EXPECT_THAT(error, HasSubstr("start: the loop is running"));
    EXPECT_THAT(order, ElementsAre("after"));
}

TEST_F(StartStop, R1_an_error_of_the_poller_leaves_start_and_the_loop_can_be_started_again) {
    // The simulated poller refuses to sleep for ever.
    EXPECT_THROW(loop.start(), std::runtime_error);
    EXPECT_FALSE(loop.running());
    loop.add_callback(note("callback"));
    loop.add_callback(stop());
    loop.start();
    EXPECT_THAT(order, ElementsAre("callback"));
}

TEST_F(StartStop, R2_after_an_early_stop_start_returns_at_once_and_runs_nothing) {
    loop.add_callback(note("callback"));
    loop.call_later(0s, note("timeout"));
    loop.stop();
    loop.start();
    EXPECT_TRUE(order.empty());
    loop.add_callback(stop());
    loop.start();
    EXPECT_THAT(order, ElementsAre("callback", "timeout"));
}

TEST_F(StartStop, R2_two_early_stops_count_as_one) {
    loop.stop();
    loop.stop();
    loop.start();
    loop.add_callback(note("callback"));
    loop.add_callback(stop());
    loop.start();
    EXPECT_THAT(order, ElementsAre("callback"));
}

TEST_F(StartStop, R3_after_a_stop_in_a_callback_the_batch_and_the_due_timeouts_still_run) {
    loop.add_callback([&] {
        loop.stop();
        loop.add_callback(note("late post"));
    });
    loop.add_callback(note("rest of the batch"));
    loop.call_later(0s, note("due timeout"));
    loop.start();
    EXPECT_THAT(order, ElementsAre("rest of the batch", "due timeout"));
    EXPECT_EQ(world.sleeps, 0) << "stopped before the wait";
}

TEST_F(StartStop, R3_what_was_posted_after_the_stop_waits_for_the_next_start) {
    loop.add_callback([&] {
        loop.stop();
        loop.add_callback(note("late post"));
        loop.add_callback(stop());
    });
    loop.start();
    EXPECT_TRUE(order.empty());
    loop.start();
    EXPECT_THAT(order, ElementsAre("late post"));
}

TEST_F(StartStop, R3_a_stop_in_a_timeout_lets_the_other_due_timeouts_run) {
    loop.call_later(1s, stop());
    loop.call_later(1s, note("due with it"));
    loop.call_later(2s, note("later"));
    loop.start();
    EXPECT_THAT(order, ElementsAre("due with it"));
}

TEST_F(StartStop, R4_after_a_stop_in_a_handler_the_handlers_callbacks_and_timeouts_of_the_turn_still_run) {
    const SocketPair a;
    const SocketPair b;
    const auto handler = [&](Fd fd, Events) {
        loop.remove_handler(fd);
        order.emplace_back("handler");
        loop.stop();
        loop.add_callback(note("posted by a handler"));
        loop.call_later(0s, note("armed by a handler"));
    };
    loop.add_handler(a.a, handler, Events::read);
    loop.add_handler(b.a, handler, Events::read);
    a.send_to_a();
    b.send_to_a();
    loop.start();
    EXPECT_THAT(order, ElementsAre("handler", "handler", "posted by a handler", "posted by a handler",
                                   "armed by a handler", "armed by a handler"));
}

TEST_F(StartStop, R5_a_stop_ends_the_wait) {
    world.on_wait = [&] { loop.stop(); }; // as another thread would
    loop.call_later(1h, note("timeout"));
    loop.start();
    EXPECT_EQ(world.elapsed(), 0s);
    EXPECT_TRUE(order.empty());
}

TEST_F(StartStop, R6_start_and_stop_can_follow_each_other_many_times) {
    for (int i = 0; i < 3; ++i) {
        loop.call_later(1s, stop());
        loop.start();
        EXPECT_FALSE(loop.running());
    }
    EXPECT_EQ(world.elapsed(), 3s);
}

TEST_F(StartStop, R6_an_exception_that_leaves_start_leaves_a_loop_that_can_be_started_and_nothing_is_lost) {
    loop.set_error_hook(
        [](std::exception_ptr error, const Origin&, CallKind) { std::rethrow_exception(error); });
    loop.add_callback([&] {
        loop.stop();
        throw std::runtime_error("escapes");
    });
    loop.add_callback(note("rest of the batch"));
    loop.call_later(0s, note("due timeout"));
    EXPECT_THROW(loop.start(), std::runtime_error);
    EXPECT_FALSE(loop.running());
    EXPECT_EQ(IOLoop::current(false), nullptr);
    EXPECT_TRUE(order.empty());

    loop.call_later(1s, stop());
    loop.start();
    EXPECT_THAT(order, ElementsAre("rest of the batch", "due timeout"));
    EXPECT_EQ(world.elapsed(), 1s) << "the stop went with the start that it was meant for";
}

TEST_F(StartStop, R7_start_inside_run_once_after_stop_returns_at_once) {
    loop.add_callback([&] {
        loop.stop();
        loop.start();
        order.emplace_back("start returned");
    });
    EXPECT_EQ(loop.run_once().ended, Ended::ran) << "the inner start has consumed the stop";
    EXPECT_THAT(order, ElementsAre("start returned"));
}

TEST_F(StartStop, R7_start_inside_start_is_an_error_after_stop_too_and_the_outer_one_ends) { // [P8b]
    loop.add_callback([&] {
        loop.stop();
        EXPECT_THROW(loop.start(), std::logic_error);
        order.emplace_back("after");
    });
    loop.start();
    EXPECT_THAT(order, ElementsAre("after"));
}

TEST_F(StartStop, R8_running_is_true_inside_start_only) {
    bool inside_start = false;
    bool inside_run_once = true;
    loop.add_callback([&] { inside_run_once = loop.running(); });
    loop.run_once();
    EXPECT_FALSE(loop.running());
    loop.add_callback([&] {
        inside_start = loop.running();
        loop.stop();
    });
    loop.start();
    EXPECT_TRUE(inside_start);
    EXPECT_FALSE(inside_run_once);
    EXPECT_FALSE(loop.running());
}

TEST_F(StartStop, the_first_round_of_start_has_no_wait_callbacks_come_before_timeouts_before_descriptors) {
    const SocketPair pair;
    pair.send_to_a();
    loop.add_handler(
        pair.a,
        [&](Fd, Events) {
            pair.read_a();
            order.emplace_back("handler");
            loop.stop();
        },
        Events::read);
    loop.call_later(0s, note("timeout"));
    loop.add_callback(note("callback"));
    loop.start();
    EXPECT_THAT(order, ElementsAre("callback", "timeout", "handler"));
}

// ---- run_once -----------------------------------------------------------------------------------

TEST_F(StartStop, run_once_finishes_its_turn_and_reports_the_stop_once) {
    loop.add_callback(stop());
    loop.add_callback(note("rest"));
    const Turn turn = loop.run_once();
    EXPECT_EQ(turn.ended, Ended::stopped);
    EXPECT_EQ(turn.callbacks, 2U);
    EXPECT_EQ(loop.run_once().ended, Ended::idle);
}

TEST_F(StartStop, run_once_reports_a_stop_that_comes_while_it_looks_whether_there_is_anything_to_do) {
    world.on_wait = [&] { loop.stop(); }; // as another thread would
    EXPECT_EQ(loop.run_once().ended, Ended::stopped);
    world.on_wait = nullptr;
    EXPECT_EQ(loop.run_once().ended, Ended::idle);
    EXPECT_EQ(loop.statistics().turns, 2U);
}

TEST_F(StartStop, run_once_after_an_early_stop_does_not_sleep_and_reports_it) {
    loop.call_later(1h, note("timeout"));
    loop.stop();
    EXPECT_EQ(loop.run_once(forever).ended, Ended::stopped);
    EXPECT_EQ(world.elapsed(), 0s);
}

TEST_F(StartStop, a_nested_run_once_reports_the_stop_and_leaves_it_to_start) {
    Ended inner = Ended::idle;
    loop.add_callback([&] {
        loop.stop();
        inner = loop.run_once().ended;
    });
    loop.start(); // would never return if the inner call had consumed the stop
    EXPECT_EQ(inner, Ended::stopped);
}

// ---- run_ready ----------------------------------------------------------------------------------

TEST_F(StartStop, run_ready_makes_turns_until_nothing_is_ready_and_does_not_wait) {
    loop.add_callback([&] { loop.add_callback([&] { loop.add_callback(note("third turn")); }); });
    loop.call_later(1s, note("timeout"));
    const Turn turn = loop.run_ready();
    EXPECT_EQ(turn.callbacks, 3U);
    EXPECT_EQ(turn.ended, Ended::ran);
    EXPECT_THAT(order, ElementsAre("third turn"));
    EXPECT_EQ(world.elapsed(), 0s);
    EXPECT_EQ(loop.run_ready().ended, Ended::idle);
}

TEST_F(StartStop, run_ready_stops_after_the_turn) {
    loop.add_callback([&] {
        loop.stop();
        loop.add_callback(note("next turn"));
    });
    EXPECT_EQ(loop.run_ready().ended, Ended::stopped);
    EXPECT_TRUE(order.empty());
    loop.run_ready();
    EXPECT_THAT(order, ElementsAre("next turn"));
}

// ---- run_until ----------------------------------------------------------------------------------

TEST_F(StartStop, run_until_serves_and_sleeps_until_its_deadline) {
    PeriodicCallback periodic(loop, 3s, note("tick"));
    periodic.start();
    const Turn turn = loop.run_until(world.now() + 10s);
    EXPECT_EQ(turn.timeouts, 3U);
    EXPECT_EQ(turn.waited, 10s);
    EXPECT_EQ(world.elapsed(), 10s);
    EXPECT_EQ(turn.ended, Ended::ran);
}

TEST_F(StartStop, run_until_a_deadline_that_has_passed_makes_one_turn_without_waiting) {
    loop.add_callback(note("callback"));
    loop.run_until(world.now() - 1s);
    EXPECT_THAT(order, ElementsAre("callback"));
    EXPECT_EQ(world.elapsed(), 0s);
}

TEST_F(StartStop, run_until_begins_no_call_after_its_deadline) {
    loop.add_callback([&] { world.advance(20ms); });
    loop.add_callback(note("next frame"));
    const Turn turn = loop.run_until(world.now() + 16ms);
    EXPECT_EQ(turn.ended, Ended::budget);
    EXPECT_EQ(turn.left, 1U);
    EXPECT_TRUE(order.empty());
    loop.run_once();
    EXPECT_THAT(order, ElementsAre("next frame"));
}

TEST_F(StartStop, run_until_returns_at_a_stop) {
    loop.call_later(1s, stop());
    EXPECT_EQ(loop.run_until(world.now() + 1h).ended, Ended::stopped);
    EXPECT_EQ(world.elapsed(), 1s);
}

TEST_F(StartStop, a_stop_with_calls_left_says_how_many) {
    loop.add_callback(stop());
    loop.add_callback(note("rest"));
    const Turn turn = loop.run_once(no_wait, Budget{forever, 1});
    EXPECT_EQ(turn.ended, Ended::stopped);
    EXPECT_EQ(turn.left, 1U);
}

} // namespace
