// SPDX-License-Identifier: MIT
// A network that gives and takes a byte at a time, is interrupted, runs out of room, and breaks: bytes arrive once and in order, or
// the one who reads, or writes, is told why not.
#include "support/streams.hpp"

#include "support/faults.hpp"

#include <cerrno>
#include <string>

using namespace ioloop;

namespace {

/// No byte is like its neighbours.
std::string a_text(std::size_t size) {
    std::string text(size, ' ');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('!' + i * 7 % 90);
    return text;
}

TEST_P(Streams, a_reader_that_is_given_a_byte_at_a_time_reads_the_same) {
    open();
    const std::string text = a_text(3000);
    const Faults faults{{.call = "recv", .most = 1}, {.call = "read", .most = 1}};
    auto written = there.write(text);
    EXPECT_EQ(get(here.read_bytes(text.size())), text);
    get(std::move(written));
    EXPECT_GE(faults.met("recv"), 3000);
}

TEST_P(Streams, a_writer_whose_bytes_are_taken_one_by_one_writes_the_same) {
    open();
    const std::string text = a_text(3000);
    const Faults faults{{.call = "send", .most = 1}, {.call = "write", .most = 1}};
    auto read = here.read_bytes(text.size());
    get(there.write(text));
    EXPECT_EQ(get(std::move(read)), text);
}

TEST_P(Streams, interrupted_reads_and_writes_are_made_again) {
    open();
    const Faults faults{{.call = "recv", .error = EINTR, .after = 0, .times = 50},
                        {.call = "send", .error = EINTR, .after = 0, .times = 50}};
    auto read = here.read_bytes(5);
    get(there.write("hello"));
    EXPECT_EQ(get(std::move(read)), "hello");
    EXPECT_EQ(faults.met("recv") > 50 && faults.met("send") > 50, true);
}

TEST_P(SocketStreams, readiness_that_was_a_mistake_is_waited_for_again) {
    open();
    const Faults faults{{.call = "recv", .error = EAGAIN, .after = 0, .times = 20},
                        {.call = "send", .error = EAGAIN, .after = 0, .times = 20}};
    auto read = here.read_bytes(5);
    get(there.write("hello"));
    EXPECT_EQ(get(std::move(read)), "hello");
}

TEST_P(SocketStreams, a_broken_connection_is_told_to_who_reads_with_the_systems_reason) {
    for (const int error : {ECONNRESET, ETIMEDOUT, EHOSTUNREACH}) {
        open();
        auto read = here.read_bytes(5);
        const Faults faults{{.call = "recv", .error = error, .after = 0, .times = 10}};
        auto written = there.write("hello");
        EXPECT_EQ(failure(std::move(read)), std::error_code(error, std::system_category()));
        EXPECT_FALSE(here.is_open());
        here.close();
        there.close();
    }
}

TEST_P(SocketStreams, a_broken_connection_is_told_to_who_writes_and_what_the_peer_sent_can_still_be_read) {
    for (const int error : {ECONNRESET, ENETDOWN}) {
        open();
        get(here.write("news"));
        {
            const Faults faults{{.call = "send", .error = error, .after = 0, .times = 10}};
            EXPECT_EQ(failure(there.write("hello")), std::error_code(error, std::system_category()));
        }
        EXPECT_EQ(failure(there.write("more")), std::error_code(error, std::system_category()));
        EXPECT_EQ(get(there.read_bytes(4)), "news");
        here.close();
        there.close();
    }
}

/// Its set is in the kernel, which may have no room for more.
struct SocketStreamsOverEpoll : SocketStreams {};
INSTANTIATE_TEST_SUITE_P(All, SocketStreamsOverEpoll,
                         testing::Combine(testing::ValuesIn(two_way_links()),
                                          testing::Values(PollerKind::epoll)),
                         link_title);

TEST_P(SocketStreamsOverEpoll, a_stream_that_can_not_be_watched_is_refused_and_its_socket_is_closed) {
    auto ends = open_link(link());
    const Fd fd = ends[0].fd();
    const Faults faults{{.call = "epoll_ctl", .error = ENOSPC}};
    try {
        const TcpStream refused(loop, std::move(ends[0]));
        FAIL() << "it was made";
    } catch (const std::system_error& refused) {
        EXPECT_EQ(refused.code(), std::error_code(ENOSPC, std::system_category()));
    }
    EXPECT_FALSE(os::is_open(fd));
}

} // namespace
