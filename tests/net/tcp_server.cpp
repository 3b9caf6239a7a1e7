// SPDX-License-Identifier: MIT
/// TcpServer: where it listens, and how it ends.
#include "support/folder.hpp"
#include "support/os.hpp"
#include "support/tcp_servers.hpp"
#include "support/thrown.hpp"

#include <ioloop/ioloop.hpp>

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Family = SocketAddress::Family;

namespace {

bool has_ipv6() {
    std::error_code error;
    return static_cast<bool>(Socket::listen(SocketAddress::loopback(0, Family::ipv6), {}, error));
}

} // namespace

// ---- where it listens ---------------------------------------------------------------------------

TEST_F(TcpServers, hands_over_connections_and_where_they_come_from) {
    TcpServer server(*loop, keep());
    server.listen(SocketAddress::loopback(0));
    ASSERT_THAT(server.addresses(), SizeIs(1));
    EXPECT_NE(server.addresses()[0].port(), 0);
    Socket client = connect(server.addresses()[0]);
    run_until([&] { return accepted.size() == 1; });
    EXPECT_EQ(peers[0], client.local());
    EXPECT_FALSE(os::inheritable(accepted[0].fd()));
    std::error_code error;
    std::array<std::uint8_t, 1> byte{};
    EXPECT_EQ(accepted[0].receive(byte, error), 0U);
    EXPECT_EQ(error, std::errc::resource_unavailable_try_again) << "it does not block";
    EXPECT_EQ(server.counters().accepted, 1U);
}

TEST_F(TcpServers, N5_test_same_port_allocation_port_0_is_the_same_for_both_families) {
    if (!has_ipv6()) GTEST_SKIP() << "no IPv6 here";
    TcpServer server(*loop, keep());
    server.listen("localhost", 0);
    const auto addresses = server.addresses();
    ASSERT_THAT(addresses, SizeIs(2));
    EXPECT_EQ(addresses[0].port(), addresses[1].port());
    EXPECT_NE(addresses[0].family(), addresses[1].family());
    for (const auto& address : addresses) {
        EXPECT_TRUE(address.is_loopback());
        const std::size_t before = accepted.size();
        Socket client = connect(address);
        run_until([&] { return accepted.size() == before + 1; });
    }
}

TEST_F(TcpServers, N5_no_host_is_every_address_of_this_machine) {
    TcpServer server(*loop, keep());
    server.listen("", 0);
    const auto addresses = server.addresses();
    ASSERT_THAT(addresses, SizeIs(has_ipv6() ? 2 : 1));
    EXPECT_EQ(addresses[0].host(), "0.0.0.0");
    Socket client = connect(SocketAddress::loopback(addresses[0].port()));
    run_until([&] { return accepted.size() == 1; });
}

TEST_F(TcpServers, N5_a_family_that_the_machine_does_not_have_is_left_out_unless_it_is_the_only_one) {
    // An address of another machine is as good as a family that is missing.
    const auto foreign = SocketAddress::numeric("2001:db8::1", 0);
    TcpServer server(*loop, keep());
    server.listen({foreign, SocketAddress::loopback(0)});
    EXPECT_THAT(server.addresses(), SizeIs(1));
    std::error_code error;
    server.listen({foreign}, error);
    EXPECT_TRUE(error == std::errc::address_not_available ||
                error == std::errc::address_family_not_supported);
    EXPECT_THAT(server.addresses(), SizeIs(1));
}

TEST_F(TcpServers, N5_an_address_that_comes_twice_is_listened_at_once) {
    TcpServer server(*loop, keep());
    const SocketAddress free = Socket::listen(SocketAddress::loopback(0)).local();
    server.listen({free, free});
    EXPECT_THAT(server.addresses(), ElementsAre(free));
}

TEST_F(TcpServers, N5_test_reuse_port_two_servers_share_one_if_both_say_so) {
    TcpServer::Options options;
    options.listen.reuse_port = true;
    TcpServer one(*loop, keep(), options);
    one.listen(SocketAddress::loopback(0));
    TcpServer other(*loop, keep(), options);
    other.listen(one.addresses()[0]);
    TcpServer third(*loop, keep());
    std::error_code error;
    third.listen(one.addresses()[0], error);
    EXPECT_EQ(error, std::errc::address_in_use);
}

TEST_F(TcpServers, names_are_refused_as_they_take_time_and_an_error_changes_nothing) {
    TcpServer server(*loop, keep());
    server.listen("127.0.0.1", 0);
    const auto before = server.addresses();
    const auto text = thrown<std::system_error>([&] { server.listen("example.com", 80); });
    EXPECT_THAT(text, HasSubstr("listening at 'example.com', port 80; a name has to be resolved"));
    EXPECT_THAT(thrown<std::system_error>([&] { server.listen(before[0]); }),
                HasSubstr("listening at 127.0.0.1:"));
    std::error_code error;
    server.listen({SocketAddress::loopback(0), before[0]}, error); // the second is taken
    EXPECT_EQ(error, std::errc::address_in_use);
    server.listen(std::vector<SocketAddress>{}, error);
    EXPECT_EQ(error, std::errc::invalid_argument);
    EXPECT_THAT(thrown<std::system_error>([&] { server.listen(std::vector<SocketAddress>{}); }),
                HasSubstr("listening at no address"));
    EXPECT_EQ(server.addresses(), before);
}

TEST_F(TcpServers, several_calls_of_listen_add_up) {
    TcpServer server(*loop, keep());
    server.listen("127.0.0.1", 0);
    server.listen("127.0.0.1", 0);
    ASSERT_THAT(server.addresses(), SizeIs(2));
    std::vector<Socket> clients;
    for (const auto& address : server.addresses()) clients.push_back(connect(address));
    run_until([&] { return accepted.size() == 2; });
}

TEST_F(TcpServers, add_socket_takes_over_one_that_listens_and_refuses_others) {
    TcpServer server(*loop, keep());
    server.add_socket(Socket::listen(SocketAddress::loopback(0)));
    Socket client = connect(server.addresses().at(0));
    run_until([&] { return accepted.size() == 1; });
    std::error_code error;
    server.add_socket(std::move(Socket::pair()[0]), error);
    EXPECT_EQ(error, std::errc::invalid_argument) << "it would be ready for ever, and accept nobody";
    EXPECT_THROW(server.add_socket(Socket()), std::system_error);
    EXPECT_THAT(server.addresses(), SizeIs(1));
}

// ---- unix sockets -------------------------------------------------------------------------------

TEST_F(TcpServers, N6_the_file_of_a_unix_socket_is_the_user_s_alone_and_goes_when_the_server_stops) {
    const Folder folder;
    TcpServer server(*loop, keep());
    server.listen("unix:" + folder.socket().path(), 0);
    const auto file = std::filesystem::status(folder.path / "s");
    EXPECT_EQ(file.permissions(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    Socket client = connect(folder.socket());
    run_until([&] { return accepted.size() == 1; });
    server.stop();
    EXPECT_FALSE(std::filesystem::exists(folder.path / "s"));
}

TEST_F(TcpServers, N6_a_file_that_is_another_s_by_then_stays) {
    const Folder folder;
    TcpServer one(*loop, keep());
    one.listen(folder.socket());
    std::filesystem::rename(folder.path / "s", folder.path / "moved");
    TcpServer other(*loop, keep());
    other.listen(folder.socket());
    one.stop();
    EXPECT_TRUE(std::filesystem::exists(folder.path / "s"));
    other.stop();
    EXPECT_FALSE(std::filesystem::exists(folder.path / "s"));
}

TEST_F(TcpServers, N6_a_file_that_was_left_behind_is_replaced_and_one_that_is_no_socket_is_not) {
    const Folder folder;
    { const Socket left = Socket::listen(folder.socket()); } // which does not remove it
    ASSERT_TRUE(std::filesystem::exists(folder.path / "s"));
    TcpServer server(*loop, keep());
    server.listen(folder.socket());
    std::error_code error;
    TcpServer rival(*loop, keep());
    rival.listen(folder.socket(), error);
    EXPECT_EQ(error, std::errc::address_in_use) << "somebody listens there";
    std::filesystem::create_directory(folder.path / "d");
    rival.listen(folder.socket("d"), error);
    EXPECT_EQ(error, std::errc::address_in_use);
    EXPECT_TRUE(std::filesystem::is_directory(folder.path / "d"));
    EXPECT_TRUE(std::filesystem::exists(folder.path / "s"));
}

// ---- stopping -----------------------------------------------------------------------------------

TEST_F(TcpServers, test_stop_twice) { // #1901: the number may be somebody else's by the second time
    TcpServer server(*loop, keep());
    server.listen("127.0.0.1", 0);
    const auto address = server.addresses()[0];
    server.stop();
    Socket::listen(SocketAddress::loopback(0)); // takes the number for a moment
    bool called = false;
    auto pair = Socket::pair();
    pair[0].watch(
        *loop, [&](Fd, Events) { called = true; }, Events::read);
    server.stop();
    std::error_code error;
    pair[1].send(std::array<std::uint8_t, 1>{}, error);
    run_until([&] { return called; });
    EXPECT_THAT(server.addresses(), IsEmpty());
    Socket client = Socket::connect(address, error);
    if (!error) {
        run_until([&] { return os::readable(client.fd()); });
        error = client.connect_error();
    }
    EXPECT_EQ(error, std::errc::connection_refused);
}

TEST_F(TcpServers, test_stop_in_callback_with_forty_clients_accepts_the_first_alone) { // #2069
    std::optional<TcpServer> server;
    int calls = 0;
    server.emplace(
        *loop,
        [&](Socket, const SocketAddress&) {
            ++calls;
            server->stop();
        },
        Origin("stopping"));
    server->listen("127.0.0.1", 0);
    std::vector<Socket> clients;
    for (int i = 0; i < 40; ++i) clients.push_back(connect(server->addresses()[0]));
    run_until([&] { return calls > 0; });
    loop->run_ready();
    EXPECT_EQ(calls, 1);
    EXPECT_THAT(reported, IsEmpty()) << "no EBADF";
}

TEST_F(TcpServers, may_be_destroyed_in_its_callback) {
    std::optional<TcpServer> server;
    const auto witness = std::make_shared<int>(0);
    server.emplace(
        *loop,
        [&server, witness](Socket, const SocketAddress&) {
            server.reset();
            ++*witness; // the captures are there still
        },
        Origin("vanishing"));
    server->listen("localhost", 0);
    std::vector<Socket> clients;
    for (int i = 0; i < 3; ++i) clients.push_back(connect(server->addresses()[0]));
    run_until([&] { return *witness > 0; });
    loop->run_ready();
    EXPECT_EQ(*witness, 1);
    EXPECT_EQ(witness.use_count(), 1);
}

TEST_F(TcpServers, may_stop_and_listen_again_in_its_callback) {
    std::optional<TcpServer> server;
    std::vector<Socket> clients;
    int calls = 0;
    server.emplace(
        *loop,
        [&](Socket, const SocketAddress&) {
            if (++calls > 1) return;
            server->stop();
            server->listen("127.0.0.1", 0);
            clients.push_back(connect(server->addresses()[0]));
        },
        Origin("moving"));
    server->listen("127.0.0.1", 0);
    clients.push_back(connect(server->addresses()[0]));
    clients.push_back(connect(server->addresses()[0]));
    run_until([&] { return calls == 2; });
    loop->run_ready();
    EXPECT_EQ(calls, 2) << "the second client of the old port is not accepted";
    EXPECT_THAT(server->addresses(), SizeIs(1));
}

TEST_F(TcpServers, the_loop_may_be_gone_first) {
    const Folder folder;
    {
        TcpServer server(*loop, keep());
        server.listen(folder.socket());
        loop.reset();
        EXPECT_THAT(thrown<std::logic_error>([&] { server.listen("127.0.0.1", 0); }),
                    HasSubstr("the loop is closed"));
        EXPECT_THAT(server.addresses(), SizeIs(1));
    }
    EXPECT_FALSE(std::filesystem::exists(folder.path / "s"));
}

TEST_F(TcpServers, the_loop_may_be_destroyed_in_its_callback) {
    int calls = 0;
    TcpServer server(*loop, [&](Socket, const SocketAddress&) {
        ++calls;
        loop.reset();
    });
    server.listen("127.0.0.1", 0);
    std::vector<Socket> clients;
    for (int i = 0; i < 2; ++i) clients.push_back(connect(server.addresses()[0]));
    for (int i = 0; i < 1000 && calls == 0; ++i) loop->run_once(10ms);
    EXPECT_EQ(calls, 1);
    server.stop();
}

TEST_F(TcpServers, a_callback_that_runs_the_loop_is_not_entered_again) { // a modal dialog
    int depth = 0;
    int deepest = 0;
    TcpServer server(*loop, [&](Socket socket, const SocketAddress&) {
        accepted.push_back(std::move(socket));
        deepest = std::max(deepest, ++depth);
        for (int i = 0; i < 5; ++i) loop->run_once(1ms);
        --depth;
    });
    server.listen("127.0.0.1", 0);
    server.listen("127.0.0.1", 0);
    std::vector<Socket> clients;
    for (int i = 0; i < 2; ++i) {
        for (const auto& address : server.addresses()) clients.push_back(connect(address));
    }
    run_until([&] { return accepted.size() == 4; });
    EXPECT_EQ(deepest, 1);
}
