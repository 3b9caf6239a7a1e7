// SPDX-License-Identifier: MIT
/// Toolbar: three pauses that are kept apart (of the view, of the recording, of the loop), the filter, and a
/// broom.
#pragma once

#include "breaks.hpp"
#include "trigger.hpp"
#include "ui.hpp"

#include <cstdint>

namespace ioloop::imgui {

/// What was asked for, beside commands.
struct ToolbarResult {
    enum class Copy : std::uint8_t { nothing, text, descriptors, timeouts, calls, scopes, tasks, trace };

    bool clear = false; ///< forget what was recorded
    Copy copy = Copy::nothing;
};

class Toolbar {
public:
    ToolbarResult show(const Ui& ui);

private:
    void show_recording(const Ui& ui);
    void show_loop(const Ui& ui);
    static void show_mark(const Ui& ui);
    static ToolbarResult::Copy show_copy(const Ui& ui);

    Trigger trigger_;
    Breaks breaks_;
};

} // namespace ioloop::imgui
