// SPDX-License-Identifier: MIT
// What a TcpStream gives to whom.
#include "support/streams.hpp"
#include "support/thrown.hpp"

#include <random>
#include <stdexcept>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t megabyte = std::size_t{1} << 20;

std::span<std::uint8_t> as_bytes(std::string& text) {
    return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
}

// ---- how much ---------------------------------------------------------------------------------------

TEST_P(Streams, a_read_takes_what_it_is_about_and_leaves_the_rest) {
    open();
    there.write("one two\nthree four");
    EXPECT_EQ(get(here.read_bytes(4)), "one ");
    EXPECT_EQ(get(here.read_until("\n")), "two\n");
    EXPECT_EQ(get(here.read_some(5)), "three");
    EXPECT_EQ(get(here.read_some(100)), " four");
    EXPECT_EQ(here.unread(), 0U);
}

TEST_P(Streams, what_is_there_is_given_at_once_and_told_later_P84) {
    Socket writer = open_here();
    send(writer, "abc");
    ASSERT_TRUE(os::readable(here.fd(), 10'000));
    const Future<std::string> read = here.read_bytes(3);
    EXPECT_TRUE(read.done());
    bool told = false;
    loop.add_future(read, [&](const Future<std::string>&) { told = true; });
    EXPECT_FALSE(told);
    until([&] { return told; });
}

TEST_P(Streams, a_read_of_nothing_is_done_at_once_test_read_zero_bytes) {
    open();
    EXPECT_EQ(here.read_bytes(0).result(), "");
    EXPECT_EQ(here.read_some(0).result(), "");
    EXPECT_EQ(here.read_into({}).result(), 0U); // test_read_into_zero_bytes
    there.write("hello");
    EXPECT_EQ(get(here.read_bytes(5)), "hello");
    EXPECT_EQ(here.read_bytes(0).result(), "");
    expect_rest();
}

TEST_P(Streams, a_partial_read_is_done_with_the_first_bytes_test_read_bytes_partial) {
    open();
    there.write("hello");
    until([&] { return here.unread() > 0; });
    EXPECT_EQ(get(here.read_some(50)), "hello");
    there.write("world");
    until([&] { return here.unread() > 0; });
    EXPECT_EQ(get(here.read_some(3)), "wor");
    EXPECT_EQ(get(here.read_some(50)), "ld");
}

TEST_P(Streams, memory_of_the_caller_is_filled_with_what_waits_first_test_read_into) {
    open();
    std::string memory(10, '-');
    there.write("abcdefghij");
    EXPECT_EQ(get(here.read_bytes(4)), "abcd");
    EXPECT_EQ(here.unread(), 6U);
    const Future<std::size_t> filled = here.read_into(as_bytes(memory));
    EXPECT_FALSE(filled.done());
    there.write("klmnop");
    EXPECT_EQ(get(filled), 10U);
    EXPECT_EQ(memory, "efghijklmn");
    EXPECT_EQ(get(here.read_bytes(2)), "op");
}

TEST_P(Streams, memory_of_the_caller_is_filled_as_far_as_bytes_come_test_read_into_partial) {
    open();
    std::string memory(10, '-');
    const Future<std::size_t> filled = here.read_into(as_bytes(memory), true);
    EXPECT_FALSE(filled.done());
    there.write("hello");
    EXPECT_EQ(get(filled), 5U);
    EXPECT_EQ(memory, "hello-----");
    there.write("0123456789ab");
    until([&] { return here.unread() == 12; });
    EXPECT_EQ(get(here.read_into(as_bytes(memory), true)), 10U);
    EXPECT_EQ(memory, "0123456789");
    EXPECT_EQ(get(here.read_some(9)), "ab");
}

TEST_P(Streams, reads_of_all_kinds_see_every_byte_once_test_many_mixed_reads) {
    open();
    std::minstd_rand random(42);
    std::string data(megabyte, '\0');
    for (char& c : data) c = static_cast<char>(random() % 64);
    there.write(data);
    there.finish();
    std::string seen;
    while (seen.size() < data.size()) {
        const std::size_t size = std::min<std::size_t>(1 + random() % 20'000, data.size() - seen.size());
        std::string memory(size, '\0');
        switch (random() % 5) {
        case 0: seen += get(here.read_bytes(size)); break;
        case 1: seen += get(here.read_some(size)); break;
        case 2:
            memory.resize(get(here.read_into(as_bytes(memory), true)));
            seen += memory;
            break;
        case 3:
            get(here.read_into(as_bytes(memory)));
            seen += memory;
            break;
        default: {
            const std::size_t at = data.find('\x07', seen.size());
            seen += at != std::string::npos ? get(here.read_until("\x07")) : get(here.read_until_close());
        }
        }
    }
    EXPECT_TRUE(seen == data);
}

// ---- a delimiter ------------------------------------------------------------------------------------

TEST_P(Streams, a_delimiter_may_come_in_pieces) {
    open();
    const Future<std::string> line = here.read_until("\r\n\r\n");
    for (const char* piece : {"GET /\r", "\n\r", "\r\n", "\r\nrest"}) {
        EXPECT_FALSE(line.done());
        there.write(piece);
        until([&] { return there.unsent() == 0; });
        expect_rest();
    }
    EXPECT_EQ(get(line), "GET /\r\n\r\r\n\r\n");
    EXPECT_EQ(get(here.read_bytes(4)), "rest");
}

TEST_P(Streams, a_delimiter_within_the_limit_is_found_test_read_until_max_bytes) {
    open();
    const Future<std::string> room = here.read_until("def", 50);
    there.write("abcdef");
    EXPECT_EQ(get(room), "abcdef");
    const Future<std::string> just_enough = here.read_until("def", 6);
    there.write("abcdef");
    EXPECT_EQ(get(just_enough), "abcdef");
    const Future<std::string> too_long = here.read_until("def", 5);
    there.write("123456");
    EXPECT_EQ(failure(too_long), std::errc::message_size);
    EXPECT_FALSE(here.is_open());
    EXPECT_EQ(here.error(), std::errc::message_size);
    EXPECT_EQ(get(here.read_bytes(6)), "123456"); // nothing is lost
}

TEST_P(Streams, the_limit_holds_for_what_waits_already_test_read_until_max_bytes_inline) {
    open();
    there.write("123456");
    until([&] { return here.unread() == 6; });
    const Future<std::string> read = here.read_until("def", 5);
    EXPECT_TRUE(read.done());
    EXPECT_EQ(failure(read), std::errc::message_size);
}

TEST_P(Streams, a_delimiter_beyond_the_limit_does_not_count_test_read_until_max_bytes_ignores_extra) {
    open();
    there.write("abcdef");
    until([&] { return here.unread() == 6; });
    EXPECT_EQ(failure(here.read_until("def", 5)), std::errc::message_size);
}

TEST_P(Streams, a_delimiter_far_away_is_found_test_large_read_until) {
    open();
    there.write(std::string(4 * megabyte, 'a'));
    there.write("\r\n");
    EXPECT_EQ(get(here.read_until("\r\n")).size(), 4 * megabyte + 2);
}

TEST_P(Streams, an_empty_delimiter_is_refused_at_once) {
    open();
    EXPECT_EQ(thrown<std::invalid_argument>([&] { here.read_until(""); }),
              "TcpStream::read_until: an empty delimiter");
    there.write("a");
    EXPECT_EQ(get(here.read_bytes(1)), "a");
}

// ---- flow control -----------------------------------------------------------------------------------

TEST_P(Streams, small_reads_go_through_a_small_buffer_test_small_reads_from_large_buffer) {
    open({.max_buffer = 10 * 1024});
    there.write(std::string(100 * 1024, 'a'));
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(get(here.read_bytes(1024)), std::string(1024, 'a'));
        EXPECT_LE(here.unread(), 10 * 1024U);
    }
}

TEST_P(Streams, small_lines_go_through_a_small_buffer_test_small_read_untils_from_large_buffer) {
    open({.max_buffer = 10 * 1024});
    std::string lines;
    for (int i = 0; i < 100; ++i) lines += std::string(1023, 'a') + "\n";
    there.write(lines);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(get(here.read_until("\n", 4096)), lines.substr(0, 1024));
}

TEST_P(Streams, more_than_the_buffer_goes_through_it_in_time_test_flow_control) {
    open({.max_buffer = 5 * megabyte});
    there.write(std::string(10 * megabyte, 'a'));
    for (int i = 0; i < 10; ++i) EXPECT_EQ(get(here.read_bytes(megabyte)).size(), megabyte);
}

TEST_P(Streams, who_does_not_read_is_sent_a_chunk_and_no_more) {
    open({.read_chunk = 100});
    there.write(std::string(megabyte, 'a'));
    until([&] { return here.unread() > 0; });
    for (int turn = 0; turn < 20; ++turn) loop.run_once();
    EXPECT_EQ(here.unread(), 100U);
    EXPECT_GT(there.unsent() + (link() == Link::tcp ? megabyte : 0), 0U);
    EXPECT_EQ(get(here.read_bytes(megabyte)).size(), megabyte);
}

TEST_P(Streams, a_flood_takes_turns_with_everybody_else) {
    open();
#if defined(F_SETPIPE_SZ)
    if (link() == Link::pipe) ::fcntl(here.fd(), F_SETPIPE_SZ, static_cast<int>(megabyte)); // so much at once
#endif
    const Future<std::string> all = here.read_bytes(8 * megabyte);
    there.write(std::string(8 * megabyte, 'a'));
    std::uint64_t most = 0;
    until([&] {
        const std::uint64_t before = here.flow().bytes_in;
        loop.run_once();
        most = std::max(most, here.flow().bytes_in - before);
        return all.done();
    });
    EXPECT_LE(most, (256 + 64) * 1024U); // so many, and what a chunk is beyond
}

TEST_P(Streams, a_read_of_more_than_the_buffer_is_refused_and_nothing_else_happens) {
    open({.max_buffer = 1000});
    there.write("abc");
    EXPECT_THROW(get(here.read_bytes(1001)), BufferFull);
    std::string memory(1001, '-');
    EXPECT_THROW(get(here.read_into(as_bytes(memory))), BufferFull);
    EXPECT_TRUE(here.is_open());
    EXPECT_EQ(get(here.read_bytes(3)), "abc");
    there.write(std::string(1000, 'x'));
    EXPECT_EQ(get(here.read_bytes(1000)), std::string(1000, 'x'));
}

TEST_P(Streams, a_read_that_does_not_end_within_the_buffer_closes_the_stream_P86b) {
    open({.max_buffer = 1000});
    const Future<std::string> line = here.read_until("\n");
    there.write(std::string(2000, 'x'));
    EXPECT_EQ(failure(line), std::errc::no_buffer_space);
    EXPECT_FALSE(here.is_open());
    EXPECT_EQ(get(here.read_bytes(1000)), std::string(1000, 'x')); // and what came is there
}

TEST_P(Streams, reading_until_the_end_is_bounded_too) {
    open({.max_buffer = 1000});
    const Future<std::string> all = here.read_until_close();
    there.write(std::string(2000, 'x'));
    EXPECT_EQ(failure(all), std::errc::no_buffer_space);
    EXPECT_EQ(here.unread(), 1000U);
}

TEST_P(Streams, options_that_let_nothing_through_are_refused) {
    EXPECT_THROW(open({.max_buffer = 0}), std::invalid_argument);
    EXPECT_THROW(open({.read_chunk = 0}), std::invalid_argument);
}

TEST_P(Streams, the_chunk_is_at_most_half_the_buffer_P86) {
    open({.max_buffer = 100});
    there.write(std::string(1000, 'x'));
    until([&] { return here.unread() > 0; });
    expect_rest();
    EXPECT_EQ(here.unread(), 50U);
    EXPECT_EQ(get(here.read_bytes(100)).size(), 100U);
}

// ---- one at a time ----------------------------------------------------------------------------------

TEST_P(Streams, a_second_read_is_an_error_and_the_first_goes_on_P85) {
    open();
    const Future<std::string> first = here.read_bytes(3);
    EXPECT_EQ(thrown<std::logic_error>([&] { here.read_some(1); }),
              "TcpStream: there is a read under way already");
    there.write("abc");
    EXPECT_EQ(get(first), "abc");
    EXPECT_EQ(here.read_bytes(0).result(), "");
}

TEST_P(Streams, a_read_that_is_cancelled_leaves_what_came_to_the_next) {
    open();
    const Future<std::string> cancelled = here.read_bytes(100);
    there.write("abc");
    until([&] { return here.unread() == 3; });
    cancelled.cancel();
    EXPECT_EQ(get(here.read_bytes(3)), "abc");
    EXPECT_THROW(cancelled.result(), CancelledError);
}

TEST_P(Streams, a_read_that_is_dropped_leaves_what_came_to_the_next) {
    open();
    {
        const Future<std::string> dropped = here.read_bytes(4);
        there.write("abc");
        until([&] { return here.unread() == 3; });
    }
    there.write("de");
    until([&] { return here.flow().bytes_in == 5 || here.unread() == 3; });
    EXPECT_EQ(get(here.read_bytes(5)), "abcde");
}

TEST_P(Streams, memory_is_not_touched_when_the_read_into_it_is_dropped) {
    open();
    auto memory = std::make_unique<std::string>(4, '-');
    {
        const Future<std::size_t> dropped = here.read_into(as_bytes(*memory));
        there.write("ab");
        until([&] { return here.unread() == 2; });
    }
    memory.reset(); // an address sanitizer sees it otherwise
    there.write("cd");
    until([&] { return there.unsent() == 0; });
    expect_rest();
    EXPECT_EQ(get(here.read_bytes(4)), "abcd");
}

TEST_P(Streams, a_task_that_is_cancelled_takes_its_read_along) {
    open();
    auto reading = [&]() -> Task<std::string> { co_return co_await here.read_bytes(3); };
    const Future<std::string> task = spawn(loop, reading());
    there.write("ab");
    until([&] { return here.unread() == 2; });
    task.cancel();
    loop.run_once();
    EXPECT_EQ(get(here.read_some(9)), "ab");
}

TEST_P(SocketStreams, tasks_talk_over_a_stream_test_future_interface) {
    open();
    auto echo = [&]() -> Task<void> {
        for (;;) co_await there.write("> " + co_await there.read_until("\n", 100));
    };
    auto ask = [&]() -> Task<std::string> {
        co_await here.write("one\ntwo\n");
        const std::string first = co_await here.read_until("\n");
        const std::string second = co_await here.read_until("\n");
        here.finish();
        co_return first + second;
    };
    const Future<void> echoing = spawn(loop, echo());
    EXPECT_EQ(get(spawn(loop, ask())), "> one\n> two\n");
    EXPECT_FALSE(failure(echoing)); // in good order
}

TEST_P(Streams, a_stream_that_is_none_says_so) {
    TcpStream none;
    EXPECT_FALSE(none);
    EXPECT_FALSE(none.is_open());
    EXPECT_EQ(none.fd(), invalid_fd);
    EXPECT_FALSE(none.peer());
    none.close();
    EXPECT_EQ(thrown<std::logic_error>([&] { none.read_bytes(1); }), "TcpStream::read_bytes: no stream");
    EXPECT_EQ(thrown<std::logic_error>([&] { none.write("x"); }), "TcpStream::write: no stream");
}

TEST_P(Streams, a_stream_that_moves_keeps_its_read) {
    open();
    const Future<std::string> read = here.read_bytes(3);
    TcpStream moved = std::move(here);
    EXPECT_FALSE(here); // NOLINT(bugprone-use-after-move)
    there.write("abc");
    EXPECT_EQ(get(read), "abc");
    here = std::move(moved);
    there.write("def");
    EXPECT_EQ(get(here.read_bytes(3)), "def");
}

} // namespace
