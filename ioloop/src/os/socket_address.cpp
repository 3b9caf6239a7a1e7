// SPDX-License-Identifier: MIT
#include <ioloop/net/socket_address.hpp>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#ifdef _WIN32
#include "winsock.hpp"

#include <afunix.h>
#include <ws2tcpip.h>
#else
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#endif

namespace ioloop {
namespace {

constexpr std::string_view unix_prefix = "unix:";
constexpr std::size_t path_at = offsetof(sockaddr_un, sun_path);

/// All of `text`, as a number of at most `most`.
std::optional<std::uint32_t> number(std::string_view text, std::uint32_t most) noexcept {
    std::uint32_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || stop != end || value > most) return std::nullopt;
    return value;
}

/// inet_pton() wants a zero at the end.
struct ShortText {
    char text[64] = "";
    explicit ShortText(std::string_view from) noexcept {
        if (from.size() < sizeof text && from.find('\0') == std::string_view::npos)
            std::copy(from.begin(), from.end(), text);
    }
};

template <class T> SocketAddress made_of(const T& from) noexcept {
    return {reinterpret_cast<const sockaddr*>(&from), sizeof from};
}

template <class T> T as(const SocketAddress& address) noexcept {
    T value{};
    std::memcpy(&value, address.data(), std::min(sizeof value, address.size()));
    return value;
}

} // namespace

SocketAddress::SocketAddress(const sockaddr* from, std::size_t size) noexcept {
    static_assert(sizeof(sockaddr_un) <= capacity && sizeof(sockaddr_in6) <= capacity);
    if (size < sizeof from->sa_family) return;
    switch (from->sa_family) {
    case AF_INET:
        if (size < sizeof(sockaddr_in)) return;
        size = sizeof(sockaddr_in);
        break;
    case AF_INET6:
        if (size < sizeof(sockaddr_in6)) return;
        size = sizeof(sockaddr_in6);
        break;
    case AF_UNIX: size = std::min(size, sizeof(sockaddr_un)); break;
    default: return;
    }
    std::memcpy(bytes_.data(), from, size);
    size_ = static_cast<std::uint8_t>(size);
}

SocketAddress SocketAddress::numeric(std::string_view host, std::uint16_t port) noexcept {
    if (host.find(':') == std::string_view::npos) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_port = htons(port);
        if (::inet_pton(AF_INET, ShortText(host).text, &at.sin_addr) != 1) return {};
        return made_of(at);
    }
    sockaddr_in6 at{};
    at.sin6_family = AF_INET6;
    at.sin6_port = htons(port);
    if (const std::size_t percent = host.find('%'); percent != std::string_view::npos) {
        const auto scope = number(host.substr(percent + 1), UINT32_MAX);
        if (!scope) return {};
        at.sin6_scope_id = *scope;
        host = host.substr(0, percent);
    }
    if (::inet_pton(AF_INET6, ShortText(host).text, &at.sin6_addr) != 1) return {};
    return made_of(at);
}

SocketAddress SocketAddress::unix_path(std::string_view path) noexcept {
    sockaddr_un at{};
    const bool abstract = !path.empty() && path.front() == '\0';
    // A path ends with a zero byte, an abstract name with its last one.
    if (path.empty() || path.size() + (abstract ? 0 : 1) > sizeof at.sun_path) return {};
    if (!abstract && path.find('\0') != std::string_view::npos) return {};
    at.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), at.sun_path);
    return {reinterpret_cast<const sockaddr*>(&at), path_at + path.size() + (abstract ? 0 : 1)};
}

SocketAddress SocketAddress::loopback(std::uint16_t port, Family family) noexcept {
    return numeric(family == Family::ipv6 ? "::1" : "127.0.0.1", port);
}

SocketAddress SocketAddress::any(std::uint16_t port, Family family) noexcept {
    return numeric(family == Family::ipv6 ? "::" : "0.0.0.0", port);
}

SocketAddress SocketAddress::parse(std::string_view text) noexcept {
    if (text.substr(0, unix_prefix.size()) == unix_prefix) {
        text.remove_prefix(unix_prefix.size());
        if (text.empty() || text.front() != '@') return unix_path(text);
        char name[capacity] = ""; // the first byte stays zero
        if (text.size() > sizeof name) return {};
        std::copy(text.begin() + 1, text.end(), name + 1);
        return unix_path({name, text.size()});
    }
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return {};
    const auto port = number(text.substr(colon + 1), UINT16_MAX);
    std::string_view host = text.substr(0, colon);
    const bool brackets = host.size() >= 2 && host.front() == '[' && host.back() == ']';
    if (!port || brackets != (host.find(':') != std::string_view::npos)) return {};
    if (brackets) host = host.substr(1, host.size() - 2);
    if (host == "localhost") host = "127.0.0.1"; // no question of names (RFC 6761, section 6.3)
    return numeric(host, static_cast<std::uint16_t>(*port));
}

SocketAddress::Family SocketAddress::family() const noexcept {
    if (size_ == 0) return Family::none;
    switch (data()->sa_family) {
    case AF_INET: return Family::ipv4;
    case AF_INET6: return Family::ipv6;
    default: return Family::unix_path;
    }
}

// The port is at the same place in both.
static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));

std::uint16_t SocketAddress::port() const noexcept {
    if (family() != Family::ipv4 && family() != Family::ipv6) return 0;
    return ntohs(as<sockaddr_in>(*this).sin_port);
}

void SocketAddress::set_port(std::uint16_t port) noexcept {
    if (family() != Family::ipv4 && family() != Family::ipv6) return;
    port = htons(port);
    std::memcpy(bytes_.data() + offsetof(sockaddr_in, sin_port), &port, sizeof port);
}

bool SocketAddress::is_loopback() const noexcept {
    switch (family()) {
    case Family::none: return false;
    case Family::ipv4: return ntohl(as<sockaddr_in>(*this).sin_addr.s_addr) >> 24U == 127;
    case Family::ipv6: {
        const auto at = as<sockaddr_in6>(*this);
        constexpr std::array<std::uint8_t, 16> one{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
        // IPv4 by way of an IPv6 socket: ::ffff:127.0.0.0/104.
        constexpr std::array<std::uint8_t, 13> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127};
        return std::memcmp(&at.sin6_addr, one.data(), one.size()) == 0 ||
               std::memcmp(&at.sin6_addr, mapped.data(), mapped.size()) == 0;
    }
    case Family::unix_path: return true;
    }
    return false;
}

bool SocketAddress::is_abstract() const noexcept {
    return family() == Family::unix_path && size_ > path_at && bytes_[path_at] == std::byte{0};
}

std::string SocketAddress::host() const {
    char text[INET6_ADDRSTRLEN] = "";
    if (family() == Family::ipv4) {
        auto at = as<sockaddr_in>(*this);
        ::inet_ntop(AF_INET, &at.sin_addr, text, sizeof text);
        return text;
    }
    if (family() != Family::ipv6) return {};
    auto at = as<sockaddr_in6>(*this);
    ::inet_ntop(AF_INET6, &at.sin6_addr, text, sizeof text);
    std::string host = text;
    if (at.sin6_scope_id != 0) host.append("%").append(std::to_string(at.sin6_scope_id));
    return host;
}

std::string SocketAddress::path() const {
    if (family() != Family::unix_path || size_ <= path_at) return {};
    const char* const begin = reinterpret_cast<const char*>(bytes_.data()) + path_at;
    const std::size_t size = size_ - path_at;
    if (is_abstract()) return {begin, size};
    return {begin, std::find(begin, begin + size, '\0')};
}

std::string SocketAddress::to_string() const {
    switch (family()) {
    case Family::none: break;
    case Family::ipv4: return host().append(":").append(std::to_string(port()));
    case Family::ipv6: return std::string("[").append(host()).append("]:").append(std::to_string(port()));
    case Family::unix_path: {
        std::string text = path();
        if (is_abstract()) text.front() = '@';
        return text.insert(0, unix_prefix);
    }
    }
    return "nowhere";
}

bool operator==(const SocketAddress& a, const SocketAddress& b) noexcept {
    return a.size_ == b.size_ && std::equal(a.bytes_.begin(), a.bytes_.begin() + a.size_, b.bytes_.begin());
}

} // namespace ioloop
