// SPDX-License-Identifier: MIT
/// Descriptor: what the system says a number stands for. Floor 3.
///
/// For an inspector's eyes: sampled, never on the loop's hot path. Reads nothing that changes the program:
/// SO_ERROR, for one, would be cleared by looking.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/fd.hpp>
#include <ioloop/file_identity.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace ioloop {

struct Descriptor {
    enum class Kind : std::uint8_t {
        closed, ///< not open (any more)
        tcp,
        tcp_listener,
        udp,
        unix_stream, ///< and socketpairs
        unix_datagram,
        pipe,
        terminal,
        file,
        eventfd,
        timerfd,
        epoll,
        other,
    };

    /// As RFC 9293 and ss(8) name them.
    enum class TcpState : std::uint8_t {
        unknown, ///< no TCP, or the system does not tell
        established,
        syn_sent,
        syn_received,
        fin_wait_1,
        fin_wait_2,
        time_wait,
        closed, ///< never connected, or refused, or over
        close_wait,
        last_ack,
        listen,
        closing,
    };

    static constexpr std::size_t address_size = 64;

    Kind kind = Kind::other;
    TcpState tcp_state = TcpState::unknown;
    bool blocking = false;         ///< no O_NONBLOCK: a read may hang the loop
    char local[address_size] = {}; ///< "127.0.0.1:4242", "[::1]:80", "/run/x.sock", or empty
    char peer[address_size] = {};  ///< the same for the other end
    FileIdentity file;             ///< which file this is, where the system tells

    // Zero where the system does not tell. What a lint concludes from, it asks queued_bytes() for.
    std::uint64_t bytes_in = 0;       ///< waiting to be read; of a datagram socket: in the first datagram
    std::uint64_t bytes_out = 0;      ///< not yet sent or, of TCP, not yet acknowledged
    std::uint64_t receive_buffer = 0; ///< of a socket; Linux counts twice what was asked for
    std::uint64_t send_buffer = 0;    ///< the same
    std::uint64_t event_count = 0;    ///< of an eventfd: what a read would return
    std::uint32_t accept_queue = 0;   ///< of a TCP listener: connections that wait for accept()
    std::uint32_t accept_limit = 0;   ///< and how many may; one more is let in
    Duration round_trip{};            ///< of a TCP connection, smoothed by the system
};

/// Measured: 1 us for a pipe, 3 us for a unix socket, 5 us for TCP, 11 us for an eventfd, whose count is a file.
///
/// Thread: any.
Descriptor describe(Fd fd) noexcept;

/// Descriptor::file alone; none if `fd` is not open. Measured: 0.4 us.
///
/// Thread: any.
FileIdentity file_of(Fd fd) noexcept;

/// What is on its way through a descriptor. Nothing: the system does not tell (of a listener, of an eventfd), which is
/// not the same as none. Both ends of a pipe tell as `in` what is in the pipe.
struct QueuedBytes {
    std::optional<std::uint64_t> in;
    std::optional<std::uint64_t> out;
};

/// The two numbers alone, for whoever asks again and again: does a handler read what there is, is there anything to write?
/// Measured: 0.5 us.
///
/// Thread: any.
QueuedBytes queued_bytes(Fd fd) noexcept;

const char* name_of(Descriptor::Kind kind) noexcept;
/// "established", "close_wait", ...; "" for unknown.
const char* name_of(Descriptor::TcpState state) noexcept;

} // namespace ioloop
