// SPDX-License-Identifier: MIT
/// The watchdog: who blocks the loop.
#include "support/sanitizers.hpp"
#include "support/sim_world.hpp"
#include "support/stalls.hpp"

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

/// Has a name that the linker exports.
extern "C" [[gnu::noinline]] void a_function_that_blocks(const std::function<void()>& how) {
    how();
    asm volatile(""); // not a tail call
}

TEST_F(Watchdogs, W2_a_callback_that_blocks_is_named_while_it_does) {
    loop.set_blocking_signal_threshold(20ms, stalls.note());
    loop.add_callback([&] { loop.add_callback([&] { EXPECT_TRUE(stalls.wait_for(1)); }, "load level"); },
                      "menu");
    loop.run_ready();
    ASSERT_EQ(stalls.count(), 1U);
    const Stall stall = stalls[0];
    EXPECT_STREQ(stall.origin.name, "load level");
    EXPECT_THAT(stall.origin.file, testing::EndsWith("watchdog.cpp"));
    EXPECT_STREQ(origin_of(stall.chain.sites[1]).name, "menu");
    EXPECT_STREQ(stall.loop, "main loop");
    EXPECT_GE(stall.blocked, 20ms);
    EXPECT_NE(stalls.thread(), std::this_thread::get_id());
}

TEST_F(Watchdogs, W2_handlers_callbacks_and_timeouts_count_as_one_block) {
    loop.set_blocking_signal_threshold(60ms, stalls.note());
    for (int i = 0; i < 4; ++i) loop.add_callback([] { block(10ms); }, "little");
    loop.call_later(
        0s, [&] { EXPECT_TRUE(stalls.wait_for(1)); }, "last straw");
    loop.run_once();
    ASSERT_EQ(stalls.count(), 1U);
    EXPECT_GE(stalls[0].blocked, 60ms);
}

TEST_F(Watchdogs, W3_the_stack_names_the_function_that_blocks) {
    loop.set_blocking_signal_threshold(20ms, stalls.note());
    loop.add_callback([&] { a_function_that_blocks([&] { stalls.wait_for(1); }); });
    loop.run_once();
    ASSERT_EQ(stalls.count(), 1U);
    if (stalls[0].frames.empty()) GTEST_SKIP() << "no stacks on this platform";
    EXPECT_THAT(stalls[0].symbols(), testing::Contains(HasSubstr("a_function_that_blocks")));
}

TEST_F(Watchdogs, W3_the_stack_begins_where_the_thread_is_and_names_are_readable) {
    // It calls nothing beyond the program: lld does not say how to unwind what such calls go through.
    std::atomic<bool> stalled{false};
    loop.set_blocking_signal_threshold(20ms, [&, note = stalls.note()](const Stall& stall) mutable {
        note(stall);
        stalled = true;
    });
    loop.add_callback([&] {
        while (!stalled) {}
    });
    loop.run_once();
    if (stalls[0].frames.empty()) GTEST_SKIP() << "no stacks on this platform";
    const std::vector<std::string> symbols = stalls[0].symbols();
    EXPECT_EQ(symbols.size(), stalls[0].frames.size());
    EXPECT_THAT(symbols, testing::Contains(HasSubstr("ioloop::IOLoop::run_once(")));
#if !UNDER_THREAD_SANITIZER // it calls handlers of signals later, from places of its own
    EXPECT_THAT(symbols, testing::Each(testing::Not(HasSubstr("ioloop_on_capture"))));
#endif
}

TEST_F(Watchdogs, W3_the_log_says_how_long_who_and_where) {
    loop.set_blocking_log_threshold(20ms);
    testing::internal::CaptureStderr();
    loop.add_callback([&] { a_function_that_blocks([] { block(150ms); }); }, "load level");
    loop.run_once();
    loop.set_blocking_log_threshold({});
    const std::string text = testing::internal::GetCapturedStderr();
    EXPECT_THAT(text, AllOf(HasSubstr("main loop: blocked for 0.0"),
                            HasSubstr(" seconds in 'load level' at "), HasSubstr("watchdog.cpp:")));
    EXPECT_EQ(text.find("blocked for"), text.rfind("blocked for"));
}

TEST_F(Watchdogs, W2_a_null_action_is_the_log) {
    loop.set_blocking_signal_threshold(10ms, nullptr);
    testing::internal::CaptureStderr();
    loop.add_callback([] { block(100ms); });
    loop.run_once();
    loop.set_blocking_signal_threshold({});
    EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("blocked for"));
}

// ---- how often ----------------------------------------------------------------------------------

TEST_F(Watchdogs, W2_one_stall_is_reported_once_and_the_next_one_again) {
    loop.set_blocking_signal_threshold(10ms, stalls.note());
    loop.add_callback([&] {
        stalls.wait_for(1);
        block(60ms);
    });
    loop.run_once();
    EXPECT_EQ(stalls.count(), 1U);
    loop.add_callback([&] { stalls.wait_for(2); });
    loop.run_once();
    EXPECT_EQ(stalls.count(), 2U);
}

TEST_F(Watchdogs, W2_two_stalls_in_one_run_call_are_two) {
    loop.set_blocking_signal_threshold(10ms, stalls.note());
    loop.add_callback([&] {
        stalls.wait_for(1);
        loop.add_callback([&] { stalls.wait_for(2); });
    });
    loop.run_ready();
    EXPECT_EQ(stalls.count(), 2U);
}

TEST_F(Watchdogs, W2_what_comes_before_the_first_wait_of_start_counts) {
    loop.set_blocking_signal_threshold(10ms, stalls.note()); // Tornado's alarm was not armed yet
    loop.add_callback([&] {
        stalls.wait_for(1);
        loop.stop();
    });
    loop.start();
    EXPECT_EQ(stalls.count(), 1U);
}

TEST_F(Watchdogs, W2_it_is_real_time_that_counts) {
    SimWorld world;
    IOLoop simulated(world.options());
    simulated.set_blocking_signal_threshold(10s, stalls.note());
    simulated.add_callback([&] { world.advance(1h); });
    simulated.run_once();
    EXPECT_EQ(stalls.count(), 0U);
}

TEST_F(Watchdogs, W2_each_loop_has_its_own_threshold) {
    Stalls others;
    loop.set_blocking_signal_threshold(20ms, stalls.note());
    std::thread thread([&] {
        IOLoop other(named("other"));
        other.set_blocking_signal_threshold(40ms, others.note());
        other.add_callback([&] { a_function_that_blocks([&] { others.wait_for(1); }); }, "there");
        other.run_once();
        EXPECT_EQ(others.count(), 1U);
    });
    loop.add_callback([&] { stalls.wait_for(1); }, "here");
    loop.run_once();
    thread.join();
    ASSERT_EQ(stalls.count(), 1U);
    ASSERT_EQ(others.count(), 1U);
    EXPECT_STREQ(stalls[0].origin.name, "here");
    EXPECT_STREQ(others[0].origin.name, "there");
    EXPECT_STREQ(others[0].loop, "other");
}

// ---- when not -----------------------------------------------------------------------------------

TEST_F(Watchdogs, W2_a_sleeping_loop_is_not_stalled) {
    loop.set_blocking_signal_threshold(20ms, stalls.note());
    loop.call_later(100ms, [] {});
    loop.run_once(forever);
    loop.run_until(loop.time() + 60ms);
    EXPECT_EQ(stalls.count(), 0U);
}

TEST_F(Watchdogs, W2_a_host_that_is_busy_between_runs_is_not_stalled) {
    loop.set_blocking_signal_threshold(20ms, stalls.note());
    for (int frame = 0; frame < 3; ++frame) {
        loop.run_once();
        block(50ms);
    }
    EXPECT_EQ(stalls.count(), 0U);
}

TEST_F(Watchdogs, W2_a_paused_start_is_not_stalled) {
    loop.set_blocking_signal_threshold(20ms, stalls.note());
    loop.add_callback([&] { loop.set_paused(true); });
    std::thread resumer([&] {
        block(100ms);
        loop.stop();
    });
    loop.start();
    resumer.join();
    EXPECT_EQ(stalls.count(), 0U);
}

TEST_F(Watchdogs, W2_a_nested_wait_ends_the_block_and_what_follows_it_is_another) {
    loop.set_blocking_signal_threshold(100ms, stalls.note());
    loop.add_callback(
        [&] {
            for (int i = 0; i < 4; ++i) {
                block(40ms);
                loop.run_once(1ms);
            }
            EXPECT_EQ(stalls.count(), 0U) << "never 100 ms without a wait";
            loop.add_callback([] {}, "inner");
            loop.run_once();
            EXPECT_TRUE(stalls.wait_for(1));
        },
        "outer");
    loop.run_once();
    ASSERT_EQ(stalls.count(), 1U);
    EXPECT_STREQ(stalls[0].origin.name, "outer") << "the inner call has returned";
}

TEST_F(Watchdogs, W2_many_busy_periods_that_are_short_are_no_stall) {
    loop.set_blocking_signal_threshold(100ms, stalls.note());
    const auto end = std::chrono::steady_clock::now() + 300ms;
    long turns = 0;
    while (std::chrono::steady_clock::now() < end) {
        loop.add_callback([&] { ++turns; });
        loop.run_once(no_wait);
    }
    EXPECT_GT(turns, 100);
    EXPECT_EQ(stalls.count(), 0U);
}
