// SPDX-License-Identifier: MIT
/// TcpServer: listens, and hands over who comes. Floor 3.
///
///     TcpServer server(loop, [&](Socket socket, SocketAddress peer) { players.emplace_back(std::move(socket), peer); });
///     server.listen("localhost", 4242);
///
/// It accepts a bounded number of connections a turn, so that a rush of them starves nobody. When the process is out of
/// descriptors it closes who waits, rather than let him hang, takes a pause, and goes on. How many connections there
/// may be is the program's business: it closes those that are too many.
///
/// Lifetime: may be stopped and destroyed inside its own callback, and after the loop. Thread: the loop's.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/function.hpp>
#include <ioloop/io_loop.hpp>
#include <ioloop/net/listen_options.hpp>
#include <ioloop/net/socket.hpp>
#include <ioloop/net/socket_address.hpp>
#include <ioloop/origin.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <system_error>
#include <vector>

namespace ioloop {

class TcpServer {
public:
    /// `peer`: where it comes from; without a name for most clients of unix sockets. What it throws goes to the loop's
    /// error hook, and the server goes on.
    using OnConnection = Function<void(Socket socket, SocketAddress peer)>;

    struct Options {
        ListenOptions listen = {};
        int accepts_per_turn = 128; ///< of each listening socket
        Duration pause =
            std::chrono::milliseconds(200); ///< when accepting has failed: so long it is not tried again
    };
    struct Counters {
        std::uint64_t accepted = 0; ///< handed over
        std::uint64_t refused = 0;  ///< closed at once: out of descriptors
        std::uint64_t failures =
            0; ///< other errors of accept(): most are peers who left before their turn came
    };

    /// `origin` names the listening sockets in the inspector.
    TcpServer(IOLoop& loop, OnConnection on_connection, Origin origin = Origin::here());
    /// Errors: std::invalid_argument for a null callback, no accepts, or a pause that is not positive.
    TcpServer(IOLoop& loop, OnConnection on_connection, const Options& options,
              Origin origin = Origin::here());
    TcpServer(const TcpServer&) = delete;
    TcpServer& operator=(const TcpServer&) = delete;
    ~TcpServer(); ///< stops

    /// Each of these may be called often; an error leaves everything as it was.

    /// What needs no question (Resolver::known()), and "" for every address of this machine. For both families, where
    /// it is not numeric; with port 0, at the same port for both, see addresses(). A family that the machine does not have
    /// is left out.
    /// Errors: invalid_argument for other names: to resolve them takes time; listen at what a Resolver finds.
    void listen(std::string_view host, std::uint16_t port);
    void listen(std::string_view host, std::uint16_t port, std::error_code& error);
    /// The file of a unix socket is removed when the server stops.
    void listen(const SocketAddress& at);
    void listen(const SocketAddress& at, std::error_code& error);
    /// All of these, as they come from a Resolver, by the same rules.
    void listen(const std::vector<SocketAddress>& at);
    void listen(const std::vector<SocketAddress>& at, std::error_code& error);
    /// Takes over one that listens already: a service manager's, say. Its file, if it has one, stays.
    void add_socket(Socket socket);
    void add_socket(Socket socket, std::error_code& error);

    /// Closes the listening sockets; connections stay. Idempotent; it may listen again afterwards.
    void stop() noexcept;

    std::vector<SocketAddress> addresses() const; ///< where it listens, in the order in which it was told
    const Counters& counters() const noexcept;

private:
    class State;
    std::shared_ptr<State> state_; ///< shared with the call on the stack
};

} // namespace ioloop
