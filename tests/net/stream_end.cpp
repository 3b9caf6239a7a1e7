// SPDX-License-Identifier: MIT
// How a TcpStream ends: what is lost (nothing), who is told, and who may destroy what.
#include "support/streams.hpp"

#include <memory>
#include <stdexcept>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

// ---- what the peer sent is delivered ----------------------------------------------------------------

TEST_P(Streams, what_came_together_with_the_hang_up_is_read_to_its_end_P60) {
    Socket writer = open_here({.read_chunk = 16}); // most of it stays in the kernel
    send(writer, std::string(1000, 'x'));
    writer.close();
    EXPECT_EQ(get(here.read_bytes(44)).size(), 44U);
    expect_rest(); // though the hang-up goes on being there
    EXPECT_TRUE(here.is_open());
    EXPECT_EQ(get(here.read_some(1)).size(), 1U);
    expect_rest();
    EXPECT_EQ(get(here.read_until_close()).size(), 955U);
    EXPECT_FALSE(here.error());
}

TEST_P(Streams, what_came_together_with_the_hang_up_is_read_bit_by_bit_P60) {
    Socket writer = open_here({.read_chunk = 16});
    std::string data(1000, '\0');
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>('a' + i % 23);
    send(writer, data);
    writer.close();
    std::string seen;
    while (seen.size() < data.size()) {
        seen += get(here.read_some(7));
        loop.run_once();
    }
    EXPECT_EQ(seen, data);
    EXPECT_FALSE(failure(here.read_some(7)));
    until([&] { return !here.is_open(); });
}

TEST_P(Streams, a_hang_up_is_noticed_when_what_came_before_is_read_test_connection_closed) {
    Socket writer = open_here();
    bool closed = false;
    here.set_on_close([&] { closed = true; });
    send(writer, "abc");
    writer.close();
    expect_rest();
    EXPECT_FALSE(closed);
    EXPECT_EQ(get(here.read_bytes(3)), "abc");
    until([&] { return closed; });
    EXPECT_FALSE(here.is_open());
    EXPECT_FALSE(here.error());
}

TEST_P(Streams, what_waits_is_read_after_the_peer_has_closed_test_close_buffered_data) {
    open({.read_chunk = 64});
    there.write(std::string(512, 'A'));
    EXPECT_EQ(get(here.read_bytes(256)), std::string(256, 'A'));
    there.close();
    loop.run_once();
    EXPECT_EQ(get(here.read_bytes(256)), std::string(256, 'A'));
}

TEST_P(Streams, the_close_is_told_after_the_reads_that_waited_test_delayed_close_callback) {
    open();
    std::vector<std::string> log;
    here.set_on_close([&] { log.emplace_back("closed"); });
    there.write("12");
    there.close();
    loop.add_future(here.read_bytes(1), [&](const Future<std::string>& first) {
        log.push_back(first.result());
        loop.add_future(here.read_bytes(1),
                        [&](const Future<std::string>& second) { log.push_back(second.result()); });
    });
    until([&] { return log.size() == 3; });
    EXPECT_EQ(log, (std::vector<std::string>{"1", "2", "closed"}));
}

TEST_P(Streams, the_close_is_told_after_the_reads_of_a_task_test_future_delayed_close_callback) {
    open();
    bool closed = false;
    here.set_on_close([&] { closed = true; });
    there.write("12");
    EXPECT_EQ(get(here.read_bytes(1)), "1");
    there.close();
    EXPECT_FALSE(closed);
    EXPECT_EQ(get(here.read_bytes(1)), "2");
    until([&] { return closed; });
}

TEST_P(Streams, the_packet_that_ends_the_stream_may_hold_the_delimiter_issue_2717) {
    open();
    const Future<std::string> line = here.read_until("done");
    there.write("x");
    until([&] { return here.unread() == 1; });
    there.write("done");
    there.close();
    EXPECT_EQ(get(line), "xdone"); // test_read_until_with_close_after_second_packet
}

TEST_P(Streams, a_delimiter_that_never_came_is_an_error_test_read_until_unsatisfied_after_close) {
    open();
    const Future<std::string> line = here.read_until("done");
    there.write("xxx");
    there.close();
    EXPECT_FALSE(failure(line));
    EXPECT_EQ(get(here.read_until_close()), "xxx");
}

TEST_P(Streams, all_is_read_until_the_peer_closes_test_read_until_close) {
    open();
    const Future<std::string> all = here.read_until_close();
    there.write("HTTP/1.0 ");
    loop.run_once();
    EXPECT_FALSE(all.done());
    there.write("200 OK");
    there.close();
    EXPECT_EQ(get(all), "HTTP/1.0 200 OK");
}

TEST_P(Streams, the_rest_is_read_after_the_peer_has_closed_test_read_until_close_after_close) {
    open();
    there.write("1234");
    there.close();
    EXPECT_EQ(get(here.read_bytes(1)), "1");
    EXPECT_EQ(get(here.read_until_close()), "234");
    const Future<std::string> late = here.read_bytes(1); // test_future_read_until_close
    EXPECT_TRUE(late.done());
    EXPECT_FALSE(failure(late));
    EXPECT_EQ(here.read_until_close().result(), "");
}

TEST_P(Streams, what_comes_is_taken_as_it_comes_until_the_end_test_streaming_until_close) {
    open();
    std::vector<std::string> pieces;
    spawn(loop, [this, &pieces]() -> Task<> {
        try {
            while (true) pieces.push_back(co_await here.read_some(100));
        } catch (const StreamClosed& closed) {
            EXPECT_FALSE(closed.error());
            pieces.emplace_back("the end");
        }
    });
    there.write("1234");
    until([&] { return pieces.size() == 1; });
    there.write("5678");
    until([&] { return pieces.size() == 2; });
    there.close();
    until([&] { return pieces.size() == 3; });
    EXPECT_EQ(pieces, (std::vector<std::string>{"1234", "5678", "the end"}));
}

TEST_P(Streams, what_waits_is_taken_after_the_end_test_streaming_read_until_close_after_close) {
    open();
    there.write("12345");
    there.close();
    EXPECT_EQ(get(here.read_bytes(1)), "1");
    EXPECT_EQ(get(here.read_some(2)), "23");
    EXPECT_EQ(get(here.read_some(100)), "45");
    EXPECT_FALSE(failure(here.read_some(100)));
}

TEST_P(SocketStreams,
       a_connection_that_breaks_fails_the_read_and_keeps_what_came_test_read_until_close_with_error) {
#if defined(_WIN32)
    GTEST_SKIP() << "Wine tells a reset, now and then, as an end in good order";
#endif
    Socket peer = open_here();
    here.write("never read");
    ASSERT_TRUE(os::readable(peer.fd(), 10'000));
    const Future<std::string> all = here.read_until_close();
    send(peer, "half of it");
    until([&] { return here.unread() == 10; });
    peer.close(); // with unread bytes: a reset
    EXPECT_EQ(failure(all), std::errc::connection_reset);
    EXPECT_EQ(here.error(), std::errc::connection_reset);
    EXPECT_EQ(failure(here.read_until_close()), std::errc::connection_reset); // test_inline_read_error
    EXPECT_EQ(get(here.read_bytes(10)), "half of it");
}

// ---- closing ----------------------------------------------------------------------------------------

TEST_P(Streams, closing_fails_what_is_under_way_test_future_close_while_reading) {
    open();
    const Future<std::string> read = here.read_bytes(10);
    there.write("abc");
    until([&] { return here.unread() == 3; });
    here.close();
    here.close();
    EXPECT_TRUE(read.done());
    EXPECT_FALSE(failure(read));
    EXPECT_EQ(get(here.read_bytes(3)), "abc");
    EXPECT_FALSE(failure(here.write("x")));
    EXPECT_EQ(here.fd(), invalid_fd);
}

TEST_P(Streams, closing_gives_who_reads_until_then_what_is_there) {
    open();
    const Future<std::string> read = here.read_until_close();
    there.write("abc");
    until([&] { return here.unread() == 3; });
    here.close();
    EXPECT_EQ(get(read), "abc");
}

TEST_P(Streams, a_read_that_cannot_be_done_any_more_fails_test_close_callback_with_pending_read) {
    open();
    bool closed = false;
    std::string log;
    there.write("OK\r\n");
    EXPECT_EQ(get(here.read_until("\r\n")), "OK\r\n");
    here.set_on_close([&] { log += "closed"; });
    loop.add_future(here.read_bytes(1), [&](const Future<std::string>& read) {
        log += read.exception() != nullptr ? "failed " : "read ";
        closed = true;
    });
    there.close();
    until([&] { return log.size() >= 13; });
    EXPECT_EQ(log, "failed closed");
    EXPECT_TRUE(closed);
}

TEST_P(Streams, who_asks_late_hears_of_the_close_P82) {
    open();
    here.close();
    expect_rest();
    int told = 0;
    here.set_on_close([&] { ++told; });
    EXPECT_EQ(told, 0); // never from within
    until([&] { return told == 1; });
    loop.run_once();
    EXPECT_EQ(told, 1);
}

TEST_P(Streams, the_close_is_told_once_and_to_who_asked_last_test_future_close_callback) {
    open();
    std::string log;
    here.set_on_close([&] { log += "first"; });
    here.set_on_close([&] { log += "second"; });
    there.set_on_close([&] { log += "never"; });
    there.set_on_close(nullptr);
    here.close();
    here.close();
    until([&] { return !there.is_open(); });
    expect_rest();
    EXPECT_EQ(log, "second");
}

TEST_P(Streams, a_callable_that_fails_fails_alone_test_read_callback_error) {
    open();
    there.write("a");
    loop.add_future(here.read_bytes(1),
                    [&](const Future<std::string>&) { throw std::runtime_error("oops"); });
    until([&] { return !reported.empty(); });
    EXPECT_EQ(reported, std::vector<std::string>{"oops"});
    reported.clear();
    EXPECT_TRUE(here.is_open()); // it was a callback of the loop's, like any other
    there.write("b");
    EXPECT_EQ(get(here.read_bytes(1)), "b");
}

TEST_P(Streams, an_error_is_reported_to_nobody_but_who_asks_test_async_read_error_logging) {
    open();
    {
        const Future<std::string> unseen = here.read_bytes(1);
        there.close();
        until([&] { return !here.is_open(); });
    }
    loop.run_once(); // TearDown: nothing was reported
}

// ---- lifetimes --------------------------------------------------------------------------------------

TEST_P(Streams, a_stream_may_be_destroyed_by_who_is_told_of_a_read) {
    open();
    bool told = false;
    here.set_on_close([&] { ADD_FAILURE() << "nobody is called after the destructor"; });
    loop.add_future(here.read_bytes(1), [&](const Future<std::string>&) {
        here = TcpStream();
        told = true;
    });
    there.write("ab");
    until([&] { return told; });
    until([&] { return !there.is_open(); });
}

TEST_P(Streams, a_stream_may_be_destroyed_by_who_is_told_of_a_write) {
    open();
    bool told = false;
    loop.add_future(there.write("a"), [&](const Future<void>&) {
        there = TcpStream();
        told = true;
    });
    until([&] { return told; });
    EXPECT_EQ(get(here.read_until_close()), "a");
}

TEST_P(Streams, a_stream_may_be_destroyed_by_who_is_told_of_its_end) {
    open();
    bool told = false;
    here.set_on_close([&] {
        here = TcpStream();
        told = true;
    });
    there.close();
    until([&] { return told; });
}

TEST_P(Streams, a_stream_may_be_destroyed_by_who_is_told_that_a_read_failed) {
    open();
    bool told = false;
    loop.add_future(here.read_bytes(1), [&](const Future<std::string>& read) {
        EXPECT_NE(read.exception(), nullptr);
        here = TcpStream();
        told = true;
    });
    there.close();
    until([&] { return told; });
}

TEST_P(Streams, destroying_a_stream_fails_what_is_under_way) {
    open();
    const Future<std::string> read = here.read_bytes(1);
    here = TcpStream();
    EXPECT_FALSE(failure(read));
}

TEST_P(Streams, a_close_that_is_under_way_is_not_told_after_the_destructor) {
    open();
    here.set_on_close([&] { ADD_FAILURE(); });
    here.close();
    here = TcpStream();
    expect_rest();
}

TEST_P(Streams, the_loop_may_be_closed_first) {
    open();
    Future<std::string> read = here.read_bytes(1);
    const Future<void> write = there.write(std::string(std::size_t{4} << 20, 'x'));
    loop.close();
    EXPECT_TRUE(there.write("x").done());
    EXPECT_FALSE(there.is_open());
    EXPECT_THROW(write.result(), StreamClosed);
    read = {};
    EXPECT_TRUE(here.read_bytes(std::size_t{4} << 20).done());
    EXPECT_FALSE(here.is_open());
    here.set_on_close([] { ADD_FAILURE(); });
    here.close();
}

TEST_P(Streams, who_goes_as_a_read_ends_on_a_closed_loop_does_not_find_it_again) {
    open();
    get(there.write("0123456789"));
    struct LastReader {
        explicit LastReader(TcpStream& s) : stream(&s) {}
        LastReader(LastReader&& other) noexcept : stream(std::exchange(other.stream, nullptr)) {}
        ~LastReader() {
            if (stream == nullptr) return;
            EXPECT_THROW(stream->read_some(100).result(), StreamClosed);
        }
        TcpStream* stream;
    };
    const Future<std::string> all = here.read_until_close();
    loop.add_future(all, [reader = LastReader(here)](const Future<std::string>&) {});
    until([&] { return here.unread() == 10; });
    loop.close(); // which refuses, and destroys, the callback when there is a result
    here.close();
    EXPECT_EQ(all.result(), "0123456789");
    EXPECT_EQ(here.unread(), 0U);
}

TEST_P(Streams, a_closed_loop_takes_no_new_one) {
    auto ends = open_link(link());
    loop.close();
    EXPECT_THROW(TcpStream(loop, std::move(ends[0])), std::logic_error);
    EXPECT_THROW(TcpStream::connect(loop, Socket::listen(SocketAddress::loopback(0)).local()),
                 std::logic_error);
}

TEST_P(Streams, the_loop_may_be_destroyed_first) {
    auto ends = open_link(link());
    IOLoop::Options options;
    options.make_current = MakeCurrent::never;
    auto other = std::make_unique<IOLoop>(std::move(options));
    auto stream = std::make_shared<TcpStream>(*other, std::move(ends[0]));
    const Future<std::string> read = stream->read_bytes(1);
    // The callback holds the stream: that goes when the closed loop refuses the callback.
    other->add_future(read, [stream](const Future<std::string>&) { ADD_FAILURE(); });
    TcpStream& only_there = *stream;
    stream.reset();
    other.reset();
    only_there.close();
    EXPECT_THROW(read.result(), StreamClosed);
}

} // namespace
