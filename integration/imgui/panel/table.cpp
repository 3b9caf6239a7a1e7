// SPDX-License-Identifier: MIT
#include "table.hpp"

#include <algorithm>

namespace ioloop::imgui {
namespace {

constexpr double seconds_between_sorts = 0.25;

} // namespace

float row_height() { return ImGui::GetTextLineHeight() + ImGui::GetStyle().CellPadding.y * 2; }

float flash_of(double since, double now) {
    constexpr double flash_seconds = 0.3;
    const double age = now - since;
    return since >= 0 && age >= 0 && age < flash_seconds ? static_cast<float>(1 - age / flash_seconds) : 0;
}

bool Table::begin(const char* name, std::span<const Column> columns, int columns_fixed, float height) {
    const ImGuiTableFlags flags =
        ImGuiTableFlags_Resizable | ImGuiTableFlags_Reorderable | ImGuiTableFlags_Hideable |
        ImGuiTableFlags_Sortable | ImGuiTableFlags_SortMulti | ImGuiTableFlags_RowBg |
        ImGuiTableFlags_BordersOuter | ImGuiTableFlags_BordersInnerV | ImGuiTableFlags_ScrollX |
        ImGuiTableFlags_ScrollY | ImGuiTableFlags_SizingFixedFit;
    if (!ImGui::BeginTable(name, static_cast<int>(columns.size()), flags, ImVec2(0, height))) {
        held_ = false;
        return false;
    }
    ImGui::TableSetupScrollFreeze(columns_fixed, 1);
    for (const Column& column : columns) {
        ImGui::TableSetupColumn(column.name, column.flags | ImGuiTableColumnFlags_WidthFixed,
                                column.width * em(), column.id);
    }
    show_headers(columns);
    scroll();
    return true;
}

void Table::show_headers(std::span<const Column> columns) {
    hovered_header_ = -1;
    ImGui::TableNextRow(ImGuiTableRowFlags_Headers);
    for (int i = 0; i < static_cast<int>(columns.size()); ++i) {
        if (!ImGui::TableSetColumnIndex(i)) continue;
        ImGui::PushID(i);
        ImGui::TableHeader(columns[static_cast<std::size_t>(i)].name);
        if (ImGui::IsItemHovered()) hovered_header_ = i;
        ImGui::PopID();
    }
}

void Table::explain_header(const Ui& ui, std::span<const Column> columns,
                           const char* (*help_of)(unsigned)) const {
    if (hovered_header_ < 0) return;
    const char* help = help_of(columns[static_cast<std::size_t>(hovered_header_)].id);
    if (help != nullptr) put_tooltip(ui, help);
}

/// The window of the table scrolls the rows below the headers.
void Table::scroll() {
    if (scroll_to_ < 0) return;
    const float row = row_height();
    const float top = row * static_cast<float>(scroll_to_);
    const float room = ImGui::GetWindowSize().y - row * 2 - ImGui::GetStyle().ScrollbarSize;
    scroll_to_ = -1;
    if (top < ImGui::GetScrollY()) {
        ImGui::SetScrollY(top);
    } else if (top > ImGui::GetScrollY() + room) {
        ImGui::SetScrollY(top - room);
    }
}

void Table::end() {
    // Also while a scroll bar or a header is being dragged.
    held_ = ImGui::IsWindowHovered(ImGuiHoveredFlags_ChildWindows |
                                   ImGuiHoveredFlags_AllowWhenBlockedByActiveItem) ||
            (ImGui::IsWindowFocused() && ImGui::IsMouseDown(ImGuiMouseButton_Left));
    ImGui::EndTable();
}

bool Table::wants_sort(double now) {
    ImGuiTableSortSpecs* specs = ImGui::TableGetSortSpecs();
    const bool asked = specs != nullptr && specs->SpecsDirty;
    if (asked) {
        key_count_ = std::min(keys_.size(), static_cast<std::size_t>(specs->SpecsCount));
        for (std::size_t i = 0; i < key_count_; ++i) {
            const ImGuiTableColumnSortSpecs& spec = specs->Specs[i];
            keys_[i] = {spec.ColumnUserID, spec.SortDirection == ImGuiSortDirection_Descending};
        }
        specs->SpecsDirty = false;
    }
    const bool due =
        !held_ && (sorted_at_ < 0 || now < sorted_at_ || now - sorted_at_ >= seconds_between_sorts);
    if (!asked && !due) return false;
    sorted_at_ = now;
    return true;
}

/// The row is its own button. One that spans the columns would lie over the buttons in them, and how two items
/// share a place is different in each version of Dear ImGui.
void Table::begin_row(const Text& label, bool selected, bool weak) {
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    const ImGuiStyle& style = ImGui::GetStyle();
    const ImVec2 window = ImGui::GetWindowPos();
    const float top = ImGui::GetCursorScreenPos().y - style.CellPadding.y;
    row_min_ = ImVec2(window.x, top);
    row_max_ = ImVec2(window.x + ImGui::GetWindowSize().x, top + row_height());
    const ImVec2 mouse = ImGui::GetMousePos();
    row_hovered_ = ImGui::IsWindowHovered() && mouse.x >= row_min_.x && mouse.x < row_max_.x &&
                   mouse.y >= row_min_.y && mouse.y < row_max_.y &&
                   mouse.y >= ImGui::GetWindowDrawList()->GetClipRectMin().y;

    row_weak_ = weak;
    if (weak) push_weak_text();
    row_clicked_ = ImGui::Selectable(label.c_str());
    if (selected) {
        ImGui::TableSetBgColor(ImGuiTableBgTarget_RowBg1, ImGui::GetColorU32(ImGuiCol_Header));
    } else if (row_hovered_) {
        ImGui::TableSetBgColor(ImGuiTableBgTarget_RowBg1, ImGui::GetColorU32(ImGuiCol_HeaderHovered, 0.4F));
    }
}

void Table::put_cell(const Column& column, const Cell& cell) {
    if (cell.flash > 0) {
        ImGui::TableSetBgColor(ImGuiTableBgTarget_CellBg,
                               ImGui::GetColorU32(ImGuiCol_SliderGrabActive, 0.5F * cell.flash));
    }
    Text text;
    if (cell.severity >= Severity::warning) {
        ImGui::TableSetBgColor(ImGuiTableBgTarget_CellBg, severity_color(cell.severity));
        text.add(cell.severity == Severity::error ? "!! " : "! ");
    }
    text.add(cell.text.view());
    if (column.number) {
        put_right(text);
    } else {
        put_text(text);
    }
}

Table::Hit Table::end_row(const Ui& ui, const char* mark, std::uint64_t id) {
    if (row_weak_) ImGui::PopStyleColor();
    if (ui.marks != nullptr) ui.marks->push_back({mark, id, row_min_, row_max_});
    Hit hit;
    const bool on_a_button = ImGui::IsAnyItemHovered();
    hit.selected =
        row_clicked_ || (row_hovered_ && !on_a_button && ImGui::IsMouseClicked(ImGuiMouseButton_Left));
    hit.menu = row_hovered_ && ImGui::IsMouseClicked(ImGuiMouseButton_Right);
    return hit;
}

} // namespace ioloop::imgui
