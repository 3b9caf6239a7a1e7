// SPDX-License-Identifier: MIT
/// SocketAddress: where a socket is, or leads: an IP address and a port, or the path of a unix socket. A value.
/// Floor 1.
///
/// Asks nobody for a name: that takes time, and a Resolver (resolver.hpp).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

struct sockaddr;

namespace ioloop {

class SocketAddress {
public:
    enum class Family : std::uint8_t { none, ipv4, ipv6, unix_path };

    SocketAddress() = default; ///< no address
    /// As the system has it; none if it is of another family, or does not fit.
    SocketAddress(const sockaddr* from, std::size_t size) noexcept;

    /// "127.0.0.1", "::1" or "fe80::1%2" (the interface by its number). None if it is not numeric: empty, with a zero
    /// byte, too long.
    static SocketAddress numeric(std::string_view host, std::uint16_t port) noexcept;
    /// A path that begins with a zero byte is a name without a file ("abstract"; Linux). None if it is empty or too
    /// long for the system: about a hundred bytes.
    static SocketAddress unix_path(std::string_view path) noexcept;
    static SocketAddress loopback(std::uint16_t port, Family family = Family::ipv4) noexcept;
    /// Every address of this machine, to listen at.
    static SocketAddress any(std::uint16_t port, Family family = Family::ipv4) noexcept;
    /// What to_string() writes: "127.0.0.1:4242", "[::1]:4242", "unix:/run/x.sock", "unix:@name" for an abstract one;
    /// and "localhost:4242".
    static SocketAddress parse(std::string_view text) noexcept;

    explicit operator bool() const noexcept { return size_ != 0; }
    Family family() const noexcept;
    std::uint16_t port() const noexcept; ///< 0 if it has none
    void set_port(std::uint16_t port) noexcept;
    /// Reached from this machine only: 127.0.0.0/8, also by way of IPv6, ::1, and every unix socket.
    bool is_loopback() const noexcept;

    bool is_abstract() const noexcept; ///< a unix socket without a file: no permissions protect it

    std::string host() const; ///< "127.0.0.1"; empty for unix sockets
    std::string path() const; ///< of a unix socket; empty for others, and for an end without a name
    std::string to_string() const;

    /// For the system's calls.
    const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(bytes_.data()); }
    std::size_t size() const noexcept { return size_; }

    friend bool operator==(const SocketAddress& a, const SocketAddress& b) noexcept;

private:
    static constexpr std::size_t capacity = 112; ///< of a sockaddr_un, which is the largest
    alignas(8) std::array<std::byte, capacity> bytes_{};
    std::uint8_t size_ = 0;
};

} // namespace ioloop
