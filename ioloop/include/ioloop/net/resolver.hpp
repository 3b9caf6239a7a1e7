// SPDX-License-Identifier: MIT
/// Resolver: the addresses of a name, without waiting for them. Floor 3.
///
///     for (const SocketAddress& address : co_await resolver.resolve("example.com", 80, 5s)) ...
///
/// The system's getaddrinfo() can take half a minute, and cannot be interrupted. It runs on a thread of an executor, and
/// nobody waits for that: who loses interest, or is destroyed, leaves it to finish alone. A thread that is stuck is one
/// that the executor lacks; programs that ask dead name servers many questions give the resolver a pool of its own.
///
/// Thread: the loop's.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/executor.hpp>
#include <ioloop/future.hpp>
#include <ioloop/io_loop.hpp>
#include <ioloop/net/socket_address.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace ioloop {

/// Asks the system (getaddrinfo) for the addresses of a stream, best first, each once.
/// Errors: in lookup_category(), or what the system says. Thread: any. Blocks.
std::vector<SocketAddress> look_up(const std::string& host, std::uint16_t port, std::error_code& error);

/// The errors of names: the system's numbers, in its own words (gai_strerror).
const std::error_category& lookup_category() noexcept;

/// Virtual, so that another way to ask, c-ares say, can take its place.
class Resolver {
public:
    using Addresses = std::vector<SocketAddress>;
    using LookUp = std::function<Addresses(const std::string& host, std::uint16_t port, std::error_code&)>;

    struct Options {
        Executor* executor = nullptr; ///< null: the loop's. Lifetime: longer than the resolver
        /// Thread: the executor's, several at once.
        LookUp look_up = ioloop::look_up;
        /// What is answered for these hosts, whatever anybody else says; port 0 stands for the one that is asked for.
        std::map<std::string, SocketAddress, std::less<>> overrides = {};
    };

    explicit Resolver(IOLoop& loop);
    Resolver(IOLoop& loop, Options options);
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;
    /// What was asked before is answered still.
    virtual ~Resolver() = default;

    /// The addresses of `host`, best first, at least one. What is known() is there when this returns. Cancel the future
    /// to ask no more.
    /// Errors, of the future: std::system_error, as look_up(); invalid_argument for no name, or one with a zero byte;
    /// TimeoutError after `timeout`. logic_error, at once: the loop is closed, and this is not known().
    virtual Future<Addresses> resolve(std::string host, std::uint16_t port, Duration timeout = forever);

    /// What needs no question: numeric addresses, "localhost", which is this machine whatever a name server says
    /// (RFC 6761), and "unix:/run/x.sock", where the port does not matter. Empty for everything else.
    static Addresses known(std::string_view host, std::uint16_t port);

private:
    class Question;

    IOLoop& loop_;
    Options options_;
};

} // namespace ioloop
