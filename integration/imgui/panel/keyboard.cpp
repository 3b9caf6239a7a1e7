// SPDX-License-Identifier: MIT
#include "keyboard.hpp"

#include <imgui.h>

namespace ioloop::imgui {
namespace {

using namespace ImGui; // for pressed(), which asks what there is

/// Once a key had to be looked up, and then asked for by that number; that function is gone by now.
template <class Key> bool pressed(Key key) {
    if constexpr (requires { GetKeyIndex(key); }) {
        return IsKeyPressed(GetKeyIndex(key));
    } else {
        return IsKeyPressed(key);
    }
}

} // namespace

Keys pressed_keys() {
    Keys keys;
    const ImGuiIO& io = GetIO();
    const bool ours =
        IsWindowFocused(ImGuiFocusedFlags_ChildWindows) && IsWindowHovered(ImGuiHoveredFlags_ChildWindows);
    if (!ours || io.WantTextInput || IsAnyItemActive()) return keys;
    if ((io.ConfigFlags & ImGuiConfigFlags_NavEnableKeyboard) != 0) return keys;
    keys.freeze = pressed(ImGuiKey_Space);
    keys.unselect = pressed(ImGuiKey_Escape);
    if (pressed(ImGuiKey_UpArrow)) --keys.move;
    if (pressed(ImGuiKey_DownArrow)) ++keys.move;
    return keys;
}

} // namespace ioloop::imgui
