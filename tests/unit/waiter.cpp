// SPDX-License-Identifier: MIT
#include "waiter.hpp"

#include "support/os.hpp"
#include "support/socket_pair.hpp"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

class Waiters : public testing::Test {
protected:
    std::atomic<int> told{0};
    SocketPair pair;
    Waiter waiter{[this] {
        ++told;
        told.notify_all();
        return true;
    }};
    const Waiter::Interest readable{pair.a, Events::read};

    void await_told(int times) {
        for (int seen = told; seen < times; seen = told) os::await_change(told, seen);
    }
    void await_sleep(std::uint64_t sleep) {
        while (waiter.sleeps() < sleep) std::this_thread::yield();
    }
};

TEST_F(Waiters, tells_when_a_descriptor_is_ready_and_then_rests) {
    waiter.arm({&readable, 1}, never);
    await_sleep(1);
    EXPECT_EQ(told, 0);
    pair.send_to_a();
    await_told(1);
    pair.send_to_a();
    EXPECT_EQ(told, 1);
    waiter.arm({&readable, 1}, never);
    await_told(2);
}

TEST_F(Waiters, tells_at_the_deadline_and_not_before) {
    const TimePoint deadline = steady_clock().now() + 5ms;
    waiter.arm({}, deadline);
    await_told(1);
    EXPECT_GE(steady_clock().now(), deadline);
}

TEST_F(Waiters, an_earlier_deadline_interrupts_and_a_later_one_does_not) {
    waiter.arm({}, steady_clock().now() + 1h);
    await_sleep(1);
    waiter.arm({}, steady_clock().now() + 2h);
    EXPECT_EQ(waiter.interrupts(), 0U);
    waiter.arm({}, steady_clock().now());
    EXPECT_EQ(waiter.interrupts(), 1U);
    await_told(1);
}

TEST_F(Waiters, other_descriptors_interrupt) {
    waiter.arm({}, never);
    await_sleep(1);
    pair.send_to_a();
    waiter.arm({&readable, 1}, never);
    await_told(1);
    EXPECT_EQ(waiter.interrupts(), 1U);
}

TEST_F(Waiters, a_deadline_that_moved_back_while_it_slept_is_kept) {
    waiter.arm({}, steady_clock().now() + 200ms);
    await_sleep(1);
    waiter.arm({}, steady_clock().now() + 1h);
    await_sleep(2); // it came to look
    EXPECT_EQ(told, 0);
}

TEST_F(Waiters, held_it_tells_nothing_until_it_is_armed_again) {
    waiter.arm({&readable, 1}, never);
    await_sleep(1);
    waiter.hold();
    pair.send_to_a();
    EXPECT_EQ(told, 0);
    waiter.arm({&readable, 1}, never);
    await_told(1);
}

TEST_F(Waiters, a_descriptor_that_cannot_be_watched_is_told) {
    SocketPair closed;
    const Waiter::Interest gone{closed.a, Events::read};
    closed.close_a();
    waiter.arm({&gone, 1}, never);
    await_told(1);
    waiter.arm({&gone, 1}, never);
    await_told(2); // also the second time
}

TEST_F(Waiters, who_could_not_be_told_is_told_again) {
    std::atomic<int> refusals{3};
    std::atomic<int> heard{0};
    Waiter unwelcome([&] {
        if (refusals.fetch_sub(1) > 0) return false;
        ++heard;
        heard.notify_all();
        return true;
    });
    unwelcome.tell_soon();
    os::await_change(heard, 0);
    EXPECT_EQ(heard, 1);
}

TEST_F(Waiters, ends_while_it_sleeps_and_while_it_rests) {
    for (int i = 0; i < 20; ++i) {
        Waiter passing([] { return true; });
        if (i % 2 == 0) passing.arm({}, never);
    }
}

} // namespace
