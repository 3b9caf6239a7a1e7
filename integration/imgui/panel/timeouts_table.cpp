// SPDX-License-Identifier: MIT
#include "timeouts_table.hpp"

#include <ioloop/inspect/format.hpp>

#include <algorithm>
#include <array>
#include <compare>
#include <span>
#include <string_view>
#include <utility>

namespace ioloop::imgui {
namespace {

enum Id : unsigned { name, kind, due, period, fires, place, chain, action };

constexpr std::array<Column, 8> columns{{
    {name, "name", 14, ImGuiTableColumnFlags_NoHide},
    {kind, "kind", 5},
    {due, "due in", 8, ImGuiTableColumnFlags_DefaultSort},
    {period, "period", 5},
    {fires, "fired", 4.5F, ImGuiTableColumnFlags_PreferSortDescending},
    {action, "action", 10, ImGuiTableColumnFlags_NoSort},
    {place, "created at", 11},
    {chain, "scheduled by", 16},
}};

constexpr double flash_seconds = 0.3;

Duration left(const Ui& ui, const TimeoutInfo& info) {
    return info.deadline == never ? forever : info.deadline - ui.view.time();
}

} // namespace

void TimeoutsTable::show(const Ui& ui) {
    update(ui);
    if (table_.begin("timeouts", columns, 1)) {
        arrange(ui);
        ImGuiListClipper clipper;
        clipper.Begin(static_cast<int>(rows_.size()));
        while (clipper.Step()) {
            for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i) {
                show_row(ui, rows_[static_cast<std::size_t>(i)]);
            }
        }
        table_.end();
    }
    show_popup(ui);
    ui.rows_shown->add(rows_.size()).add(" of ").add(rows_.total()).add(" timeouts");
    if (table_.held()) ui.rows_shown->add(", sorting paused");
}

void TimeoutsTable::update(const Ui& ui) {
    if (version_ == ui.view.version()) return;
    version_ = ui.view.version();
    rows_.update<>(
        std::span<const TimeoutInfo>(ui.view.snapshot().timeouts),
        [](Rows::Row& row) { row.extra.fires = row.info.fires; },
        [&](Rows::Row& row) {
            Extra& extra = row.extra;
            if (extra.deadline != row.info.deadline) {
                extra.deadline = row.info.deadline;
                extra.whole = std::max(left(ui, row.info), row.info.period);
            }
            if (extra.fires != row.info.fires) extra.fired_at = ui.now;
            extra.fires = row.info.fires;
        });
}

void TimeoutsTable::arrange(const Ui& ui) {
    const bool sort = table_.wants_sort(ui.now);
    rows_.arrange(
        table_.held(), sort, ui.filter.version(), table_.sort_keys(),
        [&](const Rows::Row& row) {
            if (ui.filter.empty()) return true;
            const Text label = format_name(row.info.origin);
            const Text created = format_place(row.info.origin);
            const Text by = format_chain(row.info.chain);
            const std::array<std::string_view, 4> fields{label.view(), created.view(), by.view(),
                                                         row.info.period > no_wait ? "periodic" : "once"};
            return ui.filter.passes(fields);
        },
        [](const Rows::Row& a, const Rows::Row& b, unsigned column) -> std::weak_ordering {
            const TimeoutInfo& l = a.info;
            const TimeoutInfo& r = b.info;
            switch (column) {
            case name: return format_name(l.origin).view() <=> format_name(r.origin).view();
            case kind: return (l.period > no_wait) <=> (r.period > no_wait);
            case period: return l.period <=> r.period;
            case fires: return l.fires <=> r.fires;
            case place: return format_place(l.origin).view() <=> format_place(r.origin).view();
            case chain: return format_chain(l.chain).view() <=> format_chain(r.chain).view();
            default: return l.deadline <=> r.deadline;
            }
        });
}

void TimeoutsTable::show_row(const Ui& ui, Rows::Row& row) {
    const TimeoutInfo& info = row.info;
    ImGui::PushID(static_cast<int>(row.id >> 32U));
    ImGui::PushID(static_cast<int>(row.id));
    const Text label = format_name(info.origin);
    table_.begin_row(row.gone ? Text("gone: ").add(label.view()) : label, ui.selection.is(info), row.gone);

    const auto cell = [] { return ImGui::TableNextColumn(); };
    if (cell()) put_text(info.period > no_wait ? "periodic" : "once");
    if (cell()) show_due(ui, row);
    if (cell()) put_right(info.period > no_wait ? format_duration(info.period) : Text("-"));
    if (cell()) {
        const double age = ui.now - row.extra.fired_at;
        if (row.extra.fired_at >= 0 && age < flash_seconds) {
            const auto fade = static_cast<float>(1 - age / flash_seconds);
            ImGui::TableSetBgColor(ImGuiTableBgTarget_CellBg,
                                   ImGui::GetColorU32(ImGuiCol_PlotHistogram, 0.4F * fade));
        }
        put_right(format_count(info.fires));
    }
    if (cell() && !row.gone) {
        if (small_command_button(ui, "Fire now")) ui.command = {Command::Kind::fire_now, info.id, 0};
        ui.mark("timeout/fire", row.id);
        ImGui::SameLine();
        if (small_command_button(ui, "Cancel")) ui.command = {Command::Kind::cancel, info.id, 0};
        ui.mark("timeout/cancel", row.id);
    }
    if (cell()) put_text(format_place(info.origin));
    if (cell()) put_text(format_chain(info.chain));

    const Table::Hit hit = table_.end_row(ui, "timeout", row.id);
    if (hit.selected || hit.menu) ui.selection.select(info);
    if (hit.menu) {
        menu_ = info;
        open_menu_ = true;
    }
    ImGui::PopID();
    ImGui::PopID();
}

/// A bar that runs empty, with the time on it.
void TimeoutsTable::show_due(const Ui& ui, const Rows::Row& row) {
    if (row.gone) return put_right("-");
    const Duration time_left = left(ui, row.info);
    if (time_left != forever && row.extra.whole > no_wait) {
        const double share =
            static_cast<double>(time_left.count()) / static_cast<double>(row.extra.whole.count());
        const ImVec2 at = ImGui::GetCursorScreenPos();
        const float width =
            ImGui::GetContentRegionAvail().x * static_cast<float>(std::clamp(share, 0.0, 1.0));
        const ImVec2 end(at.x + width, at.y + ImGui::GetTextLineHeight());
        ImGui::GetWindowDrawList()->AddRectFilled(at, end, ImGui::GetColorU32(ImGuiCol_PlotHistogram, 0.35F));
    }
    const bool late = time_left < no_wait;
    put_right(late ? Text("late ").add(format_duration(-time_left).view()) : format_duration(time_left));
}

void TimeoutsTable::show_popup(const Ui& ui) {
    if (std::exchange(open_menu_, false)) ImGui::OpenPopup("menu");
    if (!ImGui::BeginPopup("menu")) return;
    table_.hold();
    put_weak(format_name(menu_.origin));
    ImGui::Separator();
    if (command_item(ui, "Fire now")) ui.command = {Command::Kind::fire_now, menu_.id, 0};
    ui.mark("timeout menu/fire");
    if (command_item(ui, "Postpone, ten times as far off"))
        ui.command = {Command::Kind::postpone, menu_.id, 0};
    ui.mark("timeout menu/postpone");
    if (command_item(ui, "Cancel")) ui.command = {Command::Kind::cancel, menu_.id, 0};
    ui.mark("timeout menu/cancel");
    ImGui::Separator();
    if (ImGui::MenuItem("Copy the place it was created at")) {
        ImGui::SetClipboardText(Text(menu_.origin.file).add(":").add(menu_.origin.line).c_str());
    }
    ui.mark("timeout menu/copy");
    ImGui::EndPopup();
}

} // namespace ioloop::imgui
