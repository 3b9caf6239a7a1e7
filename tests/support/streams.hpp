// SPDX-License-Identifier: MIT
/// Streams: two ends of a stream on one loop: over TCP, a unix socket or a pipe, and over every poller there is.
///
/// `there` writes and `here` reads; sockets do both both ways. The loop is a real one, in real time, but waits for nothing
/// longer than it takes: whatever does not come within ten seconds is a failure.
#pragma once

#include "os.hpp"
#include "poller_contract.hpp"

#include <ioloop/ioloop.hpp>
#include <ioloop/net.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

enum class Link { tcp, unix_socket, pipe };

inline std::array<ioloop::Socket, 2> open_link(Link link) {
    using ioloop::Socket, ioloop::SocketAddress;
#if !defined(_WIN32)
    if (link == Link::unix_socket) return Socket::pair();
    if (link == Link::pipe) {
        int ends[2];
        if (::pipe(ends) != 0) os::fail("pipe");
        return {Socket::adopt(ends[0]), Socket::adopt(ends[1])};
    }
#endif
    EXPECT_EQ(link, Link::tcp);
    Socket listener = Socket::listen(SocketAddress::loopback(0));
    Socket a = Socket::connect(listener.local());
    EXPECT_TRUE(os::readable(listener.fd(), 10'000));
    std::error_code error;
    Socket b = listener.accept(error);
    EXPECT_FALSE(error) << error.message();
    return {std::move(a), std::move(b)};
}

struct Streams : testing::TestWithParam<std::tuple<Link, ioloop::PollerKind>> {
    Link link() const { return std::get<0>(GetParam()); }

    void open(const ioloop::StreamOptions& here_options = {},
              const ioloop::StreamOptions& there_options = {}) {
        auto ends = open_link(link());
        here = ioloop::TcpStream(loop, std::move(ends[0]), here_options, "here");
        there = ioloop::TcpStream(loop, std::move(ends[1]), there_options, "there");
    }
    /// The other end is nobody's stream: it does only what it is told.
    ioloop::Socket open_here(const ioloop::StreamOptions& options = {}) {
        auto ends = open_link(link());
        here = ioloop::TcpStream(loop, std::move(ends[0]), options, "here");
        return std::move(ends[1]);
    }
    /// The one that only writes, if it is a pipe.
    ioloop::Socket open_there(const ioloop::StreamOptions& options = {}) {
        auto ends = open_link(link());
        there = ioloop::TcpStream(loop, std::move(ends[1]), options, "there");
        return std::move(ends[0]);
    }
    static void send(ioloop::Socket& socket, std::string_view text) {
        std::error_code error;
        const auto* const data = reinterpret_cast<const std::uint8_t*>(text.data());
        EXPECT_EQ(socket.send({data, text.size()}, error), text.size()) << error.message();
    }
    static std::string receive(ioloop::Socket& socket) {
        std::array<std::uint8_t, 100> bytes{};
        std::error_code error;
        EXPECT_TRUE(os::readable(socket.fd(), 10'000));
        const std::size_t size = socket.receive(bytes, error);
        return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
    }

    /// Runs the loop until then.
    template <class Condition> void until(Condition condition) {
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!condition() && std::chrono::steady_clock::now() < limit)
            loop.run_once(std::chrono::milliseconds(10));
        EXPECT_TRUE(condition()) << "it did not come";
    }
    /// What the future comes to.
    template <class T> T get(ioloop::Future<T> future) {
        until([&] { return future.done(); });
        if constexpr (std::is_void_v<T>)
            future.result();
        else
            return std::move(future.result());
    }
    /// Why it failed: StreamClosed::error().
    template <class T> std::error_code failure(ioloop::Future<T> future) {
        try {
            get(std::move(future));
        } catch (const ioloop::StreamClosed& closed) {
            return closed.error();
        } catch (const std::exception& error) {
            ADD_FAILURE() << "another error: " << error.what();
            return {};
        }
        ADD_FAILURE() << "no error";
        return {};
    }
    /// The loop has come to rest: level-triggered as it is, it would be called at once for what it is watched for.
    void expect_rest() {
        for (int turn = 0; turn < 100 && loop.run_once().handlers > 0; ++turn) {}
        for (int turn = 0; turn < 3; ++turn) EXPECT_EQ(loop.run_once().handlers, 0U);
    }

    std::vector<std::string> reported; ///< to the error hook
    ioloop::IOLoop loop{options()};
    ioloop::TcpStream here, there;

protected:
    void TearDown() override { EXPECT_TRUE(reported.empty()) << reported.front(); }

private:
    ioloop::IOLoop::Options options() {
        ioloop::IOLoop::Options options;
        options.poller = std::get<1>(GetParam());
        options.make_current = ioloop::MakeCurrent::never;
        options.on_error = [this](const std::exception_ptr& error, const ioloop::Origin&, ioloop::CallKind) {
            try {
                std::rethrow_exception(error);
            } catch (const std::exception& e) {
                reported.emplace_back(e.what());
            }
        };
        return options;
    }
};

/// What needs both directions.
struct SocketStreams : Streams {};

inline std::vector<Link> two_way_links() {
#if defined(_WIN32)
    return {Link::tcp};
#else
    return {Link::tcp, Link::unix_socket};
#endif
}
inline std::vector<Link> all_links() {
    auto links = two_way_links();
    if (links.size() > 1) links.push_back(Link::pipe);
    return links;
}
inline std::string link_title(const testing::TestParamInfo<Streams::ParamType>& info) {
    const char* const names[] = {"tcp_", "unix_", "pipe_"};
    return names[static_cast<int>(std::get<0>(info.param))] +
           std::string(ioloop::name_of(std::get<1>(info.param)));
}

INSTANTIATE_TEST_SUITE_P(All, Streams,
                         testing::Combine(testing::ValuesIn(all_links()),
                                          testing::ValuesIn(pollers_with_descriptors())),
                         link_title);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SocketStreams); // not every file has such tests
INSTANTIATE_TEST_SUITE_P(All, SocketStreams,
                         testing::Combine(testing::ValuesIn(two_way_links()),
                                          testing::ValuesIn(pollers_with_descriptors())),
                         link_title);
