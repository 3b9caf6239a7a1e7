// SPDX-License-Identifier: MIT
/// Timeline: a strip of the last turns, and where each one's time went.
#pragma once

#include "ui.hpp"

#include <ioloop/observer.hpp>

#include <vector>

namespace ioloop::imgui {

class Timeline {
public:
    void show(const Ui& ui);

private:
    struct Scale;
    void show_legend(const Ui& ui) const;
    void draw_turn(const Ui& ui, const TurnRecord& turn, const Scale& scale, float left, float width) const;
    void show_tooltip(const TurnRecord& turn) const;

    std::vector<TurnRecord> turns_; ///< those shown: a strip that moves can not be pointed at
    bool held_ = false;
};

} // namespace ioloop::imgui
