// SPDX-License-Identifier: MIT
// The watchdog: who blocks the loop. It measures real time, so these tests block for a few hundredths of a
// second; what they expect of a slow machine is only that a stall is seen in the end.
#include "support/signals.hpp"
#include "support/sim_world.hpp"
#include "support/thrown.hpp"

#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#if !defined(_WIN32)
#include <sys/wait.h>
#include <unistd.h>
#endif

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using testing::AllOf;
using testing::HasSubstr;

IOLoop::Options named(const char* name) {
    IOLoop::Options options;
    options.name = name;
    options.make_current = MakeCurrent::never;
    return options;
}

/// Takes stalls, on the watchdog's thread.
class Stalls {
public:
    Function<void(const Stall&)> note() {
        return [this](const Stall& stall) {
            const std::lock_guard lock(mutex_);
            seen_.push_back(stall);
            thread_ = std::this_thread::get_id();
            changed_.notify_all();
        };
    }
    /// Blocks until there were `count`; so the caller stalls exactly as long as it takes. False after ten seconds.
    bool wait_for(std::size_t count) {
        std::unique_lock lock(mutex_);
        const auto patience =
            std::chrono::system_clock::now() + 10s; // the system's: what every sanitizer knows
        return changed_.wait_until(lock, patience, [&] { return seen_.size() >= count; });
    }
    std::size_t count() {
        const std::lock_guard lock(mutex_);
        return seen_.size();
    }
    Stall operator[](std::size_t i) {
        const std::lock_guard lock(mutex_);
        return seen_.at(i);
    }
    std::thread::id thread() {
        const std::lock_guard lock(mutex_);
        return thread_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Stall> seen_;
    std::thread::id thread_;
};

} // namespace

/// Has a name that the linker exports.
extern "C" [[gnu::noinline]] void a_function_that_blocks(const std::function<void()>& how) {
    how();
    asm volatile(""); // not a tail call
}

namespace {

class Watchdogs : public testing::Test {
protected:
    IOLoop loop{named("main loop")};
    Stalls stalls;
    static void block(Duration how_long) { std::this_thread::sleep_for(how_long); }
};

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
    loop.set_blocking_signal_threshold(20ms, stalls.note());
    loop.add_callback([&] {
        while (stalls.count() == 0) (void)std::chrono::steady_clock::now();
    });
    loop.run_once();
    if (stalls[0].frames.empty()) GTEST_SKIP() << "no stacks on this platform";
    const std::vector<std::string> symbols = stalls[0].symbols();
    EXPECT_EQ(symbols.size(), stalls[0].frames.size());
    EXPECT_THAT(symbols, testing::Contains(HasSubstr("ioloop::IOLoop::run_once(")));
#ifndef __SANITIZE_THREAD__ // it calls handlers of signals later, from places of its own
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

// ---- arming and disarming -----------------------------------------------------------------------

TEST_F(Watchdogs, W2_disarmed_within_the_guarded_section_it_does_not_fire) {
    loop.set_blocking_signal_threshold(50ms, stalls.note()); // tornado fires nevertheless
    loop.add_callback([&] {
        loop.set_blocking_signal_threshold({});
        block(120ms);
    });
    loop.run_once();
    EXPECT_EQ(stalls.count(), 0U);
}

TEST_F(Watchdogs, W2_armed_within_a_callable_it_guards_the_rest_of_it) {
    loop.add_callback(
        [&] {
            loop.set_blocking_signal_threshold(20ms, stalls.note());
            EXPECT_TRUE(stalls.wait_for(1));
        },
        "arms itself");
    loop.run_once();
    EXPECT_STREQ(stalls[0].origin.name, "arms itself");
}

TEST_F(Watchdogs, W2_another_threshold_within_the_stall_measures_the_same_stall) {
    loop.set_blocking_signal_threshold(1h, stalls.note());
    loop.add_callback([&] {
        block(30ms);
        loop.set_blocking_signal_threshold(20ms, stalls.note()); // reached already
        stalls.wait_for(1);
        loop.set_blocking_signal_threshold(10ms, stalls.note());
        block(50ms);
    });
    loop.run_once();
    ASSERT_EQ(stalls.count(), 1U) << "once a stall";
    EXPECT_GE(stalls[0].blocked, 30ms);
}

TEST_F(Watchdogs, W2_a_threshold_that_is_not_positive_is_an_error_and_the_earlier_stays) {
    loop.set_blocking_signal_threshold(20ms, stalls.note());
    EXPECT_THROW(loop.set_blocking_signal_threshold(0ms, stalls.note()), std::invalid_argument);
    EXPECT_THROW(loop.set_blocking_log_threshold(-1ms), std::invalid_argument);
    loop.add_callback([&] { EXPECT_TRUE(stalls.wait_for(1)); });
    loop.run_once();
}

TEST_F(Watchdogs, W2_the_longest_threshold_there_is_never_fires) {
    loop.set_blocking_signal_threshold(forever, stalls.note());
    loop.add_callback([] { block(20ms); });
    loop.run_once();
    EXPECT_EQ(stalls.count(), 0U);
}

TEST_F(Watchdogs, W2_the_action_may_post_but_not_rearm) {
    int posted = 0;
    std::atomic<bool> refused{false};
    std::atomic<bool> acted{false};
    loop.set_blocking_signal_threshold(10ms, [&](const Stall&) {
        EXPECT_TRUE(loop.add_callback([&] { ++posted; }));
        try {
            loop.set_blocking_signal_threshold({});
        } catch (const std::logic_error&) {
            refused = true;
        }
        acted = true;
        throw std::runtime_error("the action's own fault"); // is logged, and ends nothing
    });
    loop.add_callback([&] {
        while (!acted) block(1ms);
    });
    loop.run_ready();
    EXPECT_EQ(posted, 1);
    EXPECT_TRUE(refused);
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

// ---- the end ------------------------------------------------------------------------------------

TEST_F(Watchdogs, W2_a_loop_may_be_destroyed_within_the_callable_that_stalls) {
    auto doomed = std::make_unique<IOLoop>(named("doomed"));
    doomed->set_blocking_signal_threshold(10ms, stalls.note());
    doomed->add_callback([&] {
        stalls.wait_for(1);
        doomed.reset();
        block(30ms);
    });
    EXPECT_EQ(doomed->run_once().ended, Ended::stopped);
    EXPECT_EQ(stalls.count(), 1U);
}

TEST_F(Watchdogs, W2_close_waits_for_an_action_that_is_running) {
    std::atomic<bool> begun{false};
    std::atomic<bool> ended{false};
    loop.set_blocking_signal_threshold(10ms, [&](const Stall&) {
        begun = true;
        block(50ms);
        ended = true;
    });
    loop.add_callback([&] {
        while (!begun) block(1ms);
    });
    loop.run_once();
    loop.close();
    EXPECT_TRUE(ended);
    EXPECT_THROW(loop.set_blocking_signal_threshold(10ms), std::logic_error);
}

TEST_F(Watchdogs, W2_no_signal_of_the_program_is_touched) {
    const auto dispositions = [] {
        std::vector<os::SignalHandler> all;
        for (int signal = 1; signal < NSIG; ++signal) all.push_back(os::disposition_of(signal));
        return all;
    };
    const auto before = dispositions();
    loop.set_blocking_signal_threshold(10ms, stalls.note());
    EXPECT_EQ(dispositions(), before) << "none is borrowed while nothing stalls";
    loop.add_callback([&] { stalls.wait_for(1); });
    loop.run_once();
    loop.set_blocking_signal_threshold({});
    EXPECT_EQ(dispositions(), before);
}

TEST_F(Watchdogs, W2_a_thread_that_blocks_all_signals_is_reported_and_survives) {
#if defined(_WIN32)
    GTEST_SKIP() << "Windows sends no signals to a thread";
#else
    std::thread([&] {
        IOLoop mine(named("deaf"));
        sigset_t all;
        sigset_t before;
        ::sigfillset(&all);
        mine.set_blocking_signal_threshold(10ms, stalls.note());
        mine.add_callback([&] {
            ::pthread_sigmask(SIG_SETMASK, &all, &before); // after the loop has asked what is blocked
            EXPECT_TRUE(stalls.wait_for(1));
            ::pthread_sigmask(SIG_SETMASK, &before, nullptr); // the signal arrives now
        });
        mine.run_once();
        mine.add_callback([&] { EXPECT_TRUE(stalls.wait_for(2)); });
        mine.run_once();
    }).join();
    EXPECT_TRUE(stalls[0].frames.empty());
#endif
}

TEST_F(Watchdogs, W2_a_forked_child_may_close_its_copy) {
#if defined(_WIN32)
    GTEST_SKIP() << "Windows has no fork()";
#else
    loop.set_blocking_signal_threshold(1s, stalls.note());
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(20); // instead of hanging
        loop.close();
        ::_exit(0);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
#endif
}

} // namespace
