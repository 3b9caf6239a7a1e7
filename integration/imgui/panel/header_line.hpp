// SPDX-License-Identifier: MIT
/// HeaderLine: how the loop is doing, in one sentence and the numbers behind it. Always in sight.
#pragma once

#include "ui.hpp"

namespace ioloop::imgui {

/// What is live, frozen or paused, and the verdict; and below, loads, rates and counts.
void show_header_line(const Ui& ui, const Verdict& verdict);

} // namespace ioloop::imgui
