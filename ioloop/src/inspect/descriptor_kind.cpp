// SPDX-License-Identifier: MIT
#include <ioloop/inspect/descriptor.hpp>

namespace ioloop {

const char* name_of(Descriptor::Kind kind) noexcept {
    switch (kind) {
    case Descriptor::Kind::closed: return "closed";
    case Descriptor::Kind::tcp: return "tcp";
    case Descriptor::Kind::tcp_listener: return "tcp listener";
    case Descriptor::Kind::udp: return "udp";
    case Descriptor::Kind::unix_stream: return "unix stream";
    case Descriptor::Kind::unix_datagram: return "unix datagram";
    case Descriptor::Kind::pipe: return "pipe";
    case Descriptor::Kind::terminal: return "terminal";
    case Descriptor::Kind::file: return "file";
    case Descriptor::Kind::eventfd: return "eventfd";
    case Descriptor::Kind::timerfd: return "timerfd";
    case Descriptor::Kind::epoll: return "epoll";
    case Descriptor::Kind::other: return "other";
    }
    return "?";
}

} // namespace ioloop
