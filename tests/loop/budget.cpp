// SPDX-License-Identifier: MIT
// Budgets, and fairness: once a turn each, however small the budget.
#include "support/poller_traits.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using testing::Each;
using testing::ElementsAre;

class Budgets : public testing::Test {
protected:
    SimWorld world;
    IOLoop loop{world.options()};
    std::vector<int> order;

    Callback note(int number, Duration taking = 0s) {
        return [this, number, taking] {
            order.push_back(number);
            world.advance(taking);
        };
    }
};

// ---- budgets ------------------------------------------------------------------------------------

TEST_F(Budgets, two_milliseconds_are_exactly_40_calls_of_50_microseconds) {
    for (int i = 0; i < 2000; ++i) loop.add_callback(note(i, 50us));
    const Turn turn = loop.run_once(no_wait, Budget{2ms});
    EXPECT_EQ(turn.callbacks, 40U);
    EXPECT_EQ(turn.left, 1960U);
    EXPECT_EQ(turn.ended, Ended::budget);
    EXPECT_EQ(turn.busy, 2ms);
}

TEST_F(Budgets, run_ready_counts_the_polls_between_its_turns_too) {
    // Callbacks that post themselves and take no time: each costs a turn, and each turn a poll.
    std::function<void()> again = [&] { loop.add_callback(again); };
    again();
    world.on_wait = [&] { world.advance(100us); };
    const Turn turn = loop.run_ready(Budget{2ms});
    EXPECT_EQ(turn.ended, Ended::budget);
    EXPECT_EQ(world.elapsed(), 2ms);
    EXPECT_EQ(turn.busy, 2ms);
}

TEST_F(Budgets, what_is_left_keeps_its_order_and_is_finished_by_later_calls) {
    for (int i = 0; i < 2000; ++i) loop.add_callback(note(i, 50us));
    int calls = 1;
    while (loop.run_once(no_wait, Budget{2ms}).ended == Ended::budget) ++calls;
    EXPECT_EQ(calls, 50);
    std::vector<int> expected(2000);
    std::iota(expected.begin(), expected.end(), 0);
    EXPECT_EQ(order, expected);
    EXPECT_EQ(loop.statistics().turns, 1U) << "all that was one turn";
}

TEST_F(Budgets, a_call_that_takes_too_long_overruns_by_itself_alone) {
    loop.add_callback(note(1, 10ms));
    loop.add_callback(note(2));
    const Turn turn = loop.run_once(no_wait, Budget{2ms});
    EXPECT_THAT(order, ElementsAre(1));
    EXPECT_EQ(turn.busy, 10ms);
    EXPECT_EQ(turn.left, 1U);
}

TEST_F(Budgets, without_any_budget_one_call_is_made) {
    for (const Budget budget :
         {Budget{0s}, Budget{-1s}, Budget{Duration::min()}, Budget{forever, 0}, Budget{0s, 0}}) {
        order.clear();
        loop.add_callback(note(1, 1ms));
        loop.add_callback(note(2, 1ms));
        EXPECT_EQ(loop.run_once(no_wait, budget).calls(), 1U);
        EXPECT_EQ(loop.run_once(no_wait, budget).calls(), 1U);
        EXPECT_THAT(order, ElementsAre(1, 2));
    }
}

TEST_F(Budgets, a_budget_of_calls_counts_handlers_callbacks_and_timeouts_alike) {
    const SocketPair pair;
    pair.send_to_a();
    loop.add_handler(
        pair.a, [&](Fd, Events) { note(1)(); }, Events::read);
    loop.add_callback(note(2));
    loop.call_later(0s, note(3));
    Turn turn = loop.run_once(no_wait, Budget{forever, 2});
    EXPECT_EQ(turn.handlers, 1U);
    EXPECT_EQ(turn.callbacks, 1U);
    EXPECT_EQ(turn.left, 1U);
    turn = loop.run_once(no_wait, Budget{forever, 2});
    EXPECT_EQ(turn.timeouts, 1U);
    EXPECT_EQ(turn.ended, Ended::ran);
    EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST_F(Budgets, a_budget_spent_by_the_last_call_leaves_nothing) {
    loop.add_callback(note(1, 2ms));
    const Turn turn = loop.run_once(no_wait, Budget{2ms, 1});
    EXPECT_EQ(turn.ended, Ended::ran);
    EXPECT_EQ(turn.left, 0U);
    EXPECT_EQ(loop.statistics().budget_spent, 0U);
}

TEST_F(Budgets, sleeping_is_not_spending) {
    loop.call_later(1s, note(1, 1ms));
    loop.call_later(1s, note(2, 1ms));
    const Turn turn = loop.run_once(forever, Budget{2ms});
    EXPECT_THAT(order, ElementsAre(1, 2));
    EXPECT_EQ(turn.waited, 1s);
    EXPECT_EQ(turn.busy, 2ms);
}

TEST_F(Budgets, an_unfinished_turn_is_continued_before_the_poller_is_asked_again) {
    const SocketPair pair;
    loop.add_handler(
        pair.a, [&](Fd, Events) { note(0)(); }, Events::read);
    loop.add_callback(note(1));
    loop.add_callback(note(2));
    loop.run_once(no_wait, Budget{forever, 1});
    pair.send_to_a();
    loop.call_later(0s, note(3));
    loop.run_once(forever); // must not sleep either
    EXPECT_THAT(order, ElementsAre(1, 2)) << "the rest of the turn, and only that";
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1, 2, 0, 3));
}

TEST_F(Budgets, while_a_turn_is_unfinished_the_next_deadline_is_now) {
    loop.add_callback(note(1));
    loop.add_callback(note(2));
    loop.run_once(no_wait, Budget{forever, 1});
    EXPECT_EQ(loop.next_deadline(), world.now());
    loop.run_once();
    EXPECT_EQ(loop.next_deadline(), never);
}

TEST_F(Budgets, a_rest_that_was_removed_meanwhile_is_no_turn) {
    loop.call_later(0s, note(1));
    const Timeout rest = loop.call_later(0s, note(2));
    loop.call_later(1s, note(3));
    loop.run_once(no_wait, Budget{forever, 1});
    loop.remove_timeout(rest);
    loop.run_once(forever);
    EXPECT_THAT(order, ElementsAre(1, 3));
}

TEST_F(Budgets, an_exception_that_leaves_the_call_loses_nothing_of_the_rest) {
    loop.set_error_hook(
        [](std::exception_ptr error, const Origin&, CallKind) { std::rethrow_exception(error); });
    loop.add_callback([] { throw 1; });
    loop.add_callback(note(2));
    loop.call_later(0s, [] { throw 3; });
    loop.call_later(0s, note(4));
    EXPECT_THROW(loop.run_once(no_wait, Budget{2ms}), int);
    EXPECT_THROW(loop.run_once(no_wait, Budget{2ms}), int);
    loop.run_once(no_wait, Budget{2ms});
    EXPECT_THAT(order, ElementsAre(2, 4));
}

TEST_F(Budgets, run_ready_spends_its_budget_over_several_turns) {
    std::function<void()> again = [&] {
        note(1, 1ms)();
        loop.add_callback(again);
    };
    loop.add_callback(again);
    const Turn turn = loop.run_ready(Budget{5ms});
    EXPECT_EQ(turn.callbacks, 5U);
    EXPECT_EQ(turn.ended, Ended::budget);
    EXPECT_EQ(loop.run_ready(Budget{forever, 7}).callbacks, 7U);
}

TEST_F(Budgets, without_budget_and_observer_a_turn_of_callbacks_reads_the_clock_a_constant_number_of_times) {
    struct CountingClock : Clock {
        mutable int reads = 0;
        TimePoint now() const noexcept override { return TimePoint(std::chrono::nanoseconds(++reads)); }
    } clock;
    IOLoop::Options options;
    options.clock = &clock;
    options.make_current = MakeCurrent::never;
    IOLoop counted(std::move(options));
    const auto reads_for = [&](int callbacks) {
        for (int i = 0; i < callbacks; ++i) counted.add_callback([] {});
        const int before = clock.reads;
        counted.run_once();
        return clock.reads - before;
    };
    EXPECT_EQ(reads_for(10), reads_for(1000));
}

// ---- fairness -----------------------------------------------------------------------------------

/// A callback that posts itself, a timeout that re-arms itself for now and a descriptor that is always ready.
class Fairness : public Budgets {
protected:
    int callbacks = 0;
    int timeouts = 0;
    int handlers = 0;
    SocketPair pair;

    Fairness() {
        post();
        arm();
        pair.send_to_a();
        loop.add_handler(
            pair.a, [this](Fd, Events) { ++handlers; }, Events::read);
    }
    void post() {
        loop.add_callback([this] {
            ++callbacks;
            world.advance(1ms);
            post();
        });
    }
    void arm() {
        loop.call_later(0s, [this] {
            ++timeouts;
            world.advance(1ms);
            arm();
        });
    }
};

TEST_F(Fairness, each_runs_exactly_once_a_turn) {
    for (int turn = 1; turn <= 10; ++turn) {
        loop.run_once();
        EXPECT_EQ(handlers, turn);
        EXPECT_EQ(callbacks, turn);
        EXPECT_EQ(timeouts, turn);
    }
}

TEST_F(Fairness, each_runs_exactly_once_a_turn_under_a_budget_of_one_call) {
    for (int call = 0; call < 30; ++call) EXPECT_EQ(loop.run_once(no_wait, Budget{forever, 1}).calls(), 1U);
    EXPECT_EQ(handlers, 10);
    EXPECT_EQ(callbacks, 10);
    EXPECT_EQ(timeouts, 10);
}

TEST_F(Fairness, each_runs_exactly_once_a_turn_under_a_budget_of_a_nanosecond) {
    for (int call = 0; call < 300; ++call) loop.run_once(no_wait, Budget{1ns});
    EXPECT_GE(handlers, 100);
    EXPECT_NEAR(callbacks, handlers, 1);
    EXPECT_NEAR(timeouts, handlers, 1);
}

TEST_F(Fairness, neither_does_start_let_any_of_them_starve) {
    loop.call_later(20ms, [this] { loop.stop(); });
    loop.start();
    EXPECT_NEAR(callbacks, timeouts, 1);
    EXPECT_NEAR(handlers, callbacks, 1);
}

TEST_F(Fairness, B28_slow_timeouts_that_rearm_themselves_do_not_starve_descriptors) {
    std::function<void()> slow = [&] {
        world.advance(1h);
        loop.call_later(1s, slow);
    };
    loop.call_later(0s, slow);
    const int before = handlers;
    for (int turn = 0; turn < 5; ++turn) loop.run_once();
    EXPECT_EQ(handlers - before, 5);
}

TEST_F(Budgets, W12_more_ready_descriptors_than_one_poll_reports_are_all_served) {
    os::allow_many_descriptors();
    // More than the loop asks for at once (512), and for select as many as there are numbers for.
    std::vector<SocketPair> pairs(traits().bounded_by_fd_setsize ? 450 : 600);
    std::vector<int> calls(2 * pairs.size());
    for (std::size_t i = 0; i < calls.size(); ++i) {
        const SocketPair& pair = pairs[i / 2];
        loop.add_handler(
            i % 2 == 0 ? pair.a : pair.b, [&calls, i](Fd, Events) { ++calls[i]; }, Events::write);
    }
    for (int turn = 0; turn < 9; ++turn) loop.run_once();
    EXPECT_THAT(calls, Each(testing::AllOf(testing::Ge(2), testing::Le(6))));
    for (const SocketPair& pair : pairs) {
        loop.remove_handler(pair.a);
        loop.remove_handler(pair.b);
    }
}

} // namespace
