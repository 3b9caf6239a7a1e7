// SPDX-License-Identifier: MIT
// The debugger: pausing, stepping, and time that stands still.
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using testing::ElementsAre;

class Pause : public testing::Test {
protected:
    SimWorld world;
    IOLoop loop{world.options()};
    SocketPair pair;
    std::vector<int> order;

    Callback note(int number) {
        return [this, number] { order.push_back(number); };
    }
};

TEST_F(Pause, while_paused_nothing_is_called_or_waited_for) {
    loop.add_callback(note(1));
    loop.call_later(0s, note(2));
    loop.add_handler(
        pair.a, [&](Fd, Events) { note(3)(); }, Events::read);
    pair.send_to_a();
    loop.set_paused(true);
    EXPECT_TRUE(loop.paused());
    EXPECT_EQ(loop.run_once(forever).ended, Ended::paused);
    EXPECT_EQ(loop.run_ready().ended, Ended::paused);
    EXPECT_EQ(loop.run_until(world.now() + 1h).ended, Ended::paused);
    EXPECT_TRUE(order.empty());
    EXPECT_EQ(world.elapsed(), 0s);
}

TEST_F(Pause, nothing_is_lost_by_a_pause) {
    loop.add_callback(note(2));
    loop.call_later(0s, note(3));
    loop.add_handler(
        pair.a,
        [&](Fd, Events) {
            pair.read_a();
            note(1)();
        },
        Events::read);
    pair.send_to_a();
    loop.set_paused(true);
    loop.run_once();
    loop.set_paused(false);
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST_F(Pause, the_time_of_the_loop_stands_still) {
    loop.set_paused(true);
    const TimePoint then = loop.time();
    world.advance(1h);
    EXPECT_EQ(loop.time(), then);
    EXPECT_EQ(loop.now(), then);
}

TEST_F(Pause, every_pending_deadline_moves_by_the_length_of_the_pause) {
    loop.call_later(10s, note(2));
    loop.call_later(5s, note(1));
    world.advance(4s);
    loop.set_paused(true);
    world.advance(1h);
    loop.set_paused(false);
    EXPECT_EQ(loop.next_deadline(), SimWorld::start + 1h + 5s);
    EXPECT_EQ(loop.run_once().ended, Ended::idle) << "no storm";
    loop.run_once(forever);
    loop.run_once(forever);
    EXPECT_THAT(order, ElementsAre(1, 2));
    EXPECT_EQ(world.elapsed(), 1h + 10s);
}

TEST_F(Pause, never_stays_never) {
    loop.call_at(never, note(1));
    loop.set_paused(true);
    world.advance(1h);
    loop.set_paused(false);
    EXPECT_EQ(loop.next_deadline(), never);
}

TEST_F(Pause, while_paused_the_next_deadline_is_never) {
    loop.add_callback(note(1));
    loop.set_paused(true);
    EXPECT_EQ(loop.next_deadline(), never);
}

TEST_F(Pause, what_is_armed_during_the_pause_counts_from_the_time_that_stands_still) {
    loop.set_paused(true);
    world.advance(1h);
    loop.call_later(1s, note(1));
    world.advance(1h);
    loop.set_paused(false);
    EXPECT_EQ(loop.next_deadline(), SimWorld::start + 2h + 1s);
}

TEST_F(Pause, pausing_twice_is_pausing_once) {
    loop.call_later(1s, note(1));
    loop.set_paused(true);
    world.advance(1h);
    loop.set_paused(true);
    world.advance(1h);
    loop.set_paused(false);
    loop.set_paused(false);
    EXPECT_EQ(loop.next_deadline(), SimWorld::start + 2h + 1s);
}

TEST_F(Pause, a_callable_that_pauses_the_loop_is_the_last_one_called) {
    loop.add_callback([&] {
        note(1)();
        loop.set_paused(true);
    });
    loop.add_callback(note(2));
    loop.call_later(0s, note(3));
    const Turn turn = loop.run_once();
    EXPECT_EQ(turn.ended, Ended::paused);
    EXPECT_EQ(turn.left, 2U);
    EXPECT_THAT(order, ElementsAre(1));
    loop.set_paused(false);
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST_F(Pause, a_periodic_callback_does_not_storm_after_a_pause) {
    PeriodicCallback periodic(loop, 1s, note(1));
    periodic.start();
    loop.set_paused(true);
    world.advance(1h);
    loop.set_paused(false);
    loop.run_until(world.now() + 3500ms);
    EXPECT_THAT(order, ElementsAre(1, 1, 1));
}

// ---- stepping -----------------------------------------------------------------------------------

TEST_F(Pause, a_step_of_a_call_makes_one_call) {
    for (int i = 1; i <= 3; ++i) loop.add_callback(note(i));
    loop.call_later(0s, note(4));
    loop.set_paused(true);
    for (int i = 1; i <= 4; ++i) {
        EXPECT_EQ(loop.step(StepKind::call).calls(), 1U);
        EXPECT_EQ(order.size(), static_cast<std::size_t>(i));
    }
    EXPECT_EQ(loop.step(StepKind::call).ended, Ended::idle);
    EXPECT_THAT(order, ElementsAre(1, 2, 3, 4));
    EXPECT_TRUE(loop.paused());
}

TEST_F(Pause, a_step_of_a_turn_makes_one_turn_or_the_rest_of_one) {
    for (int i = 1; i <= 3; ++i) {
        loop.add_callback([&, i] {
            note(i)();
            loop.add_callback(note(i + 3));
        });
    }
    loop.set_paused(true);
    loop.step(StepKind::call);
    EXPECT_THAT(order, ElementsAre(1));
    loop.step(StepKind::turn);
    EXPECT_THAT(order, ElementsAre(1, 2, 3));
    EXPECT_EQ(loop.step(StepKind::turn).ended, Ended::ran);
    EXPECT_THAT(order, ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(Pause, a_step_does_not_wait_and_moves_no_time) {
    loop.call_later(1s, note(1));
    loop.set_paused(true);
    world.advance(1h);
    EXPECT_EQ(loop.step(StepKind::turn).ended, Ended::idle) << "for the loop no time has passed";
    EXPECT_TRUE(order.empty());
}

TEST_F(Pause, a_step_serves_handlers_too) {
    loop.add_handler(
        pair.a, [&](Fd, Events) { note(1)(); }, Events::read);
    pair.send_to_a();
    loop.set_paused(true);
    EXPECT_EQ(loop.step(StepKind::call).handlers, 1U);
}

TEST_F(Pause, a_run_call_inside_a_stepped_call_is_paused) {
    Ended nested = Ended::idle;
    loop.add_callback([&] { nested = loop.run_once().ended; });
    loop.add_callback(note(1));
    loop.set_paused(true);
    loop.step(StepKind::call);
    EXPECT_EQ(nested, Ended::paused);
    EXPECT_TRUE(order.empty());
}

// ---- start() ------------------------------------------------------------------------------------

TEST_F(Pause, a_start_that_finds_itself_paused_sleeps_until_another_thread_resumes_it) {
    loop.add_callback([&] {
        note(1)();
        loop.set_paused(true);
    });
    loop.add_callback([&] {
        note(2)();
        loop.stop();
    });
    std::thread other([&] {
        while (!loop.paused()) std::this_thread::yield();
        loop.set_paused(false);
    });
    loop.start();
    other.join();
    EXPECT_THAT(order, ElementsAre(1, 2));
}

TEST_F(Pause, a_stop_ends_a_paused_start) {
    loop.add_callback([&] { loop.set_paused(true); });
    loop.add_callback(note(1));
    std::thread other([&] {
        while (!loop.paused()) std::this_thread::yield();
        loop.stop();
    });
    loop.start();
    other.join();
    EXPECT_TRUE(order.empty());
    EXPECT_TRUE(loop.paused());
}

TEST_F(Pause, a_pause_that_another_thread_ends_moves_the_deadlines_too) {
    loop.call_later(1s, note(1));
    loop.set_paused(true);
    world.advance(1h);
    std::thread([&] { loop.set_paused(false); }).join();
    EXPECT_EQ(loop.run_once().ended, Ended::idle);
    EXPECT_EQ(loop.next_deadline(), SimWorld::start + 1h + 1s);
}

TEST_F(Pause, a_pause_that_the_thread_ends_that_made_the_loop_is_taken_in_by_the_one_that_runs_it) {
    loop.call_later(1s, note(1));
    std::thread([&] {
        loop.run_once();
        loop.set_paused(true);
    }).join();
    world.advance(1h);
    loop.set_paused(false);
    EXPECT_EQ(loop.statistics().held, 0s) << "the other one may be about to run it again";
    std::thread([&] { loop.run_once(); }).join();
    EXPECT_EQ(loop.statistics().held, 1h);
    EXPECT_THAT(order, ElementsAre());
}

TEST_F(Pause, whoever_attends_to_a_pause_is_called_by_each_run_call_with_no_time_to_wait) {
    std::vector<Duration> timeouts;
    loop.set_on_pause([&](Duration timeout) { timeouts.push_back(timeout); });
    loop.add_callback(note(1));
    loop.set_paused(true);
    EXPECT_EQ(loop.run_once(forever).ended, Ended::paused);
    EXPECT_EQ(loop.run_ready().ended, Ended::paused);
    EXPECT_EQ(loop.run_until(world.now() + 1h).ended, Ended::paused);
    EXPECT_THAT(timeouts, ElementsAre(0s, 0s, 0s));
    EXPECT_TRUE(order.empty());
}

TEST_F(Pause, a_turn_that_is_cut_by_a_pause_goes_on_if_that_is_ended_by_who_attends_to_it) {
    loop.set_on_pause([&](Duration) {
        EXPECT_FALSE(loop.in_call());
        note(2)();
        loop.set_paused(false);
    });
    loop.add_callback([&] {
        note(1)();
        loop.set_paused(true);
    });
    loop.add_callback(note(3));
    const Turn turn = loop.run_once();
    EXPECT_EQ(turn.ended, Ended::ran);
    EXPECT_EQ(turn.callbacks, 2U);
    EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST_F(Pause, whoever_attends_to_a_pause_may_step_and_is_not_entered_again_by_that) {
    loop.add_callback([&] {
        note(1)();
        EXPECT_EQ(loop.run_once().ended, Ended::paused) << "a modal dialog";
    });
    loop.add_callback(note(2));
    loop.set_paused(true);
    int entered = 0;
    loop.set_on_pause([&](Duration) {
        ++entered;
        EXPECT_EQ(loop.step(StepKind::call).calls(), 1U);
    });
    EXPECT_EQ(loop.run_once().ended, Ended::paused);
    EXPECT_EQ(entered, 1);
    EXPECT_THAT(order, ElementsAre(1));
}

TEST_F(Pause, start_lets_who_attends_to_a_pause_wait_and_stop_ends_it) {
    loop.set_paused(true);
    std::vector<Duration> timeouts;
    loop.set_on_pause([&](Duration timeout) {
        timeouts.push_back(timeout);
        if (timeouts.size() == 3) loop.stop();
    });
    loop.start();
    ASSERT_EQ(timeouts.size(), 3U);
    EXPECT_GT(timeouts[0], 0s);
    EXPECT_LE(timeouts[0], 100ms) << "a pause may be ended by another thread, which wakes nobody";
}

TEST(PauseEnd, whoever_attends_to_a_pause_may_destroy_the_loop) {
    SimWorld world;
    auto loop = std::make_unique<IOLoop>(world.options());
    loop->set_paused(true);
    loop->set_on_pause([&](Duration) { loop.reset(); });
    EXPECT_EQ(loop->run_once().ended, Ended::stopped);
    EXPECT_EQ(loop, nullptr);
}

} // namespace
