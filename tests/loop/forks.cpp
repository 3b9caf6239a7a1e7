// SPDX-License-Identifier: MIT
/// A forked child has the loop of its parent, and none of its threads: it may close and destroy its copy, whatever they were at.
#include "support/queue_host.hpp"
#include "support/sanitizers.hpp"
#include "support/thrown.hpp"

#include <ioloop/ioloop.hpp>

#include <atomic>
#include <csignal>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

class Forks : public testing::Test {
protected:
    void SetUp() override {
        if (UNDER_THREAD_SANITIZER) GTEST_SKIP() << "which has no forks of processes with threads";
    }
    /// What becomes of a child that does this: 0 if all is well.
    template <class F> static int status_of_child(F&& f) {
        const pid_t child = ::fork();
        if (child == 0) {
            ::alarm(10); // instead of hanging
            f();
            ::_exit(HasFailure() ? 1 : 0);
        }
        int status = -1;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        return status;
    }
    static IOLoop::Options on_its_own() {
        IOLoop::Options options;
        options.make_current = MakeCurrent::never;
        return options;
    }
    std::unique_ptr<IOLoop> loop = std::make_unique<IOLoop>(on_its_own());
};

TEST_F(Forks, a_child_may_close_a_loop_that_has_a_pool) {
    for (int round = 0; round < 5; ++round) {
        loop->run_sync([&] { return loop->run_in_executor([] {}); });
        ASSERT_EQ(status_of_child([&] { loop->close(); }), 0)
            << "it waited for threads that it does not have";
    }
    loop->run_sync([&] { return loop->run_in_executor([] {}); });
}

TEST_F(Forks, a_pool_takes_no_job_in_a_child_and_may_be_destroyed_there) {
    auto pool = std::make_unique<ThreadPool>(1);
    std::atomic<int> ran{0};
    pool->execute([&] { ++ran; });
    while (ran == 0) std::this_thread::yield();
    const int status = status_of_child([&] {
        EXPECT_THAT(thrown<std::logic_error>([&] { pool->execute([] {}); }), testing::HasSubstr("fork"));
        pool.reset();
    });
    EXPECT_EQ(status, 0);
    pool->execute([&] { ++ran; });
    while (ran == 1) std::this_thread::yield();
}

TEST_F(Forks, a_child_may_end_a_guest_that_is_running_before_its_loop_or_after_it) {
    QueueHost host;
    auto guest = std::make_unique<Guest>(*loop, host.poster(), Budget{10s});
    guest->start();
    ASSERT_TRUE(host.run_until([&] { return host.posted() == 0; }));
    while (guest->statistics().sleeps == 0) std::this_thread::yield();
    EXPECT_EQ(status_of_child([&] { loop.reset(), guest.reset(); }), 0);
    EXPECT_EQ(status_of_child([&] { guest.reset(), loop.reset(); }), 0);
    bool ran = false;
    loop->add_callback([&] { ran = true; });
    EXPECT_TRUE(host.run_until([&] { return ran; })) << "the parent's goes on";
}

TEST_F(Forks, a_child_may_close_a_loop_that_another_thread_was_in) {
    std::thread runner([&] { loop->start(); });
    while (!loop->running()) std::this_thread::yield();
    EXPECT_EQ(status_of_child([&] { loop->close(); }), 0);
    EXPECT_EQ(status_of_child([&] { loop.reset(); }), 0);
    loop->stop();
    runner.join();
}

TEST_F(Forks, a_child_may_destroy_a_loop_that_another_thread_was_posting_to) {
    std::atomic<bool> enough{false};
    constexpr int most_queued =
        1000; // or the child would have millions to destroy where this thread gets no CPU
    std::atomic<int> queued{0};
    std::thread other([&, poster = Poster(*loop)] {
        while (!enough) {
            if (queued < most_queued) {
                ++queued;
                poster.add_callback([&queued, life = std::make_shared<int>()] { --queued; });
            } else {
                std::this_thread::yield();
            }
        }
    });
    int status = 0;
    for (int round = 0; round < 100 && status == 0; ++round) {
        loop->run_once();
        status = status_of_child([&] { loop.reset(); });
    }
    enough = true;
    other.join();
    EXPECT_EQ(status, 0) << "it waited for a thread that it does not have";
}

TEST_F(Forks, a_child_that_is_made_while_a_stack_is_captured_has_watchdogs_that_work) {
    std::atomic<bool> stalled{false};
    std::atomic<bool> seen{false};
    std::thread stalls([&] {
        sigset_t all;
        ::sigfillset(&all);
        IOLoop other(on_its_own());
        other.set_blocking_signal_threshold(1ms, [&](const Stall&) { seen = true; });
        other.add_callback([&] {
            // So that it gives no answer, for as long as it is asked.
            ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
            stalled = true;
            while (!seen) std::this_thread::yield();
        });
        other.run_once();
    });
    while (!stalled) std::this_thread::yield();
    int status = 0;
    do {
        status = status_of_child([] {
            IOLoop own(on_its_own());
            std::atomic<bool> told{false};
            own.set_blocking_signal_threshold(1ms, [&](const Stall&) { told = true; });
            own.add_callback([&] {
                while (!told) std::this_thread::yield();
            });
            own.run_once();
        });
    } while (!seen && status == 0);
    EXPECT_EQ(status, 0);
    stalls.join();
}

TEST_F(Forks, a_loop_whose_descriptors_somebody_has_closed_says_so) {
    for (const PollerKind kind : available_pollers()) {
        if (kind == PollerKind::null) continue;
        EXPECT_EQ(status_of_child([&] {
                      auto options = on_its_own();
                      options.poller = kind;
                      IOLoop own(std::move(options));
                      own.run_once(no_wait);
                      for (Fd fd = 3; fd < 200; ++fd) ::close(fd); // as daemons do
                      EXPECT_THROW(own.run_once(10ms), std::system_error) << name_of(kind);
                  }),
                  0)
            << name_of(kind);
    }
}

TEST_F(Forks, a_child_that_is_made_by_a_callable_does_not_go_on_with_start) {
    pid_t child = -1;
    int served = 0;
    loop->add_callback([&] {
        child = ::fork();
        if (child == 0) ::alarm(10);
        // In the next turn.
        loop->add_callback([&] {
            ++served;
            loop->stop();
        });
    });
    std::string refused;
    try {
        loop->start();
    } catch (const std::logic_error& error) {
        refused = error.what();
    }
    if (child == 0) ::_exit(served == 0 && refused.find("fork") != std::string::npos ? 0 : 1);
    EXPECT_EQ(refused, "");
    EXPECT_EQ(served, 1);
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

} // namespace
