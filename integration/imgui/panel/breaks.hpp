// SPDX-License-Identifier: MIT
/// Breaks: where the loop is to pause by itself. A button, and its popup.
#pragma once

#include "ui.hpp"

namespace ioloop::imgui {

class Breaks {
public:
    void show(const Ui& ui);

private:
    void show_popup(const Ui& ui);

    float slow_ms_ = 16; ///< typed in
};

} // namespace ioloop::imgui
