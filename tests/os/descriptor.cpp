// SPDX-License-Identifier: MIT
// What Linux says of descriptors of every kind: describe() and queued_bytes().
#include "support/os.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/inspect/descriptor.hpp>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <sys/un.h>

using namespace ioloop;
using namespace std::chrono_literals;
using Kind = Descriptor::Kind;
using TcpState = Descriptor::TcpState;

namespace {

/// Closes what it holds.
class Owned {
public:
    explicit Owned(Fd number) : fd(number) {
        if (fd < 0) os::fail("a descriptor for the test");
    }
    Owned(const Owned&) = delete;
    Owned& operator=(const Owned&) = delete;
    ~Owned() { close(); }
    void close() {
        if (fd >= 0) os::close(std::exchange(fd, invalid_fd));
    }

    Fd fd;
};

/// A listener of loopback, and as many connections to it as are wanted.
class Tcp : public testing::Test {
protected:
    sockaddr_in address{};
    Owned listener{os::bound_socket(address)};

    void SetUp() override { ASSERT_EQ(::listen(listener.fd, 7), 0); }

    Fd connect() const {
        const Fd fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            os::fail("connect");
        return fd;
    }
    Fd accept() const { return ::accept4(listener.fd, nullptr, nullptr, SOCK_CLOEXEC); }
    std::string name() const { return "127.0.0.1:" + std::to_string(ntohs(address.sin_port)); }
};

// ---- TCP ----------------------------------------------------------------------------------------

TEST_F(Tcp, a_listener_tells_how_many_connections_wait_and_how_many_may) {
    EXPECT_EQ(describe(listener.fd).accept_queue, 0U);
    const Owned first(connect());
    const Owned second(connect());
    const Descriptor full = describe(listener.fd);
    EXPECT_EQ(full.kind, Kind::tcp_listener);
    EXPECT_EQ(full.tcp_state, TcpState::listen);
    EXPECT_EQ(full.accept_queue, 2U);
    EXPECT_EQ(full.accept_limit, 7U);
    EXPECT_EQ(full.local, name());
    EXPECT_STREQ(full.peer, "");
    EXPECT_EQ(full.round_trip, 0s) << "the counters of a listener mean something else";
    const Owned accepted(accept());
    EXPECT_EQ(describe(listener.fd).accept_queue, 1U);
}

TEST_F(Tcp, a_connection_tells_its_ends_its_state_and_its_round_trip) {
    const Owned client(connect());
    const Owned server(accept());
    os::send(client.fd, "x");
    ASSERT_TRUE(os::readable(server.fd, 1000));
    const Descriptor seen = describe(client.fd);
    EXPECT_EQ(seen.kind, Kind::tcp);
    EXPECT_EQ(seen.tcp_state, TcpState::established);
    EXPECT_EQ(seen.peer, name());
    EXPECT_EQ(seen.local, std::string(describe(server.fd).peer));
    EXPECT_GT(seen.round_trip, 0s);
    EXPECT_LT(seen.round_trip, 1s);
    EXPECT_EQ(seen.accept_queue, 0U);
    EXPECT_EQ(seen.accept_limit, 0U) << "the counters of a connection mean something else";
}

TEST_F(Tcp, the_state_follows_the_connection) {
    const Owned lonely(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(describe(lonely.fd).tcp_state, TcpState::closed);
    const Owned client(connect());
    const Owned server(accept());
    os::stop_sending(client.fd);
    ASSERT_TRUE(os::readable(server.fd, 1000));
    EXPECT_EQ(describe(server.fd).tcp_state, TcpState::close_wait);
    EXPECT_THAT(describe(client.fd).tcp_state, testing::AnyOf(TcpState::fin_wait_1, TcpState::fin_wait_2));
    os::stop_sending(server.fd);
    ASSERT_TRUE(os::readable(client.fd, 1000));
    EXPECT_THAT(describe(server.fd).tcp_state, testing::AnyOf(TcpState::last_ack, TcpState::closed));
}

TEST_F(Tcp, a_connection_that_is_not_read_fills_the_reader_and_then_the_writer) {
    const Owned client(connect());
    const Owned server(accept());
    ASSERT_EQ(::fcntl(client.fd, F_SETFL, O_NONBLOCK), 0);
    std::uint64_t sent = 0;
    const std::string chunk(65536, 'x');
    for (std::ptrdiff_t n = 0; (n = os::send(client.fd, chunk)) > 0;) sent += static_cast<std::uint64_t>(n);
    // Acknowledgements are under way.
    const auto settled = [&] { return describe(client.fd).bytes_out + describe(server.fd).bytes_in == sent; };
    for (int i = 0; i < 1000 && !settled(); ++i) os::readable(client.fd, 1);
    EXPECT_TRUE(settled());
    EXPECT_GT(describe(client.fd).bytes_out, 0U);
    EXPECT_GT(describe(server.fd).bytes_in, 0U);
}

TEST_F(Tcp, the_error_of_a_connection_is_left_for_the_program) {
    const os::RefusedConnection refused;
    ASSERT_TRUE(os::readable(refused.fd, 1000));
    EXPECT_EQ(describe(refused.fd).tcp_state, TcpState::closed);
    queued_bytes(refused.fd);
    int error = 0;
    socklen_t size = sizeof error;
    ASSERT_EQ(::getsockopt(refused.fd, SOL_SOCKET, SO_ERROR, &error, &size), 0);
    EXPECT_EQ(error, ECONNREFUSED);
}

TEST_F(Tcp, of_a_listener_no_bytes_are_told) {
    const QueuedBytes queued = queued_bytes(listener.fd);
    EXPECT_EQ(queued.in, std::nullopt);
    EXPECT_EQ(queued.out, std::nullopt);
    EXPECT_EQ(describe(listener.fd).bytes_in, 0U);
    EXPECT_EQ(describe(listener.fd).bytes_out, 0U);
}

TEST(TcpState, every_state_has_a_name) {
    for (int state = 1; state <= static_cast<int>(TcpState::closing); ++state) {
        EXPECT_STRNE(name_of(static_cast<TcpState>(state)), "") << state;
        EXPECT_STRNE(name_of(static_cast<TcpState>(state)), "?") << state;
    }
    EXPECT_STREQ(name_of(TcpState::unknown), "");
    EXPECT_STREQ(name_of(TcpState::close_wait), "close_wait");
}

TEST(Kinds, every_kind_has_a_name_of_its_own) {
    std::set<std::string> names;
    for (int kind = 0; kind <= static_cast<int>(Kind::other); ++kind) {
        names.insert(name_of(static_cast<Kind>(kind)));
        EXPECT_EQ(names.size(), static_cast<std::size_t>(kind) + 1) << name_of(static_cast<Kind>(kind));
    }
    EXPECT_EQ(names.count("?"), 0U);
    EXPECT_STREQ(name_of(Kind::tcp_listener), "tcp listener");
}

// ---- other sockets ------------------------------------------------------------------------------

TEST(Sockets, the_sizes_of_the_buffers_are_told_as_the_system_counts) {
    const SocketPair pair;
    const int wanted = 20'000;
    ASSERT_EQ(::setsockopt(pair.a, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof wanted), 0);
    ASSERT_EQ(::setsockopt(pair.a, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof wanted), 0);
    EXPECT_EQ(describe(pair.a).send_buffer, 40'000U);
    EXPECT_EQ(describe(pair.a).receive_buffer, 40'000U);
}

TEST(Sockets, a_pair_tells_what_waits_to_be_read_and_that_the_peer_has_not_read) {
    const SocketPair pair;
    EXPECT_EQ(queued_bytes(pair.b).out, 0U);
    pair.send_to_a("12345");
    EXPECT_EQ(queued_bytes(pair.a).in, 5U);
    EXPECT_EQ(queued_bytes(pair.a).out, 0U);
    EXPECT_GT(queued_bytes(pair.b).out, 0U);
    EXPECT_EQ(describe(pair.a).bytes_in, 5U);
    EXPECT_GT(describe(pair.b).bytes_out, 0U);
    EXPECT_EQ(describe(pair.a).kind, Kind::unix_stream);
    EXPECT_EQ(describe(pair.a).tcp_state, TcpState::unknown);
    pair.read_a();
    EXPECT_EQ(queued_bytes(pair.a).in, 0U);
    EXPECT_EQ(queued_bytes(pair.b).out, 0U);
}

TEST(Sockets, a_datagram_socket_tells_of_its_first_datagram) {
    const Owned to(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(to.fd, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::getsockname(to.fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
    for (const int length : {3, 4})
        ASSERT_EQ(::sendto(to.fd, "1234", static_cast<std::size_t>(length), 0,
                           reinterpret_cast<sockaddr*>(&address), size),
                  length);
    ASSERT_TRUE(os::readable(to.fd, 1000));
    EXPECT_EQ(describe(to.fd).kind, Kind::udp);
    EXPECT_EQ(describe(to.fd).bytes_in, 3U);
}

TEST(Sockets, a_connection_over_ipv6_tells_both_ends) {
    const Owned listener(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    socklen_t size = sizeof address;
    if (::bind(listener.fd, reinterpret_cast<sockaddr*>(&address), size) != 0)
        GTEST_SKIP() << "there is no IPv6 here";
    ASSERT_EQ(::listen(listener.fd, 1), 0);
    ASSERT_EQ(::getsockname(listener.fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
    const Owned client(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(client.fd, reinterpret_cast<sockaddr*>(&address), size), 0);
    const std::string name = "[::1]:" + std::to_string(ntohs(address.sin6_port));
    EXPECT_EQ(describe(listener.fd).local, name);
    EXPECT_EQ(describe(client.fd).kind, Kind::tcp);
    EXPECT_EQ(describe(client.fd).peer, name);
}

TEST(Sockets, an_abstract_name_is_told_with_an_at_sign_and_a_path_as_it_is) {
    const Owned abstract(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // The system chooses the name: five digits after a zero (unix(7), autobind).
    ASSERT_EQ(::bind(abstract.fd, reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t)), 0);
    EXPECT_THAT(std::string(describe(abstract.fd).local), testing::MatchesRegex("@[0-9a-f]+"));
    EXPECT_EQ(describe(abstract.fd).kind, Kind::unix_datagram);

    std::string folder = (std::filesystem::temp_directory_path() / "ioloop-XXXXXX").string();
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    const std::string path = folder + "/socket";
    const Owned listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(listener.fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(describe(listener.fd).local, path.substr(0, Descriptor::address_size - 1));
    std::filesystem::remove_all(folder);
}

TEST(Sockets, a_path_that_fills_its_address_without_an_end_is_told_as_it_is) {
    const std::string folder = std::filesystem::canonical(std::filesystem::temp_directory_path()).string();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // No zero after it: the system tells of one byte more than there is room for.
    std::string path = folder + "/" + std::to_string(::getpid()) + "-";
    path.resize(sizeof address.sun_path, 'x');
    path.copy(address.sun_path, sizeof address.sun_path);
    const Owned listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(listener.fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(describe(listener.fd).local, path.substr(0, Descriptor::address_size - 1));
    std::filesystem::remove(path);
}

TEST(Sockets, those_of_a_family_without_a_kind_are_other_and_not_taken_for_tcp) {
    const Owned netlink(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
    EXPECT_EQ(describe(netlink.fd).kind, Kind::other);
}

// ---- everything else ----------------------------------------------------------------------------

TEST(Others, a_pipe_tells_what_is_in_it_at_both_ends) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const Owned out(ends[0]);
    const Owned in(ends[1]);
    ASSERT_EQ(::write(in.fd, "123", 3), 3);
    EXPECT_EQ(describe(out.fd).kind, Kind::pipe);
    EXPECT_EQ(describe(out.fd).bytes_in, 3U);
    EXPECT_EQ(queued_bytes(out.fd).in, 3U);
    EXPECT_EQ(queued_bytes(in.fd).in, 3U);
    EXPECT_EQ(queued_bytes(out.fd).out, std::nullopt);
}

TEST(Others, a_terminal_tells_what_waits_to_be_read) {
    const Owned master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_EQ(::unlockpt(master.fd), 0);
    const Owned terminal(::open(::ptsname(master.fd), O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_EQ(::write(master.fd, "ls -l\n", 6), 6);
    ASSERT_TRUE(os::readable(terminal.fd, 1000));
    EXPECT_EQ(describe(terminal.fd).kind, Kind::terminal);
    EXPECT_EQ(describe(terminal.fd).bytes_in, 6U);
}

TEST(Others, an_eventfd_tells_its_count_and_keeps_it) {
    const Owned event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    EXPECT_EQ(describe(event.fd).kind, Kind::eventfd);
    EXPECT_EQ(describe(event.fd).event_count, 0U);
    ASSERT_EQ(::eventfd_write(event.fd, 0x1234'5678'9abcU), 0);
    EXPECT_EQ(describe(event.fd).event_count, 0x1234'5678'9abcU);
    eventfd_t count = 0;
    ASSERT_EQ(::eventfd_read(event.fd, &count), 0);
    EXPECT_EQ(count, 0x1234'5678'9abcU);
    EXPECT_EQ(queued_bytes(event.fd).in, std::nullopt);
}

TEST(Others, timers_epoll_sets_files_and_devices_are_told_apart) {
    const Owned timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
    const Owned epoll(::epoll_create1(EPOLL_CLOEXEC));
    const Owned file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    const Owned device(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(describe(timer.fd).kind, Kind::timerfd);
    EXPECT_EQ(describe(epoll.fd).kind, Kind::epoll);
    EXPECT_EQ(describe(file.fd).kind, Kind::file);
    EXPECT_EQ(describe(device.fd).kind, Kind::other);
}

TEST(Others, what_is_not_open_is_closed_and_tells_nothing) {
    Owned gone(::dup(0));
    const Fd number = gone.fd;
    gone.close();
    for (const Fd fd : {number, invalid_fd, 1'000'000}) {
        EXPECT_EQ(describe(fd).kind, Kind::closed) << fd;
        EXPECT_FALSE(describe(fd).file) << fd;
        EXPECT_FALSE(file_of(fd)) << fd;
        EXPECT_EQ(queued_bytes(fd).in, std::nullopt) << fd;
        EXPECT_EQ(queued_bytes(fd).out, std::nullopt) << fd;
    }
}

TEST(Identity, a_duplicate_is_the_same_file_and_the_other_end_is_not) {
    const SocketPair pair;
    const Owned twin(::dup(pair.a));
    EXPECT_TRUE(describe(pair.a).file);
    EXPECT_EQ(describe(twin.fd).file, describe(pair.a).file);
    EXPECT_NE(describe(pair.b).file, describe(pair.a).file);
    EXPECT_EQ(file_of(pair.a), describe(pair.a).file);
}

} // namespace
