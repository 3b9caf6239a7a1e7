// SPDX-License-Identifier: MIT
/// Descriptor: what the system says a number stands for. Floor 3.
///
/// A few system calls each; for an inspector's eyes, sampled, never on the loop's hot path. Reads nothing
/// that changes the program: SO_ERROR, for one, would be cleared by looking.
#pragma once

#include <ioloop/fd.hpp>

#include <cstddef>
#include <cstdint>

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

    static constexpr std::size_t address_size = 64;

    Kind kind = Kind::other;
    bool blocking = false;         ///< no O_NONBLOCK: a read may hang the loop
    char local[address_size] = {}; ///< "127.0.0.1:4242", "[::1]:80", "/run/x.sock", or empty
    char peer[address_size] = {};  ///< the same for the other end
    std::uint64_t bytes_in = 0;    ///< waiting to be read, where the system tells
    std::uint64_t bytes_out = 0;   ///< not yet sent, where the system tells
};

/// Thread: any.
Descriptor describe(Fd fd) noexcept;

const char* name_of(Descriptor::Kind kind) noexcept;

} // namespace ioloop
