// SPDX-License-Identifier: MIT
/// ScopesTable: the scopes that are alive, and how much each holds.
#pragma once

#include "../model/row_set.hpp"
#include "table.hpp"
#include "ui.hpp"

#include <cstdint>
#include <string>

namespace ioloop::imgui {

class ScopesTable {
public:
    void show(const Ui& ui);
    /// What show() shows, with the rows and columns that are out of sight.
    std::string tsv(const Ui& ui);
    /// Selects another row than the one that is: so many further down.
    void move_selection(const Ui& ui, int rows);

private:
    struct Extra {
        std::uint32_t handlers = 0;
        std::uint32_t timeouts = 0;
        std::uint32_t callbacks = 0; ///< queued
    };
    using Rows = RowSet<ScopeInfo, Extra>;

    void update(const Ui& ui);
    void arrange(const Ui& ui, bool sort);
    void show_row(const Ui& ui, const Rows::Row& row);
    static Cell cell(const Ui& ui, const Rows::Row& row, unsigned column);

    Rows rows_;
    Table table_;
    std::uint64_t version_ = 0;
};

} // namespace ioloop::imgui
