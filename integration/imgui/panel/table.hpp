// SPDX-License-Identifier: MIT
/// Table: what the live tables have in common: columns in em, order, rows that can be clicked anywhere, and
/// when to hold still.
#pragma once

#include "../model/row_set.hpp"
#include "../model/tsv.hpp"
#include "ui.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <imgui.h>

namespace ioloop::imgui {

struct Column {
    unsigned id; ///< SortKey::column
    const char* name;
    float width; ///< em
    ImGuiTableColumnFlags flags = 0;
    bool number = false;  ///< numbers stand below each other, at the right
    bool buttons = false; ///< not cells
};

/// What a cell says, drawn or copied.
struct Cell {
    Text text;
    Severity severity = Severity::ok; ///< its background, and a glyph
    float flash = 0;                  ///< 1: this very moment; 0: not of late

    Cell() = default;
    Cell(const Text& says, Severity how = Severity::ok) : text(says), severity(how) {}
    Cell(const char* says, Severity how = Severity::ok) : text(says), severity(how) {}
};

/// All columns but those of buttons. `cell(position, column)` says what is in a cell.
template <class CellOf> std::string tsv_of(std::span<const Column> columns, std::size_t rows, CellOf cell) {
    Tsv tsv;
    for (const Column& column : columns) {
        if (!column.buttons) tsv.put(column.name);
    }
    tsv.end_row();
    for (std::size_t i = 0; i < rows; ++i) {
        for (const Column& column : columns) {
            if (!column.buttons) tsv.put(Cell(cell(i, column.id)).text.view());
        }
        tsv.end_row();
    }
    return tsv.text();
}

/// How much of a flash is left of what happened at `since`; less than 0: never. Seconds.
float flash_of(double since, double now);

float row_height();

/// `show(position)` draws a row: called for those of `count` that are in sight, however many there are.
template <class Show> void show_rows_in_sight(std::size_t count, Show show) {
    ImGuiListClipper clipper;
    clipper.Begin(static_cast<int>(count));
    while (clipper.Step()) {
        for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i) show(static_cast<std::size_t>(i));
    }
}

class Table {
public:
    /// False: not drawn, and no end() then. The columns on the left stay in sight.
    bool begin(const char* name, std::span<const Column> columns, int columns_fixed, float height = 0);
    void end();

    /// After begin(): what the column whose header the cursor is on shows. `help_of` an id is null: nothing to say.
    void explain_header(const Ui& ui, std::span<const Column> columns,
                        const char* (*help_of)(unsigned id)) const;
    /// Lets the row at this position be in sight.
    void scroll_to(std::size_t position) { scroll_to_ = static_cast<int>(position); }

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
    /// The next cell of the row, if its column is in sight: what `say()` returns.
    template <class Say> static void put(const Column& column, Say say) {
        if (ImGui::TableNextColumn()) put_cell(column, say());
    }
    Hit end_row(const Ui& ui, const char* mark, std::uint64_t id);

private:
    void show_headers(std::span<const Column> columns);
    void scroll();
    static void put_cell(const Column& column, const Cell& cell);

    std::array<SortKey, 4> keys_{};
    std::size_t key_count_ = 0;
    double sorted_at_ = -1;
    bool held_ = false;
    int hovered_header_ = -1;
    int scroll_to_ = -1; ///< a position; none
    // Of the row under way.
    ImVec2 row_min_{};
    ImVec2 row_max_{};
    bool row_hovered_ = false;
    bool row_clicked_ = false;
    bool row_weak_ = false;
};

/// Selects the row that is `rows` further down than the selected one, and lets it be in sight. `info(position)` is what a
/// row is about.
template <class InfoAt>
void move_selection_in(const Ui& ui, Table& table, std::size_t count, int rows, InfoAt info) {
    for (std::size_t i = 0; i < count; ++i) {
        if (!ui.selection.is(info(i))) continue;
        const std::ptrdiff_t last = static_cast<std::ptrdiff_t>(count) - 1;
        const auto to = static_cast<std::size_t>(
            std::clamp<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(i) + rows, 0, last));
        ui.selection.select(info(to));
        return table.scroll_to(to);
    }
}

} // namespace ioloop::imgui
