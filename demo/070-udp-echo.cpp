// SPDX-License-Identifier: MIT
/// Datagrams under a budget, as a game has them: a server that sends back what it gets, and a client that measures how
/// long that takes while both "draw" a frame every 16 ms.
///
///     070-udp-echo           a few frames, in one process
///     070-udp-echo <port>    the server alone; elsewhere: nc -u 127.0.0.1 <port>
#include <ioloop/ioloop.hpp>
#include <ioloop/net.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>

using namespace ioloop;
using namespace std::chrono_literals;
using Bytes = std::span<const std::uint8_t>;

int main(int argc, char** argv) {
    IOLoop loop;
    const auto port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0); // 0: any that is free
    UdpSocket* echo = nullptr;
    UdpSocket server(
        loop, Socket::datagram(SocketAddress::loopback(port)),
        [&](Bytes bytes, const SocketAddress& from) { echo->queue_to(bytes, from); }, // sent with the others
        "echo server");
    echo = &server;
    if (argc > 1) {
        std::printf("echoing at %s\n", server.local().to_string().c_str());
        std::fflush(stdout);
        loop.start();
    }

    int answers = 0;
    Duration longest{};
    UdpSocket client(
        loop, Socket::datagram_to(server.local()),
        [&](Bytes bytes, const SocketAddress&) {
            TimePoint sent;
            if (bytes.size() != sizeof sent) return; // whoever can send to a port sends what he likes
            std::memcpy(&sent, bytes.data(), sizeof sent);
            longest = std::max(longest, loop.time() - sent);
            ++answers;
        },
        "echo client");

    for (int frame = 0; frame < 20; ++frame) {
        for (int i = 0; i < 10; ++i) {
            std::uint8_t bytes[sizeof(TimePoint)];
            const TimePoint now = loop.time();
            std::memcpy(bytes, &now, sizeof now);
            client.queue(bytes);
        }
        // ... simulate, draw; then the slack of the frame is slept inside the loop, which serves what comes at once.
        loop.run_until(loop.time() + 16ms, Budget{4ms});
    }
    loop.run_until(loop.time() + 100ms);
    const std::uint64_t lost = server.counters().dropped + server.counters().system_drops;
    std::printf("%d of 200 came back, the slowest after %.3f ms; dropped: %s\n", answers,
                std::chrono::duration<double, std::milli>(longest).count(), std::to_string(lost).c_str());
    return answers == 200 ? 0 : 1;
}
