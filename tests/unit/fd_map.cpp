// SPDX-License-Identifier: MIT
// The map from a descriptor to its place.
#include "fd_map.hpp"

#include <array>
#include <limits>
#include <memory_resource>

#include <gtest/gtest.h>

using namespace ioloop;

namespace {

constexpr Fd huge = std::numeric_limits<Fd>::max();

TEST(FdMap, finds_what_was_set_and_not_what_was_erased) {
    FdMap map;
    for (const Fd fd : {Fd{0}, Fd{7}, Fd{1 << 20}, huge}) {
        EXPECT_EQ(map.find(fd), FdMap::nowhere);
        map.set(fd, 3);
        map.set(fd, 4);
        EXPECT_EQ(map.find(fd), 4U);
        map.erase(fd);
        map.erase(fd);
        EXPECT_EQ(map.find(fd), FdMap::nowhere);
    }
}

TEST(FdMap, knows_nothing_of_what_is_no_descriptor) {
    FdMap map;
    map.set(1, 1);
    EXPECT_EQ(map.find(invalid_fd), FdMap::nowhere);
    EXPECT_EQ(map.find(std::numeric_limits<Fd>::min()), FdMap::nowhere);
    map.erase(invalid_fd);
    EXPECT_EQ(map.find(1), 1U);
}

TEST(FdMap, is_empty_after_clear) {
    FdMap map;
    map.set(5, 1);
    map.set(huge, 2);
    map.clear();
    EXPECT_EQ(map.find(5), FdMap::nowhere);
    EXPECT_EQ(map.find(huge), FdMap::nowhere);
}

TEST(FdMap, a_wild_number_costs_no_more_than_any_other) {
    std::array<std::byte, 4096> room{};
    std::pmr::monotonic_buffer_resource memory(room.data(), room.size(), std::pmr::null_memory_resource());
    FdMap map(&memory);
    map.set(huge, 1); // throws std::bad_alloc if it takes more than there is
    map.set(huge - 4, 2);
    EXPECT_EQ(map.find(huge), 1U);
    EXPECT_EQ(map.find(huge - 4), 2U);
}

} // namespace
