// SPDX-License-Identifier: MIT
/// TcpClient: connects to a host by its name. Floor 3.
///
///     TcpClient client(loop);
///     TcpStream stream = co_await client.connect("example.com", 80, {.timeout = 5s});
///
/// Asks a Resolver for the addresses, and tries them by the rules of Connector. One deadline covers all of it.
///
/// Lifetime: what was begun goes on without the client, until it is done, its future is cancelled, or the loop closed;
/// then nothing is left open. Thread: the loop's.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/future.hpp>
#include <ioloop/io_loop.hpp>
#include <ioloop/net/resolver.hpp>
#include <ioloop/net/socket.hpp>
#include <ioloop/net/socket_address.hpp>
#include <ioloop/net/stream_options.hpp>
#include <ioloop/net/tcp_stream.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace ioloop {

struct ConnectOptions {
    Duration timeout = forever; ///< for finding the addresses and connecting, together
    SocketAddress::Family family = SocketAddress::Family::none; ///< none: any
    /// Of this machine, to come from; none: the system chooses. Port 0: any. Only peers of its family are tried.
    SocketAddress source = {};
    Duration stagger = std::chrono::milliseconds(250); ///< for so long an address is tried alone
    StreamOptions stream = {};
};

class TcpClient {
public:
    /// Lifetime: `resolver` longer than the client. Null: the system's.
    explicit TcpClient(IOLoop& loop, Resolver* resolver = nullptr);

    /// A connected stream: to `host` and `port`, or, for "unix:/run/x.sock", to that file.
    /// Errors, of the future: TimeoutError; the resolver's; std::system_error, of the address that was tried last.
    Future<TcpStream> connect(std::string host, std::uint16_t port, ConnectOptions options = {},
                              Origin origin = Origin::here());
    /// The same as a bare socket, for those who read and write themselves.
    Future<Socket> connect_socket(std::string host, std::uint16_t port, ConnectOptions options = {},
                                  Origin origin = Origin::here());

private:
    IOLoop& loop_;
    Resolver own_;
    Resolver& resolver_;
};

} // namespace ioloop
