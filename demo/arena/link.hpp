// SPDX-License-Identifier: MIT
/// Link: the client's connection to the server, and its life: find, connect, join, keep alive, lose, try again.
///
/// Nothing here waits and nothing gives up: a server that is killed, restarted, unreachable or silent is
/// noticed and tried again, each time after a longer pause, give or take some chance so that not all clients
/// of a server that fell come back in the same moment.
#pragma once

#include "impairment.hpp"
#include "protocol.hpp"

#include <ioloop/ioloop.hpp>
#include <ioloop/net.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <span>
#include <string>

namespace arena {

class Link {
public:
    enum class State : std::uint8_t { idle, connecting, joining, joined, waiting };

    struct Options {
        std::string host = "127.0.0.1";
        std::uint16_t port = 0;
        std::string name = "player";
        ioloop::Duration connect_timeout = std::chrono::seconds(3); ///< for finding and connecting, together
        ioloop::Duration join_timeout = std::chrono::seconds(3);    ///< for the welcome, after that
        ioloop::Duration heartbeat = std::chrono::seconds(1);
        ioloop::Duration silence = std::chrono::seconds(3); ///< without a sign of life the server is lost
        ioloop::Duration first_pause = std::chrono::milliseconds(100);
        ioloop::Duration longest_pause = std::chrono::seconds(3);
        Impairment::Options network; ///< that it pretends to have, each way; connecting takes no longer
    };

    /// None of them may destroy the link.
    struct Events {
        std::function<void(const Welcome&)> on_joined;
        std::function<void(const std::string& reason)> on_lost; ///< after having joined
        std::function<void(const std::string& text)>
            on_trouble; ///< for people to read: a failed attempt, a loss
        std::function<void(const ToClient&)> on_message;
        std::function<void(const Snapshot&)> on_snapshot;
    };

    struct Counters {
        std::uint64_t messages_in = 0;
        std::uint64_t messages_out = 0;
        std::uint64_t datagrams_in = 0;
        std::uint64_t datagrams_out = 0;
        std::uint64_t garbage = 0;
        std::uint32_t attempts = 0;
        std::uint32_t losses = 0;
        std::uint32_t reconnects = 0; ///< times joined, but the first
    };

    /// Lifetime: the loop's is longer.
    Link(ioloop::IOLoop& loop, Options options, Events events);
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;
    ~Link();

    void start();
    /// Says goodbye, if there is somebody to say it to. Idempotent.
    void stop();

    /// False, and dropped, unless joined.
    bool send(const ToServer& message);
    void send_inputs(std::span<const Input> inputs, std::uint32_t newest);

    /// Makes the network worse or better, from now on. Errors: those of Impairment.
    void set_network(const Impairment::Options& network);
    const Impairment::Options& network() const noexcept { return out_.options(); }

    State state() const noexcept { return state_; }
    bool joined() const noexcept { return state_ == State::joined; }
    bool ever_joined() const noexcept { return ever_joined_; }
    const Counters& counters() const noexcept { return counters_; }
    /// Whether ping() and jitter() are of this connection; otherwise they are of the last one, or zero.
    bool measured() const noexcept { return last_ping_.has_value(); }
    const std::optional<ioloop::Duration>& last_ping() const noexcept { return last_ping_; }
    ioloop::Duration ping() const noexcept { return ping_; }     ///< there and back, smoothed
    ioloop::Duration jitter() const noexcept { return jitter_; } ///< how much that varies
    std::string server() const { return peer_ ? peer_.to_string() : options_.host; }
    /// When the next attempt begins, while waiting.
    ioloop::TimePoint next_attempt() const noexcept { return next_attempt_; }

private:
    void begin();
    ioloop::Task<> connect();
    void join();
    void welcome(const Welcome& welcome);
    void on_message(Bytes bytes);
    void on_datagram(Bytes bytes);
    void on_pong(const Pong& pong);
    void send_ping();
    void alive(); ///< something came from the server
    void fail(const std::string& reason);
    void hang_up() noexcept;
    bool send_message(const ToServer& message);
    void write(Bytes message); ///< to the stream, at once
    void send_datagram(const DatagramToServer& datagram);
    void deliver(ioloop::Callback message); ///< after those that came before it over TCP

    ioloop::IOLoop& loop_;
    Options options_;
    Events events_;
    State state_ = State::idle;
    ioloop::TcpClient client_;
    ioloop::Future<> connection_; ///< connect(), from the name to the last message
    ioloop::Future<ioloop::TcpStream> connecting_;
    ioloop::TcpStream stream_;
    std::optional<ioloop::UdpSocket> datagrams_; ///< while there is a stream
    Impairment out_; ///< between us and the sockets; clear of this connection's when it ends
    Impairment in_;
    ioloop::SocketAddress peer_;
    std::uint64_t token_ = 0;
    ioloop::PeriodicCallback heartbeat_;
    ioloop::PeriodicCallback ping_timer_;
    ioloop::Timeout silence_;
    ioloop::Timeout retry_;
    ioloop::TimePoint next_attempt_{};
    int failures_ = 0; ///< in a row
    bool ever_joined_ = false;
    std::minstd_rand random_;
    Counters counters_;
    std::optional<ioloop::Duration> last_ping_;
    ioloop::Duration ping_{};
    ioloop::Duration jitter_{};
};

const char* name_of(Link::State state) noexcept;

} // namespace arena
