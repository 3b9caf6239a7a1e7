// SPDX-License-Identifier: MIT
/// run_sync: the loop for as long as one thing takes.
#include "support/sim_loop.hpp"
#include "support/thrown.hpp"

#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

struct Futures : SimLoop {
    std::vector<std::string> log;
};

} // namespace

TEST_F(Futures, R10_run_sync_gives_a_value_a_future_s_or_a_task_s) {
    EXPECT_EQ(loop.run_sync([] { return 42; }), 42);
    EXPECT_EQ(loop.run_sync([&] {
        auto promise = std::make_shared<Promise<std::string>>(loop);
        loop.call_later(1s, [promise] { promise->set_value("later"); });
        return promise->future();
    }),
              "later");
    EXPECT_EQ(*loop.run_sync([]() -> Task<std::unique_ptr<int>> {
        co_await sleep_for(1h);
        co_return std::make_unique<int>(7);
    }),
              7);
    int value = 1;
    EXPECT_EQ(&loop.run_sync([&]() -> Task<int&> { co_return value; }), &value);
    loop.run_sync([] {});
    loop.run_sync([]() -> Task<> { co_return; });
}

TEST_F(Futures, R10_run_sync_throws_what_the_work_throws) {
    EXPECT_THROW(loop.run_sync([]() -> int { throw std::domain_error("x"); }), std::domain_error);
    EXPECT_THROW(loop.run_sync([]() -> Task<int> { throw std::domain_error("x"); }), std::domain_error);
    EXPECT_THROW(loop.run_sync([]() -> Future<int> { throw std::domain_error("x"); }), std::domain_error);
    EXPECT_THAT(reported, IsEmpty());
}

TEST_F(Futures, R10_the_loop_is_current_inside_run_sync) { // TestIOLoopRunSync.test_current
    loop.run_sync([&] { EXPECT_EQ(IOLoop::current(false), &loop); });
}

TEST_F(Futures, R10_run_sync_times_out_and_cancels_the_task) { // bug 39
    bool destroyed = false;
    struct Sign {
        ~Sign() { flag = true; }
        bool& flag;
    };
    EXPECT_THROW(loop.run_sync(
                     [&]() -> Task<> {
                         const Sign sign{destroyed};
                         co_await sleep_for(1s);
                     },
                     10ms),
                 TimeoutError);
    EXPECT_EQ(world.elapsed(), 10ms);
    EXPECT_TRUE(destroyed);
    EXPECT_EQ(loop.run_sync([] { return 1; }), 1); // and goes on being of use
}

TEST_F(Futures, who_was_too_late_or_cancelled_is_told_that_and_no_more) { // not "Connection timed out"
    const auto sleep = []() -> Task<> { co_await sleep_for(1h); };
    EXPECT_EQ(thrown<TimeoutError>([&] { loop.run_sync(sleep, 1s); }), "run_sync: the time is up");
    EXPECT_EQ(thrown<TimeoutError>([&] { loop.run_sync([&] { return with_timeout(1s, sleep()); }); }),
              "the time is up");
    EXPECT_EQ(TimeoutError().code(), std::errc::timed_out);
    Promise<int> promise(loop);
    promise.future().cancel();
    EXPECT_EQ(thrown<CancelledError>([&] { promise.future().result(); }), "cancelled");
    EXPECT_EQ(CancelledError().code(), std::errc::operation_canceled);
}

TEST_F(Futures, R10_run_sync_with_a_timeout_of_zero_times_out_at_once) { // bug G11: zero is no "none"
    EXPECT_THROW(loop.run_sync([]() -> Task<> { co_await sleep_for(1s); }, 0s), TimeoutError);
    EXPECT_LT(world.elapsed(), 1s);
}

TEST_F(Futures, R10_with_a_timeout_that_is_past_the_work_begins_all_the_same) { // [P17c]
    EXPECT_EQ(loop.run_sync([] { return 42; }, -1s), 42);
    EXPECT_THROW(loop.run_sync(
                     [&]() -> Future<int> {
                         log.emplace_back("begun");
                         return Promise<int>(loop).future();
                     },
                     -1s),
                 std::future_error); // given up by its promise, before the timeout
    EXPECT_THAT(log, ElementsAre("begun"));
}

TEST_F(Futures, R10_the_timeout_of_a_run_sync_is_gone_with_it) {
    loop.run_sync([] {}, 1h);
    EXPECT_THROW(loop.run_sync([] { throw std::domain_error("x"); }, 1h), std::domain_error);
    EXPECT_EQ(loop.statistics().timeouts, 0U);
}

TEST_F(Futures, B39_a_stop_is_told_from_a_timeout) { // tornado #3435
    EXPECT_THROW(loop.run_sync([&]() -> Task<> {
        loop.stop();
        co_await sleep_for(1s);
    }),
                 StoppedError);
    loop.stop();
    EXPECT_THROW(loop.run_sync([&] { log.emplace_back("ran"); }, 1s), StoppedError);
    loop.run_ready(); // what was posted for it does nothing any more
    EXPECT_THAT(log, IsEmpty());
}

TEST_F(Futures, run_sync_inside_start_is_an_error) {
    loop.add_callback([&] {
        EXPECT_THROW(loop.run_sync([] { return 1; }), std::logic_error);
        loop.stop();
    });
    loop.start();
}

TEST_F(Futures, what_run_sync_runs_may_destroy_the_loop) {
    auto mortal = std::make_unique<IOLoop>();
    EXPECT_EQ(mortal->run_sync(
                  [&] {
                      mortal.reset();
                      return 1;
                  },
                  1min),
              1);
}

TEST_F(Futures, a_done_callback_of_run_sync_does_not_stop_a_later_start) {
    loop.run_sync([] { return 1; });
    loop.call_later(1s, [&] {
        log.emplace_back("ran");
        loop.stop();
    });
    loop.start();
    EXPECT_THAT(log, ElementsAre("ran"));
}

TEST_F(Futures, run_sync_refuses_a_null_function) {
    const char* const refusal = "run_sync: null function";
    const auto null = static_cast<int (*)()>(nullptr);
    EXPECT_EQ(thrown<std::invalid_argument>([&] { loop.run_sync(null); }), refusal);
    EXPECT_EQ(thrown<std::invalid_argument>([&] { loop.run_sync(Function<Task<>()>()); }), refusal);
}

TEST_F(Futures, run_sync_leaves_the_value_to_others_who_have_the_future) {
    const std::string text = "a result that does not fit into a string itself";
    Promise<std::string> promise(loop);
    const Future<std::string> future = promise.future();
    promise.set_value(text);
    EXPECT_EQ(loop.run_sync([&] { return future; }), text);
    EXPECT_EQ(future.result(), text);
}

TEST_F(Futures, run_sync_refuses_an_empty_future) {
    EXPECT_THAT(thrown<std::invalid_argument>([&] { loop.run_sync([] { return Future<int>(); }); }),
                testing::HasSubstr("run_sync: empty future"));
}

TEST_F(Futures, a_run_sync_that_is_refused_for_its_thread_leaves_no_work_behind) {
    int ran = 0;
    loop.run_once();
    std::thread([&] {
        EXPECT_THROW(loop.run_sync([&] { ++ran; }, 1s),
                     std::logic_error); // to arm it is for the loop's thread
    }).join();
    EXPECT_EQ(loop.run_once().callbacks, 0U);
    EXPECT_EQ(ran, 0);
}
