// SPDX-License-Identifier: MIT
/// Keyboard: the keys of the inspector. Only those that every Dear ImGui since 1.86 has a name for.
#pragma once

namespace ioloop::imgui {

struct Keys {
    bool freeze = false;   ///< space
    bool unselect = false; ///< escape
    int move = 0;          ///< up and down: the selection, by so many rows
};

/// What was pressed in this frame. Nothing unless the current window or a child of it has the focus and the cursor is
/// on it: a game reads the same keyboard. Nor while a text is typed, nor if the program lets Dear ImGui navigate by
/// keyboard: then the keys are for that.
Keys pressed_keys();

inline constexpr const char* keys_help = "While the cursor is on this window: space freezes the view, up and "
                                         "down move the selection, escape unselects.";

} // namespace ioloop::imgui
