// SPDX-License-Identifier: MIT
#include "loopback_address.hpp"

#include <charconv>
#include <system_error>

namespace ioloop {
namespace {

/// All of `text`, as a number of at most `most`.
std::optional<std::uint32_t> number(std::string_view text, std::uint32_t most) {
    std::uint32_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || stop != end || value > most) return std::nullopt;
    return value;
}

/// "127.a.b.c", as a number.
std::optional<std::uint32_t> loopback_host(std::string_view text) {
    std::uint32_t host = 0;
    for (int part = 0; part < 4; ++part) {
        const std::size_t dot = part < 3 ? text.find('.') : text.size();
        if (dot == std::string_view::npos) return std::nullopt;
        const auto byte = number(text.substr(0, dot), 255);
        if (!byte || (part == 0 && *byte != 127)) return std::nullopt;
        host = host << 8U | *byte;
        text.remove_prefix(part < 3 ? dot + 1 : dot);
    }
    return host;
}

} // namespace

std::optional<LoopbackAddress> parse_loopback_address(std::string_view text) {
    LoopbackAddress address;
    constexpr std::string_view unix_prefix = "unix:";
    if (text.substr(0, unix_prefix.size()) == unix_prefix) {
        address.family = LoopbackAddress::Family::unix_path;
        address.path = text.substr(unix_prefix.size());
        // A zero at the beginning would be a name without a file: no permissions protect that.
        if (address.path.empty() || address.path.find('\0') != std::string::npos) return std::nullopt;
        return address;
    }
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto port = number(text.substr(colon + 1), UINT16_MAX);
    if (!port) return std::nullopt;
    address.port = static_cast<std::uint16_t>(*port);
    const std::string_view host = text.substr(0, colon);
    if (host == "[::1]") {
        address.family = LoopbackAddress::Family::ipv6;
    } else if (const auto ipv4 = host == "localhost" ? std::optional(address.host) : loopback_host(host)) {
        address.host = *ipv4;
    } else {
        return std::nullopt;
    }
    return address;
}

std::string LoopbackAddress::to_string() const {
    if (family == Family::unix_path) return std::string("unix:").append(path);
    std::string text;
    if (family == Family::ipv6) {
        text = "[::1]";
    } else {
        for (unsigned shift = 32; shift > 0; shift -= 8) {
            if (shift < 32) text.append(".");
            text.append(std::to_string(host >> (shift - 8) & 0xFFU));
        }
    }
    return text.append(":").append(std::to_string(port));
}

} // namespace ioloop
