// SPDX-License-Identifier: MIT
#include "signal_queue.hpp"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

using namespace ioloop;

namespace {

using Room = SignalQueue::Room;

bool push(SignalQueue& queue, std::vector<int>& out, int value, Room room = Room::ordinary) {
    return queue.push([&out, value] { out.push_back(value); }, "here", room);
}

void run_all(SignalQueue& queue) {
    for (; queue.ready(); queue.pop()) queue.front().callback();
}

} // namespace

TEST(SignalQueue, first_in_first_out_round_and_round) {
    SignalQueue queue;
    std::vector<int> out;
    for (int i = 0; i < 1000; ++i) {
        ASSERT_TRUE(push(queue, out, i));
        if (i % 7 == 0) run_all(queue);
    }
    run_all(queue);
    ASSERT_EQ(out.size(), 1000U);
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(out[static_cast<std::size_t>(i)], i);
    EXPECT_EQ(queue.size(), 0U);
}

TEST(SignalQueue, full_it_refuses_and_counts_and_has_room_again_afterwards) {
    SignalQueue queue;
    std::vector<int> out;
    for (std::size_t i = 0; i < SignalQueue::capacity; ++i) ASSERT_TRUE(push(queue, out, 1));
    EXPECT_FALSE(push(queue, out, 2));
    EXPECT_EQ(queue.refused(), 1U);
    EXPECT_EQ(queue.size(), SignalQueue::capacity);
    run_all(queue);
    EXPECT_EQ(out, std::vector<int>(SignalQueue::capacity, 1));
    EXPECT_TRUE(push(queue, out, 3));
}

TEST(SignalQueue, reserved_room_is_there_when_the_ordinary_is_used_up) {
    SignalQueue queue;
    std::vector<int> out;
    for (std::size_t i = 0; i < SignalQueue::capacity; ++i) ASSERT_TRUE(push(queue, out, 1));
    for (std::size_t i = 0; i < SignalQueue::capacity; ++i) ASSERT_TRUE(push(queue, out, 2, Room::reserved));
    EXPECT_FALSE(push(queue, out, 3, Room::reserved));
    run_all(queue);
    EXPECT_EQ(out.size(), 2 * SignalQueue::capacity);
}

TEST(SignalQueue, closed_it_refuses) {
    SignalQueue queue;
    std::vector<int> out;
    queue.close();
    EXPECT_FALSE(push(queue, out, 1));
    EXPECT_FALSE(queue.ready());
    EXPECT_EQ(queue.refused(), 0U) << "that is no lack of room";
}

TEST(SignalQueue, every_producer_keeps_its_order_and_nothing_accepted_is_lost) {
    SignalQueue queue;
    constexpr int producers = 4;
    constexpr int posts = 20'000;
    std::vector<std::vector<int>> accepted(producers);
    std::vector<std::vector<int>> out(producers);
    std::atomic<int> at_work{producers};
    std::vector<std::thread> threads;
    for (std::size_t p = 0; p < producers; ++p) {
        threads.emplace_back([&, p] {
            for (int i = 0; i < posts; ++i) {
                if (push(queue, out[p], i)) accepted[p].push_back(i);
            }
            --at_work;
        });
    }
    while (at_work > 0) run_all(queue);
    for (std::thread& thread : threads) thread.join();
    run_all(queue);
    EXPECT_EQ(out, accepted);
}
