// SPDX-License-Identifier: MIT
/// Attack: what a stranger does to a server on this machine, on a thread of his own, as fast as he can.
///
/// He has plain sockets, and knows the protocol of Arena. Bounded in connections, and in time by who made it.
#pragma once

#include <ioloop/net/frame.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <protocol.hpp> // Arena's
#include <sys/socket.h>
#include <unistd.h>

namespace bench {

class Attack {
public:
    /// Runs until `enough`, and counts what it did.
    using Deed = std::function<void(const sockaddr_in& server, const std::atomic<bool>& enough,
                                    std::atomic<std::uint64_t>& done)>;

    Attack(std::uint16_t port, Deed deed) {
        server_.sin_family = AF_INET;
        server_.sin_port = ::htons(port);
        server_.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
        thread_ = std::thread([this, deed = std::move(deed)] { deed(server_, enough_, done_); });
    }
    Attack(const Attack&) = delete;
    Attack& operator=(const Attack&) = delete;
    ~Attack() {
        enough_ = true;
        thread_.join();
    }

    std::uint64_t done() const { return done_; } ///< connections, or datagrams

private:
    sockaddr_in server_{};
    std::atomic<bool> enough_{false};
    std::atomic<std::uint64_t> done_{0};
    std::thread thread_;
};

// ---- what he can do -----------------------------------------------------------------------------

/// A connection of the stranger's. Never waits.
class Nuisance {
public:
    explicit Nuisance(const sockaddr_in& server)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
        if (fd_ >= 0) ::connect(fd_, reinterpret_cast<const sockaddr*>(&server), sizeof server);
    }
    Nuisance(Nuisance&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Nuisance& operator=(Nuisance&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Nuisance() {
        if (fd_ >= 0) ::close(fd_);
    }

    /// The server has ended it, or never took it.
    bool over() const {
        char byte = 0;
        const auto got = ::recv(fd_, &byte, 1, MSG_DONTWAIT);
        return got == 0 || (got < 0 && errno != EAGAIN && errno != ENOTCONN);
    }
    void say(std::span<const std::uint8_t> bytes) const {
        ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    /// Ends it by a reset rather than in good order.
    void break_off() {
        const linger hard{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        ::close(std::exchange(fd_, -1));
    }

private:
    int fd_;
};

/// Holds `count` connections, and does `deed(connection, how often it was done with it)` to each of them, `pause` apart; those
/// that the server has ended are made anew.
template <class F> Attack::Deed hold(std::size_t count, std::chrono::milliseconds pause, F deed) {
    return [=](const sockaddr_in& server, const std::atomic<bool>& enough,
               std::atomic<std::uint64_t>& done) mutable {
        std::vector<std::pair<Nuisance, int>> held;
        while (!enough) {
            for (std::size_t i = 0; i < count && !enough; ++i) {
                if (i == held.size()) {
                    held.emplace_back(Nuisance(server), 0);
                    ++done;
                } else if (held[i].first.over()) {
                    held[i] = {Nuisance(server), 0};
                    ++done;
                }
                deed(held[i].first, held[i].second++);
                if (i % 100 == 99)
                    std::this_thread::sleep_for(
                        std::chrono::milliseconds(1)); // the machine is the server's, too
            }
            std::this_thread::sleep_for(pause);
        }
    };
}

inline Attack::Deed say_nothing(std::size_t connections) {
    return hold(connections, std::chrono::milliseconds(100), [](const Nuisance&, int) {});
}

/// What could be the beginning of something, byte by byte.
inline Attack::Deed drip(std::size_t connections) {
    return hold(connections, std::chrono::seconds(1), [](const Nuisance& connection, int time) {
        const std::array<std::uint8_t, 1> byte{static_cast<std::uint8_t>(time == 3 ? 100 : 0)};
        connection.say(byte);
    });
}

inline Attack::Deed talk_nonsense(std::size_t connections) {
    return hold(connections, std::chrono::milliseconds(1),
                [random = std::minstd_rand(1)](const Nuisance& connection, int) mutable {
                    std::array<std::uint8_t, 700> bytes;
                    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random() >> 8);
                    bytes[0] = bytes[1] = bytes[2] = 0; // a length that is believed, half of the time
                    if (random() % 2 == 0) bytes[0] = 1;
                    connection.say(bytes);
                });
}

/// Announces four gigabytes, and begins to send them.
inline Attack::Deed announce_too_much(std::size_t connections) {
    return hold(connections, std::chrono::milliseconds(1), [](const Nuisance& connection, int) {
        const std::vector<std::uint8_t> bytes(16'384, 0xff);
        connection.say(bytes);
    });
}

/// Joins, lets the server talk, and never listens.
inline Attack::Deed join_and_not_listen(std::size_t connections) {
    return hold(connections, std::chrono::milliseconds(300), [](const Nuisance& connection, int time) {
        const auto message = time == 1 ? arena::ToServer(arena::Hello{.name = "deaf"})
                                       : arena::ToServer(arena::Say{std::string(arena::longest_line, '!')});
        std::vector<std::uint8_t> bytes;
        ioloop::append_frame(bytes, arena::encode(message));
        if (time > 0) connection.say(bytes); // else it may not be connected yet
    });
}

inline Attack::Deed connect_and_break_off() {
    return [](const sockaddr_in& server, const std::atomic<bool>& enough, std::atomic<std::uint64_t>& done) {
        while (!enough) {
            Nuisance connection(server);
            connection.break_off();
            ++done;
        }
    };
}

/// Datagrams of all lengths, some of which begin as real ones do.
inline Attack::Deed flood_with_datagrams() {
    return [](const sockaddr_in& server, const std::atomic<bool>& enough, std::atomic<std::uint64_t>& done) {
        const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        std::minstd_rand random(1);
        std::array<std::uint8_t, 1200> bytes;
        for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random() >> 8);
        while (!enough) {
            const bool well_begun =
                random() % 2 == 0; // magic, version, kind; and then no token that was given out
            bytes[0] = well_begun ? 0x41 : 0;
            bytes[1] = 0x52;
            bytes[2] = arena::protocol_version;
            bytes[3] = static_cast<std::uint8_t>(1 + random() % 2);
            const std::size_t size = random() % bytes.size();
            ::sendto(fd, bytes.data(), size, 0, reinterpret_cast<const sockaddr*>(&server), sizeof server);
            ++done;
        }
        ::close(fd);
    };
}

} // namespace bench
