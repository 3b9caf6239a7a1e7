// SPDX-License-Identifier: MIT
/// Palette: the colours of the game, in one place.
#pragma once

#include "world.hpp"

#include <array>

#include <imgui.h>

namespace arena::palette {

constexpr ImU32 rgb(unsigned hex, int alpha = 255) {
    return IM_COL32((hex >> 16) & 0xff, (hex >> 8) & 0xff, hex & 0xff, alpha);
}
/// The same colour, less of it.
constexpr ImU32 faded(ImU32 colour, float part) {
    const float clamped = part < 0 ? 0 : part > 1 ? 1 : part;
    const auto alpha = static_cast<ImU32>(static_cast<float>(colour >> IM_COL32_A_SHIFT) * clamped);
    return (colour & ~IM_COL32_A_MASK) | (alpha << IM_COL32_A_SHIFT);
}

/// Between two colours: `part` of the second.
constexpr ImU32 mixed(ImU32 from, ImU32 to, float part) {
    const float clamped = part < 0 ? 0 : part > 1 ? 1 : part;
    ImU32 result = 0;
    for (int shift = 0; shift < 32; shift += 8) {
        const auto a = static_cast<float>((from >> shift) & 0xff);
        const auto b = static_cast<float>((to >> shift) & 0xff);
        result |= static_cast<ImU32>(a + (b - a) * clamped) << shift;
    }
    return result;
}

inline constexpr ImU32 space_top = rgb(0x060914);
inline constexpr ImU32 space_bottom = rgb(0x121a33);
inline constexpr ImU32 field_line = rgb(0x5f7fd0, 70);
inline constexpr ImU32 field_glow = rgb(0x3f5fc0, 26);
inline constexpr ImU32 text = rgb(0xdbe4ff);
inline constexpr ImU32 dim = rgb(0x8494c4);
inline constexpr ImU32 panel = rgb(0x0a1024, 200);
inline constexpr ImU32 panel_line = rgb(0x5f7fd0, 90);
inline constexpr ImU32 me = rgb(0x5fe0ff);
inline constexpr ImU32 good = rgb(0x7ee787);
inline constexpr ImU32 warning = rgb(0xffc857);
inline constexpr ImU32 bad = rgb(0xff6b6b);
inline constexpr ImU32 flame = rgb(0xffa94d);
inline constexpr ImU32 moon_dark = rgb(0x1d2340);
inline constexpr ImU32 moon_light = rgb(0x7380b5);

/// Of the others: told apart at a glance, none of them the player's own.
inline constexpr std::array<ImU32, 8> others{rgb(0xff8fa3), rgb(0xffd166), rgb(0x95e06c), rgb(0xc792ff),
                                             rgb(0xff9f5a), rgb(0x7aa2ff), rgb(0xf78fe0), rgb(0x4fd1a5)};

constexpr ImU32 of(PlayerId id, PlayerId mine) {
    return id == mine ? me : id == nobody ? dim : others[id % others.size()];
}

} // namespace arena::palette
