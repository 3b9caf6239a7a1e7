// SPDX-License-Identifier: MIT
// Lints of descriptors: each bug yields its finding and no other, and what looks like it yields none.
#include "support/linted_loop.hpp"
#include "support/os.hpp"
#include "support/poller_traits.hpp"

#include <array>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

class LintsOfDescriptors : public LintedLoop {
protected:
    ~LintsOfDescriptors() override { loop.close(); }
    SocketPair pair;

    void watch(Fd fd, Events events = Events::read) {
        loop.add_handler(
            fd, [](Fd, Events) {}, events, "link");
    }
    /// Removes a handler after its file was closed, and gives a duplicate of that file, which lives.
    Fd remove_too_late() {
        const Fd number = pair.a;
        watch(number);
        const Fd twin = os::duplicate(number);
        pump(200ms);
        pair.close_a();
        loop.remove_handler(number);
        return twin;
    }
    bool kernel_tells() { return world.readiness_from == "epoll" || world.readiness_from == "io_uring"; }
};

struct Pipe {
    Pipe() {
        if (::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) != 0) os::fail("pipe2");
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        for (const Fd fd : ends) {
            if (fd >= 0) os::close(fd);
        }
    }
    std::array<Fd, 2> ends{-1, -1};
};

/// Two ends of a TCP connection over loopback.
struct TcpPair {
    TcpPair() {
        sockaddr_in address{};
        listener = os::bound_socket(address);
        if (::listen(listener, 16) != 0) os::fail("listen");
        ::fcntl(listener, F_SETFL, O_NONBLOCK);
        a = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::connect(a, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            os::fail("connect");
        ::fcntl(a, F_SETFL, O_NONBLOCK);
        os::readable(listener, 1000);
        b = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (b < 0) os::fail("accept");
    }
    TcpPair(const TcpPair&) = delete;
    TcpPair& operator=(const TcpPair&) = delete;
    ~TcpPair() {
        for (const Fd fd : {a, b, listener}) os::close(fd);
    }
    Fd a = -1, b = -1, listener = -1;
};

// ---- busy-read ----------------------------------------------------------------------------------

TEST_F(LintsOfDescriptors, a_socket_that_is_never_read_is_busy_read) {
    watch(pair.a);
    pair.send_to_a("hello");
    pump(1s);
    const Finding& found = expect_only(Lint::busy_read, "link");
    EXPECT_EQ(found.fd, pair.a);
    EXPECT_EQ(found.id, handler_of(pair.a));
    EXPECT_EQ(found.kind, CallKind::handler);
    EXPECT_GE(found.count, 60U);
    EXPECT_NE(found.sentence.view().find("5 B wait"), std::string_view::npos) << found.sentence.view();
}

TEST_F(LintsOfDescriptors, a_socket_whose_end_of_stream_is_ignored_is_busy_read) {
    loop.add_handler(
        pair.a, [](Fd fd, Events) { SocketPair::read_all(fd); }, Events::read, "link");
    pair.stop_sending_b();
    pump(1s);
    const Finding& found = expect_only(Lint::busy_read, "link");
    EXPECT_NE(found.sentence.view().find("at its end"), std::string_view::npos) << found.sentence.view();
}

TEST_F(LintsOfDescriptors, a_closed_peer_that_goes_unnoticed_by_a_reader_is_busy_read_and_no_hang_up_too) {
    watch(pair.a);
    pair.close_b();
    pump(1s);
    expect_only(Lint::busy_read, "link");
}

TEST_F(LintsOfDescriptors, an_eventfd_that_is_never_read_is_busy_read) {
    const Fd event = ::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
    watch(event);
    pump(1s);
    expect_only(Lint::busy_read, "link");
    loop.remove_handler(event);
    os::close(event);
}

TEST_F(LintsOfDescriptors, a_listener_that_never_accepts_is_busy_read) {
    TcpPair tcp;
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ASSERT_EQ(::getsockname(tcp.listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
    watch(tcp.listener);
    const Fd client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    pump(1s);
    expect_only(Lint::busy_read, "link");
    loop.remove_handler(tcp.listener);
    os::close(client);
}

TEST_F(LintsOfDescriptors, a_busy_reader_that_keeps_up_is_none) {
    loop.add_handler(
        pair.a, [](Fd fd, Events) { SocketPair::read_all(fd); }, Events::read, "link");
    each_turn = [&] { pair.send_to_a("more"); };
    pump(2s);
    expect_none();
}

TEST_F(LintsOfDescriptors, a_reader_that_is_slower_than_its_peer_is_none) {
    loop.add_handler(
        pair.a,
        [](Fd fd, Events) {
            char one = 0;
            os::receive(fd, &one, 1);
        },
        Events::read, "link");
    each_turn = [&] { pair.send_to_a("more than that"); };
    pump(2s);
    expect_none();
}

TEST_F(LintsOfDescriptors, a_handler_that_has_its_socket_read_by_a_callback_is_none) {
    loop.add_handler(
        pair.a,
        [&](Fd fd, Events) {
            loop.add_callback([fd] {
                char one = 0;
                os::receive(fd, &one, 1);
            });
        },
        Events::read, "link");
    pair.send_to_a(std::string(2000, 'x'));
    each_turn = [&] { pair.send_to_a("x"); };
    pump(2s);
    expect_none();
}

TEST_F(LintsOfDescriptors, a_listener_that_accepts_one_connection_in_each_turn_is_none) {
    TcpPair tcp;
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ASSERT_EQ(::getsockname(tcp.listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
    loop.add_handler(
        tcp.listener,
        [](Fd fd, Events) { os::close(::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)); },
        Events::read, "door");
    each_turn = [&] {
        const Fd client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EXPECT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        os::close(client);
    };
    pump(1s);
    expect_none();
    loop.remove_handler(tcp.listener);
}

TEST_F(LintsOfDescriptors, datagrams_of_one_size_that_are_read_one_by_one_are_none) {
    std::array<Fd, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    loop.add_handler(
        ends[0],
        [](Fd fd, Events) {
            char datagram[16];
            os::receive(fd, datagram, sizeof datagram);
        },
        Events::read, "link");
    each_turn = [&] {
        os::send(ends[1], "datagram");
        os::send(ends[1], "datagram");
    };
    pump(1s);
    expect_none();
    loop.remove_handler(ends[0]);
    for (const Fd fd : ends) os::close(fd);
}

// ---- write-spin ---------------------------------------------------------------------------------

TEST_F(LintsOfDescriptors, write_interest_that_was_left_on_is_write_spin) {
    watch(pair.a, Events::read | Events::write);
    pump(1s);
    const Finding& found = expect_only(Lint::write_spin, "link");
    EXPECT_EQ(found.fd, pair.a);
    EXPECT_EQ(found.id, handler_of(pair.a));
}

TEST_F(LintsOfDescriptors, write_interest_that_was_left_on_over_tcp_is_write_spin) {
    TcpPair tcp;
    watch(tcp.a, Events::write);
    pump(1s);
    expect_only(Lint::write_spin, "link");
    loop.remove_handler(tcp.a);
}

TEST_F(LintsOfDescriptors, write_interest_that_was_left_on_at_a_pipe_is_write_spin) {
    Pipe pipe;
    watch(pipe.ends[1], Events::write);
    pump(1s);
    expect_only(Lint::write_spin, "link");
    loop.remove_handler(pipe.ends[1]);
}

TEST_F(LintsOfDescriptors, a_writer_that_writes_in_each_turn_is_none_even_if_all_of_it_is_taken_at_once) {
    TcpPair tcp;
    loop.add_handler(
        tcp.a, [](Fd fd, Events) { os::send(fd, "more"); }, Events::write, "link");
    each_turn = [&] { SocketPair::read_all(tcp.b); };
    pump(2s);
    expect_none();
    loop.remove_handler(tcp.a);
}

TEST_F(LintsOfDescriptors, a_writer_with_a_full_buffer_is_none) {
    const std::string much(65536, 'x');
    loop.add_handler(
        pair.a, [&](Fd fd, Events) { os::send(fd, much); }, Events::write, "link");
    pump(2s);
    expect_none();
}

// ---- hup-spin -----------------------------------------------------------------------------------

TEST_F(LintsOfDescriptors, a_hang_up_that_reaches_a_handler_parked_with_no_events_is_hup_spin) {
    if (!traits().tells_hang_up_unasked) GTEST_SKIP() << "the poller does not tell";
    watch(pair.a, Events::none);
    pair.hang_up_b();
    pump(1s, 20);
    const Finding& found = expect_only(Lint::hup_spin, "link");
    EXPECT_EQ(found.fd, pair.a);
}

TEST_F(LintsOfDescriptors, a_pipe_without_readers_that_is_still_watched_for_writing_is_hup_spin) {
    if (!traits().tells_errors) GTEST_SKIP() << "the poller does not tell: it is write-spin";
    Pipe pipe;
    watch(pipe.ends[1], Events::write);
    os::close(std::exchange(pipe.ends[0], -1));
    pump(1s);
    expect_only(Lint::hup_spin, "link");
    loop.remove_handler(pipe.ends[1]);
}

TEST_F(LintsOfDescriptors, a_hang_up_that_ends_its_handler_is_none) {
    loop.add_handler(
        pair.a, [&](Fd fd, Events) { loop.remove_handler(fd); }, Events::none, "link");
    pair.hang_up_b();
    pump(1s);
    expect_none();
}

// ---- what a number stands for -------------------------------------------------------------------

TEST_F(LintsOfDescriptors, closed_while_a_duplicate_lives_is_ghost_fd) {
    if (!kernel_tells()) GTEST_SKIP() << "the kernel has no list";
    const Fd number = pair.a;
    watch(number);
    const Fd twin = os::duplicate(pair.a);
    pair.close_a();
    pump(1s);
    const Finding& found = expect_only(Lint::ghost_fd, "link");
    EXPECT_EQ(found.fd, number);
    EXPECT_EQ(found.id, handler_of(number));
    os::close(twin);
}

TEST_F(LintsOfDescriptors, closed_while_a_duplicate_lives_and_is_readable_is_ghost_fd) {
    if (!kernel_tells()) GTEST_SKIP() << "the kernel has no list";
    watch(pair.a);
    const Fd twin = os::duplicate(pair.a);
    pair.send_to_a();
    pair.close_a();
    pump(1s, 200);
    expect_only(Lint::ghost_fd, "link");
    os::close(twin);
}

TEST_F(LintsOfDescriptors, closed_without_remove_handler_is_lost_fd) {
    const Fd number = pair.a;
    watch(number);
    pair.close_a();
    pump(1s);
    const Finding& found = expect_only(Lint::lost_fd, "link");
    EXPECT_EQ(found.fd, number);
}

TEST_F(LintsOfDescriptors, closed_and_recycled_before_the_first_look_is_fd_reused) {
    if (!kernel_tells()) GTEST_SKIP() << "the poller notices by itself, and drops the handler";
    const Fd number = pair.a;
    watch(number);
    SocketPair other;
    os::replace(pair.a, other.a);
    pump(1s);
    const Finding& found = expect_only(Lint::fd_reused, "link");
    EXPECT_EQ(found.fd, number);
    EXPECT_EQ(found.id, handler_of(number));
}

TEST_F(LintsOfDescriptors, recycled_while_a_duplicate_lives_is_fd_reused_rather_than_ghost) {
    if (!kernel_tells()) GTEST_SKIP() << "the poller notices by itself, and drops the handler";
    watch(pair.a);
    SocketPair other;
    const Fd twin = os::duplicate(pair.a);
    os::replace(pair.a, other.a);
    pump(1s);
    expect_only(Lint::fd_reused, "link");
    os::close(twin);
}

TEST_F(LintsOfDescriptors, removed_before_it_is_closed_is_none_whoever_has_the_number_then) {
    for (int i = 0; i < 20; ++i) {
        SocketPair brief;
        watch(brief.a);
        pump(100ms);
        loop.remove_handler(brief.a);
    }
    expect_none();
}

TEST_F(LintsOfDescriptors, a_socket_that_may_block_is_blocking_fd) {
    ASSERT_EQ(::fcntl(pair.a, F_SETFL, 0), 0);
    watch(pair.a);
    pump(1s);
    const Finding& found = expect_only(Lint::blocking_fd, "link");
    EXPECT_EQ(found.fd, pair.a);
    EXPECT_EQ(found.id, handler_of(pair.a));
}

TEST_F(LintsOfDescriptors, an_eventfd_that_may_block_is_none) {
    const Fd event = ::eventfd(0, EFD_CLOEXEC);
    watch(event);
    pump(1s);
    expect_none();
    loop.remove_handler(event);
    os::close(event);
}

TEST_F(LintsOfDescriptors, removed_after_it_was_closed_while_a_duplicate_lives_is_stale_event) {
    if (!kernel_tells()) GTEST_SKIP() << "other pollers forget a number";
    const Fd number = pair.a;
    const Fd twin = remove_too_late();
    os::send(pair.b, "x");
    pump(1s);
    const Finding& found = expect_only(Lint::stale_event, "link");
    EXPECT_EQ(found.fd, number);
    os::close(twin);
}

TEST_F(LintsOfDescriptors, removed_after_it_was_closed_is_stale_event_also_before_anything_comes) {
    if (!kernel_tells()) GTEST_SKIP() << "other pollers forget a number";
    const Fd number = pair.a;
    const Fd twin = remove_too_late();
    pump(5s);
    const Finding& found = expect_only(Lint::stale_event, "link");
    EXPECT_EQ(found.fd, number);
    EXPECT_NE(found.sentence.view().find("a duplicate lives"), std::string_view::npos)
        << found.sentence.view();
    os::close(twin);
}

TEST_F(LintsOfDescriptors, many_of_one_call_site_are_one_finding) {
    std::vector<SocketPair> pairs(20);
    for (const SocketPair& each : pairs) {
        ASSERT_EQ(::fcntl(each.a, F_SETFL, 0), 0);
        watch(each.a);
    }
    pump(300ms);
    const Finding& found = expect_only(Lint::blocking_fd, "link");
    EXPECT_NE(found.sentence.view().find("and 19 more"), std::string_view::npos) << found.sentence.view();
    for (const SocketPair& each : pairs) loop.remove_handler(each.a);
}

} // namespace
