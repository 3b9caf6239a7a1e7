// SPDX-License-Identifier: MIT
/// cares::Resolver: a Resolver that asks name servers itself, by c-ares, on the loop: without threads. Floor 4.
///
///     cares::Resolver resolver(loop);
///     TcpClient client(loop, &resolver);
///
/// A name server that is dead costs a timeout here, and no thread. What the system knows beside DNS (mDNS, LDAP) c-ares
/// does not; it reads /etc/hosts and /etc/resolv.conf, on the loop's thread.
///
/// Lifetime: what was asked is cancelled (CancelledError) when the resolver goes; the loop may be closed or destroyed
/// first. Thread: the loop's.
#pragma once

#include <ioloop/net/resolver.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>

namespace ioloop::cares {

/// Of c-ares' statuses, in its words.
const std::error_category& error_category() noexcept;

class Resolver final : public ioloop::Resolver {
public:
    struct Options {
        std::string servers = {};                    ///< "192.0.2.1:53,192.0.2.2"; empty: the system's
        Duration patience = std::chrono::seconds(2); ///< with a server, at the first try; it is doubled
        int tries = 3;                               ///< of each server
    };

    /// Errors: std::system_error, in error_category(), for servers that make no sense.
    explicit Resolver(IOLoop& loop);
    Resolver(IOLoop& loop, const Options& options);
    ~Resolver() override;

    /// As ioloop::Resolver's; errors are in error_category().
    Future<Addresses> resolve(std::string host, std::uint16_t port, Duration timeout = forever) override;

private:
    class Channel;
    IOLoop& loop_;
    std::shared_ptr<Channel> channel_; ///< shared with the call on the stack
};

} // namespace ioloop::cares
