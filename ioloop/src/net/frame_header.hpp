// SPDX-License-Identifier: MIT
/// The 4 bytes before a message: its length, the highest byte first. Floor 0.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace ioloop {

inline constexpr std::size_t frame_header_bytes = 4;

/// Bytes is a view of at least frame_header_bytes, of any kind of byte.
template <class Bytes> std::size_t frame_length(const Bytes& header) noexcept {
    std::uint32_t length = 0;
    for (std::size_t i = 0; i < frame_header_bytes; ++i)
        length = length << 8 | static_cast<std::uint8_t>(header[i]);
    return length;
}

inline std::array<std::uint8_t, frame_header_bytes> frame_header(std::uint32_t length) noexcept {
    return {static_cast<std::uint8_t>(length >> 24), static_cast<std::uint8_t>(length >> 16),
            static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length)};
}

} // namespace ioloop
