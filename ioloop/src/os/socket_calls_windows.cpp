// SPDX-License-Identifier: MIT
#include "process.hpp"
#include "socket_calls.hpp"
#include "winsock.hpp"

#include <algorithm>
#include <climits>
#include <utility>

#include <ws2tcpip.h>

namespace ioloop {
namespace {

using Family = SocketAddress::Family;

/// In the words that callers look for: libstdc++ 12 does not know that Winsock's numbers mean the same.
std::error_code error_of(int code) noexcept {
    constexpr std::pair<int, std::errc> known[] = {
        {WSAEWOULDBLOCK, std::errc::resource_unavailable_try_again},
        {WSAECONNREFUSED, std::errc::connection_refused},
        {WSAECONNRESET, std::errc::connection_reset},
        {WSAECONNABORTED, std::errc::connection_aborted},
        {WSAESHUTDOWN, std::errc::broken_pipe},
        {WSAENOTCONN, std::errc::not_connected},
        {WSAETIMEDOUT, std::errc::timed_out},
        {WSAEADDRINUSE, std::errc::address_in_use},
        {WSAEADDRNOTAVAIL, std::errc::address_not_available},
        {WSAEAFNOSUPPORT, std::errc::address_family_not_supported},
        {WSAENETDOWN, std::errc::network_down},
        {WSAENETUNREACH, std::errc::network_unreachable},
        {WSAEHOSTUNREACH, std::errc::host_unreachable},
        {WSAEACCES, std::errc::permission_denied},
        {WSAENOTSOCK, std::errc::not_a_socket},
        {WSAEINVAL, std::errc::invalid_argument},
        {WSAEINTR, std::errc::interrupted},
    };
    for (const auto& [number, meaning] : known) {
        if (number == code) return std::make_error_code(meaning);
    }
    return {code, std::system_category()};
}

std::error_code socket_error() noexcept { return error_of(::WSAGetLastError()); }

int length(const SocketAddress& address) noexcept { return static_cast<int>(address.size()); }
int length(std::size_t bytes) noexcept { return static_cast<int>(std::min<std::size_t>(bytes, INT_MAX)); }
const char* as_chars(std::span<const std::uint8_t> bytes) noexcept {
    return reinterpret_cast<const char*>(bytes.data());
}
char* as_chars(std::span<std::uint8_t> bytes) noexcept { return reinterpret_cast<char*>(bytes.data()); }

void set_option(Fd fd, int level, int option, int value = 1) noexcept {
    ::setsockopt(to_socket(fd), level, option, reinterpret_cast<const char*>(&value), sizeof value);
}

struct AddressBuffer {
    sockaddr_storage storage{};
    int size = sizeof(sockaddr_storage);

    sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
    SocketAddress made() const noexcept {
        return {reinterpret_cast<const sockaddr*>(&storage), static_cast<std::size_t>(size)};
    }
};

std::size_t moved(int result, std::error_code& error) noexcept {
    error.clear();
    if (result >= 0) return static_cast<std::size_t>(result);
    error = socket_error();
    return 0;
}

} // namespace

Fd open_socket(Family family, SocketType type, std::error_code& error) noexcept {
    error = start_winsock();
    if (error) return invalid_fd;
    if (family != Family::ipv4 &&
        family != Family::ipv6) { // unix sockets: there are, but nothing protects the file
        error = std::make_error_code(std::errc::address_family_not_supported);
        return invalid_fd;
    }
    const Fd fd = to_fd(::socket(family == Family::ipv4 ? AF_INET : AF_INET6,
                                 type == SocketType::stream ? SOCK_STREAM : SOCK_DGRAM, 0));
    if (fd == invalid_fd) {
        error = socket_error();
        return invalid_fd;
    }
    prepare_fd(fd, error);
    if (error) {
        close_fd(fd);
        return invalid_fd;
    }
    if (type == SocketType::stream) {
        set_no_delay(fd, true);
    } else {
        // Else a datagram to a port where nobody listens makes the next receive fail (WSAECONNRESET).
        BOOL report = FALSE;
        DWORD size = 0;
        ::WSAIoctl(to_socket(fd), _WSAIOW(IOC_VENDOR, 12) /* SIO_UDP_CONNRESET */, &report, sizeof report,
                   nullptr, 0, &size, nullptr, nullptr);
    }
    return fd;
}

std::array<Fd, 2> open_socket_pair(std::error_code& error) noexcept {
    const auto give_up = [](std::initializer_list<Fd> fds) {
        for (const Fd fd : fds) {
            if (fd != invalid_fd) close_fd(fd);
        }
        return std::array<Fd, 2>{invalid_fd, invalid_fd};
    };
    const Fd listener = open_socket(Family::ipv4, SocketType::stream, error);
    if (error) return {invalid_fd, invalid_fd};
    listen_on(listener, SocketAddress::loopback(0), {}, error);
    if (error) return give_up({listener});
    const Fd first = open_socket(Family::ipv4, SocketType::stream, error);
    if (!error) connect_socket(first, local_address(listener), error);
    if (error) return give_up({listener, first});
    // On loopback it is there at once; anybody else could be too, and is sent away.
    for (int i = 0; i < 1000; ++i) {
        const Fd second = accept_from(listener, nullptr, error);
        if (second == invalid_fd) {
            ::Sleep(1);
        } else if (peer_address(second) == local_address(first)) {
            close_fd(listener);
            error.clear();
            return {first, second};
        } else {
            close_fd(second);
        }
    }
    return give_up({listener, first});
}

void prepare_fd(Fd fd, std::error_code& error) noexcept {
    error.clear();
    u_long non_blocking = 1;
    ::SetHandleInformation(reinterpret_cast<HANDLE>(fd), HANDLE_FLAG_INHERIT, 0);
    if (::ioctlsocket(to_socket(fd), static_cast<long>(FIONBIO), &non_blocking) != 0) error = socket_error();
}

void bind_socket(Fd fd, const SocketAddress& at, std::error_code& error) noexcept {
    error.clear();
    if (::bind(to_socket(fd), at.data(), length(at)) != 0) error = socket_error();
}

void listen_on(Fd fd, const SocketAddress& at, const ListenOptions& options,
               std::error_code& error) noexcept {
    set_option(fd, SOL_SOCKET, SO_EXCLUSIVEADDRUSE); // else another program may listen there too
    if (at.family() == Family::ipv6) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only ? 1 : 0);
    bind_socket(fd, at, error);
    if (!error && ::listen(to_socket(fd), options.backlog) != 0) error = socket_error();
}

void connect_socket(Fd fd, const SocketAddress& to, std::error_code& error) noexcept {
    error.clear();
    if (::connect(to_socket(fd), to.data(), length(to)) != 0 && ::WSAGetLastError() != WSAEWOULDBLOCK) {
        error = socket_error();
    }
}

std::error_code connect_error(Fd fd) noexcept {
    int code = 0;
    int size = sizeof code;
    if (::getsockopt(to_socket(fd), SOL_SOCKET, SO_ERROR, reinterpret_cast<char*>(&code), &size) != 0)
        return socket_error();
    if (code != 0) return error_of(code);
    AddressBuffer peer;
    if (::getpeername(to_socket(fd), peer.get(), &peer.size) != 0) return socket_error();
    if (peer.made() == local_address(fd)) // connected to itself, as TCP can be: see socket_calls.cpp
        return std::make_error_code(std::errc::connection_refused);
    return {};
}

Fd accept_from(Fd listener, SocketAddress* peer, std::error_code& error) noexcept {
    error.clear();
    AddressBuffer from;
    const Fd fd = to_fd(::accept(to_socket(listener), from.get(), &from.size));
    if (fd == invalid_fd) {
        error = socket_error();
        return invalid_fd;
    }
    prepare_fd(fd, error);
    if (error) {
        close_fd(fd);
        return invalid_fd;
    }
    set_no_delay(fd, true);
    if (peer != nullptr) *peer = from.made();
    return fd;
}

bool is_listening(Fd fd) noexcept {
    BOOL listens = FALSE;
    int size = sizeof listens;
    return ::getsockopt(to_socket(fd), SOL_SOCKET, SO_ACCEPTCONN, reinterpret_cast<char*>(&listens), &size) ==
               0 &&
           listens != FALSE;
}

std::size_t send_bytes(Fd fd, std::span<const std::uint8_t> bytes, std::error_code& error) noexcept {
    return moved(::send(to_socket(fd), as_chars(bytes), length(bytes.size()), 0), error);
}

std::size_t receive_bytes(Fd fd, std::span<std::uint8_t> into, std::error_code& error) noexcept {
    return moved(::recv(to_socket(fd), as_chars(into), length(into.size()), 0), error);
}

void send_datagram(Fd fd, std::span<const std::uint8_t> bytes, const SocketAddress& to,
                   std::error_code& error) noexcept {
    moved(to ? ::sendto(to_socket(fd), as_chars(bytes), length(bytes.size()), 0, to.data(), length(to))
             : ::send(to_socket(fd), as_chars(bytes), length(bytes.size()), 0),
          error);
}

std::size_t receive_datagram(Fd fd, std::span<std::uint8_t> into, SocketAddress& from,
                             std::error_code& error) noexcept {
    AddressBuffer sender;
    std::size_t size = moved(
        ::recvfrom(to_socket(fd), as_chars(into), length(into.size()), 0, sender.get(), &sender.size), error);
    if (error.value() == WSAEMSGSIZE) { // it does not tell how much more there was
        error.clear();
        size = into.size() + 1;
    }
    from = error ? SocketAddress() : sender.made();
    return size;
}

void shut_down_sending(Fd fd, std::error_code& error) noexcept {
    error.clear();
    if (::shutdown(to_socket(fd), SD_SEND) != 0) error = socket_error();
}

SocketAddress local_address(Fd fd) noexcept {
    AddressBuffer address;
    return ::getsockname(to_socket(fd), address.get(), &address.size) == 0 ? address.made() : SocketAddress();
}

SocketAddress peer_address(Fd fd) noexcept {
    AddressBuffer address;
    return ::getpeername(to_socket(fd), address.get(), &address.size) == 0 ? address.made() : SocketAddress();
}

void set_no_delay(Fd fd, bool on) noexcept { set_option(fd, IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0); }

void set_buffer_sizes(Fd fd, int receive, int send) noexcept {
    if (receive > 0) set_option(fd, SOL_SOCKET, SO_RCVBUF, receive);
    if (send > 0) set_option(fd, SOL_SOCKET, SO_SNDBUF, send);
}

bool out_of_descriptors(const std::error_code& error) noexcept {
    const int code = error.category() == std::system_category() ? error.value() : 0;
    return code == WSAEMFILE || code == WSAENOBUFS || error == std::errc::too_many_files_open ||
           error == std::errc::no_buffer_space || error == std::errc::not_enough_memory;
}

SocketFile::SocketFile(const SocketAddress&) noexcept {}
SocketFile::SocketFile(SocketFile&&) noexcept = default;
SocketFile& SocketFile::operator=(SocketFile&&) noexcept = default;
SocketFile::~SocketFile() = default;

} // namespace ioloop
