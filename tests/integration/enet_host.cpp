// SPDX-License-Identifier: MIT
/// enet::Host: two of them, over loopback.
#include "support/os.hpp"

#include <ioloop/enet.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <gmock/gmock.h>

using namespace ioloop;
using namespace std::chrono_literals;

struct Hosts : testing::Test {
    struct End {
        std::unique_ptr<enet::Host> host;
        ENetPeer* peer = nullptr;
        std::vector<std::uint32_t> received;
        int disconnected = 0;
        std::function<void(ENetEvent&)> also;
    };

    void open(End& end, enet::Options options = {}) {
        options.address = htonl(INADDR_LOOPBACK);
        end.host = std::make_unique<enet::Host>(loop, options, [&end](ENetEvent& event) {
            if (event.type == ENET_EVENT_TYPE_CONNECT) end.peer = event.peer;
            if (event.type == ENET_EVENT_TYPE_DISCONNECT) ++end.disconnected;
            if (event.type == ENET_EVENT_TYPE_RECEIVE) {
                std::uint32_t number = 0;
                std::memcpy(&number, event.packet->data, std::min(sizeof number, event.packet->dataLength));
                end.received.push_back(number);
            }
            if (end.also) end.also(event);
        });
    }
    void connect(enet::Options options = {}) {
        open(server, options);
        open(client, options);
        client.host->connect(server.host->address());
        run_until([&] { return client.peer != nullptr && server.peer != nullptr; });
    }
    static bool send(End& end, std::uint32_t number, enet_uint8 channel = 0) {
        std::uint8_t bytes[4];
        std::memcpy(bytes, &number, sizeof bytes);
        return end.host->send(end.peer, channel, bytes, ENET_PACKET_FLAG_RELIABLE);
    }
    /// Until it is true; a defect ends it, rather than hang.
    void run_until(const std::function<bool()>& happened) {
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (!happened() && std::chrono::steady_clock::now() < end) loop.run_once(100ms);
        EXPECT_TRUE(happened());
    }

    IOLoop loop;
    End server;
    End client;
};

TEST_F(Hosts, ten_thousand_reliable_packets_arrive_in_order_both_ways) {
    connect();
    constexpr std::uint32_t count = 10'000;
    std::uint32_t sent = 0;
    client.also = [&](ENetEvent&) { // a hundred are under way
        if (sent < count) send(client, sent++);
    };
    server.also = [&](ENetEvent&) { send(server, server.received.back()); };
    for (; sent < 100; ++sent) send(client, sent);
    run_until([&] { return client.received.size() == count; });
    ASSERT_EQ(server.received.size(), count);
    for (std::uint32_t n = 0; n < count; ++n) {
        ASSERT_EQ(server.received[n], n);
        ASSERT_EQ(client.received[n], n);
    }
}

TEST_F(Hosts, what_arrives_is_told_at_once_and_waits_for_no_tick) {
    connect({.busy = 1h, .idle = 1h}); // so that no timer can be the reason
    send(client, 7);
    run_until([&] { return server.received.size() == 1; });
    send(server, 8);
    run_until([&] { return client.received.size() == 1; });
}

TEST_F(Hosts, nothing_is_told_within_send_or_connect) {
    connect();
    send(client, 7);
    EXPECT_TRUE(server.received.empty());
    client.host->connect(server.host->address());
    EXPECT_TRUE(client.received.empty());
}

TEST_F(Hosts, a_call_tells_of_no_more_events_than_it_may) {
    connect({.events_per_call = 4});
    for (std::uint32_t n = 0; n < 200; ++n) send(client, n);
    std::size_t most = 0;
    run_until([&, before = std::size_t{0}]() mutable {
        most = std::max(most, server.received.size() - before);
        before = server.received.size();
        return before == 200;
    });
    EXPECT_GT(most, 0U);
    EXPECT_LE(most, 3 * 4U); // the socket, what is posted, the timer
}

TEST_F(Hosts, a_peer_that_disconnects_is_told_of_and_then_the_loop_sleeps) {
    connect();
    ::enet_peer_disconnect(client.peer, 0);
    client.host->flush_soon();
    run_until([&] { return client.disconnected == 1 && server.disconnected == 1; });
    run_until([&] { return loop.statistics().timeouts == 0; });
    EXPECT_FALSE(send(client, 1));
}

TEST_F(Hosts, a_peer_that_vanishes_is_given_up) {
    connect();
    ::enet_peer_ping_interval(server.peer, 10);
    ::enet_peer_timeout(server.peer, 2, 50, 300);
    client.host.reset();
    run_until([&] { return server.disconnected == 1; });
}

TEST_F(Hosts, a_packet_may_be_kept) {
    connect();
    ENetPacket* kept = nullptr;
    server.also = [&](ENetEvent& event) { kept = std::exchange(event.packet, nullptr); };
    send(client, 7);
    run_until([&] { return kept != nullptr; });
    EXPECT_EQ(kept->dataLength, 4U);
    ::enet_packet_destroy(kept);
}

TEST_F(Hosts, a_host_may_be_destroyed_in_its_own_event) {
    connect();
    server.also = [&](ENetEvent&) { server.host.reset(); };
    for (std::uint32_t n = 0; n < 10; ++n) send(client, n);
    run_until([&] { return server.host == nullptr; });
    EXPECT_EQ(server.received.size(), 1U);
    client.host.reset();
    EXPECT_EQ(loop.statistics().handlers, 0U);
    EXPECT_EQ(loop.statistics().timeouts, 0U);
}

TEST_F(Hosts, an_event_that_throws_is_reported_and_the_others_come) {
    connect();
    int errors = 0;
    loop.set_error_hook([&](const std::exception_ptr&, const Origin&, CallKind) { ++errors; });
    server.also = [&](ENetEvent&) { throw std::runtime_error("no"); };
    for (std::uint32_t n = 0; n < 10; ++n) send(client, n);
    run_until([&] { return server.received.size() == 10; });
    EXPECT_EQ(errors, 10);
}

TEST_F(Hosts, the_loop_may_be_closed_first) {
    connect();
    send(client, 1);
    loop.close();
    client.host.reset();
    server.host.reset();
}

TEST_F(Hosts, what_cannot_be_is_refused) {
    open(server);
    const ENetAddress taken = server.host->address();
    EXPECT_THROW(enet::Host(loop, {.address = taken.host, .port = taken.port}, [](ENetEvent&) {}),
                 std::system_error);
    EXPECT_THROW(enet::Host(loop, {}, nullptr), std::invalid_argument);
    open(client, {.peers = 1});
    client.host->connect(taken);
    EXPECT_THROW(client.host->connect(taken), std::length_error);
}
