// SPDX-License-Identifier: MIT
#include "timeout_queue.hpp"

#include "support/scarce_memory.hpp"

#include <algorithm>
#include <memory_resource>
#include <new>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

constexpr TimePoint start{1000s};
constexpr Duration year = 365 * 24h;
constexpr std::uint32_t nothing = TimeoutQueue::nothing;

TimeoutQueue make(std::uint32_t slots = 1024) {
    TimeoutQueue queue(std::pmr::get_default_resource(), start);
    queue.reserve(slots);
    return queue;
}

/// All that is due, in order.
std::vector<std::uint32_t> pop_all(TimeoutQueue& queue, TimePoint now) {
    std::vector<std::uint32_t> slots;
    for (std::uint32_t slot = 0; (slot = queue.pop_due(now)) != nothing;) slots.push_back(slot);
    return slots;
}

using Slots = std::vector<std::uint32_t>;

} // namespace

TEST(TimeoutQueue, the_earliest_comes_first) {
    TimeoutQueue queue = make();
    queue.arm(1, start + 3s);
    queue.arm(2, start + 1s);
    queue.arm(3, start + 2s);
    EXPECT_EQ(queue.front_deadline(start), start + 1s);
    EXPECT_EQ(pop_all(queue, start + 3s), (Slots{2, 3, 1}));
    EXPECT_TRUE(queue.empty());
}

TEST(TimeoutQueue, nothing_comes_early_not_by_a_nanosecond) {
    TimeoutQueue queue = make();
    for (const Duration delay :
         {Duration(1ns), Duration(1ms), Duration(1s), Duration(1h), year, 250 * year}) {
        queue.arm(1, start + delay);
        EXPECT_EQ(queue.pop_due(start + delay - 1ns), nothing);
        EXPECT_EQ(queue.pop_due(start + delay), 1U);
    }
}

TEST(TimeoutQueue, equal_deadlines_come_in_the_order_of_arming) {
    for (const Duration delay : {Duration(0), Duration(10s)}) {
        TimeoutQueue queue = make();
        for (std::uint32_t slot = 0; slot < 100; ++slot) queue.arm(99 - slot, start + delay);
        for (std::uint32_t slot = 0; slot < 100; ++slot) EXPECT_EQ(queue.pop_due(start + delay), 99 - slot);
    }
}

TEST(TimeoutQueue, a_crowd_comes_in_order_however_close_it_stands) {
    constexpr std::uint32_t count = 1000;
    for (const Duration span :
         {Duration(2ns), Duration(300ns), Duration(20us), Duration(1ms), Duration(1h)}) {
        TimeoutQueue queue = make(count);
        std::mt19937_64 random(3);
        std::vector<std::pair<TimePoint, std::uint32_t>> order;
        for (std::uint32_t slot = 0; slot < count; ++slot) {
            const auto delay = Duration(static_cast<std::int64_t>(random() % 1'000'000'000) % span.count());
            queue.arm(slot, start + delay);
            order.emplace_back(start + delay, slot);
        }
        std::sort(order.begin(), order.end()); // of equal deadlines, the one that was armed first
        // Half of them one by one, each in time; the others at once.
        for (std::uint32_t i = 0; i < count; ++i) {
            const auto [deadline, slot] = order[i];
            if (i < count / 2) {
                ASSERT_EQ(queue.front_deadline(start), deadline);
                ASSERT_EQ(queue.pop_due(deadline), slot);
            } else {
                ASSERT_EQ(queue.pop_due(start + span), slot);
            }
        }
        EXPECT_TRUE(queue.empty());
    }
}

TEST(TimeoutQueue, what_is_first_already_can_be_moved_and_disarmed_as_any) {
    TimeoutQueue queue = make();
    for (std::uint32_t slot = 0; slot < 20; ++slot) queue.arm(slot, start + slot * 1us);
    EXPECT_EQ(queue.front_deadline(start), start); // now they are near, and in exact order
    queue.rearm(0, start + 5us);                   // behind the one that was armed for then
    queue.rearm(7, start + 2us);
    queue.rearm(9, start + 1h);
    queue.rearm(12, start + 12us);
    for (const std::uint32_t slot : {1U, 3U, 19U}) queue.disarm(slot);
    queue.arm(3, start + 6us);
    queue.arm(19, start);
    EXPECT_EQ(queue.front_deadline(start), start);
    EXPECT_EQ(pop_all(queue, start + 1s),
              (Slots{19, 2, 7, 4, 5, 0, 6, 3, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18}));
    EXPECT_EQ(pop_all(queue, start + 1h), Slots{9});
}

TEST(TimeoutQueue, re_arming_counts_as_arming_anew) {
    TimeoutQueue queue = make();
    queue.arm(1, start + 1s);
    queue.arm(2, start + 1s);
    queue.rearm(1, start + 1s);
    EXPECT_EQ(pop_all(queue, start + 1s), (Slots{2, 1}));
}

TEST(TimeoutQueue, what_was_popped_is_due_until_it_is_taken_or_armed) {
    TimeoutQueue queue = make();
    EXPECT_FALSE(queue.due(1));
    queue.arm(1, start);
    queue.arm(2, start);
    EXPECT_FALSE(queue.due(1));
    EXPECT_EQ(pop_all(queue, start), (Slots{1, 2}));
    EXPECT_TRUE(queue.due(1));
    EXPECT_FALSE(queue.armed(1));
    EXPECT_EQ(queue.deadline(1), start);
    queue.take(1);
    queue.arm(2, start + 1s);
    EXPECT_FALSE(queue.due(1));
    EXPECT_FALSE(queue.due(2));
    EXPECT_TRUE(queue.armed(2));
    EXPECT_EQ(queue.deadline(1), start);
}

TEST(TimeoutQueue, a_plan_keeps_a_place_among_equals) {
    TimeoutQueue queue = make();
    queue.arm(2, start);
    queue.take(queue.pop_due(start));
    queue.plan(2, start + 1s);
    EXPECT_FALSE(queue.armed(2));
    EXPECT_EQ(queue.front_deadline(start), never);
    EXPECT_EQ(queue.deadline(2), start + 1s);
    queue.arm(1, start + 1s);
    queue.arm_as_planned(2);
    EXPECT_EQ(pop_all(queue, start + 1s), (Slots{2, 1}));
}

TEST(TimeoutQueue, shifting_moves_what_is_due_or_planned_too) {
    TimeoutQueue queue = make();
    queue.arm(1, start);
    queue.arm(2, start);
    pop_all(queue, start);
    queue.take(2);
    queue.plan(2, start + 1s);
    queue.shift(3s);
    EXPECT_TRUE(queue.due(1));
    EXPECT_EQ(queue.deadline(1), start + 3s);
    queue.arm_as_planned(2);
    EXPECT_EQ(queue.front_deadline(start), start + 4s);
}

TEST(TimeoutQueue, what_was_moved_comes_at_its_new_deadline) {
    TimeoutQueue queue = make();
    queue.arm(1, start + 1s);
    queue.arm(2, start + 2s);
    queue.rearm(1, start + 30s); // later
    queue.rearm(2, start + 1ms); // earlier
    EXPECT_EQ(queue.deadline(1), start + 30s);
    EXPECT_EQ(queue.front_deadline(start), start + 1ms);
    EXPECT_EQ(pop_all(queue, start + 29s), (Slots{2}));
    EXPECT_EQ(queue.front_deadline(start), start + 30s);
    EXPECT_EQ(pop_all(queue, start + 30s), (Slots{1}));
}

TEST(TimeoutQueue, what_was_disarmed_does_not_come_and_is_not_waited_for) {
    TimeoutQueue queue = make();
    queue.arm(1, start);
    queue.arm(2, start + 1s);
    queue.disarm(1);
    EXPECT_FALSE(queue.armed(1));
    EXPECT_EQ(queue.size(), 1U);
    EXPECT_EQ(queue.front_deadline(start), start + 1s);
    queue.disarm(2);
    EXPECT_EQ(queue.front_deadline(start), never);
    EXPECT_EQ(queue.not_before(), never);
    EXPECT_EQ(queue.pop_due(never), nothing);
}

TEST(TimeoutQueue, looking_at_the_bound_files_nothing_anew) {
    TimeoutQueue queue = make();
    queue.arm(1, start + 1s);
    queue.rearm(1, start + 30s);
    EXPECT_EQ(queue.not_before(), start + 1s); // a bound, and no more
    EXPECT_EQ(queue.front_deadline(start), start + 30s);
    EXPECT_EQ(queue.not_before(), start + 30s); // somebody wanted to know
}

TEST(TimeoutQueue, the_bound_follows_once_it_was_reached) {
    TimeoutQueue queue = make();
    queue.arm(1, start + 1s);
    queue.rearm(1, start + 30s);
    EXPECT_EQ(queue.pop_due(start + 1s), nothing);
    EXPECT_GT(queue.not_before(), start + 1s);
    EXPECT_LE(queue.not_before(), start + 30s);
}

TEST(TimeoutQueue, takes_any_deadline_wherever_time_begins) {
    const std::vector<TimePoint> times{TimePoint::min(),
                                       TimePoint::min() + 1ns,
                                       TimePoint(-1000s),
                                       TimePoint(-1ns),
                                       TimePoint(0ns),
                                       TimePoint(1ns),
                                       start,
                                       never - 1ns,
                                       never};
    for (const TimePoint begin : times) {
        TimeoutQueue queue(std::pmr::get_default_resource(), begin);
        queue.reserve(16);
        for (std::uint32_t slot = 0; slot < times.size(); ++slot) queue.arm(slot, times[slot]);
        for (std::uint32_t slot = 0; slot < times.size(); ++slot) {
            EXPECT_EQ(queue.front_deadline(begin), times[slot]);
            EXPECT_EQ(pop_all(queue, times[slot]), Slots{slot});
        }
    }
}

TEST(TimeoutQueue, shifting_moves_all_but_never) {
    TimeoutQueue queue = make();
    queue.arm(1, never);
    queue.arm(2, start);
    queue.arm(3, never - 1s);
    queue.shift(5s);
    EXPECT_EQ(queue.front_deadline(start), start + 5s);
    EXPECT_EQ(queue.deadline(3), never);
    EXPECT_EQ(pop_all(queue, start + 5s), Slots{2});
    EXPECT_EQ(queue.front_deadline(start), never);
    EXPECT_EQ(queue.pop_due(never - 1ns), nothing);
}

TEST(TimeoutQueue, shifting_keeps_the_order_of_equals) {
    TimeoutQueue queue = make();
    for (std::uint32_t slot = 0; slot < 100; ++slot) queue.arm(99 - slot, start + 1s);
    queue.shift(-3s);
    for (std::uint32_t slot = 0; slot < 100; ++slot) EXPECT_EQ(queue.pop_due(start - 2s), 99 - slot);
}

TEST(TimeoutQueue, clearing_disarms_all) {
    TimeoutQueue queue = make();
    queue.arm(1, start);
    queue.arm(2, start + 1h);
    queue.clear();
    EXPECT_FALSE(queue.armed(1));
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.not_before(), never);
    queue.arm(2, start + 1s);
    EXPECT_EQ(pop_all(queue, never), Slots{2});
}

TEST(TimeoutQueue, without_memory_nothing_changes) {
    ScarceMemory memory;
    TimeoutQueue queue(&memory, start);
    queue.reserve(2);
    queue.arm(0, start);
    queue.arm(1, start + 1h);
    for (int granted = 0;; ++granted) {
        memory.granted = granted;
        try {
            queue.reserve(1000);
            break;
        } catch (const std::bad_alloc&) {
            EXPECT_EQ(queue.size(), 2U);
            EXPECT_EQ(queue.front_deadline(start), start);
        }
    }
    memory.granted = 0; // from here on none is needed
    for (std::uint32_t slot = 2; slot < 1000; ++slot) queue.arm(slot, start + slot * 1ms);
    for (std::uint32_t slot = 2; slot < 1000; ++slot) queue.rearm(slot, start + (1000 - slot) * 1s);
    EXPECT_EQ(pop_all(queue, never).size(), 1000U);
}

TEST(TimeoutQueue, a_million_come_in_order) {
    constexpr std::uint32_t count = 1'000'000;
    TimeoutQueue queue = make(count);
    std::mt19937_64 random(5);
    for (std::uint32_t slot = 0; slot < count; ++slot)
        queue.arm(slot, start + Duration(random() % 100'000'000'000));
    TimePoint last = start;
    std::uint32_t seen = 0;
    for (TimePoint now = start; !queue.empty(); now += 16ms) {
        for (std::uint32_t slot = 0; (slot = queue.pop_due(now)) != nothing; ++seen) {
            ASSERT_GE(queue.deadline(slot), last); // its record is left as it was
            last = queue.deadline(slot);
            ASSERT_LE(last, now);
        }
    }
    EXPECT_EQ(seen, count);
}
