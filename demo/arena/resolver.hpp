// SPDX-License-Identifier: MIT
/// Resolver: the addresses of a name, without waiting for them.
///
/// The system's getaddrinfo() can take half a minute and cannot be interrupted, so it runs on a thread that
/// nobody waits for: whoever loses interest, or is destroyed, leaves it to finish alone. What it found is
/// posted to the loop with add_callback(), unless by then the resolver or the loop is gone.
#pragma once

#include "address.hpp"

#include <ioloop/io_loop.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

namespace arena {

class Resolver {
public:
    using Addresses = std::vector<Address>;
    using Done = std::function<void(std::error_code error, Addresses addresses)>;
    /// Blocks; runs on a thread of its own. look_up() unless a test says otherwise.
    using LookUp =
        std::function<Addresses(const std::string& host, std::uint16_t port, std::error_code& error)>;

    explicit Resolver(ioloop::IOLoop& loop, LookUp look_up = arena::look_up);
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;
    ~Resolver(); ///< cancels

    /// Calls `done` once, in a later turn: with addresses, or with an error; `timed_out` after `timeout`. A
    /// numeric address needs no thread. A resolution under way is cancelled. `done` may destroy the
    /// resolver.
    void resolve(const std::string& host, std::uint16_t port, ioloop::Duration timeout, Done done);

    /// After it returns `done` is not called.
    void cancel() noexcept;

private:
    class Request;
    class Closed;

    ioloop::IOLoop& loop_;
    LookUp look_up_;
    std::shared_ptr<Request> request_;
};

} // namespace arena
