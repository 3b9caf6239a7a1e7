// SPDX-License-Identifier: MIT
#include "traffic.hpp"

#include <cstddef>
#include <cstdint>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#if defined(__linux__)
#include <linux/sock_diag.h> // in place of <netinet/tcp.h>, whose tcp_info ends before the counts of bytes
#include <linux/tcp.h>
#include <netinet/in.h>
#endif

namespace ioloop {
namespace {

using Kind = Descriptor::Kind;

Events readiness_of(Fd fd) noexcept {
    pollfd one{fd, POLLIN | POLLOUT, 0};
    Events ready = Events::none;
    if (::poll(&one, 1, 0) != 1) return ready;
    if ((one.revents & POLLIN) != 0) ready = ready | Events::read;
    if ((one.revents & POLLOUT) != 0) ready = ready | Events::write;
    if ((one.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) ready = ready | Events::error;
    return ready;
}

#if defined(__linux__)
/// Since the connection began. A send over loopback may have been acknowledged when it returns, so that the queue never
/// shows it.
std::optional<std::uint64_t> tcp_bytes_sent(Fd fd) noexcept {
    tcp_info info{};
    socklen_t length = sizeof info;
    if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return {};
    if (length < offsetof(tcp_info, tcpi_bytes_sent) + sizeof info.tcpi_bytes_sent)
        return {}; // before Linux 4.19
    return info.tcpi_bytes_sent;
}

/// In all datagrams that wait; FIONREAD tells of the first alone.
std::optional<std::uint64_t> received_memory(Fd fd) noexcept {
    std::uint32_t memory[SK_MEMINFO_VARS] = {};
    socklen_t length = sizeof memory;
    if (::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &length) != 0) return {}; // before Linux 4.12
    return memory[SK_MEMINFO_RMEM_ALLOC];
}
#else
std::optional<std::uint64_t> tcp_bytes_sent(Fd) noexcept { return {}; }
std::optional<std::uint64_t> received_memory(Fd) noexcept { return {}; }
#endif

} // namespace

Traffic traffic_of(Fd fd, Kind kind) noexcept {
    Traffic out;
    out.ready = readiness_of(fd);
    switch (kind) {
    case Kind::tcp: {
        const QueuedBytes queued = queued_bytes(fd);
        out.unread = queued.in;
        const auto sent = tcp_bytes_sent(fd);
        if (sent && queued.out) out.written = *sent + *queued.out;
        break;
    }
    case Kind::tcp_listener: out.unread = describe(fd).accept_queue; break;
    case Kind::udp: out.unread = received_memory(fd); break;
    case Kind::unix_stream: {
        const QueuedBytes queued = queued_bytes(fd);
        out.unread = queued.in;
        out.written = queued.out;
        break;
    }
    case Kind::unix_datagram: out.written = queued_bytes(fd).out; break;
    case Kind::pipe: out.unread = out.written = queued_bytes(fd).in; break;
    case Kind::eventfd: out.unread = out.written = describe(fd).event_count; break;
    case Kind::terminal: out.unread = queued_bytes(fd).in; break;
    case Kind::closed:
    case Kind::file:
    case Kind::timerfd:
    case Kind::epoll:
    case Kind::other: break;
    }
    return out;
}

bool is_blocking(Fd fd) noexcept {
    const int flags = ::fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_NONBLOCK) == 0;
}

} // namespace ioloop
