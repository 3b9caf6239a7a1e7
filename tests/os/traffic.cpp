// SPDX-License-Identifier: MIT
// What shows, from outside, that a program has read a descriptor, or has written to it: traffic_of(), of every kind.
#include "os/traffic.hpp"

#include "support/os.hpp"
#include "support/socket_pair.hpp"

#include <cstdint>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <pty.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace ioloop;
using Kind = Descriptor::Kind;

namespace {

TEST(Traffic, of_a_pair_what_is_read_and_what_is_written_shows) {
    const SocketPair pair;
    EXPECT_EQ(traffic_of(pair.a, Kind::unix_stream).unread, 0U);
    pair.send_to_a("12345");
    EXPECT_EQ(traffic_of(pair.a, Kind::unix_stream).unread, 5U);
    EXPECT_GT(traffic_of(pair.b, Kind::unix_stream).written, 0U);
    EXPECT_TRUE(any(traffic_of(pair.a, Kind::unix_stream).ready & Events::read));
    pair.read_a();
    EXPECT_EQ(traffic_of(pair.a, Kind::unix_stream).unread, 0U);
}

TEST(Traffic, of_a_datagram_socket_all_that_waits_counts_and_not_the_first_alone) {
    const Fd to = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(to, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::getsockname(to, reinterpret_cast<sockaddr*>(&address), &size), 0);
    std::uint64_t before = traffic_of(to, Kind::udp).unread.value();
    for (int i = 0; i < 3; ++i) {
        ASSERT_EQ(::sendto(to, "1234", 4, 0, reinterpret_cast<sockaddr*>(&address), size), 4);
        ASSERT_TRUE(os::readable(to, 1000));
        const std::uint64_t now = traffic_of(to, Kind::udp).unread.value();
        EXPECT_GT(now, before) << i;
        before = now;
    }
    char byte = 0;
    ASSERT_EQ(::recv(to, &byte, 1, 0), 1);
    EXPECT_LT(traffic_of(to, Kind::udp).unread, before);
    os::close(to);
}

TEST(Traffic, of_a_pipe_both_ends_see_the_same) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    ASSERT_EQ(::write(ends[1], "123", 3), 3);
    EXPECT_EQ(traffic_of(ends[0], Kind::pipe).unread, 3U);
    EXPECT_EQ(traffic_of(ends[1], Kind::pipe).written, 3U);
    os::close(ends[0]);
    os::close(ends[1]);
}

TEST(Traffic, of_a_terminal_what_was_typed_shows) {
    int keyboard = invalid_fd;
    int terminal = invalid_fd;
    ASSERT_EQ(::openpty(&keyboard, &terminal, nullptr, nullptr, nullptr), 0);
    ASSERT_EQ(::write(keyboard, "hi\n", 3), 3);
    ASSERT_TRUE(os::readable(terminal, 1000));
    EXPECT_EQ(traffic_of(terminal, Kind::terminal).unread, 3U);
    os::close(terminal);
    os::close(keyboard);
}

TEST(Traffic, of_an_eventfd_the_count_shows) {
    const Fd event = ::eventfd(7, EFD_CLOEXEC);
    EXPECT_EQ(traffic_of(event, Kind::eventfd).unread, 7U);
    os::close(event);
}

TEST(Traffic, of_the_rest_only_readiness_tells) {
    const SocketPair pair;
    pair.send_to_a("1");
    for (const Kind kind : {Kind::closed, Kind::file, Kind::timerfd, Kind::epoll, Kind::other}) {
        const Traffic traffic = traffic_of(pair.a, kind);
        EXPECT_FALSE(traffic.unread) << name_of(kind);
        EXPECT_FALSE(traffic.written) << name_of(kind);
        EXPECT_TRUE(any(traffic.ready & Events::read)) << name_of(kind);
    }
}

} // namespace
