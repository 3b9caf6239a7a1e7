// SPDX-License-Identifier: MIT
// Whole messages over a stream of bytes.
#include "support/streams.hpp"

#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace ioloop;

namespace {

std::vector<std::uint8_t> bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

std::optional<std::string> next(FrameReader& reader) {
    const auto message = reader.next();
    if (!message) return {};
    return std::string(message->begin(), message->end());
}

// ---- FrameReader ------------------------------------------------------------------------------------

TEST(FrameReader, the_length_comes_first_and_its_highest_byte_before_the_others) {
    std::string text;
    append_frame(text, "hello");
    EXPECT_EQ(text, std::string("\0\0\0\x05hello", 9));
    std::vector<std::uint8_t> bytes;
    append_frame(bytes, std::vector<std::uint8_t>(0x10203, 'x'));
    EXPECT_EQ(bytes.size(), 0x10203U + 4);
    EXPECT_EQ((std::vector<std::uint8_t>(bytes.begin(), bytes.begin() + 5)),
              (std::vector<std::uint8_t>{0, 1, 2, 3, 'x'}));
}

TEST(Frames, test_4_GiB_are_too_many_and_nothing_is_appended) {
    if constexpr (sizeof(std::size_t) > 4) {
        const std::size_t size = std::size_t{1} << 32U;
        std::string out = "before";
        const char byte = 0; // no other is looked at
        EXPECT_THROW(append_frame(out, std::string_view(&byte, size)), std::length_error);
        EXPECT_EQ(out, "before");
    }
}

TEST(FrameReader, gives_whole_messages_however_they_are_cut) {
    std::string text;
    for (const char* message : {"one", "", "three"}) append_frame(text, message);
    for (std::size_t size = 1; size <= text.size(); ++size) {
        FrameReader reader(10);
        std::vector<std::string> messages;
        for (std::size_t at = 0; at < text.size(); at += size) {
            reader.feed(bytes_of(std::string_view(text).substr(at, size)));
            while (const auto message = next(reader)) messages.push_back(*message);
        }
        EXPECT_EQ(messages, (std::vector<std::string>{"one", "", "three"})) << size;
        EXPECT_FALSE(reader.refused());
        EXPECT_EQ(reader.unread(), 0U);
    }
}

TEST(FrameReader, a_message_of_no_bytes_is_one) {
    FrameReader reader(0);
    reader.feed(bytes_of(std::string_view("\0\0\0\0", 4)));
    EXPECT_EQ(next(reader), "");
    EXPECT_EQ(next(reader), std::nullopt);
    EXPECT_FALSE(reader.refused());
}

TEST(FrameReader, a_message_that_is_cut_off_can_be_told_from_none) {
    FrameReader reader(10);
    reader.feed(bytes_of(std::string_view("\0\0\0\x05hel", 7)));
    EXPECT_EQ(next(reader), std::nullopt);
    EXPECT_FALSE(reader.refused());
    EXPECT_EQ(reader.unread(), 7U);
}

TEST(FrameReader, a_message_that_is_too_large_is_refused_as_soon_as_it_says_so) {
    FrameReader reader(5);
    reader.feed(bytes_of(std::string_view("\0\0\0\x05hello\0\0\0", 12)));
    EXPECT_FALSE(reader.refused());
    reader.feed(bytes_of("\x06"));
    EXPECT_EQ(next(reader), "hello"); // what came before it counts
    EXPECT_TRUE(reader.refused());
    const std::size_t held = reader.unread();
    reader.feed(std::vector<std::uint8_t>(1000));
    EXPECT_EQ(reader.unread(), held); // a flood is not kept
    EXPECT_EQ(next(reader), std::nullopt);
}

TEST(FrameReader, the_largest_length_there_is_costs_nothing) {
    FrameReader reader(std::numeric_limits<std::size_t>::max());
    reader.feed(bytes_of("\xff\xff\xff\xff..."));
    EXPECT_EQ(next(reader), std::nullopt);
    EXPECT_EQ(reader.unread(), 7U); // else the test would be out of memory
}

// ---- over a stream ----------------------------------------------------------------------------------

TEST_P(Streams, messages_go_over_a_stream) {
    open();
    write_frame(there, "one");
    write_frame(there, "");
    write_frame(there, std::string(100'000, 'x'));
    EXPECT_EQ(get(read_frame(here, 10)), "one");
    EXPECT_EQ(get(read_frame(here, 10)), "");
    EXPECT_EQ(get(read_frame(here, 100'000)), std::string(100'000, 'x'));
}

TEST_P(Streams, messages_are_counted_and_nothing_else_is) {
    open();
    write_frame(there, "one");
    write_frame(there, "");
    there.write("bytes");
    EXPECT_EQ(there.flow().messages_out, 2U);
    EXPECT_EQ(get(read_frame(here, 10)), "one");
    EXPECT_EQ(here.flow().messages_in, 1U);
    EXPECT_EQ(get(read_frame(here, 10)), "");
    EXPECT_EQ(get(here.read_bytes(5)), "bytes");
    EXPECT_EQ(here.flow().messages_in, 2U);
    here.close();
    write_frame(here, "too late");
    EXPECT_EQ(here.flow().messages_out, 0U);
}

TEST_P(Streams, a_message_that_is_too_large_closes_the_stream) {
    open();
    write_frame(there, "eleven bytes"); // twelve
    EXPECT_EQ(failure(read_frame(here, 11)), std::errc::message_size);
    EXPECT_FALSE(here.is_open());
}

TEST_P(Streams, a_message_that_is_cut_off_is_an_error_and_can_be_told_from_none) {
    open();
    std::string text;
    append_frame(text, "whole");
    append_frame(text, "cut off");
    there.write(text.substr(0, text.size() - 1));
    there.close();
    EXPECT_EQ(get(read_frame(here, 10)), "whole");
    EXPECT_FALSE(failure(read_frame(here, 10)));
    EXPECT_EQ(here.unread(), 4 + 6U);
}

TEST_P(Streams, reading_a_message_that_is_cancelled_does_not_lose_step) {
    open();
    std::string text;
    append_frame(text, "message");
    const Future<std::string> cancelled = read_frame(here, 10);
    there.write(text.substr(0, 6));
    until([&] { return here.unread() == 6; });
    cancelled.cancel();
    there.write(text.substr(6));
    EXPECT_EQ(get(read_frame(here, 10)), "message");
}

} // namespace
