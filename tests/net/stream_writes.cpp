// SPDX-License-Identifier: MIT
// How a TcpStream connects and sends.
#include "support/streams.hpp"
#include "support/thrown.hpp"

#include <algorithm>
#include <deque>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t megabyte = std::size_t{1} << 20;

TEST_P(Streams, a_small_write_is_done_at_once_P83) {
    open();
    EXPECT_TRUE(there.write("abc").done());
    EXPECT_EQ(there.unsent(), 0U);
    EXPECT_EQ(there.flow().bytes_out, 3U);
    EXPECT_EQ(get(here.read_bytes(3)), "abc");
    EXPECT_EQ(here.flow().bytes_in, 3U);
}

TEST_P(Streams, what_waits_is_told_to_who_looks_into_the_loop) {
    open();
    const std::string much(4 * megabyte, 'm');
    const auto written = there.write(much);
    EXPECT_EQ(there.flow().waiting_out, there.unsent());
    EXPECT_GT(there.unsent(), 0U);
    Snapshot snapshot;
    loop.snapshot(snapshot);
    const auto found = std::find_if(snapshot.handlers.begin(), snapshot.handlers.end(),
                                    [&](const HandlerInfo& info) { return info.fd == there.fd(); });
    ASSERT_NE(found, snapshot.handlers.end());
    EXPECT_EQ(found->flow, there.flow());
    EXPECT_EQ(get(here.read_bytes(much.size())), much);
    EXPECT_EQ(there.flow().waiting_out, 0U);
    EXPECT_EQ(here.flow().waiting_in, 0U);
    EXPECT_EQ(there.flow().bytes_out, here.flow().bytes_in);
}

TEST_P(Streams, a_write_of_nothing_is_done_at_once_and_costs_nothing_test_write_zero_bytes) {
    open();
    EXPECT_TRUE(there.write("").done());
    expect_rest();
    EXPECT_FALSE(here.read_bytes(1).done());
}

TEST_P(Streams, writes_are_done_in_their_order_and_only_when_they_are_sent) {
    open();
    std::string log;
    const auto note = [&](char c) { return [&log, c](const Future<void>&) { log += c; }; };
    loop.add_future(there.write(std::string(4 * megabyte, 'a')), note('a'));
    loop.add_future(there.write("b"), note('b'));
    loop.add_future(there.write(""), note('0'));
    EXPECT_GT(there.unsent(), 1U);
    for (int turn = 0; turn < 10; ++turn) loop.run_once();
    EXPECT_EQ(log, "");
    EXPECT_EQ(get(here.read_bytes(4 * megabyte)).size(), 4 * megabyte);
    EXPECT_EQ(get(here.read_bytes(1)), "b");
    until([&] { return log == "ab0"; });
    expect_rest(); // and nobody waits to write any more
}

TEST_P(Streams, a_megabyte_goes_through_test_pipe_iostream_big_write) {
    open();
    std::string data(megabyte, '1');
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 7919 >> 3);
    const Future<void> written = there.write(data);
    EXPECT_TRUE(get(here.read_bytes(megabyte)) == data);
    get(written);
}

TEST_P(Streams, a_line_at_a_time_goes_through_test_pipe_iostream) {
    open();
    there.write("hel");
    there.write("lo world");
    EXPECT_EQ(get(here.read_until(" ")), "hello ");
    EXPECT_EQ(get(here.read_some(3)), "wor");
    EXPECT_EQ(get(here.read_bytes(2)), "ld");
    there.close();
    EXPECT_EQ(get(here.read_until_close()), "");
}

TEST_P(Streams, no_write_of_many_writers_is_forgotten_test_future_write) {
    open();
    constexpr int writers = 10;
    constexpr int pieces = 64;
    int done = 0;
    auto writer = [&]() -> Task<void> {
        for (int i = 0; i < pieces; ++i) {
            co_await there.write(std::string(16 * 1024, 'x'));
            ++done;
        }
    };
    std::deque<Future<void>> tasks;
    for (int i = 0; i < writers; ++i) tasks.push_back(spawn(loop, writer()));
    EXPECT_EQ(get(here.read_bytes(writers * pieces * 16 * 1024)).size(), 10 * megabyte);
    for (const auto& task : tasks) get(task);
    EXPECT_EQ(done, writers * pieces);
}

TEST_P(Streams, bytes_of_any_value_go_through_test_write_memoryview) {
    open();
    const std::string data("\0\xff\r\n\0", 5);
    there.write(data);
    EXPECT_EQ(get(here.read_bytes(5)), data);
}

TEST_P(Streams, a_write_that_is_too_much_is_refused_before_any_of_it_is_sent) {
    open({}, {.max_write_buffer = 1000});
    EXPECT_THROW(get(there.write(std::string(1001, 'x'))), BufferFull);
    EXPECT_EQ(there.flow().bytes_out, 0U);
    EXPECT_TRUE(there.is_open());
    get(there.write(std::string(1000, 'y')));
    EXPECT_EQ(get(here.read_bytes(1000)), std::string(1000, 'y'));
}

TEST_P(Streams, a_peer_that_does_not_read_fills_the_write_buffer_and_no_more) {
    open({}, {.max_write_buffer = megabyte});
    Future<void> write;
    for (int i = 0; i < 100; ++i) {
        write = there.write(std::string(megabyte / 4, 'x'));
        if (write.done()) {
            if (write.exception() != nullptr) break;
        }
        EXPECT_LE(there.unsent(), megabyte);
        loop.run_once();
    }
    EXPECT_THROW(write.result(), BufferFull);
    EXPECT_TRUE(there.is_open());
}

// ---- the peer is gone -------------------------------------------------------------------------------

TEST_P(Streams, writes_to_a_peer_that_is_gone_fail_with_the_reason) {
    Socket reader = open_there();
    const Future<void> write = there.write(std::string(4 * megabyte, 'x'));
    ASSERT_FALSE(write.done());
    reader.close();
    const std::error_code error = failure(write);
    EXPECT_TRUE(error == std::errc::broken_pipe || error == std::errc::connection_reset) << error.message();
    until([&] { return !there.is_open(); });
    EXPECT_EQ(there.error(), error);
    EXPECT_EQ(failure(there.write("y")), error);
    EXPECT_EQ(there.unsent(), 0U);
}

TEST_P(Streams, a_peer_that_is_gone_is_noticed_by_who_only_writes) {
    Socket reader = open_there();
    bool closed = false;
    there.set_on_close([&] { closed = true; });
    reader.close();
    until([&] { return closed; });
    EXPECT_FALSE(there.is_open());
}

TEST_P(Streams, a_write_that_nobody_asks_about_fails_in_silence) {
    Socket reader = open_there();
    there.write(std::string(4 * megabyte, 'x'));
    reader.close();
    until([&] { return !there.is_open(); });
    there.write("y");
    loop.run_once(); // TearDown: nothing was reported
}

TEST_P(SocketStreams, what_the_peer_said_before_it_broke_off_can_be_read) {
    Socket peer = open_here({.read_chunk = 4}); // so that most of it is in the kernel when writing fails
    send(peer, "413 too large");
    const Future<void> upload = here.write(std::string(8 * megabyte, 'x'));
    peer.close(); // with unread bytes: a reset
    failure(upload);
    EXPECT_EQ(get(here.read_bytes(13)), "413 too large");
    failure(here.read_bytes(1));
    EXPECT_FALSE(here.is_open());
}

// ---- finishing --------------------------------------------------------------------------------------

TEST_P(Streams, finishing_sends_first_what_is_written) {
    open();
    const Future<void> written = there.write(std::string(4 * megabyte, 'x'));
    there.finish();
    there.finish();
    EXPECT_EQ(get(here.read_until_close()).size(), 4 * megabyte);
    get(written);
}

TEST_P(Streams, after_finishing_nothing_is_written) {
    open();
    there.write("abc");
    there.finish();
    EXPECT_FALSE(failure(there.write("def")));
    EXPECT_EQ(get(here.read_until_close()), "abc");
}

TEST_P(SocketStreams, who_has_finished_goes_on_reading) {
    open({.half_open = true});
    there.write("question");
    there.finish();
    EXPECT_EQ(get(here.read_until_close()), "question");
    EXPECT_TRUE(here.is_open());
    expect_rest();
    here.write("answer");
    EXPECT_EQ(get(there.read_bytes(6)), "answer");
    EXPECT_TRUE(there.is_open());
    here.finish();
    until([&] { return !here.is_open() && !there.is_open(); });
    EXPECT_FALSE(here.error());
    EXPECT_FALSE(there.error());
}

TEST_P(SocketStreams, what_waits_is_sent_to_a_peer_that_has_finished) {
    Socket peer = open_here();
    const Future<void> written = here.write(std::string(4 * megabyte, 'x'));
    std::error_code error;
    peer.shut_down_sending(error);
    EXPECT_FALSE(failure(here.read_bytes(1)));
    EXPECT_TRUE(here.is_open());
    std::vector<std::uint8_t> bytes(megabyte);
    std::size_t received = 0;
    until([&] {
        received += peer.receive(bytes, error);
        return received == 4 * megabyte;
    });
    get(written);
    until([&] { return !here.is_open(); });
    EXPECT_FALSE(here.error());
}

TEST_P(SocketStreams, a_half_open_stream_notices_when_the_peer_is_gone_altogether) {
    Socket peer = open_here({.half_open = true});
    peer.close();
    EXPECT_EQ(get(here.read_until_close()), "");
    // TCP does not tell before it is written to; then the system does.
    until([&] {
        if (here.is_open()) here.write("x");
        return !here.is_open();
    });
}

// ---- connecting -------------------------------------------------------------------------------------

/// Over each poller; TCP.
struct Connecting : Streams {
    Socket listener = Socket::listen(SocketAddress::loopback(0));
    TcpStream accept() {
        EXPECT_TRUE(os::readable(listener.fd(), 10'000));
        std::error_code error;
        return {loop, listener.accept(error)};
    }
};
INSTANTIATE_TEST_SUITE_P(All, Connecting,
                         testing::Combine(testing::Values(Link::tcp),
                                          testing::ValuesIn(pollers_with_descriptors())),
                         link_title);

TEST_P(Connecting, a_write_may_follow_at_once_and_is_done_after_it_test_write_while_connecting) {
    here = TcpStream::connect(loop, listener.local());
    std::string log;
    loop.add_future(here.write("hello"), [&](const Future<void>&) { log += 'w'; });
    loop.add_future(here.connected(), [&](const Future<void>&) { log += 'c'; });
    const Future<std::string> answer = here.read_bytes(6);
    EXPECT_EQ(here.unsent(), 5U);
    until([&] { return log.size() == 2; });
    EXPECT_EQ(log, "cw");
    there = accept();
    EXPECT_EQ(get(there.read_bytes(5)), "hello");
    there.write("world!");
    EXPECT_EQ(get(answer), "world!");
    EXPECT_EQ(here.peer(), listener.local());
    EXPECT_EQ(there.peer(), here.local());
    EXPECT_TRUE(here.connected().done());
}

TEST_P(Connecting, finishing_at_once_works_too) {
    here = TcpStream::connect(loop, listener.local());
    here.finish();
    there = accept();
    EXPECT_EQ(get(there.read_until_close()), "");
}

TEST_P(Connecting, a_connection_that_is_refused_says_so_test_connection_refused) {
    sockaddr_in taken{}; // bound, and nobody listens
    const Fd nobody = os::bound_socket(taken);
    const SocketAddress address(reinterpret_cast<const sockaddr*>(&taken), sizeof taken);
    here = TcpStream::connect(loop, address);
    bool closed = false;
    here.set_on_close([&] { closed = true; });
    const Future<void> write = here.write("hello");
    const Future<std::string> read = here.read_bytes(1);
    EXPECT_EQ(failure(here.connected()), std::errc::connection_refused);
    EXPECT_EQ(failure(write), std::errc::connection_refused);
    EXPECT_EQ(failure(read), std::errc::connection_refused);
    EXPECT_EQ(here.error(), std::errc::connection_refused);
    EXPECT_EQ(failure(here.connected()), std::errc::connection_refused);
    until([&] { return closed; });
    os::close(nobody);
}

TEST_P(Connecting, what_is_refused_at_once_is_told_as_what_is_refused_later_test_gaierror) {
    here = TcpStream::connect(loop, SocketAddress());
    EXPECT_FALSE(here.is_open());
    EXPECT_TRUE(failure(here.connected()));
    EXPECT_TRUE(failure(here.write("hello")));
    EXPECT_TRUE(failure(here.read_bytes(1)));
    bool closed = false;
    here.set_on_close([&] { closed = true; });
    until([&] { return closed; });
}

TEST_P(Connecting, a_stream_may_be_closed_or_destroyed_while_it_connects) {
    here = TcpStream::connect(loop, listener.local());
    const Future<void> connected = here.connected();
    here.close();
    EXPECT_FALSE(failure(connected));
    here = TcpStream::connect(loop, listener.local());
    const Future<void> again = here.connected();
    here = TcpStream();
    EXPECT_FALSE(failure(again));
    expect_rest();
}

TEST_P(Connecting, who_asks_when_the_loop_is_closed_hears_that_it_does_not_connect) {
    here = TcpStream::connect(loop, listener.local());
    loop.close();
    EXPECT_EQ(failure(here.connected()), std::errc::operation_canceled);
    EXPECT_FALSE(here.is_open());
}

TEST_P(Connecting, a_connected_stream_is_connected) {
    here = TcpStream::connect(loop, listener.local());
    there = accept();
    EXPECT_TRUE(there.connected().done());
    get(here.connected());
    here.close();
    EXPECT_TRUE(here.connected().exception() == nullptr);
    EXPECT_EQ(here.peer(), listener.local()); // who that was is known still
}

} // namespace
