// SPDX-License-Identifier: MIT
/// describe(): asks Winsock what a socket is. Whether it blocks, how much is not yet sent, and which file it
/// is, it does not say.
#include "winsock.hpp"

#include <ioloop/inspect/descriptor.hpp>

#include <cstdio>

#include <ws2tcpip.h>

namespace ioloop {
namespace {

using Kind = Descriptor::Kind;

void print(char (&out)[Descriptor::address_size], const sockaddr_storage& address) {
    char host[INET6_ADDRSTRLEN] = {};
    if (address.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
        ::inet_ntop(AF_INET, &v4.sin_addr, host, sizeof host);
        std::snprintf(out, sizeof out, "%s:%u", host, unsigned{ntohs(v4.sin_port)});
    } else if (address.ss_family == AF_INET6) {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
        ::inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof host);
        std::snprintf(out, sizeof out, "[%s]:%u", host, unsigned{ntohs(v6.sin6_port)});
    }
}

/// The value of an option of the socket, or -1.
int option(SOCKET socket, int name) {
    int value = 0;
    int length = sizeof value;
    return ::getsockopt(socket, SOL_SOCKET, name, reinterpret_cast<char*>(&value), &length) == 0 ? value : -1;
}

std::uint64_t size_option(SOCKET socket, int name) {
    const int size = option(socket, name);
    return size > 0 ? static_cast<std::uint64_t>(size) : 0;
}

} // namespace

FileIdentity file_of(Fd) noexcept { return {}; }

QueuedBytes queued_bytes(Fd fd) noexcept {
    QueuedBytes out;
    u_long bytes = 0;
    if (!start_winsock() && fd > 0 && ::ioctlsocket(to_socket(fd), FIONREAD, &bytes) == 0) out.in = bytes;
    return out;
}

Descriptor describe(Fd fd) noexcept {
    Descriptor out;
    const SOCKET socket = to_socket(fd);
    const int type = start_winsock() || fd <= 0 ? -1 : option(socket, SO_TYPE);
    if (type < 0) {
        DWORD flags = 0;
        const bool open = fd > 0 && ::GetHandleInformation(reinterpret_cast<HANDLE>(fd), &flags) != 0;
        out.kind = open ? Kind::other : Kind::closed;
        return out;
    }
    const bool stream = type == SOCK_STREAM;
    const bool listening = stream && option(socket, SO_ACCEPTCONN) > 0;
    sockaddr_storage address{};
    int length = sizeof address;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) == 0) print(out.local, address);
    const bool local = address.ss_family == AF_UNIX;
    out.kind = local ? (stream ? Kind::unix_stream : Kind::unix_datagram)
                     : (stream ? (listening ? Kind::tcp_listener : Kind::tcp) : Kind::udp);
    address = {};
    length = sizeof address;
    if (::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &length) == 0) print(out.peer, address);
    out.receive_buffer = size_option(socket, SO_RCVBUF);
    out.send_buffer = size_option(socket, SO_SNDBUF);
    if (!listening) out.bytes_in = queued_bytes(fd).in.value_or(0);
    return out;
}

} // namespace ioloop
