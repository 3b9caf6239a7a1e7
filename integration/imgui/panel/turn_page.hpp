// SPDX-License-Identifier: MIT
/// TurnPage: one turn of the loop: why it woke, and what ran, in order. The one that is selected, or the
/// last.
#pragma once

#include "table.hpp"
#include "ui.hpp"

#include <ioloop/observer.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ioloop::imgui {

class TurnPage {
public:
    void show(const Ui& ui);

private:
    void update(const Ui& ui);
    void show_buttons(const Ui& ui) const;
    void show_facts(const Ui& ui) const;
    void show_row(const Ui& ui, std::size_t position);

    TurnRecord turn_;               ///< turn 0: there was none
    std::vector<CallRecord> calls_; ///< of that turn, in the order in which they began
    std::uint64_t calls_seen_ = 0;
    bool followed_ = true; ///< it is the last there was
    Table table_;
};

} // namespace ioloop::imgui
