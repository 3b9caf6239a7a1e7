// SPDX-License-Identifier: MIT
/// The watchdog is armed and disarmed, and ends with its loop.
#include "support/os.hpp"
#include "support/signals.hpp"
#include "support/stalls.hpp"

#include <atomic>
#include <csignal>
#include <memory>
#include <stdexcept>
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
