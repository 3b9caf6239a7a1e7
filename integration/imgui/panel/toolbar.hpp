// SPDX-License-Identifier: MIT
/// Toolbar: three pauses that are kept apart (of the view, of the recording, of the loop), the filter, and a
/// broom.
#pragma once

#include "ui.hpp"

namespace ioloop::imgui {

/// What was asked for, beside commands.
struct ToolbarResult {
    bool clear = false; ///< forget what was recorded
    bool copy = false;  ///< the contents, as text
};

ToolbarResult show_toolbar(const Ui& ui);

} // namespace ioloop::imgui
