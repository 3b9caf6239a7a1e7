// SPDX-License-Identifier: MIT
/// LoopbackAddress: where a program listens for those on the same machine: "unix:/run/x.sock", "127.0.0.1:4242",
/// "localhost:4242", "[::1]:0". Nothing else is one, so that nothing is offered to a network by mistake. Floor 1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ioloop {

struct LoopbackAddress {
    enum class Family : std::uint8_t { unix_path, ipv4, ipv6 };

    Family family = Family::ipv4;
    std::string path;                ///< unix_path
    std::uint32_t host = 0x7F000001; ///< ipv4: in 127.0.0.0/8
    std::uint16_t port = 0;          ///< 0, to listen at: any free one

    std::string to_string() const;
};

/// None if it is no such address. Asks nobody for a name.
std::optional<LoopbackAddress> parse_loopback_address(std::string_view text);

} // namespace ioloop
