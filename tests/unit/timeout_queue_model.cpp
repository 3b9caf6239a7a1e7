// SPDX-License-Identifier: MIT
// TimeoutQueue against a sorted map, over random operations.
#include "support/sanitizers.hpp"
#include "timeout_queue.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory_resource>
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
    constexpr unsigned seeds = UNDER_ADDRESS_SANITIZER || UNDER_THREAD_SANITIZER ? 5 : 25;
    for (unsigned seed = 0; seed < seeds; ++seed) {
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
