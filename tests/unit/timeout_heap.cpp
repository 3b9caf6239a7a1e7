// SPDX-License-Identifier: MIT
#include "timeout_heap.hpp"

#include <map>
#include <random>
#include <vector>

#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

constexpr TimePoint start{1000s};

TimeoutHeap make(std::uint32_t slots = 1024) {
    TimeoutHeap heap(std::pmr::get_default_resource());
    heap.reserve(slots);
    return heap;
}

} // namespace

TEST(TimeoutHeap, the_front_is_the_earliest) {
    TimeoutHeap heap = make();
    heap.arm(1, start + 3s);
    heap.arm(2, start + 1s);
    heap.arm(3, start + 2s);
    EXPECT_EQ(heap.front_deadline(), start + 1s);
    EXPECT_EQ(heap.pop(), 2U);
    EXPECT_EQ(heap.pop(), 3U);
    EXPECT_EQ(heap.pop(), 1U);
    EXPECT_TRUE(heap.empty());
}

TEST(TimeoutHeap, equal_deadlines_come_in_the_order_of_arming) {
    TimeoutHeap heap = make();
    for (std::uint32_t slot = 0; slot < 100; ++slot) heap.arm(99 - slot, start);
    for (std::uint32_t slot = 0; slot < 100; ++slot) EXPECT_EQ(heap.pop(), 99 - slot);
}

TEST(TimeoutHeap, re_arming_counts_as_arming_anew) {
    TimeoutHeap heap = make();
    heap.arm(1, start);
    heap.arm(2, start);
    heap.rearm(1, start);
    EXPECT_EQ(heap.pop(), 2U);
}

TEST(TimeoutHeap, disarming_is_true_removal) {
    TimeoutHeap heap = make();
    heap.arm(1, start);
    heap.arm(2, start + 1s);
    heap.disarm(1);
    EXPECT_FALSE(heap.armed(1));
    EXPECT_EQ(heap.size(), 1U);
    EXPECT_EQ(heap.front_deadline(), start + 1s);
}

TEST(TimeoutHeap, shifting_moves_all_but_never) {
    TimeoutHeap heap = make();
    heap.arm(1, never);
    heap.arm(2, start);
    heap.shift(5s);
    EXPECT_EQ(heap.front_deadline(), start + 5s);
    heap.pop();
    EXPECT_EQ(heap.front_deadline(), never);
}

TEST(TimeoutHeap, agrees_with_a_sorted_map_over_random_operations) {
    constexpr std::uint32_t slots = 300;
    TimeoutHeap heap = make(slots);
    std::map<std::pair<TimePoint, std::uint64_t>, std::uint32_t> model; // (deadline, order of arming) -> slot
    std::vector<std::pair<TimePoint, std::uint64_t>> keys(slots);
    std::uint64_t sequence = 0;
    std::mt19937 random(7);
    for (int i = 0; i < 200000; ++i) {
        const auto slot = static_cast<std::uint32_t>(random() % slots);
        const TimePoint deadline = start + std::chrono::milliseconds(random() % 50); // ties are frequent
        if (!heap.armed(slot)) {
            heap.arm(slot, deadline);
        } else if (random() % 3 == 0) {
            model.erase(keys[slot]);
            heap.disarm(slot);
            continue;
        } else {
            model.erase(keys[slot]);
            heap.rearm(slot, deadline);
        }
        keys[slot] = {deadline, sequence++};
        model[keys[slot]] = slot;
        if (random() % 4 == 0) {
            ASSERT_EQ(heap.front_deadline(), model.begin()->first.first);
            ASSERT_EQ(heap.pop(), model.begin()->second);
            model.erase(model.begin());
        }
        ASSERT_EQ(heap.size(), model.size());
    }
}
