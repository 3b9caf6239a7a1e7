// SPDX-License-Identifier: MIT
/// Connector: a TCP connection to one of several addresses, whichever answers first.
///
/// The addresses are tried in their order; the next one starts when the one before has failed, or has not
/// answered for a while ("happy eyeballs", RFC 8305): a dead IPv6 route costs a quarter of a second. Those
/// that lose are closed.
#pragma once

#include "address.hpp"
#include "socket.hpp"

#include <ioloop/io_loop.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <system_error>
#include <vector>

namespace arena {

class Connector {
public:
    /// A connected socket and where it leads; or an error. May destroy the connector.
    using Done = std::function<void(std::error_code error, Socket socket, Address peer)>;

    static constexpr ioloop::Duration stagger = std::chrono::milliseconds(250);

    /// Calls `done` once, in a later turn; with `timed_out` after `timeout`.
    Connector(ioloop::IOLoop& loop, std::vector<Address> addresses, ioloop::Duration timeout, Done done);
    Connector(const Connector&) = delete;
    Connector& operator=(const Connector&) = delete;
    ~Connector(); ///< after it, `done` is not called

private:
    struct Attempt {
        Socket socket;
        Address peer;
    };

    void try_next();
    void on_decided(Attempt& attempt);
    void finish(std::error_code error, Socket socket, Address peer);

    ioloop::IOLoop& loop_;
    std::vector<Address> addresses_;
    std::size_t next_ = 0;
    std::vector<std::unique_ptr<Attempt>> attempts_;
    std::error_code last_error_;
    ioloop::Timeout deadline_;
    ioloop::Timeout next_attempt_;
    Done done_;
};

} // namespace arena
