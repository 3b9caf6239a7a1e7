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

const char* name_of(Descriptor::TcpState state) noexcept {
    switch (state) {
    case Descriptor::TcpState::unknown: return "";
    case Descriptor::TcpState::established: return "established";
    case Descriptor::TcpState::syn_sent: return "syn_sent";
    case Descriptor::TcpState::syn_received: return "syn_received";
    case Descriptor::TcpState::fin_wait_1: return "fin_wait_1";
    case Descriptor::TcpState::fin_wait_2: return "fin_wait_2";
    case Descriptor::TcpState::time_wait: return "time_wait";
    case Descriptor::TcpState::closed: return "closed";
    case Descriptor::TcpState::close_wait: return "close_wait";
    case Descriptor::TcpState::last_ack: return "last_ack";
    case Descriptor::TcpState::listen: return "listen";
    case Descriptor::TcpState::closing: return "closing";
    }
    return "?";
}

} // namespace ioloop
