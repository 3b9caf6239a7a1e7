// SPDX-License-Identifier: MIT
/// TcpServer: callbacks that throw, rushes of connections, peers that leave, and no descriptors.
#include "support/no_descriptors.hpp"
#include "support/os.hpp"
#include "support/tcp_servers.hpp"

#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <sys/socket.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

namespace {

struct TcpServerErrors : TcpServers {
    /// Makes every kind of call once.
    void warm_up() {
        TcpServer server(*loop, [](Socket, const SocketAddress&) {});
        server.listen(SocketAddress::loopback(0));
        const Socket client = connect(server.addresses()[0]);
        run_until([&] { return server.counters().accepted == 1; });
        auto pair = Socket::pair();
        pair[0].watch(
            *loop, [](Fd, Events) {}, Events::write);
        pair[0].watch_for(Events::none);
        loop->call_later(1ms, [] {});
        loop->run_until(loop->time() + 2ms);
    }
    /// What became of a connection from `client`: 'a'ccepted, 'c'losed, or '?': hanging.
    static char fate(Socket& client) {
        std::error_code error;
        std::array<std::uint8_t, 1> byte{};
        if (!os::readable(client.fd())) return '?';
        return client.receive(byte, error) == 1 ? 'a' : 'c';
    }
};

} // namespace

TEST_F(TcpServerErrors,
       test_handle_stream_coroutine_logging_a_callback_that_throws_is_reported_and_the_server_goes_on) {
    int calls = 0;
    TcpServer server(*loop, [&](Socket, const SocketAddress&) {
        ++calls;
        throw std::runtime_error("not today");
    });
    server.listen("127.0.0.1", 0);
    std::vector<Socket> clients;
    for (int i = 0; i < 3; ++i) clients.push_back(connect(server.addresses()[0]));
    run_until([&] { return calls == 3; });
    EXPECT_THAT(reported, ElementsAre("not today", "not today", "not today"));
}

TEST_F(TcpServerErrors, test_handle_stream_coroutine_logging_a_task_that_fails_is_reported) {
    TcpServer server(*loop, [](Socket, SocketAddress) -> Task<> {
        co_await next_turn();
        throw std::runtime_error("not today");
    });
    server.listen("127.0.0.1", 0);
    Socket client = connect(server.addresses()[0]);
    run_until([&] { return !reported.empty(); });
    EXPECT_THAT(reported, ElementsAre("not today"));
}

TEST_F(TcpServerErrors, a_rush_of_connections_is_accepted_in_portions) { // B31
    TcpServer::Options options;
    options.accepts_per_turn = 3;
    TcpServer server(*loop, keep(), options);
    server.listen("127.0.0.1", 0);
    std::vector<Socket> clients;
    for (int i = 0; i < 10; ++i) clients.push_back(connect(server.addresses()[0]));
    std::size_t before = 0;
    run_until([&] {
        EXPECT_LE(accepted.size() - before, 3U);
        before = accepted.size();
        return before == 10;
    });
}

TEST_F(TcpServerErrors, a_peer_that_left_before_its_turn_does_no_harm) { // ECONNABORTED, or a dead connection
    TcpServer server(*loop, keep());
    server.listen("127.0.0.1", 0);
    {
        Socket gone = connect(server.addresses()[0]);
        const linger at_once{1, 0};
        ::setsockopt(gone.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    Socket client = connect(server.addresses()[0]);
    run_until([&] { return std::find(peers.begin(), peers.end(), client.local()) != peers.end(); });
    EXPECT_THAT(reported, IsEmpty());
}

TEST_F(TcpServerErrors, out_of_descriptors_who_waits_is_closed_rather_than_left_to_hang) {
    warm_up();
    TcpServer::Options options;
    options.pause = 20ms;
    TcpServer server(*loop, keep(), options);
    server.listen("127.0.0.1", 0);
    std::vector<Socket> clients;
    for (int i = 0; i < 3; ++i) clients.push_back(connect(server.addresses()[0]));
    {
        const NoDescriptors none(1); // one connection has room
        run_until([&] { return server.counters().refused == 2; });
        EXPECT_EQ(accepted.size(), 1U);
        const auto turns = loop->statistics().turns;
        loop->run_until(loop->time() + 10ms);
        EXPECT_LE(loop->statistics().turns - turns, 5U) << "no spinning";
    }
    for (Socket& client : clients) run_until([&] { return &client == &clients[0] || fate(client) == 'c'; });
    // And goes on when there are descriptors again.
    Socket late = connect(server.addresses()[0]);
    run_until([&] { return accepted.size() == 2; });
    EXPECT_EQ(peers[1], late.local());
    EXPECT_THAT(reported, IsEmpty());
}

TEST_F(TcpServerErrors, out_of_descriptors_and_without_a_spare_one_it_takes_a_pause_and_does_not_spin) {
    warm_up();
    TcpServer::Options options;
    options.pause = 20ms;
    TcpServer server(*loop, keep(), options);
    Socket listener = Socket::listen(SocketAddress::loopback(0));
    Socket client = connect(listener.local());
    {
        const NoDescriptors none(0);
        server.add_socket(std::move(listener));
        const auto turns = loop->statistics().turns;
        loop->run_until(loop->time() + 50ms);
        EXPECT_LE(loop->statistics().turns - turns, 12U) << "no spinning";
        EXPECT_EQ(server.counters().refused, 0U);
        EXPECT_EQ(fate(client), '?');
    }
    run_until([&] { return accepted.size() == 1; }); // nobody was lost
    EXPECT_THAT(reported, IsEmpty());
}

TEST_F(TcpServerErrors, a_listener_that_is_broken_is_reported_and_does_not_spin) {
    TcpServer::Options options;
    options.pause = 20ms;
    TcpServer server(*loop, keep(), options);
    server.listen("127.0.0.1", 0);
    Socket listener = Socket::listen(SocketAddress::loopback(0));
    const Fd fd = listener.fd();
    server.add_socket(std::move(listener));
    ::shutdown(fd, SHUT_RDWR); // it listens no more, and hangs up for ever
    const auto turns = loop->statistics().turns;
    run_until([&] { return server.counters().failures == 2; });
    EXPECT_LE(loop->statistics().turns - turns, 20U);
    EXPECT_THAT(reported, SizeIs(2));
    EXPECT_THAT(reported, Each(HasSubstr("accepting at 127.0.0.1:")));
    Socket client = connect(server.addresses()[0]); // the other one is all right
    run_until([&] { return accepted.size() == 1; });
}

TEST_F(TcpServerErrors, wrong_use_is_refused) {
    EXPECT_THROW(TcpServer(*loop, nullptr), std::invalid_argument);
    TcpServer::Options options;
    options.accepts_per_turn = 0;
    EXPECT_THROW(TcpServer(*loop, keep(), options), std::invalid_argument);
    options = {};
    options.pause = 0ms;
    EXPECT_THROW(TcpServer(*loop, keep(), options), std::invalid_argument);
}
