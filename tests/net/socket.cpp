// SPDX-License-Identifier: MIT
/// Socket, over the operating system: who owns a descriptor, and what becomes of it in the loop.
#include "support/os.hpp"
#include "support/sockets.hpp"
#include "support/thrown.hpp"

#include <ioloop/ioloop.hpp>
#include <ioloop/net.hpp>

#include <array>
#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <unistd.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::HasSubstr;

namespace {

struct Pipe {
    Pipe() {
        int fds[2];
        if (::pipe(fds) != 0) os::fail("pipe");
        read = Socket::adopt(fds[0]);
        write = Socket::adopt(fds[1]);
    }
    Socket read;
    Socket write;
};

/// Fails the test, rather than end it, if the signal comes.
class PipeSignals {
public:
    PipeSignals() {
        count = 0, before_ = std::signal(SIGPIPE, [](int) { count = count + 1; });
    }
    PipeSignals(const PipeSignals&) = delete;
    PipeSignals& operator=(const PipeSignals&) = delete;
    ~PipeSignals() { std::signal(SIGPIPE, before_); }
    static inline volatile std::sig_atomic_t count = 0;

private:
    void (*before_)(int) = nullptr;
};

} // namespace

// ---- made ---------------------------------------------------------------------------------------

TEST_F(Sockets, none_is_no_socket_and_everything_asked_of_it_is_an_error) {
    Socket none;
    EXPECT_FALSE(none);
    EXPECT_FALSE(none.local());
    EXPECT_FALSE(none.peer());
    std::array<std::uint8_t, 1> byte{};
    none.send(byte, error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
    none.receive(byte, error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
    EXPECT_FALSE(none.accept(error));
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
    EXPECT_TRUE(none.connect_error());
    EXPECT_THROW(none.watch(
                     loop, [](Fd, Events) {}, Events::read),
                 std::system_error);
    none.watch_for(Events::none);
    none.unwatch();
    none.close();
    EXPECT_EQ(none.release(), invalid_fd);
}

TEST_F(Sockets, a_pair_talks_both_ways_never_blocks_and_no_child_gets_it) {
    auto [a, b] = Socket::pair();
    EXPECT_EQ(a.send(bytes("there"), error), 5U);
    EXPECT_EQ(receive(b), "there");
    EXPECT_EQ(b.send(bytes("and back"), error), 8U);
    EXPECT_EQ(receive(a), "and back");
    std::array<std::uint8_t, 1> byte{};
    EXPECT_EQ(a.receive(byte, error), 0U);
    EXPECT_EQ(error, std::errc::resource_unavailable_try_again);
    EXPECT_FALSE(os::inheritable(a.fd()));
    EXPECT_FALSE(os::inheritable(b.fd()));
}

TEST_F(Sockets, a_full_socket_is_an_error_that_passes) {
    auto [a, b] = Socket::pair();
    const std::vector<std::uint8_t> much(1'000'000);
    std::size_t sent = 0;
    for (error.clear(); !error;) sent += a.send(much, error);
    EXPECT_EQ(error, std::errc::resource_unavailable_try_again);
    EXPECT_GT(sent, 0U);
}

TEST_F(Sockets, a_pipe_is_adopted_and_made_like_ours) {
    Pipe pipe;
    std::array<std::uint8_t, 1> byte{};
    EXPECT_EQ(pipe.read.receive(byte, error), 0U);
    EXPECT_EQ(error, std::errc::resource_unavailable_try_again) << "it does not block any more";
    EXPECT_FALSE(os::inheritable(pipe.read.fd()));
    EXPECT_EQ(pipe.write.send(bytes("hello"), error), 5U);
    EXPECT_EQ(receive(pipe.read), "hello");
    pipe.write.close();
    EXPECT_EQ(pipe.read.receive(byte, error), 0U);
    EXPECT_FALSE(error) << "the end";
}

TEST_F(Sockets, what_cannot_be_adopted_stays_the_caller_s) {
    EXPECT_FALSE(Socket::adopt(invalid_fd, error));
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
    EXPECT_EQ(thrown<std::system_error>([] { Socket::adopt(invalid_fd); }),
              "adopting fd -1: Bad file descriptor");
}

TEST_F(Sockets, addresses_that_are_none_are_errors) {
    for (const auto& make : std::vector<std::function<Socket()>>{
             [&] { return Socket::listen({}, {}, error); }, [&] { return Socket::connect({}, error); },
             [&] { return Socket::datagram({}, error); }, [&] { return Socket::datagram_to({}, error); }}) {
        error.clear();
        EXPECT_FALSE(make());
        EXPECT_TRUE(error);
    }
    EXPECT_THAT(thrown<std::system_error>([] { Socket::connect({}); }), HasSubstr("connecting to nowhere"));
}

// ---- peers that are gone ------------------------------------------------------------------------

TEST_F(Sockets, a_closed_peer_is_an_error_of_send_and_no_signal) {
    const PipeSignals signals;
    auto [a, b] = Socket::pair();
    b.close();
    EXPECT_EQ(a.send(bytes("x"), error), 0U);
    EXPECT_EQ(error, std::errc::broken_pipe);
    Pipe pipe;
    pipe.read.close();
    EXPECT_EQ(pipe.write.send(bytes("x"), error), 0U);
    EXPECT_EQ(error, std::errc::broken_pipe);
    EXPECT_EQ(signals.count, 0);
}

TEST_F(Sockets, a_broken_pipe_signal_of_somebody_else_is_not_taken_away) {
    const PipeSignals signals;
    sigset_t pipe_signal;
    sigset_t before;
    ::sigemptyset(&pipe_signal);
    ::sigaddset(&pipe_signal, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    ::pthread_kill(::pthread_self(), SIGPIPE); // waits
    {
        Pipe pipe;
        pipe.read.close();
        pipe.write.send(bytes("x"), error);
        EXPECT_EQ(error, std::errc::broken_pipe);
    }
    EXPECT_EQ(signals.count, 0);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    EXPECT_EQ(signals.count, 1);
}

TEST_F(Sockets, half_a_close_lets_the_other_direction_live) {
    auto [a, b] = tcp_pair();
    a.shut_down_sending(error);
    EXPECT_FALSE(error);
    EXPECT_EQ(receive(b), "");
    EXPECT_EQ(b.send(bytes("last words"), error), 10U);
    EXPECT_EQ(receive(a), "last words");
}

// ---- owned --------------------------------------------------------------------------------------

TEST_F(Sockets, closes_once_and_never_a_number_that_is_another_s) {
    auto [a, b] = Socket::pair();
    const Fd number = a.fd();
    a.close();
    EXPECT_FALSE(os::is_open(number));
    const auto others = Socket::pair(); // one of them gets the number
    EXPECT_TRUE(others[0].fd() == number || others[1].fd() == number);
    a.close();
    { const Socket moved = std::move(a); }
    EXPECT_TRUE(os::is_open(number));
}

TEST_F(Sockets, a_move_takes_the_descriptor_along_and_closes_the_one_that_was_there) {
    auto pair = Socket::pair();
    const Fd a = pair[0].fd();
    const Fd b = pair[1].fd();
    pair[1] = std::move(pair[0]);
    EXPECT_EQ(pair[1].fd(), a);
    EXPECT_FALSE(pair[0]);
    EXPECT_FALSE(os::is_open(b));
    Socket& same = pair[1];
    pair[1] = std::move(same);
    EXPECT_TRUE(os::is_open(a)) << "moved into itself";
}

TEST_F(Sockets, released_it_is_the_caller_s) {
    auto pair = Socket::pair();
    pair[0].watch(
        loop, [](Fd, Events) {}, Events::read);
    const Fd fd = pair[0].release();
    EXPECT_FALSE(pair[0]);
    EXPECT_FALSE(loop.remove_handler(fd)) << "it has left the loop";
    EXPECT_TRUE(os::is_open(fd));
    os::close(fd);
}

// ---- in the loop --------------------------------------------------------------------------------

TEST_F(Sockets, closed_it_has_left_the_loop_first) {
    auto pair = Socket::pair();
    pair[0].watch(
        loop, [](Fd, Events) { ADD_FAILURE() << "a stale event"; }, Events::read);
    const Fd number = pair[0].fd();
    pair[1].send(bytes("x"), error);
    pair[0].close();
    auto others = Socket::pair();
    Socket& heir = others[others[0].fd() == number ? 0 : 1];
    Socket& peer = others[others[0].fd() == number ? 1 : 0];
    ASSERT_EQ(heir.fd(), number);
    bool called = false;
    heir.watch(
        loop, [&](Fd, Events) { called = true; }, Events::read); // no file_exists
    loop.run_once();
    EXPECT_FALSE(called);
    peer.send(bytes("x"), error);
    loop.run_once(1s);
    EXPECT_TRUE(called);
}

TEST_F(Sockets, may_be_moved_while_it_is_watched) {
    auto pair = Socket::pair();
    int calls = 0;
    pair[0].watch(
        loop, [&](Fd, Events) { ++calls; }, Events::read);
    Socket moved = std::move(pair[0]);
    EXPECT_TRUE(moved.watched());
    EXPECT_FALSE(pair[0].watched());
    pair[0].close(); // of no effect on the other
    pair[1].send(bytes("x"), error);
    loop.run_once(1s);
    EXPECT_EQ(calls, 1);
    moved.watch_for(Events::none);
    loop.run_once();
    EXPECT_EQ(calls, 1);
    moved.watch_for(Events::read);
    loop.run_once(1s);
    EXPECT_EQ(calls, 2);
    moved.unwatch();
    loop.run_once();
    EXPECT_EQ(calls, 2);
    moved.unwatch();
    moved.watch(
        loop, [&](Fd, Events) { calls += 10; }, Events::read);
    loop.run_once(1s);
    EXPECT_EQ(calls, 12);
}

TEST_F(Sockets, may_be_closed_unwatched_or_destroyed_by_its_handler) {
    for (const int way : {0, 1, 2}) {
        auto pair = Socket::pair();
        auto socket = std::make_shared<Socket>(std::move(pair[0]));
        const auto witness = std::make_shared<int>(0);
        Socket* const raw = socket.get();
        raw->watch(
            loop,
            [socket, witness, way, raw](Fd, Events) mutable {
                if (way == 0) raw->close();
                if (way == 1) raw->unwatch();
                if (way == 2) socket.reset(); // not the last owner until the handler goes
                ++*witness;
            },
            Events::read);
        socket.reset(); // the handler owns it
        pair[1].send(bytes("x"), error);
        loop.run_once(1s);
        EXPECT_EQ(*witness, 1);
        EXPECT_EQ(witness.use_count(), 1) << "the handler is gone, way " << way;
        loop.run_once();
    }
}

TEST_F(Sockets, the_loop_may_be_destroyed_or_closed_first) {
    for (const bool destroyed : {true, false}) {
        auto doomed = std::make_unique<IOLoop>();
        auto pair = Socket::pair();
        const Fd fd = pair[0].fd();
        pair[0].watch(
            *doomed, [](Fd, Events) {}, Events::read);
        destroyed ? doomed.reset() : doomed->close();
        pair[0].watch_for(Events::write);
        pair[0].unwatch();
        EXPECT_TRUE(os::is_open(fd));
        pair[0].close();
        EXPECT_FALSE(os::is_open(fd));
    }
}

TEST_F(Sockets, a_watch_that_fails_changes_nothing) {
    auto pair = Socket::pair();
    int calls = 0;
    pair[0].watch(
        loop, [&](Fd, Events) { ++calls; }, Events::read);
    pair[0].watch(
        loop, [](Fd, Events) { ADD_FAILURE(); }, Events::read, error);
    EXPECT_EQ(error, std::errc::file_exists);
    const auto again = [&] {
        pair[0].watch(
            loop, [](Fd, Events) {}, Events::read);
    };
    EXPECT_THAT(thrown<std::system_error>(again), testing::HasSubstr("it has a handler already, "));
    EXPECT_TRUE(pair[0].watched());
    pair[1].send(bytes("x"), error);
    loop.run_once(1s);
    EXPECT_EQ(calls, 1);
}

TEST_F(Sockets, a_handler_that_somebody_else_removed_does_no_harm) {
    auto pair = Socket::pair();
    pair[0].watch(
        loop, [](Fd, Events) { ADD_FAILURE(); }, Events::read);
    loop.remove_handler(pair[0].fd()); // the inspector's button
    pair[1].send(bytes("x"), error);
    pair[0].watch_for(Events::read | Events::write);
    loop.run_once();
    pair[0].unwatch();
}
