// SPDX-License-Identifier: MIT
#include "timeouts_table.hpp"

#include "object_actions.hpp"

#include <ioloop/inspect/format.hpp>

#include <algorithm>
#include <array>
#include <compare>
#include <span>
#include <string_view>
#include <utility>

namespace ioloop::imgui {
namespace {

enum Id : unsigned {
    name,
    kind,
    due,
    period,
    fires,
    action,
    late,
    average_late,
    latest,
    interval,
    moved,
    average,
    longest,
    place,
    chain
};

constexpr auto most_first = ImGuiTableColumnFlags_PreferSortDescending;

constexpr std::array<Column, 15> columns{{
    {name, "name", 14, ImGuiTableColumnFlags_NoHide},
    {kind, "kind", 5},
    {due, "due in", 8, ImGuiTableColumnFlags_DefaultSort, true},
    {period, "period", 5, 0, true},
    {fires, "fired", 4.5F, most_first, true},
    {action, "action", 10, ImGuiTableColumnFlags_NoSort, false, true},
    {late, "late", 5, most_first, true},
    {average_late, "avg late", 5, most_first, true},
    {latest, "latest", 5, most_first, true},
    {interval, "interval", 5, 0, true},
    {moved, "re-armed", 5, most_first, true},
    {average, "average", 5, most_first, true},
    {longest, "longest", 5, most_first, true},
    {place, "created at", 11},
    {chain, "scheduled by", 16},
}};

const char* help_of(unsigned column) {
    switch (column) {
    case due: return "What is left. The bar is empty when it is due; late: the loop was not run since.";
    case period: return "Of a PeriodicCallback.";
    case fires: return "Calls so far; it flashes with each.";
    case late:
        return "The last call: how long after it was due. Late ones wait for a slow call, or for a host that "
               "does not run the loop.";
    case average_late: return "The same, on average of the calls that were recorded.";
    case latest: return "The same, at most.";
    case interval: return "Between the last two calls: to be compared with the period.";
    case moved: return "How often it was given another deadline. As often as it fired: it re-arms itself.";
    case average: return "How long its calls take, of those that were recorded.";
    case longest: return "The longest of them. Yellow: longer than a call should be.";
    case chain: return "What was running when it was created; and what had scheduled that, and so on.";
    default: return nullptr;
    }
}

Duration left(const Ui& ui, const TimeoutInfo& info) {
    return info.deadline == never ? forever : info.deadline - ui.view.time();
}

} // namespace

void TimeoutsTable::show(const Ui& ui) {
    update(ui);
    if (table_.begin("timeouts", columns, 1)) {
        table_.explain_header(ui, columns, help_of);
        arrange(ui, table_.wants_sort(ui.now));
        show_rows_in_sight(rows_.size(), [&](std::size_t position) { show_row(ui, rows_[position]); });
        table_.end();
    }
    show_popup(ui);
    ui.rows_shown->add(rows_.size())
        .add(" of ")
        .add(rows_.total(ui.filter.internal_shown()))
        .add(" timeouts");
    add_difference(ui, since_mark_);
    if (table_.held()) ui.rows_shown->add(", sorting paused");
}

std::string TimeoutsTable::tsv(const Ui& ui) {
    update(ui);
    arrange(ui, true);
    return tsv_of(columns, rows_.size(),
                  [&](std::size_t position, unsigned column) { return cell(ui, rows_[position], column); });
}

void TimeoutsTable::move_selection(const Ui& ui, int rows) {
    move_selection_in(
        ui, table_, rows_.size(), rows, [&](std::size_t i) -> const auto& { return rows_[i].info; });
}

void TimeoutsTable::update(const Ui& ui) {
    if (version_ == ui.view.version() && mark_version_ == ui.baseline.version()) return;
    version_ = ui.view.version();
    mark_version_ = ui.baseline.version();
    if (ui.baseline.is_set())
        since_mark_ = ui.baseline.since(std::span<const TimeoutInfo>(ui.view.snapshot().timeouts));
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
    count(ui);
}

/// What was recorded of each since the last look.
void TimeoutsTable::count(const Ui& ui) {
    const Moment& moment = ui.view.moment();
    for (const ChangeRecord& change : changes_.take(ui.view.changes(), moment.changes_seen)) {
        if (change.kind != CallKind::timeout || change.change != ChangeKind::moved) continue;
        if (Rows::Row* row = rows_.find(change.id)) ++row->extra.moved;
    }
    for (const CallRecord& call : calls_.take(ui.view.calls(), moment.calls_seen)) {
        if (call.kind != CallKind::timeout) continue;
        if (Rows::Row* row = rows_.find(call.id)) row->extra.tally.add(call);
    }
}

void TimeoutsTable::arrange(const Ui& ui, bool sort) {
    rows_.arrange(
        table_.held(), sort, ui.filter_version(), table_.sort_keys(),
        [&](const Rows::Row& row) {
            if (ui.baseline.hides(row.info)) return false;
            if (ui.filter.hides(row.info.origin)) return false;
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
            case late: return a.extra.tally.late <=> b.extra.tally.late;
            case average_late: return a.extra.tally.average_late() <=> b.extra.tally.average_late();
            case latest: return a.extra.tally.latest <=> b.extra.tally.latest;
            case interval: return a.extra.tally.interval <=> b.extra.tally.interval;
            case moved: return a.extra.moved <=> b.extra.moved;
            case average: return a.extra.tally.average() <=> b.extra.tally.average();
            case longest: return a.extra.tally.longest <=> b.extra.tally.longest;
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
    const Text label = Text(row.pinned ? "* " : "").add(cell(ui, row, name).text.view());
    table_.begin_row(label, ui.selection.is(info), row.gone);
    for (const Column& column : std::span(columns).subspan(1)) {
        if (!column.buttons) {
            Table::put(column, [&] {
                if (column.id == due) show_bar(ui, row);
                return cell(ui, row, column.id);
            });
        } else if (ImGui::TableNextColumn() && !row.gone) {
            if (small_command_button(ui, "Fire now")) ui.command = {Command::Kind::fire_now, info.id, 0};
            ui.mark("timeout/fire", row.id);
            ImGui::SameLine();
            if (small_command_button(ui, "Cancel")) ui.command = {Command::Kind::cancel, info.id, 0};
            ui.mark("timeout/cancel", row.id);
        }
    }

    const Table::Hit hit = table_.end_row(ui, "timeout", row.id);
    if (hit.selected || hit.menu) ui.selection.select(info);
    if (hit.menu) {
        menu_ = info;
        open_menu_ = true;
    }
    ImGui::PopID();
    ImGui::PopID();
}

Cell TimeoutsTable::cell(const Ui& ui, const Rows::Row& row, unsigned column) {
    const TimeoutInfo& info = row.info;
    const CallTally& tally = row.extra.tally;
    const auto measured = [&](Duration duration, bool known) {
        return known ? format_duration(duration) : Text("-");
    };
    switch (column) {
    case name:
        return row.gone ? Text("gone: ").add(format_name(info.origin).view()) : format_name(info.origin);
    case kind: return info.period > no_wait ? "periodic" : "once";
    case due: {
        if (row.gone) return "-";
        const Duration time_left = left(ui, info);
        return time_left < no_wait ? Text("late ").add(format_duration(-time_left).view())
                                   : format_duration(time_left);
    }
    case period: return measured(info.period, info.period > no_wait);
    case fires: {
        Cell cell = format_count(info.fires);
        cell.flash = flash_of(row.extra.fired_at, ui.now);
        return cell;
    }
    case late: return measured(tally.late, !tally.empty());
    case average_late: return measured(tally.average_late(), !tally.empty());
    case latest: return measured(tally.latest, !tally.empty());
    case interval: return measured(tally.interval, tally.calls > 1);
    case moved: return format_count(row.extra.moved);
    case average: return measured(tally.average(), !tally.empty());
    case longest: {
        const bool slow = tally.longest > ui.slow_call;
        return {measured(tally.longest, !tally.empty()), slow ? Severity::warning : Severity::ok};
    }
    case place: return format_place(info.origin);
    case chain: return format_chain(info.chain);
    default: return "";
    }
}

/// It runs empty, behind the time that is left.
void TimeoutsTable::show_bar(const Ui& ui, const Rows::Row& row) {
    const Duration time_left = left(ui, row.info);
    if (row.gone || time_left == forever || row.extra.whole <= no_wait) return;
    const double share =
        static_cast<double>(time_left.count()) / static_cast<double>(row.extra.whole.count());
    const ImVec2 at = ImGui::GetCursorScreenPos();
    const float width = ImGui::GetContentRegionAvail().x * static_cast<float>(std::clamp(share, 0.0, 1.0));
    const ImVec2 end(at.x + width, at.y + ImGui::GetTextLineHeight());
    ImGui::GetWindowDrawList()->AddRectFilled(at, end, ImGui::GetColorU32(ImGuiCol_SliderGrabActive, 0.4F));
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
    offer_breakpoints(ui, As::menu, CallKind::timeout, id_of(menu_), menu_.chain.site());
    ImGui::Separator();
    const bool pinned = rows_.is_pinned(id_of(menu_));
    if (ImGui::MenuItem(pinned ? "Unpin" : "Pin on top")) rows_.set_pinned(id_of(menu_), !pinned);
    ui.mark("timeout menu/pin");
    if (ImGui::MenuItem("Copy the place it was created at")) {
        ImGui::SetClipboardText(Text(menu_.origin.file).add(":").add(menu_.origin.line).c_str());
    }
    ui.mark("timeout menu/copy");
    ImGui::EndPopup();
}

} // namespace ioloop::imgui
