// SPDX-License-Identifier: MIT
#include "net/byte_queue.hpp"

#include <algorithm>
#include <cstring>
#include <random>
#include <string>

#include <gtest/gtest.h>

using namespace ioloop;

namespace {

TEST(ByteQueue, gives_what_was_put_in_test_small) {
    ByteQueue queue;
    EXPECT_TRUE(queue.empty());
    queue.append("abc");
    queue.append("");
    queue.append("def");
    EXPECT_EQ(queue.text(), "abcdef");
    queue.drop(2);
    EXPECT_EQ(queue.text(), "cdef");
    EXPECT_EQ(queue.size(), 4U);
    queue.clear();
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.text(), "");
}

TEST(ByteQueue, room_counts_only_as_far_as_it_was_used) {
    ByteQueue queue;
    queue.append("ab");
    std::memcpy(queue.room(1000).data(), "cd", 2);
    queue.add(2);
    queue.append("ef");
    EXPECT_EQ(queue.text(), "abcdef");
}

TEST(ByteQueue, does_what_a_string_does_test_large) {
    std::minstd_rand random(1);
    ByteQueue queue;
    std::string model;
    for (int i = 0; i < 20'000; ++i) {
        if (random() % 2 == 0) {
            const std::string piece(random() % 2000, static_cast<char>('a' + i % 26));
            queue.append(piece);
            model += piece;
        } else {
            const std::size_t size = std::min<std::size_t>(random() % 4000, model.size());
            queue.drop(size);
            model.erase(0, size);
        }
        ASSERT_TRUE(queue.text() == model) << i;
    }
}

// If each byte out moved all that remain, this would take hours.
TEST(ByteQueue, moves_each_byte_a_few_times_only) {
    ByteQueue queue;
    constexpr std::size_t size = std::size_t{8} << 20;
    queue.append(std::string(size, 'x'));
    for (std::size_t i = 0; i < size; ++i) {
        queue.append("y");
        queue.drop(1);
    }
    EXPECT_EQ(queue.size(), size);
}

} // namespace
