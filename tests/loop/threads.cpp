// SPDX-License-Identifier: MIT
// What other threads may do: post, stop and wake. These run on the system's
// clock, and wait as short as they can.
#include "support/sanitizers.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <memory>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

IOLoop::Options on_its_own() {
    IOLoop::Options options;
    options.make_current = MakeCurrent::never;
    return options;
}

/// A loop that runs on a thread of its own until the end of the test.
class Threads : public testing::Test {
protected:
    IOLoop loop{on_its_own()};

    std::thread start_loop() {
        return std::thread([this] { loop.start(); });
    }
    /// Waits until the loop has run what was posted before.
    void catch_up() {
        std::atomic<bool> done{false};
        loop.add_callback([&] {
            done = true;
            done.notify_one();
        });
        os::await_change(done, false);
    }
};

// ---- posts --------------------------------------------------------------------------------------

TEST_F(Threads, B3_a_post_from_another_thread_runs_on_the_loops_thread) {
    std::thread thread = start_loop();
    std::thread::id ran_on;
    loop.add_callback([&] { ran_on = std::this_thread::get_id(); });
    catch_up();
    EXPECT_EQ(ran_on, thread.get_id());
    loop.stop();
    thread.join();
}

TEST_F(Threads, B3_posts_of_each_thread_keep_their_order) {
    constexpr int threads = 4;
    constexpr int posts = 2000;
    std::vector<std::vector<int>> seen(threads);
    std::atomic<int> left{threads * posts};
    std::thread thread = start_loop();
    std::vector<std::thread> posters;
    for (std::size_t t = 0; t < threads; ++t) {
        posters.emplace_back([&, t] {
            for (int i = 0; i < posts; ++i) {
                loop.add_callback([&, t, i] {
                    seen[t].push_back(i);
                    if (--left == 0) loop.stop();
                });
            }
        });
    }
    for (std::thread& poster : posters) poster.join();
    thread.join();
    for (const auto& numbers : seen) {
        EXPECT_EQ(numbers.size(), static_cast<std::size_t>(posts));
        EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
    }
}

TEST_F(Threads, B3_a_post_that_happened_before_another_runs_before_it_whoever_makes_them) {
    std::vector<int> order;
    loop.add_callback([&] {
        std::thread([&] { loop.add_callback([&] { order.push_back(1); }); }).join();
        loop.add_callback([&] { order.push_back(2); });
        std::thread([&] { loop.add_callback([&] { order.push_back(3); }); }).join();
    });
    loop.run_ready();
    EXPECT_THAT(order, testing::ElementsAre(1, 2, 3));
}

TEST_F(Threads, B2_posts_that_come_all_the_time_do_not_starve_descriptors) {
    SocketPair pair;
    int handled = 0;
    loop.add_handler(
        pair.a,
        [&](Fd, Events) {
            if (++handled == 100) loop.stop();
        },
        Events::read);
    pair.send_to_a();
    std::atomic<bool> enough{false};
    std::atomic<int> queued{0};
    std::thread poster([&] {
        while (!enough) {
            if (queued >= 1000) continue;
            ++queued;
            loop.add_callback([&] { --queued; });
        }
    });
    loop.start();
    enough = true;
    poster.join();
    EXPECT_EQ(handled, 100);
}

// ---- waking -------------------------------------------------------------------------------------

TEST_F(Threads, B12_no_post_is_lost_between_looking_and_sleeping) {
    // Each post waits for the one before, so the loop goes to sleep before, while and after every one of
    // them. If one were lost, this would hang: the loop has nothing to wake for, and sleeps without a limit.
    std::thread thread = start_loop();
    for (int i = 0; i < 5000; ++i) catch_up();
    loop.stop();
    thread.join();
}

TEST_F(Threads, W5_wakes_are_never_too_many) {
    for (int i = 0; i < 200'000; ++i) loop.wake();
    EXPECT_EQ(loop.run_once(forever).ended, Ended::idle) << "the wait ended at once";
    loop.call_later(1ms, [] {});
    EXPECT_EQ(loop.run_once(forever).timeouts, 1U) << "and they counted as one";
}

TEST_F(Threads, a_wake_ends_the_wait_under_way) {
    std::atomic<bool> returned{false};
    std::thread thread([&] {
        loop.run_once(forever);
        returned = true;
    });
    loop.wake(); // or the next one, if the thread has not come that far
    thread.join();
    EXPECT_TRUE(returned);
}

TEST_F(Threads, B19_a_signal_handler_may_wake_the_loop) {
#if defined(_WIN32)
    GTEST_SKIP() << "Windows sends no signals; its Ctrl-C handlers are threads";
#else
    static IOLoop* woken = nullptr;
    woken = &loop;
    struct sigaction action {};
    struct sigaction before {};
    action.sa_handler = [](int) { woken->wake(); };
    ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
    for (int i = 0; i < 100; ++i) {
        const pthread_t loops_thread = ::pthread_self();
        std::atomic<bool> awake{false};
        std::thread other([&] {
            ::pthread_kill(loops_thread, SIGUSR1);
#if UNDER_THREAD_SANITIZER
            // It keeps a handler back until the thread calls what it intercepts, which select() is not: knock again.
            while (!awake) {
                std::this_thread::sleep_for(1ms);
                ::pthread_kill(loops_thread, SIGUSR1);
            }
#endif
        });
        loop.run_once(forever); // the signal may come before, in or after the sleep
        awake = true;
        other.join();
        loop.run_once(no_wait); // takes up a wake that was left over
    }
    ::sigaction(SIGUSR1, &before, nullptr);
#endif
}

// ---- stopping -----------------------------------------------------------------------------------

TEST_F(Threads, R5_another_thread_may_stop_a_sleeping_loop) {
    std::thread thread = start_loop();
    catch_up();
    loop.stop();
    thread.join();
}

TEST_F(Threads, R5_a_stop_that_races_with_start_is_not_lost) {
    for (int i = 0; i < 1000; ++i) {
        std::thread thread = start_loop();
        loop.stop(); // before, inside or just as start() begins
        thread.join();
    }
}

TEST_F(Threads, running_may_be_asked_by_any_thread) {
    EXPECT_FALSE(loop.running());
    std::thread thread = start_loop();
    catch_up();
    EXPECT_TRUE(loop.running());
    loop.stop();
    thread.join();
    EXPECT_FALSE(loop.running());
}

// ---- closing ------------------------------------------------------------------------------------

TEST_F(Threads, B21_posts_that_race_with_close_are_run_or_refused_never_lost_and_never_crash) {
    for (int round = 0; round < 50; ++round) {
        auto victim = std::make_unique<IOLoop>(on_its_own());
        std::atomic<int> accepted{0};
        std::atomic<int> destroyed{0};
        int ran = 0;
        std::vector<std::thread> posters;
        for (int t = 0; t < 3; ++t) {
            posters.emplace_back([&] {
                for (int i = 0; i < 300; ++i) {
                    const std::shared_ptr<void> life(nullptr, [&](void*) { ++destroyed; });
                    if (victim->add_callback([&ran, life] { ++ran; })) ++accepted;
                }
            });
        }
        for (int i = 0; i < 3; ++i) victim->run_once();
        victim->close(true);
        for (std::thread& poster : posters) poster.join();
        EXPECT_LE(ran, accepted);
        victim.reset();
        EXPECT_EQ(destroyed, 900);
    }
}

TEST_F(Threads, B21_for_a_second_four_threads_post_to_a_closed_loop_and_are_refused) {
    loop.close();
    // A number that the loop may have had: nobody may write to it.
    const SocketPair stranger;
    const auto end = std::chrono::steady_clock::now() + 1s;
    std::atomic<long> accepted{0};
    std::vector<std::thread> posters;
    for (int t = 0; t < 4; ++t) {
        posters.emplace_back([&] {
            while (std::chrono::steady_clock::now() < end) {
                if (loop.add_callback([] {})) ++accepted;
                loop.stop();
                loop.wake();
            }
        });
    }
    for (std::thread& poster : posters) poster.join();
    EXPECT_EQ(accepted, 0);
    EXPECT_EQ(SocketPair::read_all(stranger.a), "");
    EXPECT_EQ(SocketPair::read_all(stranger.b), "");
}

TEST_F(Threads, B21_wakes_and_stops_that_race_with_close_touch_no_number_that_is_somebody_elses) {
    for (int round = 0; round < 200; ++round) {
        IOLoop victim(on_its_own());
        std::atomic<bool> enough{false};
        std::thread other([&] {
            while (!enough) {
                victim.wake();
                victim.stop();
            }
        });
        victim.close();
        const SocketPair stranger; // reuses the numbers
        enough = true;
        other.join();
        EXPECT_EQ(SocketPair::read_all(stranger.a), "");
        EXPECT_EQ(SocketPair::read_all(stranger.b), "");
    }
}

TEST_F(Threads, a_callable_posted_by_another_thread_is_destroyed_on_the_loops_thread) {
    std::thread thread = start_loop();
    std::thread::id destroyed_on;
    loop.add_callback([guard = std::shared_ptr<void>(
                           nullptr, [&](void*) { destroyed_on = std::this_thread::get_id(); })] {});
    catch_up();
    EXPECT_EQ(destroyed_on, thread.get_id());
    loop.stop();
    thread.join();
}

// ---- handing a loop over ------------------------------------------------------------------------

TEST_F(Threads, many_threads_may_run_the_loop_in_turn) {
    int calls = 0; // not atomic: the sanitizer watches
    std::vector<std::thread> runners;
    std::atomic<int> refused{0};
    for (int t = 0; t < 4; ++t) {
        runners.emplace_back([&] {
            for (int i = 0; i < 200; ++i) {
                loop.add_callback([&] { ++calls; });
                try {
                    loop.run_once();
                } catch (const std::logic_error&) {
                    ++refused; // another thread is inside
                }
            }
        });
    }
    for (std::thread& runner : runners) runner.join();
    loop.run_ready();
    EXPECT_EQ(calls, 800);
}

} // namespace
