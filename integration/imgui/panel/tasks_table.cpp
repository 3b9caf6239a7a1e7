// SPDX-License-Identifier: MIT
#include "tasks_table.hpp"

#include <ioloop/inspect/format.hpp>

#include <array>
#include <compare>
#include <span>
#include <string_view>

namespace ioloop::imgui {
namespace {

enum Id : unsigned { name, number, state, waits_for, waiting, at, age, place, chain };

constexpr auto most_first = ImGuiTableColumnFlags_PreferSortDescending;

constexpr std::array<Column, 9> columns{{
    {name, "name", 14, ImGuiTableColumnFlags_NoHide},
    {number, "task", 4, 0, true},
    {state, "state", 5},
    {waits_for, "waits for", 13},
    {waiting, "waiting", 6, most_first | ImGuiTableColumnFlags_DefaultSort, true},
    {at, "suspended at", 16},
    {age, "age", 6, most_first, true},
    {place, "spawned at", 11},
    {chain, "scheduled by", 14},
}};

const char* help_of(unsigned column) {
    switch (column) {
    case number: return "By which others name it that wait for it.";
    case state: return "Waiting for nothing that is told: it awaits something that is not of this library.";
    case waits_for:
        return "Of all(), any() and with_timeout(): the first of what they wait for, and how many more.";
    case waiting:
        return "How long it has been suspended there. Long: it is stuck, or waits for a rare thing.";
    case at: return "The co_await; that of the task which awaits this one; and so on.";
    case age: return "How long ago it was spawned.";
    case chain: return "What was running when it was spawned; and what had scheduled that, and so on.";
    default: return nullptr;
    }
}

} // namespace

void TasksTable::show(const Ui& ui) {
    update(ui);
    if (table_.begin("tasks", columns, 1)) {
        table_.explain_header(ui, columns, help_of);
        arrange(ui, table_.wants_sort(ui.now));
        show_rows_in_sight(rows_.size(), [&](std::size_t position) { show_row(ui, rows_[position]); });
        table_.end();
    }
    ui.rows_shown->add(rows_.size()).add(" of ").add(rows_.total(ui.filter.internal_shown())).add(" tasks");
    if (table_.held()) ui.rows_shown->add(", sorting paused");
}

std::string TasksTable::tsv(const Ui& ui) {
    update(ui);
    arrange(ui, true);
    return tsv_of(columns, rows_.size(),
                  [&](std::size_t position, unsigned column) { return cell(ui, rows_[position], column); });
}

void TasksTable::move_selection(const Ui& ui, int rows) {
    move_selection_in(
        ui, table_, rows_.size(), rows, [&](std::size_t i) -> const auto& { return rows_[i].info; });
}

void TasksTable::update(const Ui& ui) {
    if (version_ == ui.view.version()) return;
    version_ = ui.view.version();
    const Snapshot& snapshot = ui.view.snapshot();
    rows_.update<>(
        std::span<const TaskInfo>(snapshot.tasks), [](Rows::Row&) {},
        [](Rows::Row& row) { row.extra = Extra{}; });
    for (const WaitInfo& wait : snapshot.waits) {
        Rows::Row* row = rows_.find(wait.task);
        if (row != nullptr && row->extra.waits++ == 0) row->extra.wait = wait;
    }
}

void TasksTable::arrange(const Ui& ui, bool sort) {
    rows_.arrange(
        table_.held(), sort, ui.filter_version(), table_.sort_keys(),
        [&](const Rows::Row& row) {
            if (ui.filter.hides(row.info.origin)) return false;
            if (ui.filter.empty()) return true;
            std::array<Text, 5> texts;
            std::array<std::string_view, 5> fields;
            constexpr std::array<unsigned, 5> searched{name, waits_for, at, place, chain};
            for (std::size_t i = 0; i < searched.size(); ++i) {
                texts[i] = cell(ui, row, searched[i]).text;
                fields[i] = texts[i].view();
            }
            return ui.filter.passes(fields);
        },
        [&](const Rows::Row& a, const Rows::Row& b, unsigned column) -> std::weak_ordering {
            switch (column) {
            case number: return a.id <=> b.id;
            case state: return a.info.state <=> b.info.state;
            // What grows while time goes by is compared by its beginning; who does not wait comes last.
            case waiting: {
                const auto since = [](const Rows::Row& row) {
                    return row.extra.waits > 0 ? row.extra.wait.since : never;
                };
                return since(b) <=> since(a);
            }
            case age: return b.info.since <=> a.info.since;
            default: return cell(ui, a, column).text.view() <=> cell(ui, b, column).text.view();
            }
        });
}

void TasksTable::show_row(const Ui& ui, const Rows::Row& row) {
    ImGui::PushID(static_cast<int>(row.id >> 32U));
    ImGui::PushID(static_cast<int>(row.id));
    table_.begin_row(cell(ui, row, name).text, ui.selection.is(row.info), row.gone);
    for (const Column& column : std::span(columns).subspan(1))
        Table::put(column, [&] { return cell(ui, row, column.id); });
    const Table::Hit hit = table_.end_row(ui, "task", row.id);
    if (hit.selected || hit.menu) ui.selection.select(row.info);
    ImGui::PopID();
    ImGui::PopID();
}

Cell TasksTable::cell(const Ui& ui, const Rows::Row& row, unsigned column) {
    const TaskInfo& info = row.info;
    const WaitInfo& wait = row.extra.wait;
    const bool waits = row.extra.waits > 0;
    switch (column) {
    case name:
        return row.gone ? Text("gone: ").add(format_name(info.origin).view()) : format_name(info.origin);
    case number: return Text().add(info.id);
    case state: return name_of(info.state);
    case waits_for: {
        if (!waits) return "";
        Text text = format_wait(wait);
        if (row.extra.waits > 1) text.add("; and ").add(row.extra.waits - 1).add(" more");
        return text;
    }
    case waiting: return waits ? format_duration(ui.view.time() - wait.since) : Text();
    case at: return waits ? format_places(wait.at) : Text();
    case age: return format_duration(ui.view.time() - info.since);
    case place: return format_place(info.origin);
    case chain: return format_chain(info.chain);
    default: return "";
    }
}

} // namespace ioloop::imgui
