// SPDX-License-Identifier: MIT
#include "slow_table.hpp"

#include <ioloop/inspect/format.hpp>

#include <array>
#include <string_view>

namespace ioloop::imgui {
namespace {

constexpr auto fixed_order = ImGuiTableColumnFlags_NoSort;

constexpr std::array<Column, 9> columns{{
    {0, "turn", 5, fixed_order | ImGuiTableColumnFlags_NoHide},
    {1, "ago", 5, fixed_order},
    {2, "took", 5, fixed_order},
    {3, "too long", 5, fixed_order},
    {4, "kind", 5, fixed_order},
    {5, "name", 13, fixed_order},
    {6, "it delayed", 14, fixed_order},
    {7, "place", 10, fixed_order},
    {8, "scheduled by", 12, fixed_order},
}};

bool passes(const Filter& filter, const CallRecord& call) {
    if (filter.hides(call.chain.origin())) return false;
    if (filter.empty()) return true;
    const Text name = format_name(call.chain.origin());
    const Text place = format_place(call.chain.origin());
    const Text by = format_chain(call.chain);
    const std::array<std::string_view, 4> fields{name.view(), place.view(), by.view(), name_of(call.kind)};
    return filter.passes(fields);
}

/// "x 3.2" of what is planned
Text format_times(Duration took, Duration planned) {
    if (planned <= no_wait) return "-";
    const double times = static_cast<double>(took.count()) / static_cast<double>(planned.count());
    return Text("x ").add_fixed(times, times < 100 ? 1 : 0);
}

Text format_delayed(const SlowLog::Entry& entry) {
    if (entry.delayed == 0) return "nobody";
    Text text;
    text.add(entry.delayed).add(entry.delayed == 1 ? " call" : " calls");
    if (entry.worst_wait > no_wait) text.add(", up to ").add(format_duration(entry.worst_wait).view());
    return text;
}

} // namespace

void SlowTable::update(const Ui& ui) {
    const bool refiltered = filter_version_ != ui.filter.version();
    const bool news = version_ != log_.version() && !table_.held();
    if (!refiltered && !news) return;
    filter_version_ = ui.filter.version();
    version_ = log_.version();
    const auto entries = log_.entries();
    rows_.clear();
    rows_.reserve(SlowLog::capacity);
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
        if (passes(ui.filter, entry->call)) rows_.push_back(*entry);
    }
}

void SlowTable::show(const Ui& ui) {
    update(ui);
    Text heading("Calls of more than ");
    heading.add(format_duration(ui.slow_call).view()).add(", the newest first");
    if (table_.held() && !ui.view.frozen()) heading.add("; held while the cursor is on them");
    put_text(heading);
    if (table_.begin("slow", columns, 1)) {
        show_rows_in_sight(rows_.size(), [&](std::size_t position) { show_row(ui, position); });
        table_.end();
    }
    ui.rows_shown->add(rows_.size()).add(" of ").add(log_.entries().size()).add(" slow calls");
    if (log_.entries().size() == SlowLog::capacity) ui.rows_shown->add("; older ones are forgotten");
}

void SlowTable::show_row(const Ui& ui, std::size_t position) {
    const SlowLog::Entry& entry = rows_[position];
    const CallRecord& call = entry.call;
    const Origin& origin = call.chain.origin();
    ImGui::PushID(static_cast<int>(position));
    table_.begin_row(Text().add(call.turn), ui.selection.is(call));
    const auto cell = [] { return ImGui::TableNextColumn(); };
    if (cell()) put_right(format_duration(ui.view.time() - call.begin));
    if (cell()) put_right(format_duration(call.took));
    if (cell()) {
        const bool very = call.took > 4 * ui.slow_call;
        ImGui::TableSetBgColor(ImGuiTableBgTarget_CellBg,
                               severity_color(very ? Severity::error : Severity::warning));
        put_right(format_times(call.took, ui.slow_call));
    }
    if (cell()) ImGui::TextUnformatted(name_of(call.kind));
    if (cell()) put_text(format_name(origin).add(call.threw ? ", threw" : ""));
    if (cell()) put_text(format_delayed(entry));
    if (cell()) put_text(format_place(origin));
    if (cell()) put_text(format_chain(call.chain));
    if (table_.end_row(ui, "slow", position).selected) ui.selection.select(call);
    ImGui::PopID();
}

} // namespace ioloop::imgui
