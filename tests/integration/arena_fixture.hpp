// SPDX-License-Identifier: MIT
/// ArenaNetwork: the game's server and clients on one simulated loop, over real sockets: time passes only when nothing is
/// ready, so minutes of silence take no time. And Stranger, whom they did not invite.
#pragma once

#include "client.hpp"
#include "server.hpp"
#include "support/sim_world.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <gmock/gmock.h>

/// A peer that speaks for itself: no client of ours would say such things.
class Stranger {
public:
    explicit Stranger(const ioloop::SocketAddress& server)
        : tcp_(ioloop::Socket::connect(server)),
          udp_(ioloop::Socket::datagram_to(server)) {}
    /// Bytes as they are; false if the system does not take all of them.
    bool send(arena::Bytes bytes) {
        std::error_code error;
        return tcp_.send(bytes, error) == bytes.size();
    }
    bool say(const arena::ToServer& message) { return send(framed(message)); }
    static arena::Buffer framed(const arena::ToServer& message) {
        arena::Buffer bytes;
        ioloop::append_frame(bytes, arena::encode(message));
        return bytes;
    }
    void send_datagram(arena::Bytes bytes) {
        std::error_code error;
        udp_.send_datagram(bytes, {}, error);
    }
    /// Is slow to notice what it is sent.
    void read_little() { tcp_.set_buffer_sizes(4096, 0); }

    /// What has come, until there is no more; `hung_up` if the server has.
    arena::Buffer receive() {
        arena::Buffer all;
        std::uint8_t chunk[4096];
        while (true) {
            std::error_code error;
            const std::size_t size = tcp_.receive(chunk, error);
            hung_up = hung_up || (size == 0 && error != std::errc::resource_unavailable_try_again);
            if (size == 0) return all;
            all.insert(all.end(), chunk, chunk + size);
        }
    }
    bool has_datagram() {
        std::uint8_t chunk[2048];
        ioloop::SocketAddress from;
        std::error_code error;
        udp_.receive_datagram(chunk, from, error);
        return !error;
    }
    bool hung_up = false;

private:
    ioloop::Socket tcp_;
    ioloop::Socket udp_;
};

class ArenaNetwork : public testing::Test {
protected:
    static arena::Server::Options with_bots(int bots) {
        arena::Server::Options options;
        options.bots = bots;
        return options;
    }
    void serve(int bots = 0) { serve_as(with_bots(bots)); }
    void serve_as(const arena::Server::Options& options) {
        server.reset();
        server = std::make_unique<arena::Server>(loop, options);
        address = server->address();
    }

    std::unique_ptr<arena::Client> client(const std::string& name) {
        arena::Link::Options options;
        options.host = address.host();
        options.port = address.port();
        options.name = name;
        return std::make_unique<arena::Client>(loop, options,
                                               [this](const std::string& line) { log.push_back(line); });
    }
    std::unique_ptr<arena::Client> player(const std::string& name) {
        auto made = client(name);
        made->start();
        EXPECT_TRUE(eventually([&] { return sees_the_arena(*made); })) << name;
        return made;
    }
    static bool sees_the_arena(arena::Client& client) {
        return client.link().joined() && !client.sight().empty();
    }

    /// Runs the loop until it is so; false if it is not so within `limit` of simulated time.
    template <class Predicate>
    bool eventually(Predicate predicate, ioloop::Duration limit = std::chrono::seconds(20)) {
        const ioloop::TimePoint end = world.now() + limit;
        while (!predicate()) {
            if (world.now() >= end) return false;
            loop.run_once(end - world.now());
        }
        return true;
    }
    void pass(ioloop::Duration time) {
        eventually([] { return false; }, time);
    }
    /// The same player is still in play, and has been all the time.
    void expect_unhurt(arena::Client& client) {
        const std::uint64_t before = client.sight().snapshots();
        pass(std::chrono::seconds(1));
        EXPECT_TRUE(client.link().joined());
        EXPECT_EQ(client.link().counters().losses, 0U);
        EXPECT_GE(client.sight().snapshots(), before + arena::ticks_per_second - 5);
    }
    std::uint64_t dropped_for(arena::Server::Why why) const {
        return server->counters().dropped_for[static_cast<std::size_t>(why)];
    }
    static bool heard(const arena::Client& client, const std::string& text) {
        return std::any_of(client.said().begin(), client.said().end(),
                           [&](const arena::Client::Said& said) { return said.text == text; });
    }

    SimWorld world;
    ioloop::IOLoop loop{world.options()};
    std::unique_ptr<arena::Server> server;
    ioloop::SocketAddress address;
    std::vector<std::string> log;
};
