// SPDX-License-Identifier: MIT
#include "process.hpp"
#include "stream_socket.hpp"
#include "winsock.hpp"

#include <algorithm>
#include <climits>
#include <cstring>

#include <ws2tcpip.h>

namespace ioloop {
namespace {

using Family = LoopbackAddress::Family;

struct SystemAddress {
    sockaddr_storage storage{};
    int size = sizeof(sockaddr_storage);

    const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
    sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
};

std::error_code last_error() noexcept {
    const int code = ::WSAGetLastError();
    if (code == WSAEWOULDBLOCK) return std::make_error_code(std::errc::resource_unavailable_try_again);
    return {code, std::system_category()};
}

template <class To> void store(SystemAddress& to, const To& from) noexcept {
    std::memcpy(&to.storage, &from, sizeof from);
    to.size = sizeof from;
}

SystemAddress system_address(const LoopbackAddress& address, std::error_code& error) noexcept {
    SystemAddress made;
    switch (address.family) {
    case Family::unix_path: // there are such, since 2018, but nothing protects the file
        error = std::make_error_code(std::errc::address_family_not_supported);
        break;
    case Family::ipv4: {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_port = ::htons(address.port);
        at.sin_addr.s_addr = ::htonl(address.host);
        store(made, at);
        break;
    }
    case Family::ipv6: {
        sockaddr_in6 at{};
        at.sin6_family = AF_INET6;
        at.sin6_port = ::htons(address.port);
        at.sin6_addr.s6_addr[15] = 1;
        store(made, at);
        break;
    }
    }
    return made;
}

void set_option(Fd fd, int level, int option) noexcept {
    const int on = 1;
    ::setsockopt(to_socket(fd), level, option, reinterpret_cast<const char*>(&on), sizeof on);
}

bool prepare(Fd fd) noexcept {
    u_long non_blocking = 1;
    ::SetHandleInformation(reinterpret_cast<HANDLE>(fd), HANDLE_FLAG_INHERIT, 0);
    set_option(fd, IPPROTO_TCP, TCP_NODELAY);
    return ::ioctlsocket(to_socket(fd), static_cast<long>(FIONBIO), &non_blocking) == 0;
}

Fd make(const SystemAddress& address, std::error_code& error) noexcept {
    error = start_winsock();
    if (error) return invalid_fd;
    const Fd fd = to_fd(::socket(address.storage.ss_family, SOCK_STREAM, 0));
    if (fd != invalid_fd && prepare(fd)) return fd;
    error = last_error();
    if (fd != invalid_fd) close_fd(fd);
    return invalid_fd;
}

} // namespace

StreamSocket::~StreamSocket() {
    if (fd_ != invalid_fd) close_fd(fd_);
}

StreamSocket StreamSocket::listen(LoopbackAddress& address, std::error_code& error) noexcept {
    error.clear();
    SystemAddress at = system_address(address, error);
    if (error) return {};
    StreamSocket made(make(at, error));
    if (!made) return {};
    set_option(made.fd_, SOL_SOCKET, SO_EXCLUSIVEADDRUSE); // else another program may listen there too
    if (::bind(to_socket(made.fd_), at.get(), at.size) != 0 || ::listen(to_socket(made.fd_), 8) != 0) {
        error = last_error();
        return {};
    }
    if (::getsockname(to_socket(made.fd_), at.get(), &at.size) == 0) {
        // The port is at the same place in both.
        static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
        sockaddr_in bound{};
        std::memcpy(&bound, &at.storage, sizeof bound);
        address.port = ::ntohs(bound.sin_port);
    }
    return made;
}

StreamSocket StreamSocket::connect(const LoopbackAddress& address, std::error_code& error) noexcept {
    error.clear();
    const SystemAddress at = system_address(address, error);
    if (error) return {};
    StreamSocket made(make(at, error));
    if (!made) return {};
    if (::connect(to_socket(made.fd_), at.get(), at.size) != 0 && ::WSAGetLastError() != WSAEWOULDBLOCK) {
        error = last_error();
        return {};
    }
    return made;
}

StreamSocket StreamSocket::accept(std::error_code& error) noexcept {
    error.clear();
    StreamSocket made(to_fd(::accept(to_socket(fd_), nullptr, nullptr)));
    if (!made || !prepare(made.fd_)) {
        error = last_error();
        return {};
    }
    return made;
}

std::error_code StreamSocket::connected() noexcept {
    int code = 0;
    int size = sizeof code;
    if (::getsockopt(to_socket(fd_), SOL_SOCKET, SO_ERROR, reinterpret_cast<char*>(&code), &size) != 0)
        return last_error();
    return {code, std::system_category()};
}

std::size_t StreamSocket::send(std::span<const std::uint8_t> bytes, std::error_code& error) noexcept {
    error.clear();
    const int size = static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX));
    const int sent = ::send(to_socket(fd_), reinterpret_cast<const char*>(bytes.data()), size, 0);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    error = last_error();
    return 0;
}

std::size_t StreamSocket::receive(std::span<std::uint8_t> into, std::error_code& error) noexcept {
    error.clear();
    const int size = static_cast<int>(std::min<std::size_t>(into.size(), INT_MAX));
    const int received = ::recv(to_socket(fd_), reinterpret_cast<char*>(into.data()), size, 0);
    if (received >= 0) return static_cast<std::size_t>(received);
    error = last_error();
    return 0;
}

SocketFile::SocketFile(const LoopbackAddress&) noexcept {}
SocketFile::~SocketFile() = default;

} // namespace ioloop
