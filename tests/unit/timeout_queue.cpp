// SPDX-License-Identifier: MIT
#include "timeout_queue.hpp"

#include <algorithm>
#include <map>
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
    class Memory : public std::pmr::memory_resource {
    public:
        int granted = 1000;

    private:
        void* do_allocate(std::size_t bytes, std::size_t alignment) override {
            if (granted == 0) throw std::bad_alloc();
            --granted;
            return std::pmr::new_delete_resource()->allocate(bytes, alignment);
        }
        void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override {
            std::pmr::new_delete_resource()->deallocate(memory, bytes, alignment);
        }
        bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
    } memory;
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

namespace {

/// A queue, and a sorted map that does the same.
class Twins {
public:
    Twins(unsigned seed, TimePoint begin, std::uint32_t slots, bool told)
        : random_(seed),
          queue_(std::pmr::get_default_resource(), told ? begin : TimePoint::min()),
          now_(begin),
          keys_(slots),
          popped_(slots) {
        queue_.reserve(slots);
    }

    void step() {
        const std::uint32_t slot = random(static_cast<std::uint32_t>(keys_.size()));
        switch (random(16)) {
        case 0: pass(); break;
        case 1: front(); break;
        case 2: shift_seldom(); break;
        case 3:
        case 4: set(slot, now_ + 30s); break; // an idle timeout is always moved to later
        case 5:
        case 6: disarm(slot); break;
        case 7: planned(slot); break;
        default: set(slot, deadline()); break;
        }
        check(slot);
    }
    void drain() {
        while (!model_.empty()) {
            front();
            now_ = std::max(now_, model_.begin()->first.first);
            pop();
        }
        ASSERT_EQ(queue_.front_deadline(now_), never);
    }

private:
    using Key = std::pair<TimePoint, std::uint64_t>;

    std::uint32_t random(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }
    /// Of any size, the small ones as often as the big ones.
    Duration size(int bits) {
        const std::uint32_t shift = 1 + random(static_cast<std::uint32_t>(bits));
        return Duration(static_cast<std::int64_t>(random_() >> (64 - shift)));
    }
    TimePoint deadline() {
        switch (random(24)) {
        case 0: return never;
        case 1: return TimePoint::min() + size(62);
        case 2: return TimePoint(Duration(static_cast<std::int64_t>(random_())));
        case 3: return after(now_, -size(50));
        case 4:
        case 5: return after(now_, 5ms); // ties
        default: return after(now_, size(60));
        }
    }
    void set(std::uint32_t slot, TimePoint deadline) {
        if (queue_.armed(slot)) {
            model_.erase(keys_[slot]);
            queue_.rearm(slot, deadline);
        } else {
            queue_.arm(slot, deadline);
        }
        popped_[slot] = false;
        model_[keys_[slot] = {deadline, sequence_++}] = slot;
    }
    void planned(std::uint32_t slot) {
        if (!popped_[slot]) return;
        if (queue_.due(slot)) queue_.take(slot);
        const Key key{random(2) == 0 ? after(now_, 5ms) : deadline(), sequence_++};
        queue_.plan(slot, key.first);
        ASSERT_EQ(queue_.deadline(slot), key.first);
        set((slot + 1) % static_cast<std::uint32_t>(keys_.size()), after(now_, 5ms));
        if (!popped_[slot]) return;
        queue_.arm_as_planned(slot);
        popped_[slot] = false;
        model_[keys_[slot] = key] = slot;
    }
    void disarm(std::uint32_t slot) {
        if (!queue_.armed(slot)) return;
        queue_.disarm(slot);
        model_.erase(keys_[slot]);
    }
    void pass() {
        // Mostly frames, some jumps, and once in a while years.
        now_ = after(now_, random(8) != 0 ? size(25) : random(8) != 0 ? size(36) : size(57));
        pop();
    }
    /// All that is due, or, as if a budget ended, some of it.
    void pop() {
        for (std::uint32_t left = random(4) == 0 ? random(10) : UINT32_MAX; left > 0; --left) {
            const bool due = !model_.empty() && model_.begin()->first.first <= now_;
            ASSERT_EQ(queue_.pop_due(now_), due ? model_.begin()->second : nothing);
            if (!due) break;
            const auto [key, slot] = *model_.begin();
            ASSERT_TRUE(queue_.due(slot));
            ASSERT_EQ(queue_.deadline(slot), key.first);
            popped_[slot] = true;
            model_.erase(model_.begin());
        }
    }
    void front() {
        ASSERT_EQ(queue_.front_deadline(now_), model_.empty() ? never : model_.begin()->first.first);
    }
    void shift_seldom() {
        if (random(64) != 0) return;
        const Duration gap = random(2) == 0 ? size(40) : -size(40);
        std::map<Key, std::uint32_t> moved;
        for (const auto& [key, slot] : model_) {
            keys_[slot].first = key.first == never ? never : after(key.first, gap);
            moved[keys_[slot]] = slot;
        }
        model_ = moved;
        queue_.shift(gap);
    }
    void check(std::uint32_t slot) {
        ASSERT_EQ(queue_.size(), model_.size());
        ASSERT_EQ(queue_.empty(), model_.empty());
        const bool armed = model_.contains(keys_[slot]) && model_[keys_[slot]] == slot;
        ASSERT_EQ(queue_.armed(slot), armed);
        if (armed) {
            ASSERT_EQ(queue_.deadline(slot), keys_[slot].first);
        }
        if (model_.empty()) {
            ASSERT_EQ(queue_.not_before(), never);
        } else {
            ASSERT_LE(queue_.not_before(), model_.begin()->first.first);
        }
    }

    std::mt19937_64 random_;
    TimeoutQueue queue_;
    TimePoint now_;
    std::uint64_t sequence_ = 0;
    std::vector<Key> keys_;    ///< by slot
    std::vector<bool> popped_; ///< by slot: and not armed since
    std::map<Key, std::uint32_t> model_;
};

} // namespace

TEST(TimeoutQueue, agrees_with_a_sorted_map_over_random_operations) {
    const TimePoint begins[] = {start, TimePoint(0ns), TimePoint(-3s), TimePoint::min(),
                                TimePoint(-100 * year)};
    for (unsigned seed = 0; seed < 25; ++seed) {
        SCOPED_TRACE(seed);
        Twins twins(seed, begins[seed % std::size(begins)],
                    seed % 4 == 0   ? 2000
                    : seed % 4 == 1 ? 300
                                    : 20,
                    seed % 3 != 0);
        for (int i = 0; i < 40'000 && !testing::Test::HasFatalFailure(); ++i) twins.step();
        twins.drain();
        if (testing::Test::HasFatalFailure()) return;
    }
}
