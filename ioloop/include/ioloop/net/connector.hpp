// SPDX-License-Identifier: MIT
/// Connector: one connection, to whichever of several addresses answers first. Floor 3.
///
/// Addresses of the two families take turns, beginning with that of the first; the next one is tried when one has
/// failed, or has not answered for a while ("happy eyeballs", RFC 8305): a dead IPv6 route costs a quarter of a second
/// rather than minutes. Those that lose are given up.
///
/// How one address is tried is a function, so that this is nothing but the rules: socket_connect() makes the one for
/// TCP. Most programs want TcpClient, which has the names too.
///
/// Lifetime: may be destroyed inside its `done`, and after the loop. Thread: the loop's.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/function.hpp>
#include <ioloop/ids.hpp>
#include <ioloop/io_loop.hpp>
#include <ioloop/net/socket.hpp>
#include <ioloop/net/socket_address.hpp>
#include <ioloop/poster.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <system_error>
#include <vector>

namespace ioloop {

class Connector {
public:
    /// One address that is being tried. To destroy it is to give it up; its answer may do that.
    class Attempt {
    public:
        Attempt() = default;
        Attempt(const Attempt&) = delete;
        Attempt& operator=(const Attempt&) = delete;
        virtual ~Attempt() = default;
    };
    /// A connected socket, or an error.
    using Answer = Function<void(std::error_code error, Socket socket)>;
    /// Tries `to`. Calls `answer` once, later, unless the Attempt is gone by then. Null, with an error: failed at once.
    using Connect =
        Function<std::unique_ptr<Attempt>(const SocketAddress& to, Answer answer, std::error_code& error)>;

    struct Options {
        Duration stagger = std::chrono::milliseconds(250); ///< for so long an address is tried alone
        TimePoint deadline = never;                        ///< of all of it
    };

    /// Begins with the first address. Calls `done` once, in a later call of the loop: with the first connection, with
    /// `timed_out` at the deadline, or, when all addresses have failed, with the error of the last.
    /// Errors: invalid_argument for a null function; logic_error if the loop is closed.
    Connector(IOLoop& loop, std::vector<SocketAddress> addresses, const Options& options, Connect connect,
              Answer done);
    Connector(const Connector&) = delete;
    Connector& operator=(const Connector&) = delete;
    ~Connector(); ///< gives up; `done` is not called any more

    /// In which order they are tried: each family keeps its own.
    static std::vector<SocketAddress> in_turns(std::vector<SocketAddress> addresses);

private:
    void try_next();
    void on_answer(std::size_t index, std::error_code error, Socket socket);
    void finish(std::error_code error, Socket socket);
    void disarm() noexcept;

    Poster loop_;
    const std::vector<SocketAddress> addresses_;
    std::size_t next_ = 0; ///< of addresses_
    Duration stagger_;
    Connect connect_;
    Answer done_;
    std::map<std::size_t, std::unique_ptr<Attempt>> attempts_; ///< by index of their address
    std::error_code last_error_;
    Timeout next_attempt_;
    Timeout deadline_;
};

/// Tries addresses by sockets of `loop`. `from`: the address of this machine to come from; none: the system chooses.
Connector::Connect socket_connect(IOLoop& loop, const SocketAddress& from = {});

} // namespace ioloop
