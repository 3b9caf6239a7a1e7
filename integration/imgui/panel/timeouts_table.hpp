// SPDX-License-Identifier: MIT
/// TimeoutsTable: what the loop will call, and when.
#pragma once

#include "../model/call_tally.hpp"
#include "../model/row_set.hpp"
#include "table.hpp"
#include "ui.hpp"

#include <cstdint>
#include <string>

namespace ioloop::imgui {

class TimeoutsTable {
public:
    void show(const Ui& ui);
    /// What show() shows, with the rows and columns that are out of sight.
    std::string tsv(const Ui& ui);
    /// Selects another row than the one that is: so many further down.
    void move_selection(const Ui& ui, int rows);

private:
    struct Extra {
        TimePoint deadline{}; ///< as last seen
        Duration whole{};     ///< what was left when this deadline was seen first: the length of the bar
        CallTally tally;
        std::uint64_t moved = 0; ///< by the program, to another deadline
        std::uint64_t fires = 0;
        double fired_at = -1; ///< user interface time
    };
    using Rows = RowSet<TimeoutInfo, Extra>;

    void update(const Ui& ui);
    void count(const Ui& ui);
    void arrange(const Ui& ui, bool sort);
    void show_row(const Ui& ui, Rows::Row& row);
    static Cell cell(const Ui& ui, const Rows::Row& row, unsigned column);
    static void show_bar(const Ui& ui, const Rows::Row& row);
    void show_popup(const Ui& ui);

    Rows rows_;
    Table table_;
    Unseen calls_;
    Unseen changes_;
    std::uint64_t version_ = 0;
    std::uint64_t mark_version_ = 0;
    Baseline::Difference since_mark_;
    TimeoutInfo menu_; ///< whose popup is open
    bool open_menu_ = false;
};

} // namespace ioloop::imgui
