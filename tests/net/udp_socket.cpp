// SPDX-License-Identifier: MIT
/// UdpSocket: what it receives, what it drops, what it sends, and how it ends; over each poller.
#include "support/counting_new.hpp"
#include "support/thrown.hpp"
#include "support/udp_sockets.hpp"

#include <array>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

namespace {

std::vector<std::string> numbers(int count) {
    std::vector<std::string> made;
    for (int i = 0; i < count; ++i) made.push_back(std::to_string(i));
    return made;
}

/// Keeps the thread busy in real time, as the system's buffer is.
void work(std::chrono::steady_clock::duration time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) {}
}

/// Two ends that keep a few datagrams between them; then sending would block. UDP on loopback never does.
std::array<Socket, 2> narrow_pair() {
    std::array<int, 2> fds{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM, 0, fds.data()), 0);
    std::array<Socket, 2> pair{Socket::adopt(fds[0]), Socket::adopt(fds[1])};
    for (Socket& socket : pair) socket.set_buffer_sizes(0, 4096);
    return pair;
}

} // namespace

INSTANTIATE_TEST_SUITE_P(Net, UdpSockets, testing::ValuesIn(real_pollers()),
                         [](const auto& one) { return std::string(name_of(one.param)); });

// ---- receiving ----------------------------------------------------------------------------------

TEST_P(UdpSockets, tells_what_came_and_from_where_so_that_it_can_be_answered) {
    std::unique_ptr<UdpSocket> server;
    server = serve([&](std::span<const std::uint8_t> data, const SocketAddress& from) {
        EXPECT_EQ(from, outside.local());
        EXPECT_FALSE(server->send_to(data, from));
    });
    send("hello");
    run_until([&] { return server->counters().sent == 1; });
    EXPECT_EQ(receive(outside), "hello");
    EXPECT_EQ(server->counters().received_bytes, 5U);
    EXPECT_EQ(server->counters().sent_bytes, 5U);
}

TEST_P(UdpSockets, connected_ones_hear_their_peer_alone) {
    UdpSocket client(*loop, Socket::datagram_to(outside.local()), keep());
    EXPECT_EQ(client.peer(), outside.local());
    server_address = client.local();
    Socket stranger = bound();
    std::error_code error;
    stranger.send_datagram(bytes("psst"), client.local(), error);
    send("yes");
    EXPECT_FALSE(client.send(bytes("no")));
    run_until([&] { return !got.empty(); });
    run_dry();
    EXPECT_THAT(got, ElementsAre("yes"));
    EXPECT_EQ(receive(outside), "no");
}

TEST_P(UdpSockets, an_empty_datagram_is_one_too) {
    const auto server = serve(keep());
    send("");
    send("x");
    send("");
    run_until([&] { return got.size() == 3; });
    EXPECT_THAT(got, ElementsAre("", "x", ""));
    EXPECT_EQ(server->counters().received_bytes, 1U);
}

TEST_P(UdpSockets, a_datagram_that_is_too_long_is_dropped_and_counted) {
    UdpSocket::Options options;
    options.most_bytes = 4;
    const auto server = serve(keep(), options);
    send("12345");
    send("1234");
    run_until([&] { return !got.empty(); });
    EXPECT_THAT(got, ElementsAre("1234"));
    EXPECT_EQ(server->counters().truncated, 1U);
    EXPECT_EQ(server->counters().received, 1U);
}

TEST_P(UdpSockets, all_that_has_come_is_taken_at_once_and_called_under_the_budget) {
    const auto server = serve(keep());
    for (const auto& text : numbers(100)) send(text);
    for (int i = 0; i < 100 && server->counters().received == 0; ++i)
        loop->run_once(10ms, Budget{forever, 1});
    EXPECT_EQ(server->counters().received, 100U) << "the read is not under the budget";
    EXPECT_THAT(got, IsEmpty());
    EXPECT_EQ(server->waiting(), 100U);
    const Turn turn = loop->run_once(no_wait, Budget{forever, 10});
    EXPECT_EQ(turn.ended, Ended::budget);
    EXPECT_THAT(got, SizeIs(10)) << "one datagram a call";
    run_dry();
    EXPECT_EQ(got, numbers(100));
    EXPECT_EQ(server->counters().dispatched, 100U);
    EXPECT_EQ(server->waiting(), 0U);
}

TEST_P(UdpSockets, a_turn_that_a_budget_stretches_goes_on_asking_the_system) {
    // Twenty calls of a millisecond and a bit; a hundred datagrams come during each. The system would keep 300.
    UdpSocket::Options options;
    options.ring_datagrams = 4096;
    int slow = 20;
    int next = 0;
    const auto sent = [&](int count) {
        for (int i = 0; i < count; ++i) send(std::to_string(next++));
    };
    const auto server = serve(
        [&](std::span<const std::uint8_t> data, const SocketAddress&) {
            got.emplace_back(data.begin(), data.end());
            if (slow-- <= 0) return;
            sent(100);
            work(1100us);
        },
        options);
    sent(20);
    for (int i = 0; i < 100 && server->counters().received == 0; ++i)
        loop->run_once(10ms, Budget{forever, 1});
    for (int i = 0; i < 20; ++i) loop->run_once(no_wait, Budget{forever, 1});
    EXPECT_GT(server->counters().received, 1500U) << "in the middle of a turn";
    run_dry();
    EXPECT_EQ(got, numbers(2020));
    EXPECT_EQ(server->counters().system_drops, 0U);
}

TEST_P(UdpSockets, what_comes_when_the_ring_is_full_is_dropped_and_counted) {
    UdpSocket::Options options;
    options.ring_datagrams = 16;
    const auto server = serve(keep(), options);
    for (const auto& text : numbers(100)) send(text);
    run_until([&] { return got.size() == 16; });
    run_dry();
    EXPECT_EQ(got, numbers(16)) << "the first ones";
    EXPECT_EQ(server->counters().received, 16U);
    EXPECT_EQ(server->counters().dropped, 84U);
    got.clear();
    send("room again");
    run_until([&] { return !got.empty(); });
    EXPECT_THAT(got, ElementsAre("room again"));
}

TEST_P(UdpSockets, the_bytes_of_the_ring_go_round_and_none_is_mixed_up) {
    UdpSocket::Options options;
    options.ring_bytes = 100;
    const auto server = serve(keep(), options);
    std::vector<std::string> expected;
    for (std::size_t round = 0; round < 40; ++round) {
        for (std::size_t i = 0; i < 3; ++i) {
            expected.emplace_back(1 + (round * 7 + i * 11) % 30, static_cast<char>('a' + (round + i) % 26));
            send(expected.back());
        }
        run_until(
            [&] { return server->counters().received == expected.size() || got.size() == expected.size(); });
    }
    run_until([&] { return got.size() == expected.size(); });
    EXPECT_EQ(got, expected);
    EXPECT_EQ(server->counters().dropped, 0U);
    send(std::string(101, 'x'));
    run_until([&] { return server->counters().dropped == 1; });
}

#ifdef __linux__
TEST_P(UdpSockets, what_the_system_has_dropped_is_counted_with_the_next_datagram) {
    const auto server = serve(keep());
    for (int i = 0; i < 5000; ++i) send("flood");
    run_until([&] { return !got.empty(); });
    run_dry();
    const auto& counters = server->counters();
    EXPECT_LT(counters.received, 5000U);
    send("then");
    run_until([&] { return got.back() == "then"; });
    EXPECT_EQ(counters.received + counters.dropped + counters.system_drops, 5001U);
}
#endif

// ---- sending ------------------------------------------------------------------------------------

TEST_P(UdpSockets, what_is_queued_is_sent_together_later) {
    const auto server = serve(keep());
    UdpSocket client(*loop, bound(), keep());
    for (const auto& text : numbers(100)) EXPECT_FALSE(client.queue_to(bytes(text), server_address));
    EXPECT_EQ(client.queued(), 100U);
    EXPECT_EQ(client.counters().sent, 0U);
    run_until([&] { return got.size() == 100; });
    EXPECT_EQ(got, numbers(100));
    EXPECT_EQ(client.queued(), 0U);
    EXPECT_EQ(client.counters().sent, 100U);
}

TEST_P(UdpSockets, a_queue_that_is_full_is_sent_at_once) {
    UdpSocket::Options options;
    options.outgoing_datagrams = 8;
    UdpSocket client(*loop, Socket::datagram_to(outside.local()), keep(), options);
    for (const auto& text : numbers(20)) EXPECT_FALSE(client.queue(bytes(text)));
    EXPECT_EQ(client.counters().sent, 16U);
    client.flush();
    for (const auto& text : numbers(20)) EXPECT_EQ(receive(outside), text);
}

TEST_P(UdpSockets, what_the_system_has_no_room_for_stays_queued_until_it_has) {
    auto [one, other] = narrow_pair();
    UdpSocket client(*loop, std::move(one), keep());
    for (const auto& text : numbers(100)) EXPECT_FALSE(client.queue(bytes(text)));
    client.flush();
    EXPECT_GT(client.queued(), 50U);
    EXPECT_EQ(client.send(bytes("at once")), std::errc::resource_unavailable_try_again);
    EXPECT_EQ(client.counters().send_failures, 1U);
    UdpSocket server(*loop, std::move(other), keep());
    run_until([&] { return got.size() == 100; });
    EXPECT_EQ(got, numbers(100));
    EXPECT_EQ(client.queued(), 0U);
    run_dry();
}

TEST_P(UdpSockets, what_neither_system_nor_queue_has_room_for_is_refused_and_counted) {
    auto [one, other] = narrow_pair();
    UdpSocket::Options options;
    options.outgoing_datagrams = 8;
    UdpSocket client(*loop, std::move(one), keep(), options);
    std::error_code error;
    int accepted = 0;
    while (accepted < 1000 && !(error = client.queue(bytes(std::to_string(accepted))))) ++accepted;
    EXPECT_EQ(error, std::errc::no_buffer_space);
    EXPECT_EQ(client.counters().send_failures, 1U);
    UdpSocket server(*loop, std::move(other), keep());
    run_until([&] { return got.size() == static_cast<std::size_t>(accepted); });
    EXPECT_EQ(got, numbers(accepted));
}

TEST_P(UdpSockets, what_cannot_be_sent_is_an_error_and_stops_nothing) {
    UdpSocket client(*loop, Socket::datagram_to(outside.local()), keep());
    const std::string huge(100'000, 'x');
    EXPECT_EQ(client.send(bytes(huge)), std::errc::message_size);
    EXPECT_FALSE(client.queue(bytes("before")));
    EXPECT_FALSE(client.queue(bytes(huge)));
    EXPECT_FALSE(client.queue(bytes("after")));
    run_until([&] { return client.queued() == 0; });
    EXPECT_EQ(receive(outside), "before");
    EXPECT_EQ(receive(outside), "after");
    EXPECT_EQ(client.counters().send_failures, 2U);
    EXPECT_EQ(client.counters().sent, 2U);
}

TEST_P(UdpSockets, a_peer_that_is_not_there_is_counted_and_may_come_back) {
    const SocketAddress address = bound().local(); // closed by now
    UdpSocket client(*loop, Socket::datagram_to(address), keep());
    EXPECT_FALSE(client.send(bytes("anybody?")));
    run_until([&] { return client.counters().refused == 1; });
    EXPECT_FALSE(client.send(bytes("anybody now?")));
    EXPECT_FALSE(client.send(bytes("?"))) << "the news of the one before costs nothing";
    run_until([&] { return client.counters().refused >= 2; });
    run_dry();
    EXPECT_THAT(reported, IsEmpty());
    EXPECT_EQ(client.counters().send_failures, 0U);

    Socket peer = Socket::datagram(address);
    EXPECT_FALSE(client.send(bytes("hello")));
    EXPECT_EQ(receive(peer), "hello");
    std::error_code error;
    peer.send_datagram(bytes("here I am"), client.local(), error);
    run_until([&] { return !got.empty(); });
    EXPECT_THAT(got, ElementsAre("here I am"));
}

TEST_P(UdpSockets, an_echo_needs_no_memory_once_it_is_warm) {
    std::unique_ptr<UdpSocket> server;
    server = serve(
        [&](std::span<const std::uint8_t> data, const SocketAddress& from) { server->queue_to(data, from); });
    std::uint64_t answers = 0;
    UdpSocket client(*loop, Socket::datagram_to(server_address),
                     [&](std::span<const std::uint8_t>, const SocketAddress&) { ++answers; });
    const auto exchange = [&](std::uint64_t count) {
        const std::uint64_t end = answers + count;
        for (std::uint64_t i = 0; i < count; ++i) client.queue(bytes("ping"));
        for (int i = 0; i < 1000 && answers < end; ++i) loop->run_once(10ms);
        EXPECT_EQ(answers, end);
    };
    for (int i = 0; i < 10; ++i) exchange(100);
    const std::uint64_t before = heap_allocations;
    for (int i = 0; i < 10; ++i) exchange(100);
    EXPECT_EQ(heap_allocations - before, 0U);
}

TEST_P(UdpSockets, the_inspector_sees_what_passes_through_and_what_waits) {
    UdpSocket::Options options;
    options.ring_datagrams = 3;
    const auto server = serve(keep(), options);
    const auto flow = [&] {
        Snapshot snapshot;
        loop->snapshot(snapshot);
        EXPECT_THAT(snapshot.handlers, SizeIs(1));
        EXPECT_STREQ(snapshot.handlers.at(0).origin.name, "udp under test");
        return snapshot.handlers.at(0).flow;
    };
    EXPECT_EQ(flow(), Flow{});
    for (const auto& text : numbers(4)) send(text);
    EXPECT_FALSE(server->send_to(bytes("hello"), outside.local()));
    EXPECT_FALSE(server->queue_to(bytes("more"), outside.local()));
    for (int i = 0; i < 100 && server->waiting() == 0; ++i) loop->run_once(10ms, Budget{forever, 1});
    EXPECT_EQ(flow(), (Flow{3, 5, 3, 1, 3, 4, 1}));
    run_until([&] { return got.size() == 3; });
    run_dry();
    EXPECT_EQ(flow(), (Flow{3, 9, 3, 2, 0, 0, 1}));
}

// ---- how it ends --------------------------------------------------------------------------------

TEST_P(UdpSockets, the_callback_may_destroy_the_socket) {
    std::unique_ptr<UdpSocket> server;
    const auto alive = std::make_shared<int>(0);
    server = serve([&, alive](std::span<const std::uint8_t> data, const SocketAddress&) {
        server.reset();
        got.emplace_back(data.begin(), data.end()); // these are there until it returns
    });
    send("one");
    send("two");
    run_until([&] { return !got.empty(); });
    run_dry();
    EXPECT_THAT(got, ElementsAre("one"));
    EXPECT_EQ(alive.use_count(), 1) << "and the callback goes with it";
}

TEST_P(UdpSockets, the_callback_may_destroy_the_loop) {
    const auto server = serve([&](std::span<const std::uint8_t>, const SocketAddress&) {
        got.emplace_back("one");
        loop.reset();
    });
    send("one");
    send("two");
    for (int i = 0; i < 100 && loop; ++i) loop->run_once(10ms);
    EXPECT_THAT(got, ElementsAre("one"));
    EXPECT_FALSE(loop);
    EXPECT_EQ(server->queue_to(bytes("x"), outside.local()), std::errc::operation_canceled);
    EXPECT_FALSE(server->send_to(bytes("sending needs no loop"), outside.local()));
}

TEST_P(UdpSockets, a_loop_that_is_closed_first_is_no_harm) {
    const auto server = serve(keep());
    send("lost");
    loop->close();
    EXPECT_EQ(server->queue_to(bytes("x"), outside.local()), std::errc::operation_canceled);
    EXPECT_EQ(server->counters().send_failures, 1U);
}

TEST_P(UdpSockets, one_that_is_closed_calls_no_more_but_sends_what_is_queued) {
    const auto server = serve(keep());
    send("one");
    for (int i = 0; i < 100 && server->waiting() == 0; ++i) loop->run_once(10ms, Budget{forever, 1});
    EXPECT_FALSE(server->queue_to(bytes("goodbye"), outside.local()));
    server->close();
    server->close();
    run_dry();
    EXPECT_THAT(got, IsEmpty());
    EXPECT_EQ(receive(outside), "goodbye");
    EXPECT_TRUE(server->closed());
    EXPECT_FALSE(server->local());
    EXPECT_EQ(server->send(bytes("x")), std::errc::operation_canceled);
    EXPECT_EQ(server->queue(bytes("x")), std::errc::operation_canceled);
}

TEST_P(UdpSockets, it_can_be_moved_also_inside_its_callback) {
    std::unique_ptr<UdpSocket> server;
    std::unique_ptr<UdpSocket> home;
    server = serve([&](std::span<const std::uint8_t> data, const SocketAddress&) {
        got.emplace_back(data.begin(), data.end());
        if (home == nullptr) home = std::make_unique<UdpSocket>(std::move(*server));
    });
    send("one");
    send("two");
    run_until([&] { return got.size() == 2; });
    EXPECT_TRUE(server->closed());
    EXPECT_EQ(home->counters().dispatched, 2U);
    UdpSocket other(*loop, bound(), keep());
    *home = std::move(other);
    EXPECT_NE(home->local(), server_address) << "the one that was there before is closed";
}

TEST_P(UdpSockets, what_the_callback_throws_is_reported_and_the_next_datagram_comes) {
    const auto server = serve([&](std::span<const std::uint8_t> data, const SocketAddress&) {
        got.emplace_back(data.begin(), data.end());
        if (got.size() == 1) throw std::runtime_error("no");
    });
    send("one");
    send("two");
    run_until([&] { return got.size() == 2; });
    EXPECT_THAT(got, ElementsAre("one", "two"));
    EXPECT_THAT(reported, ElementsAre("no"));
}

TEST_P(UdpSockets, a_callback_that_runs_the_loop_is_not_entered_again) {
    int depth = 0;
    const auto server = serve([&](std::span<const std::uint8_t> data, const SocketAddress&) {
        EXPECT_EQ(++depth, 1);
        if (got.empty()) {
            send("four");
            for (int i = 0; i < 20; ++i) loop->run_once();
        }
        got.emplace_back(data.begin(), data.end());
        --depth;
    });
    for (const char* text : {"one", "two", "three"}) send(text);
    run_until([&] { return got.size() == 4; });
    EXPECT_THAT(got, ElementsAre("one", "two", "three", "four"));
}

TEST_P(UdpSockets, wrong_use_is_said_where_it_happens) {
    EXPECT_THAT(thrown<std::invalid_argument>([&] { UdpSocket(*loop, Socket(), keep(), "nothing"); }),
                HasSubstr("UdpSocket: no socket, 'nothing'"));
    EXPECT_THAT(thrown<std::invalid_argument>([&] { UdpSocket(*loop, bound(), nullptr, "deaf"); }),
                HasSubstr("UdpSocket: null callback"));
    UdpSocket::Options options;
    options.ring_datagrams = 0;
    EXPECT_THAT(thrown<std::invalid_argument>([&] { UdpSocket(*loop, bound(), keep(), options, "none"); }),
                HasSubstr("UdpSocket: an option is 0, 'none'"));
}

TEST_P(UdpSockets, a_descriptor_that_is_no_socket_is_said_once_and_left_alone) {
    std::array<int, 2> fds{};
    ASSERT_EQ(::pipe(fds.data()), 0);
    const UdpSocket pipe(*loop, Socket::adopt(fds[0]), keep(), "a pipe");
    Socket end = Socket::adopt(fds[1]);
    std::error_code error;
    end.send(bytes("x"), error);
    run_until([&] { return !reported.empty(); });
    run_dry();
    EXPECT_THAT(reported, ElementsAre(HasSubstr("receiving datagrams, 'a pipe'")));
}
