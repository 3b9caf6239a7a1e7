// SPDX-License-Identifier: MIT
/// Socket: owns a descriptor that never blocks. Floor 3.
///
///     Socket socket = Socket::connect(SocketAddress::parse("127.0.0.1:4242"));
///     socket.watch(loop, [&](Fd, Events) { ... }, Events::write);
///
/// It leaves the loop before it is closed: a number that is closed first may belong to somebody else by the time the
/// loop hears of it. Closing twice, or never, cannot be written. What most programs want is made of it: TcpStream,
/// TcpServer, UdpSocket.
///
/// Nothing here waits: what would is the error `resource_unavailable_try_again`. A peer that is gone is an error, not a
/// signal; no child of the program inherits a socket.
///
/// Errors: with an `std::error_code&` in it, else thrown as std::system_error: what the system says.
/// Thread: the loop's while it is watched; else any, one at a time.
#pragma once

#include <ioloop/fd.hpp>
#include <ioloop/flow.hpp>
#include <ioloop/io_loop.hpp>
#include <ioloop/net/listen_options.hpp>
#include <ioloop/net/socket_address.hpp>
#include <ioloop/poster.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>

namespace ioloop {

class Socket {
public:
    Socket() noexcept = default; ///< none
    Socket(Socket&& other) noexcept;
    Socket& operator=(Socket&& other) noexcept;
    ~Socket() { close(); }

    /// Takes over what was opened elsewhere, a pipe or a terminal too, and makes it non-blocking. On an error it stays
    /// the caller's.
    static Socket adopt(Fd fd);
    static Socket adopt(Fd fd, std::error_code& error) noexcept;
    /// For streams. With port 0, local() tells which was given. The file of a unix socket on which nobody listens any
    /// more is replaced; closing does not remove it (TcpServer does).
    static Socket listen(const SocketAddress& at, const ListenOptions& how = {});
    static Socket listen(const SocketAddress& at, const ListenOptions& how, std::error_code& error) noexcept;
    /// A stream under way: when it is writable, connect_error() says what came of it.
    /// from    the address of this machine to come from; none: the system chooses
    static Socket connect(const SocketAddress& to, const SocketAddress& from = {});
    static Socket connect(const SocketAddress& to, std::error_code& error) noexcept;
    static Socket connect(const SocketAddress& to, const SocketAddress& from,
                          std::error_code& error) noexcept;
    /// Datagrams, from anybody.
    static Socket datagram(const SocketAddress& at);
    static Socket datagram(const SocketAddress& at, std::error_code& error) noexcept;
    /// Datagrams, to and from one peer.
    static Socket datagram_to(const SocketAddress& peer);
    static Socket datagram_to(const SocketAddress& peer, std::error_code& error) noexcept;
    /// Two streams that are connected with each other.
    static std::array<Socket, 2> pair();
    static std::array<Socket, 2> pair(std::error_code& error) noexcept;

    explicit operator bool() const noexcept { return fd_ != invalid_fd; }
    Fd fd() const noexcept { return fd_; }
    SocketAddress local() const noexcept; ///< our end; none if it has no address
    SocketAddress peer() const noexcept;

    /// Registers with the loop; once. If the loop is gone first, nothing is left to be undone.
    /// Errors: as IOLoop::add_handler().
    void watch(IOLoop& loop, Handler handler, Events events, Origin origin = Origin::here());
    void watch(IOLoop& loop, Handler handler, Events events, std::error_code& error,
               Origin origin = Origin::here());
    /// No effect if it is not watched (any more: the inspector's button may have removed the handler).
    void watch_for(Events events) noexcept;
    /// The handler may be running: then it is destroyed when it returns.
    void unwatch() noexcept;
    bool watched() const noexcept { return watched_; }
    /// Shows the inspector what its owner counts; see IOLoop::set_flow(). No effect unless it is watched.
    /// Lifetime: until unwatch().
    void set_flow(const Flow* flow) noexcept;

    /// Leaves the loop, then closes. Idempotent.
    void close() noexcept;
    /// Leaves the loop, and is the caller's to close.
    Fd release() noexcept;

    /// `peer`: where it comes from, if that is of interest; none if it has no name.
    Socket accept(std::error_code& error, SocketAddress* peer = nullptr) noexcept;
    /// Of a connect() that was under way; none: it is connected.
    std::error_code connect_error() noexcept;
    /// How many bytes; 0 with an error.
    std::size_t send(std::span<const std::uint8_t> bytes, std::error_code& error) noexcept;
    /// How many bytes; 0 without an error: the peer will send no more.
    std::size_t receive(std::span<std::uint8_t> into, std::error_code& error) noexcept;
    /// `to` none: the connected peer.
    void send_datagram(std::span<const std::uint8_t> bytes, const SocketAddress& to,
                       std::error_code& error) noexcept;
    /// The size of the datagram, which is more than `into` has if its end is lost. 0 may be an empty one.
    std::size_t receive_datagram(std::span<std::uint8_t> into, SocketAddress& from,
                                 std::error_code& error) noexcept;
    /// The peer reads an end; this goes on receiving.
    void shut_down_sending(std::error_code& error) noexcept;

    void set_no_delay(bool on) noexcept; ///< it is set for every TCP socket that is made here
    void set_buffer_sizes(int receive, int send) noexcept; ///< bytes that the system keeps; 0: as it is

private:
    explicit Socket(Fd fd) noexcept : fd_(fd) {}

    Fd fd_ = invalid_fd;
    bool watched_ = false;
    Poster loop_; ///< while it is watched
};

} // namespace ioloop
