// SPDX-License-Identifier: MIT
/// Trigger: what the recording waits for, to stop after it: the flight recorder. A button, and its popup.
#pragma once

#include "ui.hpp"

namespace ioloop::imgui {

class Trigger {
public:
    void show(const Ui& ui);

private:
    void show_popup(const Ui& ui);

    // As typed in.
    bool on_slow_ = true;
    bool on_late_ = false;
    bool on_error_ = true;
    float slow_ms_ = 16;
    float late_ms_ = 100;
    bool armed_ = false; ///< by this button
};

} // namespace ioloop::imgui
