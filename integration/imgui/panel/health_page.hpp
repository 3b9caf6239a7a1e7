// SPDX-License-Identifier: MIT
/// HealthPage: how the loop's times are distributed: what is usual, and what the worst were.
#pragma once

#include "ui.hpp"

#include <ioloop/inspect/histogram.hpp>

namespace ioloop::imgui {

class HealthPage {
public:
    void show(const Ui& ui);

private:
    struct Chart;
    void show_chart(const Ui& ui, const Chart& chart, float width) const;

    bool logarithmic_ = true; ///< the heights: one in a million is to be seen beside the million
};

} // namespace ioloop::imgui
