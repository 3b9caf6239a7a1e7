// SPDX-License-Identifier: MIT
/// CallbacksTable: what is queued, and what ran. In a pumped loop the queue is empty whenever a frame looks
/// at it, so the last batch that was seen in it stays, and what ran is the larger part.
#pragma once

#include "../model/history.hpp"
#include "table.hpp"
#include "ui.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace ioloop::imgui {

class CallbacksTable {
public:
    void show(const Ui& ui);
    /// What ran, with the rows and columns that are out of sight.
    std::string tsv(const Ui& ui);
    /// Selects another call of what ran than the one that is: so many rows further down.
    void move_selection(const Ui& ui, int rows);

private:
    void update_queued(const Ui& ui);
    void show_queued(const Ui& ui, float height);
    void show_queued_row(const Ui& ui, std::size_t position);
    void show_ran(const Ui& ui);
    void show_ran_row(const Ui& ui, const History::Row& row, std::size_t position);
    void open_menu(CallKind kind, std::uint64_t id, const Chain& chain);
    void show_popup(const Ui& ui);

    std::vector<CallbackInfo> queued_; ///< now, or the last batch there was
    TimePoint queued_at_{};            ///< loop time of that batch
    bool queued_now_ = false;
    Table queued_table_;
    History history_;
    Table ran_table_;
    CallRecord menu_; ///< whose popup is open: kind, id and chain
    bool open_menu_ = false;
};

} // namespace ioloop::imgui
