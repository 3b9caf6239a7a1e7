// SPDX-License-Identifier: MIT
/// Socket: listening, connecting, datagrams.
#include "support/folder.hpp"
#include "support/forwarding_poller.hpp"
#include "support/os.hpp"
#include "support/sockets.hpp"
#include "support/thrown.hpp"

#include <ioloop/net/connector.hpp>
#include <ioloop/net/tcp_stream.hpp>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::HasSubstr;
using Family = SocketAddress::Family;

namespace {

/// Takes nothing more, once it is told so: as select() takes no numbers above 1023.
class FullPoller final : public ForwardingPoller {
public:
    std::error_code add(Fd fd, Events events, Key key) override {
        if (*full) return std::make_error_code(std::errc::too_many_files_open);
        return ForwardingPoller::add(fd, events, key);
    }
    std::shared_ptr<bool> full = std::make_shared<bool>(false);
};

} // namespace

TEST_F(Sockets, listen_accepts_and_tells_where_from) {
    Socket listener = Socket::listen(SocketAddress::loopback(0));
    EXPECT_NE(listener.local().port(), 0);
    Socket client = Socket::connect(listener.local());
    ASSERT_TRUE(os::readable(listener.fd(), 1000));
    SocketAddress peer;
    Socket accepted = listener.accept(error, &peer);
    ASSERT_FALSE(error) << error.message();
    EXPECT_EQ(peer, client.local());
    EXPECT_EQ(accepted.peer(), client.local());
    EXPECT_EQ(client.peer(), listener.local());
    EXPECT_FALSE(client.connect_error());
    EXPECT_FALSE(os::inheritable(accepted.fd()));
    EXPECT_FALSE(listener.accept(error));
    EXPECT_EQ(error, std::errc::resource_unavailable_try_again);
}

TEST_F(Sockets, what_is_small_is_sent_at_once_unless_told_otherwise) {
    const auto no_delay = [](Fd fd) {
        int value = 0;
        socklen_t size = sizeof value;
        EXPECT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &size), 0);
        return value != 0;
    };
    Socket listener = Socket::listen(SocketAddress::loopback(0));
    Socket client = Socket::connect(listener.local());
    ASSERT_TRUE(os::readable(listener.fd(), 1000));
    const Socket accepted = listener.accept(error);
    EXPECT_TRUE(no_delay(client.fd()));
    EXPECT_TRUE(no_delay(accepted.fd()));
    client.set_no_delay(false);
    EXPECT_FALSE(no_delay(client.fd()));
    TcpStream stream(loop, std::move(client));
    stream.set_no_delay(true);
    EXPECT_TRUE(no_delay(stream.fd()));
    stream.close();
    stream.set_no_delay(true); // nothing is left to be told
}

TEST_F(Sockets, accept_of_what_does_not_listen_is_an_error) {
    auto pair = Socket::pair();
    EXPECT_FALSE(pair[0].accept(error));
    EXPECT_TRUE(error);
    EXPECT_NE(error, std::errc::resource_unavailable_try_again);
}

TEST_F(Sockets, a_port_is_listened_at_once_unless_all_agree_to_share_it) {
    const Socket one = Socket::listen(SocketAddress::loopback(0));
    EXPECT_FALSE(Socket::listen(one.local(), {}, error));
    EXPECT_EQ(error, std::errc::address_in_use);
    EXPECT_THAT(thrown<std::system_error>([&] { Socket::listen(one.local()); }),
                HasSubstr("listening at " + one.local().to_string()));
    const Socket shared = Socket::listen(SocketAddress::loopback(0), {.reuse_port = true});
    EXPECT_TRUE(Socket::listen(shared.local(), {.reuse_port = true}, error)) << error.message();
}

TEST_F(Sockets, a_server_that_was_killed_comes_back_to_its_port) {
    SocketAddress address;
    {
        Socket listener = Socket::listen(SocketAddress::loopback(0));
        address = listener.local();
        Socket client = Socket::connect(address);
        ASSERT_TRUE(os::readable(listener.fd(), 1000));
        Socket accepted = listener.accept(error);
        accepted.close(); // first: so its end waits a minute (TIME_WAIT)
        EXPECT_EQ(receive(client), "");
    }
    EXPECT_TRUE(Socket::listen(address, {}, error)) << error.message();
}

TEST_F(Sockets, ipv4_and_ipv6_share_a_port_unless_they_are_one_socket) {
    bool shared = false; // a port that is free for one may be somebody else's for the other, by chance
    for (int tries = 0; tries < 10 && !shared; ++tries) {
        const Socket v6 = Socket::listen(SocketAddress::any(0, Family::ipv6), {}, error);
        if (error) GTEST_SKIP() << "no IPv6 here";
        const Socket v4 = Socket::listen(SocketAddress::any(v6.local().port()), {}, error);
        shared = !error;
    }
    EXPECT_TRUE(shared) << error.message();
    Socket both = Socket::listen(SocketAddress::any(0, Family::ipv6), {.ipv6_only = false});
    Socket client = Socket::connect(SocketAddress::loopback(both.local().port()));
    EXPECT_TRUE(os::readable(both.fd(), 1000)) << "IPv4 by way of IPv6";
}

TEST_F(Sockets, a_refused_connection_is_told_when_it_is_decided) {
    const SocketAddress nobody = Socket::listen(SocketAddress::loopback(0)).local();
    Socket socket = Socket::connect(nobody, error);
    if (!error) {
        bool decided = false;
        socket.watch(
            loop, [&](Fd, Events) { decided = true; }, Events::write);
        for (int i = 0; i < 100 && !decided; ++i) loop.run_once(100ms);
        error = socket.connect_error();
    }
    EXPECT_EQ(error, std::errc::connection_refused);
}

TEST_F(Sockets, a_connection_to_itself_is_refused) {
    // Bound to the port that it connects to, it meets itself: what happens by chance with ports of the system's choice.
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        const SocketAddress free = [&] {
            const Socket probe = Socket::listen(SocketAddress::loopback(0, family), {}, error);
            return probe.local();
        }();
        if (!free) continue; // no such family here
        Socket socket = Socket::connect(free, free, error);
        ASSERT_FALSE(error) << error.message();
        EXPECT_EQ(socket.peer(), socket.local()) << "TCP is content with that";
        EXPECT_EQ(socket.connect_error(), std::errc::connection_refused);
    }
}

TEST_F(Sockets, a_connection_under_way_is_not_taken_for_one_that_is_there) {
    Socket listener = Socket::listen(SocketAddress::loopback(0), {.backlog = 0});
    std::vector<Socket> clients;
    for (int i = 0; i < 5; ++i) clients.push_back(Socket::connect(listener.local()));
    if (clients.back().peer()) GTEST_SKIP() << "this system answers for a listener that is busy";
    EXPECT_EQ(clients.back().connect_error(), std::errc::not_connected);
}

TEST_F(Sockets, connects_from_where_it_is_told) {
    const Socket listener = Socket::listen(SocketAddress::loopback(0));
    const Socket client = Socket::connect(listener.local(), SocketAddress::numeric("127.0.0.2", 0), error);
    if (error == std::errc::address_not_available) GTEST_SKIP() << "127.0.0.2 is not this machine here";
    EXPECT_EQ(client.local().host(), "127.0.0.2");
}

TEST_F(Sockets, unix_sockets_by_file_and_by_name) {
    std::optional<Folder> folder(std::in_place);
    const auto file = folder->socket();
    {
        Socket listener = Socket::listen(file);
        EXPECT_FALSE(Socket::listen(file, {}, error)) << "somebody listens there";
        EXPECT_EQ(error, std::errc::address_in_use);
        Socket client = Socket::connect(file);
        EXPECT_FALSE(client.connect_error());
        EXPECT_TRUE(listener.accept(error)) << error.message();
        EXPECT_EQ(client.peer(), file);
    }
    EXPECT_FALSE(Socket::connect(file, error)) << "the file is there, but nobody listens";
    EXPECT_EQ(error, std::errc::connection_refused);
    EXPECT_TRUE(Socket::listen(file, {}, error)) << "a stale file is replaced: " << error.message();
    folder.reset();
    EXPECT_FALSE(Socket::connect(file, error));
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);

    const auto name = SocketAddress::parse("unix:@ioloop test " + std::to_string(::getpid()));
    const Socket named = Socket::listen(name, {}, error);
    if (error) return; // Linux alone has them
    EXPECT_FALSE(Socket::connect(name).connect_error());
    EXPECT_FALSE(Socket::listen(name, {}, error));
    EXPECT_EQ(error, std::errc::address_in_use);
}

// ---- datagrams ----------------------------------------------------------------------------------

TEST_F(Sockets, datagrams_come_whole_from_whom_they_came_and_tell_if_their_end_was_lost) {
    Socket a = Socket::datagram(SocketAddress::loopback(0));
    Socket b = Socket::datagram_to(a.local());
    b.send_datagram(bytes("hello"), {}, error);
    EXPECT_FALSE(error) << error.message();
    ASSERT_TRUE(os::readable(a.fd(), 1000));
    std::array<std::uint8_t, 3> small{};
    SocketAddress from;
    EXPECT_EQ(a.receive_datagram(small, from, error), 5U);
    EXPECT_EQ(from, b.local());
    a.send_datagram({}, from, error);
    ASSERT_TRUE(os::readable(b.fd(), 1000));
    EXPECT_EQ(b.receive_datagram(small, from, error), 0U);
    EXPECT_FALSE(error) << "empty, and no end";
    EXPECT_EQ(from, a.local());
    EXPECT_EQ(b.receive_datagram(small, from, error), 0U);
    EXPECT_EQ(error, std::errc::resource_unavailable_try_again);
    EXPECT_FALSE(from);
}

TEST(SocketConnects, a_socket_that_cannot_be_watched_is_an_address_that_fails) {
    auto poller = std::make_unique<FullPoller>();
    const auto full = poller->full;
    IOLoop::Options options;
    options.custom_poller = std::move(poller);
    IOLoop loop(std::move(options));
    *full = true;
    const Socket listener = Socket::listen(SocketAddress::loopback(0));
    std::error_code failure;
    const Connector connector(loop, {listener.local(), listener.local()},
                              {.deadline = after(loop.time(), 1h)}, socket_connect(loop),
                              [&](std::error_code error, Socket) { failure = error; });
    loop.run_once();
    EXPECT_EQ(failure, std::errc::too_many_files_open);
    EXPECT_EQ(loop.next_deadline(), never);
}
