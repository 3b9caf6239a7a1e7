// SPDX-License-Identifier: MIT
/// UdpSocket: datagrams, and no more drops than need be. Floor 3.
///
///     UdpSocket server(loop, Socket::datagram(SocketAddress::any(4242)),
///                      [&](std::span<const std::uint8_t> bytes, const SocketAddress& from) { play(bytes, from); });
///     UdpSocket client(loop, Socket::datagram_to(server_address), ...);
///
/// The system keeps a few hundred datagrams, and throws away what comes then; a frame that takes long is enough for
/// that. So whenever something has come, all of it is taken, into a ring of its own, which no budget interrupts. From
/// there each datagram is one callback of the loop, and those are under the budget of run_once(): what does not fit
/// into this frame comes in the next, and meanwhile the system is asked again. When the ring is full too, what is new
/// is dropped, and counted.
///
/// That a port is closed (ICMP) is counted, and no error: the peer may come back. A datagram is sent whole or not at
/// all.
///
/// Lifetime: may be closed and destroyed inside its own callback, and after the loop. Thread: the loop's.
#pragma once

#include <ioloop/function.hpp>
#include <ioloop/io_loop.hpp>
#include <ioloop/net/socket.hpp>
#include <ioloop/net/socket_address.hpp>
#include <ioloop/origin.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <system_error>

namespace ioloop {

class UdpSocket {
public:
    /// `bytes` are valid during the call. If it runs the loop, the next datagram comes after it has returned. What it
    /// throws goes to the loop's error hook, and the next datagram comes.
    using OnDatagram = Function<void(std::span<const std::uint8_t> bytes, const SocketAddress& from)>;

    struct Options {
        std::size_t most_bytes = 2048; ///< of a datagram that comes; longer ones are dropped
        std::size_t ring_bytes = std::size_t{256} * 1024;     ///< of those that wait for their callback
        std::size_t ring_datagrams = 512;                     ///< how many of them
        std::size_t outgoing_bytes = std::size_t{256} * 1024; ///< of those that queue() keeps
        std::size_t outgoing_datagrams = 512;                 ///< how many of them
    };
    struct Counters {
        std::uint64_t received = 0;       ///< taken from the system, into the ring
        std::uint64_t received_bytes = 0; ///< of these
        std::uint64_t dispatched = 0;     ///< calls of the callback
        std::uint64_t dropped = 0;        ///< taken from the system when the ring was full
        std::uint64_t truncated = 0;      ///< longer than most_bytes, and dropped
        std::uint64_t system_drops =
            0; ///< by the system itself, where it tells: Linux, with the next datagram
        std::uint64_t sent = 0;
        std::uint64_t sent_bytes = 0;
        std::uint64_t send_failures = 0; ///< datagrams that were not sent, and will not be
        std::uint64_t refused = 0; ///< the peer, or somebody on the way, did not want what was sent earlier
    };

    /// `origin` names it in the inspector.
    /// Errors: std::invalid_argument for no socket, a null callback, or an option that is 0; as Socket::watch().
    UdpSocket(IOLoop& loop, Socket socket, OnDatagram on_datagram, Origin origin = Origin::here());
    UdpSocket(IOLoop& loop, Socket socket, OnDatagram on_datagram, const Options& options,
              Origin origin = Origin::here());
    UdpSocket(UdpSocket&&) noexcept = default; ///< what was moved from may be assigned to, and destroyed
    UdpSocket& operator=(UdpSocket&& other) noexcept;
    ~UdpSocket(); ///< closes

    /// At once. An error is counted, and need not be looked at: `resource_unavailable_try_again` if the system's buffer
    /// is full, `message_size` for more than a datagram can hold, ...
    std::error_code send(std::span<const std::uint8_t> bytes); ///< to the connected peer
    std::error_code send_to(std::span<const std::uint8_t> bytes, const SocketAddress& to);

    /// Copies, and sends all that was queued meanwhile with one call of the system: in the callbacks of this turn (of
    /// the next one, from a callback), or when there is room in the system's buffer. What it refuses then is counted.
    /// Errors: no_buffer_space if too much is queued; operation_canceled if it, or the loop, is closed. Counted too.
    std::error_code queue(std::span<const std::uint8_t> bytes);
    std::error_code queue_to(std::span<const std::uint8_t> bytes, const SocketAddress& to);
    void flush(); ///< sends what is queued now, as far as there is room

    /// Flushes and closes. What waits in the ring is not called any more. Idempotent.
    void close() noexcept;
    bool closed() const noexcept;

    SocketAddress local() const noexcept; ///< none if it is closed
    SocketAddress peer() const noexcept;  ///< none if it is not connected
    std::size_t waiting() const noexcept; ///< datagrams in the ring
    std::size_t queued() const noexcept;  ///< datagrams to be sent
    const Counters& counters() const noexcept;

private:
    class State;
    std::shared_ptr<State> state_; ///< shared with the call on the stack
};

} // namespace ioloop
