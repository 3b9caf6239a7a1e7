// SPDX-License-Identifier: MIT
/// NetworkPanel: a window with sliders that make the network worse, and what comes of it.
#pragma once

#include "session.hpp"

#include <imgui.h>

namespace arena {

/// Between NewFrame() and Render(), and between two turns of the loop; `at` is where its upper left corner begins.
void show_network_panel(Session& session, bool* open, ImVec2 at);

} // namespace arena
