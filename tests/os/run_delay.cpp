// SPDX-License-Identifier: MIT
// How long a thread waited for a CPU, told apart from how long it had one, and from sleep. Over Linux itself.
#include "os/run_delay.hpp"

#include "support/os.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <thread>

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

/// Keeps this thread, and those that it starts, on one of its CPUs for as long as it lives.
class OnOneCpu {
public:
    OnOneCpu() {
        CPU_ZERO(&before_);
        if (::sched_getaffinity(0, sizeof before_, &before_) != 0) os::fail("sched_getaffinity");
        std::size_t cpu = 0;
        while (!CPU_ISSET(cpu, &before_)) ++cpu;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        if (::sched_setaffinity(0, sizeof one, &one) != 0) os::fail("sched_setaffinity");
    }
    OnOneCpu(const OnOneCpu&) = delete;
    OnOneCpu& operator=(const OnOneCpu&) = delete;
    ~OnOneCpu() { ::sched_setaffinity(0, sizeof before_, &before_); }

private:
    cpu_set_t before_;
};

/// A thread that does nothing, all the time.
class Hog {
public:
    Hog() = default;
    Hog(const Hog&) = delete;
    Hog& operator=(const Hog&) = delete;
    ~Hog() {
        enough_ = true;
        thread_.join();
    }

private:
    std::atomic<bool> enough_{false};
    std::thread thread_{[this] {
        while (!enough_) {}
    }};
};

class RunDelayTest : public testing::Test {
protected:
    RunDelay delay;

    void SetUp() override {
        if (!delay.waited()) GTEST_SKIP() << "this kernel does not count it";
    }
    /// Works until `done` or, which fails the test, for ten seconds.
    template <class F> static void work_until(F&& done) {
        const auto end = std::chrono::steady_clock::now() + 10s;
        while (!done()) ASSERT_LT(std::chrono::steady_clock::now(), end);
    }
};

TEST_F(RunDelayTest, a_thread_that_shares_its_cpu_waits_for_it) {
    const OnOneCpu one;
    const Hog hog;
    const Duration before = *delay.waited();
    const auto begin = std::chrono::steady_clock::now();
    work_until([&] { return *delay.waited() - before >= 5ms; });
    EXPECT_LE(*delay.waited() - before, std::chrono::steady_clock::now() - begin);
}

TEST_F(RunDelayTest, cpu_time_and_waiting_together_are_the_time_of_a_thread_that_never_sleeps) {
    const OnOneCpu one;
    const Hog hog;
    const Hog another; // a third of the CPU is left
    const auto accounted = [&] { return *delay.waited() + *RunDelay::cpu_time(); };
    const Duration before = accounted();
    const auto begin = std::chrono::steady_clock::now();
    work_until([&] { return std::chrono::steady_clock::now() - begin >= 100ms; });
    const Duration passed = std::chrono::steady_clock::now() - begin;
    const Duration sum = accounted() - before;
    EXPECT_GT(sum, passed * 6 / 10); // what a hypervisor takes is neither
    EXPECT_LT(sum, passed * 12 / 10);
}

TEST_F(RunDelayTest, sleep_is_neither_waiting_nor_cpu_time) {
    const Duration waited = *delay.waited();
    const Duration worked = *RunDelay::cpu_time();
    std::this_thread::sleep_for(200ms);
    EXPECT_LT(*delay.waited() - waited, 100ms);
    EXPECT_LT(*RunDelay::cpu_time() - worked, 100ms);
}

TEST_F(RunDelayTest, another_thread_is_told_of_itself) {
    {
        const OnOneCpu one;
        const Hog hog;
        const Duration before = *delay.waited();
        work_until([&] { return *delay.waited() - before >= 50ms; });
    }
    const Duration mine = *delay.waited();
    std::optional<Duration> of_new_thread;
    std::thread([&] { of_new_thread = delay.waited(); }).join();
    ASSERT_TRUE(of_new_thread);
    EXPECT_LT(*of_new_thread, mine);
    EXPECT_GE(*delay.waited(), mine) << "and this one of itself again";
}

TEST_F(RunDelayTest, threads_that_follow_one_another_are_each_told) {
    for (int i = 0; i < 3; ++i) {
        std::optional<Duration> waited;
        std::thread([&] { waited = delay.waited(); }).join();
        EXPECT_TRUE(waited) << i;
    }
}

TEST_F(RunDelayTest, a_child_of_fork_is_told_of_itself) {
    {
        const OnOneCpu one;
        const Hog hog;
        const Duration before = *delay.waited();
        work_until([&] { return *delay.waited() - before >= 50ms; });
    }
    const Duration mine = *delay.waited();
    const pid_t child = ::fork();
    if (child == 0) {
        const auto waited = delay.waited();
        ::_exit(waited && *waited < mine ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

TEST_F(RunDelayTest, keeps_one_descriptor_and_lets_it_go) {
    const auto before = os::open_descriptors();
    {
        RunDelay another;
        another.waited();
        const auto during = os::open_descriptors();
        another.waited();
        EXPECT_EQ(during.size(), before.size() + 1);
        EXPECT_EQ(os::open_descriptors(), during);
        for (const Fd fd : during) EXPECT_TRUE(before.contains(fd) || !os::inheritable(fd));
    }
    EXPECT_EQ(os::open_descriptors(), before);
}

} // namespace
