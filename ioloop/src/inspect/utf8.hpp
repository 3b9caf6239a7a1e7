// SPDX-License-Identifier: MIT
/// utf8_length: names are any bytes, and JSON and terminals are not. Floor 3.
#pragma once

#include <cstddef>
#include <string_view>

namespace ioloop {

/// How many bytes at the front of `text` are one character, 1 to 4; 0 if they are none (also at the end).
inline std::size_t utf8_length(std::string_view text) noexcept {
    if (text.empty()) return 0;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0U) != 0x80) return 0;
    }
    const unsigned second = byte(1);
    if (first == 0xE0 && second < 0xA0) return 0; // longer than need be
    if (first == 0xED && second > 0x9F) return 0; // a surrogate
    if (first == 0xF0 && second < 0x90) return 0; // longer than need be
    if (first == 0xF4 && second > 0x8F) return 0; // beyond the last
    return length;
}

} // namespace ioloop
