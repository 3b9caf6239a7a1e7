// SPDX-License-Identifier: MIT
/// Table: what the live tables have in common: columns in em, order, rows that can be clicked anywhere, and
/// when to hold still.
#pragma once

#include "../model/row_set.hpp"
#include "ui.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <imgui.h>

namespace ioloop::imgui {

struct Column {
    unsigned id; ///< SortKey::column
    const char* name;
    float width; ///< em
    ImGuiTableColumnFlags flags = 0;
};

class Table {
public:
    /// False: not drawn, and no end() then. The columns on the left stay in sight.
    bool begin(const char* name, std::span<const Column> columns, int columns_fixed, float height = 0);
    void end();

    /// Between begin() and the rows: whether to sort now, and by what.
    bool wants_sort(double now);
    std::span<const SortKey> sort_keys() const { return {keys_.data(), key_count_}; }

    /// True while the cursor is on the table, as of the last frame: nothing may move.
    bool held() const { return held_; }
    /// Call it while a popup of the table is open.
    void hold() { held_ = true; }

    /// What the user did to a row.
    struct Hit {
        bool selected = false;
        bool menu = false; ///< asked for its context menu
    };
    /// Around the cells of a row. begin_row() draws the first one: `label`.
    void begin_row(const Text& label, bool selected, bool weak = false);
    Hit end_row(const Ui& ui, const char* mark, std::uint64_t id);

private:
    std::array<SortKey, 4> keys_{};
    std::size_t key_count_ = 0;
    double sorted_at_ = -1;
    bool held_ = false;
    // Of the row under way.
    ImVec2 row_min_{};
    ImVec2 row_max_{};
    bool row_hovered_ = false;
    bool row_clicked_ = false;
    bool row_weak_ = false;
};

} // namespace ioloop::imgui
