// SPDX-License-Identifier: MIT
/// TroubleMenu: a window with a check box for each trouble.
#pragma once

#include "trouble.hpp"

#include <imgui.h>

namespace arena {

/// Between NewFrame() and Render(); `at` is where its lower left corner begins. Plants and mends between two turns: not to be called inside a callable.
void show_trouble_menu(Trouble& trouble, bool* open, ImVec2 at);

} // namespace arena
