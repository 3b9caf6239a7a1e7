// SPDX-License-Identifier: MIT
#include "slot_map.hpp"

#include "support/scarce_memory.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <memory_resource>
#include <new>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

using ioloop::SlotMap;

namespace {

using Map = SlotMap<std::unique_ptr<int>>;

Map make() { return Map(std::pmr::get_default_resource()); }

void erase(Map& map, Map::Id id) {
    map.retire(id.slot);
    map.release(id.slot);
}

} // namespace

TEST(SlotMap, finds_what_was_put_in) {
    Map map = make();
    const auto id = map.emplace(std::make_unique<int>(5));
    ASSERT_NE(map.find(id.slot, id.generation), nullptr);
    EXPECT_EQ(**map.find(id.slot, id.generation), 5);
    EXPECT_EQ(map.size(), 1U);
}

TEST(SlotMap, an_id_of_zeros_names_nothing) {
    Map map = make();
    EXPECT_EQ(map.find(0, 0), nullptr);
    map.emplace(std::make_unique<int>(1));
    EXPECT_EQ(map.find(0, 0), nullptr);
}

TEST(SlotMap, a_slot_used_again_has_another_generation) {
    Map map = make();
    const auto first = map.emplace(std::make_unique<int>(1));
    erase(map, first);
    const auto second = map.emplace(std::make_unique<int>(2));
    EXPECT_EQ(second.slot, first.slot);
    EXPECT_EQ(map.find(first.slot, first.generation), nullptr);
    EXPECT_NE(map.find(second.slot, second.generation), nullptr);
}

TEST(SlotMap, retiring_ends_the_id_and_releasing_destroys_the_object) {
    SlotMap<std::shared_ptr<int>> map(std::pmr::get_default_resource());
    const auto object = std::make_shared<int>(1);
    const auto id = map.emplace(object);
    map.retire(id.slot);
    EXPECT_EQ(map.find(id.slot, id.generation), nullptr);
    EXPECT_EQ(object.use_count(), 2);
    EXPECT_NE(map.emplace(object).slot, id.slot); // not free yet
    map.release(id.slot);
    EXPECT_EQ(object.use_count(), 2);
}

TEST(SlotMap, addresses_never_move) {
    Map map = make();
    const auto id = map.emplace(std::make_unique<int>(1));
    const auto* address = map.find(id.slot, id.generation);
    for (int i = 0; i < 1000; ++i) map.emplace(std::make_unique<int>(i));
    EXPECT_EQ(map.find(id.slot, id.generation), address);
}

TEST(SlotMap, destroys_what_it_holds) {
    const auto object = std::make_shared<int>(1);
    {
        SlotMap<std::shared_ptr<int>> map(std::pmr::get_default_resource());
        for (int i = 0; i < 100; ++i) map.emplace(object);
        const auto id = map.emplace(object);
        map.retire(id.slot);
        EXPECT_EQ(object.use_count(), 102);
    }
    EXPECT_EQ(object.use_count(), 1);
}

TEST(SlotMap, the_lowest_free_slot_is_used_first) {
    SlotMap<int> map(std::pmr::get_default_resource());
    constexpr std::uint32_t count = 20'000; // so many that there are several words of words
    for (std::uint32_t i = 0; i < count; ++i) ASSERT_EQ(map.emplace(0).slot, i);
    std::set<std::uint32_t> free;
    std::mt19937 random(3);
    for (int i = 0; i < 3000; ++i) free.insert(static_cast<std::uint32_t>(random() % count));
    std::vector<std::uint32_t> order(free.begin(), free.end());
    std::shuffle(order.begin(), order.end(), random);
    for (const std::uint32_t slot : order) {
        map.retire(slot);
        map.release(slot);
    }
    for (const std::uint32_t slot : free) ASSERT_EQ(map.emplace(0).slot, slot);
    EXPECT_EQ(map.emplace(0).slot, count);
    EXPECT_EQ(map.size(), count + 1);
}

TEST(SlotMap, an_id_is_valid_until_it_is_retired) {
    Map map = make();
    EXPECT_FALSE(map.contains(0, 1));
    const auto id = map.emplace(std::make_unique<int>(1));
    EXPECT_TRUE(map.contains(id.slot, id.generation));
    EXPECT_FALSE(map.contains(id.slot, id.generation + 2));
    EXPECT_FALSE(map.contains(id.slot + 1'000'000, id.generation));
    map.retire(id.slot);
    EXPECT_FALSE(map.contains(id.slot, id.generation));
    EXPECT_FALSE(map.contains(id.slot, id.generation + 1)); // retired, or free
    map.release(id.slot);
    EXPECT_FALSE(map.contains(id.slot, id.generation + 1));
}

TEST(SlotMap, without_memory_nothing_changes) {
    ScarceMemory memory;
    SlotMap<int> map(&memory);
    for (std::uint32_t i = 0; i < 10'000; ++i) {
        int granted = 0;
        for (;; ++granted) {
            memory.granted = granted;
            try {
                ASSERT_EQ(map.emplace(1).slot, i);
                break;
            } catch (const std::bad_alloc&) {
                ASSERT_EQ(map.size(), i);
                ASSERT_EQ(map.end() % 64, 0U);
            }
        }
        ASSERT_LE(granted, 5);
    }
    EXPECT_EQ(map.end(), 10'048U);
}

TEST(SlotMap, what_room_was_reserved_for_needs_no_memory) {
    std::array<std::byte, 8192> bytes;
    std::pmr::monotonic_buffer_resource memory(bytes.data(), bytes.size(), std::pmr::null_memory_resource());
    SlotMap<int> map(&memory);
    EXPECT_TRUE(map.full());
    map.reserve();
    EXPECT_FALSE(map.full());
    while (!map.full()) map.emplace(1);
    EXPECT_EQ(map.size(), map.end());
    map.retire(3);
    EXPECT_TRUE(map.full()); // somebody may stand inside of it
    map.release(3);
    EXPECT_FALSE(map.full());
}

TEST(SlotMap, agrees_with_a_map_over_random_operations) {
    SlotMap<int> map(std::pmr::get_default_resource());
    std::map<std::pair<std::uint32_t, std::uint32_t>, int> model;
    std::set<std::pair<std::uint32_t, std::uint32_t>> gone;
    std::mt19937 random(1);
    for (int i = 0; i < 20000; ++i) {
        if (random() % 2 == 0 || model.empty()) {
            const auto id = map.emplace(i);
            ASSERT_TRUE(model.emplace(std::pair(id.slot, id.generation), i).second);
            ASSERT_EQ(gone.count({id.slot, id.generation}), 0U);
        } else {
            const auto victim =
                std::next(model.begin(), static_cast<std::ptrdiff_t>(random() % model.size()));
            map.retire(victim->first.first);
            map.release(victim->first.first);
            gone.insert(victim->first);
            model.erase(victim);
        }
    }
    EXPECT_EQ(map.size(), model.size());
    for (const auto& [id, value] : model) EXPECT_EQ(*map.find(id.first, id.second), value);
    for (const auto& id : gone) EXPECT_EQ(map.find(id.first, id.second), nullptr);
}
