// SPDX-License-Identifier: MIT
#include "scopes_table.hpp"

#include <ioloop/inspect/format.hpp>

#include <array>
#include <compare>
#include <span>
#include <string_view>

namespace ioloop::imgui {
namespace {

enum Id : unsigned { name, age, size, handlers, timeouts, callbacks, place, chain };

constexpr auto most_first = ImGuiTableColumnFlags_PreferSortDescending;

constexpr std::array<Column, 8> columns{{
    {name, "name", 14, ImGuiTableColumnFlags_NoHide},
    {age, "age", 6, most_first | ImGuiTableColumnFlags_DefaultSort, true},
    {size, "holds", 4.5F, most_first, true},
    {handlers, "descriptors", 6, most_first, true},
    {timeouts, "timeouts", 5, most_first, true},
    {callbacks, "callbacks", 5, most_first, true},
    {place, "made at", 11},
    {chain, "scheduled by", 16},
}};

const char* help_of(unsigned column) {
    switch (column) {
    case age: return "How long ago it was made.";
    case size:
        return "All that came through it and is alive. More and more of it in a scope that stays: what is "
               "never "
               "removed.";
    case callbacks: return "Those that are queued now.";
    case chain: return "What was running when it was made; and what had scheduled that, and so on.";
    default: return nullptr;
    }
}

std::string_view name_in(const ScopeInfo& info) { return info.name.data(); }

} // namespace

void ScopesTable::show(const Ui& ui) {
    update(ui);
    if (table_.begin("scopes", columns, 1)) {
        table_.explain_header(ui, columns, help_of);
        arrange(ui, table_.wants_sort(ui.now));
        show_rows_in_sight(rows_.size(), [&](std::size_t position) { show_row(ui, rows_[position]); });
        table_.end();
    }
    ui.rows_shown->add(rows_.size()).add(" of ").add(rows_.total(ui.filter.internal_shown())).add(" scopes");
    if (table_.held()) ui.rows_shown->add(", sorting paused");
}

std::string ScopesTable::tsv(const Ui& ui) {
    update(ui);
    arrange(ui, true);
    return tsv_of(columns, rows_.size(),
                  [&](std::size_t position, unsigned column) { return cell(ui, rows_[position], column); });
}

void ScopesTable::move_selection(const Ui& ui, int rows) {
    move_selection_in(
        ui, table_, rows_.size(), rows, [&](std::size_t i) -> const auto& { return rows_[i].info; });
}

void ScopesTable::update(const Ui& ui) {
    if (version_ == ui.view.version()) return;
    version_ = ui.view.version();
    const Snapshot& snapshot = ui.view.snapshot();
    rows_.update<>(
        std::span<const ScopeInfo>(snapshot.scopes), [](Rows::Row&) {},
        [](Rows::Row& row) { row.extra = Extra{}; });
    const auto count = [&](const auto& infos, std::uint32_t Extra::*held) {
        for (const auto& info : infos) {
            if (info.scope == 0) continue;
            if (Rows::Row* row = rows_.find(info.scope)) ++(row->extra.*held);
        }
    };
    count(snapshot.handlers, &Extra::handlers);
    count(snapshot.timeouts, &Extra::timeouts);
    count(snapshot.callbacks, &Extra::callbacks);
}

void ScopesTable::arrange(const Ui& ui, bool sort) {
    rows_.arrange(
        table_.held(), sort, ui.filter_version(), table_.sort_keys(),
        [&](const Rows::Row& row) {
            if (ui.filter.hides(row.info.origin)) return false;
            if (ui.filter.empty()) return true;
            const Text made = format_place(row.info.origin);
            const Text by = format_chain(row.info.chain);
            const std::array<std::string_view, 3> fields{name_in(row.info), made.view(), by.view()};
            return ui.filter.passes(fields);
        },
        [](const Rows::Row& a, const Rows::Row& b, unsigned column) -> std::weak_ordering {
            switch (column) {
            case name: return name_in(a.info) <=> name_in(b.info);
            case size: return a.info.size <=> b.info.size;
            case handlers: return a.extra.handlers <=> b.extra.handlers;
            case timeouts: return a.extra.timeouts <=> b.extra.timeouts;
            case callbacks: return a.extra.callbacks <=> b.extra.callbacks;
            case place: return format_place(a.info.origin).view() <=> format_place(b.info.origin).view();
            case chain: return format_chain(a.info.chain).view() <=> format_chain(b.info.chain).view();
            default: return b.info.since <=> a.info.since; // the age grows the other way
            }
        });
}

void ScopesTable::show_row(const Ui& ui, const Rows::Row& row) {
    ImGui::PushID(static_cast<int>(row.id >> 32U));
    ImGui::PushID(static_cast<int>(row.id));
    table_.begin_row(cell(ui, row, name).text, ui.selection.is(row.info), row.gone);
    for (const Column& column : std::span(columns).subspan(1))
        Table::put(column, [&] { return cell(ui, row, column.id); });
    const Table::Hit hit = table_.end_row(ui, "scope", row.id);
    if (hit.selected || hit.menu) ui.selection.select(row.info);
    ImGui::PopID();
    ImGui::PopID();
}

Cell ScopesTable::cell(const Ui& ui, const Rows::Row& row, unsigned column) {
    const ScopeInfo& info = row.info;
    switch (column) {
    case name: return row.gone ? Text("gone: ").add(name_in(info)) : Text(name_in(info));
    case age: return format_duration(ui.view.time() - info.since);
    case size: return format_count(info.size);
    case handlers: return format_count(row.extra.handlers);
    case timeouts: return format_count(row.extra.timeouts);
    case callbacks: return format_count(row.extra.callbacks);
    case place: return format_place(info.origin);
    case chain: return format_chain(info.chain);
    default: return "";
    }
}

} // namespace ioloop::imgui
