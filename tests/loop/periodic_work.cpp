// SPDX-License-Identifier: MIT
/// PeriodicCallback: callbacks whose work goes on, as a task or a future.
#include "support/periodic_callbacks.hpp"

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::ElementsAre;

TEST_F(PeriodicCallbacks, F15_a_task_is_not_begun_again_while_it_goes_on) { // test_periodic_coro, _async
    int at_once = 0;
    PeriodicCallback periodic(loop, 10s, [&]() -> Task<> {
        EXPECT_EQ(++at_once, 1);
        at.push_back(std::chrono::duration_cast<std::chrono::seconds>(world.elapsed()).count());
        co_await sleep_for(25s);
        --at_once;
    });
    periodic.start();
    run(101s);
    EXPECT_THAT(at, ElementsAre(10, 40, 70, 100));
    EXPECT_EQ(periodic.missed(), 6U);
}

TEST_F(PeriodicCallbacks, F15_a_task_that_is_over_in_time_leaves_no_tick_out) {
    PeriodicCallback periodic(
        loop, 10s,
        [&]() -> Task<int> {
            note()();
            co_await sleep_for(4s);
            co_return 1;
        },
        "heartbeat");
    periodic.start();
    run(41s);
    EXPECT_THAT(at, ElementsAre(10, 20, 30, 40));
    EXPECT_EQ(periodic.missed(), 0U);
}

TEST_F(PeriodicCallbacks, F15_nor_is_what_a_future_stands_for) {
    std::vector<Promise<>> work;
    PeriodicCallback periodic(
        loop, 10s,
        [&] {
            note()();
            return work.emplace_back(loop).future();
        },
        PeriodicCallback::Options{.missed = MissedTicks::burst});
    periodic.start();
    run(35s);
    EXPECT_THAT(at, ElementsAre(10));
    work[0].set_value();
    run(10s);
    EXPECT_THAT(at, ElementsAre(10, 40));
    work[1].set_value();
}

TEST_F(PeriodicCallbacks, F15_stopped_while_its_task_goes_on_it_ticks_no_more_and_the_task_ends) {
    bool ended = false;
    {
        PeriodicCallback periodic(loop, 10s, [&, captured = std::make_shared<int>(7)]() -> Task<> {
            note()();
            co_await sleep_for(5s);
            ended = *captured == 7;
        });
        periodic.start();
        run(12s);
        periodic.stop();
    }
    run(60s);
    EXPECT_THAT(at, ElementsAre(10));
    EXPECT_TRUE(ended);
}

TEST_F(PeriodicCallbacks, PC5_a_task_that_fails_is_reported_and_the_schedule_goes_on) {
    std::vector<std::string> names;
    loop.set_error_hook(
        [&](const std::exception_ptr&, const Origin& origin, CallKind) { names.emplace_back(origin.name); });
    PeriodicCallback periodic(
        loop, 10s,
        [&]() -> Task<> {
            co_await sleep_for(1s);
            throw std::runtime_error("no answer");
        },
        "heartbeat");
    periodic.start();
    run(25s);
    EXPECT_THAT(names, ElementsAre("heartbeat", "heartbeat"));
}

TEST_F(PeriodicCallbacks, F15_a_loop_that_closes_takes_the_task_with_it) {
    auto captured = std::make_shared<int>(7);
    PeriodicCallback periodic(loop, 10s, [captured]() -> Task<> { co_await sleep_for(1h); });
    periodic.start();
    run(15s);
    loop.close();
    EXPECT_FALSE(periodic.is_running());
    EXPECT_EQ(captured.use_count(), 2); // its own, and the callback's
}
