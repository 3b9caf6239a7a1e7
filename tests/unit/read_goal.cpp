// SPDX-License-Identifier: MIT
#include "net/read_goal.hpp"

#include <string>

#include <gtest/gtest.h>

using namespace ioloop;
using State = ReadGoal::State;

namespace {

constexpr std::size_t no_limit = static_cast<std::size_t>(-1);

TEST(ReadGoal, a_delimiter_is_found_wherever_its_pieces_come) {
    const std::string text = "aaabaabaaab";
    for (std::size_t first = 0; first <= text.size(); ++first) {
        ReadGoal goal = ReadGoal::until("aab", no_limit);
        for (std::size_t size = first;
             goal.look(std::string_view(text).substr(0, size), false) == State::waiting;)
            ASSERT_LE(++size, text.size());
        EXPECT_EQ(goal.size(), 4U);
    }
}

TEST(ReadGoal, a_delimiter_must_end_within_the_limit) {
    EXPECT_EQ(ReadGoal::until("def", 6).look("abcdefg", false), State::reached);
    EXPECT_EQ(ReadGoal::until("def", 5).look("abcdefg", false), State::unreachable);
    EXPECT_EQ(ReadGoal::until("def", 5).look("abcd", false), State::waiting);
    EXPECT_EQ(ReadGoal::until("def", 5).look("abcde", false), State::unreachable);
}

// If all were searched again for each byte, this would take hours: test_large_read_until.
TEST(ReadGoal, a_delimiter_is_searched_in_each_byte_once) {
    const std::string text = std::string(std::size_t{2} << 20, 'a') + "b";
    ReadGoal goal = ReadGoal::until("ab", no_limit);
    std::size_t size = 0;
    while (goal.look(std::string_view(text).substr(0, size), false) == State::waiting) ++size;
    EXPECT_EQ(goal.size(), text.size());
}

TEST(ReadGoal, everything_is_there_at_the_end) {
    ReadGoal goal = ReadGoal::everything();
    EXPECT_EQ(goal.look("abc", false), State::waiting);
    EXPECT_EQ(goal.look("abcd", true), State::reached);
    EXPECT_EQ(goal.size(), 4U);
}

TEST(ReadGoal, a_frame_is_refused_by_its_length_alone) {
    const std::string large("\0\0\0\x05", 4);
    EXPECT_EQ(ReadGoal::frame(4).look(large.substr(0, 3), false), State::waiting);
    EXPECT_EQ(ReadGoal::frame(4).look(large, false), State::unreachable);
    ReadGoal goal = ReadGoal::frame(5);
    EXPECT_EQ(goal.look(large + "abcd", false), State::waiting);
    EXPECT_EQ(goal.look(large + "abcdef", false), State::reached);
    EXPECT_EQ(goal.size(), 9U);
    EXPECT_EQ(goal.skipped(), 4U);
}

} // namespace
