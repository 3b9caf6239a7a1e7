// SPDX-License-Identifier: MIT
/// ListenOptions: how a socket listens. A value. Floor 0.
#pragma once

#include <cstdint>

namespace ioloop {

struct ListenOptions {
    int backlog = 128;         ///< connections that wait for accept(); the system may have less
    bool reuse_port = false;   ///< several sockets, of several processes, share the port (not on Windows)
    bool ipv6_only = true;     ///< no IPv4 by way of an IPv6 socket, whatever the system's habit is
    std::uint32_t mode = 0600; ///< of a unix socket's file: the user alone
};

} // namespace ioloop
