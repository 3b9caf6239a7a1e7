// SPDX-License-Identifier: MIT
/// UdpSockets: the fixture of what is tested about UdpSocket, over the operating system: loopback, ports that the system
/// chooses, and each poller in turn.
#pragma once

#include "sockets.hpp"

#include <ioloop/ioloop.hpp>
#include <ioloop/net.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

struct UdpSockets : testing::TestWithParam<ioloop::PollerKind> {
    UdpSockets() {
        ioloop::IOLoop::Options options;
        options.poller = GetParam();
        options.on_error = [this](const std::exception_ptr& error, const ioloop::Origin&, ioloop::CallKind) {
            try {
                std::rethrow_exception(error);
            } catch (const std::exception& e) {
                reported.emplace_back(e.what());
            }
        };
        loop.emplace(std::move(options));
    }

    static ioloop::Socket bound() { return ioloop::Socket::datagram(ioloop::SocketAddress::loopback(0)); }
    /// A peer without a loop, and how it sends.
    void send(const std::string& text) {
        std::error_code error;
        outside.send_datagram(bytes(text), server_address, error);
        EXPECT_FALSE(error) << error.message();
    }
    /// The socket under test, which the peer sends to.
    std::unique_ptr<ioloop::UdpSocket> serve(ioloop::UdpSocket::OnDatagram on_datagram,
                                             const ioloop::UdpSocket::Options& options = {}) {
        auto made = std::make_unique<ioloop::UdpSocket>(*loop, bound(), std::move(on_datagram), options,
                                                        "udp under test");
        server_address = made->local();
        return made;
    }
    ioloop::UdpSocket::OnDatagram keep() {
        return [this](std::span<const std::uint8_t> bytes, const ioloop::SocketAddress&) {
            got.emplace_back(bytes.begin(), bytes.end());
        };
    }
    /// Until it is true; a defect ends it, rather than hang.
    void run_until(const std::function<bool()>& happened) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!happened() && std::chrono::steady_clock::now() < end)
            loop->run_once(std::chrono::milliseconds(10));
        EXPECT_TRUE(happened());
    }
    /// Until nothing is left to do.
    void run_dry() {
        for (int i = 0; i < 10000; ++i) {
            if (loop->run_once().ended == ioloop::Ended::idle) return;
        }
        ADD_FAILURE() << "it does not come to rest";
    }

    std::vector<std::string> reported;
    std::optional<ioloop::IOLoop> loop;
    ioloop::Socket outside = bound();
    ioloop::SocketAddress server_address;
    std::vector<std::string> got;
};

inline std::vector<ioloop::PollerKind> real_pollers() {
    std::vector<ioloop::PollerKind> kinds = ioloop::available_pollers();
    std::erase(kinds, ioloop::PollerKind::null);
    return kinds;
}
