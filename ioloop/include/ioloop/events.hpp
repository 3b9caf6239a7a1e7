// SPDX-License-Identifier: MIT
/// Events: what a descriptor is watched for, and what it is ready for. Floor 0.
///
/// The values are Tornado's (and epoll's), so that a number seen in a log means the same in both worlds;
/// every backend translates them. A peer's half-close is *not* an error: it is readiness to read, and the
/// read then says end-of-file. Folding it into `error` loses data (tornado 8572cc40).
#pragma once

#include <cstdint>

namespace ioloop {

enum class Events : std::uint32_t {
    none = 0x00,
    read = 0x01,
    write = 0x04,
    error = 0x18, ///< error or hang-up; always watched, asked for or not
};

constexpr Events operator|(Events a, Events b) noexcept {
    return static_cast<Events>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
constexpr Events operator&(Events a, Events b) noexcept {
    return static_cast<Events>(static_cast<std::uint32_t>(a) & static_cast<std::uint32_t>(b));
}
/// The complement within the three events there are.
constexpr Events operator~(Events a) noexcept {
    constexpr auto all = static_cast<std::uint32_t>(Events::read | Events::write | Events::error);
    return static_cast<Events>(~static_cast<std::uint32_t>(a) & all);
}
constexpr Events& operator|=(Events& a, Events b) noexcept { return a = a | b; }
constexpr Events& operator&=(Events& a, Events b) noexcept { return a = a & b; }

/// True if any event is in the set.
constexpr bool any(Events e) noexcept { return e != Events::none; }

} // namespace ioloop
