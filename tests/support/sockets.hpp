// SPDX-License-Identifier: MIT
/// Sockets: the fixture of what is tested about Socket, over the operating system.
#pragma once

#include "os.hpp"

#include <ioloop/io_loop.hpp>
#include <ioloop/net/socket.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <gtest/gtest.h>

inline std::span<const std::uint8_t> bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// Waits for a moment until there is something.
inline std::string receive(ioloop::Socket& socket) {
    std::array<std::uint8_t, 64> buffer{};
    std::error_code error;
    os::readable(socket.fd(), 1000);
    const std::size_t size = socket.receive(buffer, error);
    if (error) return "error: " + error.message();
    return {buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size)};
}

struct Sockets : testing::Test {
    /// Connected by TCP.
    static std::array<ioloop::Socket, 2>
    tcp_pair(ioloop::SocketAddress::Family family = ioloop::SocketAddress::Family::ipv4) {
        ioloop::Socket listener = ioloop::Socket::listen(ioloop::SocketAddress::loopback(0, family));
        ioloop::Socket client = ioloop::Socket::connect(listener.local());
        os::readable(listener.fd(), 1000);
        std::error_code error;
        ioloop::Socket accepted = listener.accept(error);
        EXPECT_FALSE(error) << error.message();
        return {std::move(client), std::move(accepted)};
    }

    ioloop::IOLoop loop;
    std::error_code error;
};
