// SPDX-License-Identifier: MIT
/// SiteDetail: all that is known of the call site that is selected.
#pragma once

#include "ui.hpp"

namespace ioloop::imgui {

void show_site_detail(const Ui& ui);

} // namespace ioloop::imgui
