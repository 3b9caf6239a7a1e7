// SPDX-License-Identifier: MIT
/// TcpServers: the fixture of what is tested about TcpServer, over the operating system: loopback, and ports that the
/// system chooses.
#pragma once

#include <ioloop/io_loop.hpp>
#include <ioloop/net.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

struct TcpServers : testing::Test {
    TcpServers() {
        ioloop::IOLoop::Options options;
        options.on_error = [this](const std::exception_ptr& error, const ioloop::Origin&, ioloop::CallKind) {
            try {
                std::rethrow_exception(error);
            } catch (const std::exception& e) {
                reported.emplace_back(e.what());
            }
        };
        loop.emplace(std::move(options));
    }

    ioloop::TcpServer::OnConnection keep() {
        return [this](ioloop::Socket socket, const ioloop::SocketAddress& peer) {
            accepted.push_back(std::move(socket));
            peers.push_back(peer);
        };
    }
    /// Until it is true; a defect ends it, rather than hang.
    void run_until(const std::function<bool()>& happened) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!happened() && std::chrono::steady_clock::now() < end)
            loop->run_once(std::chrono::milliseconds(10));
        EXPECT_TRUE(happened());
    }
    static ioloop::Socket connect(const ioloop::SocketAddress& to) { return ioloop::Socket::connect(to); }

    std::vector<std::string> reported;
    std::optional<ioloop::IOLoop> loop;
    std::vector<ioloop::Socket> accepted;
    std::vector<ioloop::SocketAddress> peers;
};
