// SPDX-License-Identifier: MIT
/// points: measures of what is written and drawn around the field, which grow with the text.
#pragma once

#include <imgui.h>

namespace arena {

inline constexpr float usual_text = 13; ///< pixels; as high as it is at scale 1

/// So many pixels where the text has its usual height, and in proportion where it has another.
inline float points(float count) { return count * ImGui::GetFontSize() / usual_text; }

inline constexpr float bar_points = 38; ///< the bars above and below the field, for what is written there

} // namespace arena
