// SPDX-License-Identifier: MIT
// Posts out of signal handlers. Real signals and the system's clock, but where SimWorld does.
#include "support/signals.hpp"

#include "support/sanitizers.hpp"
#include "support/sim_world.hpp"
#include "support/thrown.hpp"

#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <functional>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using testing::ElementsAre;

class SignalPosts : public testing::Test {
protected:
    SimWorld world;
    IOLoop loop{world.options()};
    std::vector<int> order;

    bool post(int value) {
        return loop.add_callback_from_signal([this, value] { order.push_back(value); });
    }
};

TEST_F(SignalPosts, B10_they_run_in_the_next_turn_first_in_first_out) {
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(post(i));
    EXPECT_TRUE(order.empty());
    EXPECT_EQ(loop.next_deadline(), loop.now()) << "there is work";
    EXPECT_EQ(loop.statistics().callbacks, 10U);
    EXPECT_EQ(loop.run_once(forever).callbacks, 10U) << "without waiting";
    EXPECT_THAT(order, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
    EXPECT_EQ(world.sleeps, 0);
    EXPECT_EQ(loop.statistics().callbacks, 0U);
}

TEST_F(SignalPosts, B10_what_was_posted_the_ordinary_way_before_runs_before) {
    loop.add_callback([&] { order.push_back(1); });
    post(2);
    loop.run_ready();
    EXPECT_THAT(order, ElementsAre(1, 2));
}

TEST_F(SignalPosts, B10_one_made_by_a_callback_waits_for_the_next_turn) {
    loop.add_callback([&] { post(1); });
    loop.run_once();
    EXPECT_TRUE(order.empty());
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1));
}

TEST_F(SignalPosts, B10_they_begin_a_chain_of_their_own_and_the_inspector_sees_them) {
    loop.add_callback([&] { loop.add_callback_from_signal([] {}, "hang-up"); }, "cause");
    loop.run_once();
    Snapshot snapshot;
    loop.snapshot(snapshot);
    ASSERT_EQ(snapshot.callbacks.size(), 1U);
    EXPECT_STREQ(snapshot.callbacks[0].origin.name, "hang-up");
    EXPECT_EQ(snapshot.callbacks[0].chain.sites[1], SiteId::none);
}

TEST_F(SignalPosts, B10_a_full_ring_refuses_and_counts_and_loses_nothing_of_what_it_took) {
    int accepted = 0;
    for (int i = 0; i < 1000; ++i) accepted += post(i) ? 1 : 0;
    EXPECT_EQ(accepted, 64);
    EXPECT_EQ(loop.statistics().signal_posts_refused, 936U);
    loop.run_ready();
    EXPECT_EQ(order.size(), 64U);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
    EXPECT_TRUE(post(1)) << "there is room again";
}

TEST_F(SignalPosts, B10_a_closed_loop_refuses) {
    post(1);
    loop.close();
    EXPECT_FALSE(post(2));
    EXPECT_TRUE(order.empty());
}

TEST_F(SignalPosts, B10_a_null_pointer_to_a_function_is_refused) {
    void (*nothing)() = nullptr;
    EXPECT_FALSE(loop.add_callback_from_signal(nothing));
    EXPECT_EQ(loop.run_once().ended, Ended::idle);
}

TEST_F(SignalPosts, B10_one_that_comes_between_the_look_and_the_sleep_is_not_slept_over) {
    world.on_wait = [&] { // the wait has begun: what was looked at before it is old by now
        world.on_wait = nullptr;
        post(1);
    };
    loop.call_later(1h, [] {});
    loop.run_once(forever);
    EXPECT_EQ(world.elapsed(), 0s) << "the wait was ended";
    EXPECT_THAT(order, ElementsAre(1));
}

TEST_F(SignalPosts, a_lack_of_memory_loses_none) {
    struct Stingy : std::pmr::memory_resource {
        bool refuse = false;
        void* do_allocate(std::size_t bytes, std::size_t alignment) override {
            if (refuse) throw std::bad_alloc();
            return std::pmr::new_delete_resource()->allocate(bytes, alignment);
        }
        void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override {
            std::pmr::new_delete_resource()->deallocate(p, bytes, alignment);
        }
        bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
    } memory;
    auto options = world.options();
    options.memory = &memory;
    IOLoop poor(std::move(options));
    memory.refuse = true;
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(poor.add_callback_from_signal([this, i] { order.push_back(i); }));
    }
    EXPECT_THROW(poor.run_once(), std::bad_alloc);
    memory.refuse = false;
    poor.run_once();
    EXPECT_THAT(order, ElementsAre(0, 1, 2));
}

// ---- real signals -------------------------------------------------------------------------------

IOLoop::Options on_its_own() {
    IOLoop::Options options;
    options.make_current = MakeCurrent::never;
    return options;
}

class RealSignals : public testing::Test {
protected:
    RealSignals() { target = &loop; }
    IOLoop loop{on_its_own()};
    static inline IOLoop* target = nullptr;
    static void stop_target(int signal) {
        os::stay(signal, &stop_target);
        target->add_callback_from_signal([] { target->stop(); });
    }
};

TEST_F(RealSignals, B10_a_signal_wakes_a_start_that_sleeps_without_end) {
#if defined(_WIN32)
    GTEST_SKIP() << "Windows sends no signals to a thread";
#else
    const os::Disposition usr1(SIGUSR1, &stop_target);
    for (int i = 0; i < 200; ++i) {
        const pthread_t loops_thread = ::pthread_self();
        std::atomic<bool> stopped{false};
        std::thread other([&] {
            ::pthread_kill(loops_thread, SIGUSR1);
#if UNDER_THREAD_SANITIZER
            // It keeps a handler back until the thread calls what it intercepts, which pselect() is not: knock again.
            while (!stopped) {
                std::this_thread::sleep_for(1ms);
                ::pthread_kill(loops_thread, SIGUSR1);
            }
#endif
        });
        loop.start(); // the signal may come before, in or after the look and the sleep
        stopped = true;
        other.join();
    }
#endif
}

TEST_F(RealSignals, B10_so_does_one_that_another_thread_handles) {
    const os::Disposition usr1(SIGUSR1, &stop_target);
    for (int i = 0; i < 200; ++i) {
        std::thread other([&] { ::raise(SIGUSR1); });
        loop.start();
        other.join();
    }
}

TEST_F(RealSignals, B10_a_loop_on_another_thread_hears_them_also_before_its_start) { // ..._other_thread
    for (int i = 0; i < 20; ++i) {
        IOLoop other;
        std::thread thread([&] { other.start(); }); // perhaps before, perhaps after
        EXPECT_TRUE(other.add_callback_from_signal([loops = &other] { loops->stop(); }));
        thread.join();
    }
}

TEST_F(RealSignals, B10_errno_is_as_it_was) {
    loop.native_handle(); // so that a post between run_ calls writes to the wake event
    for (int i = 0; i < 3; ++i) {
        errno = ENOTTY;
        loop.add_callback_from_signal([] {});
        EXPECT_EQ(errno, ENOTTY);
    }
}

TEST_F(RealSignals, B10_between_run_calls_the_native_handle_becomes_readable) {
    const Fd handle = loop.native_handle();
    if (handle == invalid_fd) GTEST_SKIP() << "this poller has none";
    const os::Disposition usr1(SIGUSR1, [](int) { target->add_callback_from_signal([] {}); });
    IOLoop host(on_its_own());
    ::raise(SIGUSR1);
    int readable = 0;
    host.add_handler(
        handle,
        [&](Fd, Events) {
            ++readable;
            host.stop();
        },
        Events::read);
    host.start();
    EXPECT_EQ(readable, 1);
    EXPECT_EQ(loop.run_once().callbacks, 1U);
}

TEST_F(RealSignals, B10_between_run_calls_the_host_is_still_rung_for_the_next_ordinary_post) {
    int rings = 0;
    loop.set_host_waker([&] { ++rings; });
    loop.add_callback_from_signal([] {});
    EXPECT_EQ(rings, 0) << "a waker takes a lock";
    std::thread([&] { loop.add_callback([] {}); }).join();
    EXPECT_EQ(rings, 1);
}

/// For three seconds, signals hit threads that are anywhere: asleep, in the middle of a post, in the middle of
/// another signal's handler. Every post that was accepted runs exactly once.
TEST_F(RealSignals, B10_under_fire_every_accepted_post_runs_exactly_once) {
    static std::atomic<long> accepted{0};
    static std::atomic<long> refused{0};
    static std::atomic<long> ran{0};
    accepted = refused = ran = 0;
    struct Fire {
        static void at(int signal) {
            os::stay(signal, &at);
            (target->add_callback_from_signal([] { ++ran; }) ? accepted : refused)++;
        }
    };
    const os::Disposition usr1(SIGUSR1, &Fire::at);
    const os::Disposition usr2(SIGUSR2, &Fire::at); // interrupts the other's handler
    const os::Disposition realtime(SIGRTMIN, &Fire::at);

    long posted = 0; // by the loop's own callbacks
    long timed = 0;
    std::atomic<long> from_threads{0};
    std::atomic<bool> enough{false};
    std::function<void()> busy = [&] {
        ++posted;
        target->add_callback_from_signal([] { ++ran; }) ? ++accepted : ++refused;
        if (!enough && posted % 50 != 0) loop.add_callback([&] { busy(); });
    };
    PeriodicCallback timer(loop, 500us, [&] {
        ++timed;
        loop.add_callback([&] { busy(); });
    });
    timer.start();

    constexpr auto pick = [](unsigned n) {
        return n == 0 ? SIGUSR1 : n == 1 ? SIGUSR2 : static_cast<int>(SIGRTMIN);
    };
#if defined(_WIN32) // a signal is handled where it is raised, and not by two at once
    const auto fire = [pick](unsigned seed, std::minstd_rand& random) {
        std::raise(pick(seed)); // a mere call: without a rest the loop would drown in posts
        if (random() % 8 == 0) std::this_thread::sleep_for(1ms);
    };
#else
    const pthread_t loops_thread = ::pthread_self();
    const auto fire = [pick, loops_thread](unsigned, std::minstd_rand& random) {
        const int signal = pick(static_cast<unsigned>(random() % 3));
        ::pthread_kill(random() % 2 == 0 ? loops_thread : ::pthread_self(), signal);
    };
#endif
    std::vector<std::thread> others;
    for (unsigned seed = 0; seed < 3; ++seed) {
        others.emplace_back([&, seed] {
            std::minstd_rand random(seed + 1);
            while (!enough) {
                fire(seed, random);
                if (loop.add_callback([&] { --from_threads; })) ++from_threads;
                if (random() % 4 == 0) std::this_thread::sleep_for(std::chrono::microseconds(random() % 300));
            }
        });
    }
    loop.call_later(3s, [&] {
        enough = true;
        loop.stop();
    });
    loop.start();
    for (std::thread& other : others) other.join();
    timer.stop();
    while (loop.run_once().ended != Ended::idle) {}
    EXPECT_EQ(ran, accepted);
    EXPECT_EQ(loop.statistics().signal_posts_refused, static_cast<std::uint64_t>(refused));
    EXPECT_EQ(from_threads, 0);
    EXPECT_GT(accepted, 1000);
    EXPECT_GT(timed, 10);
}

} // namespace
