// SPDX-License-Identifier: MIT
#include "journal_table.hpp"

#include <ioloop/inspect/format.hpp>

#include <algorithm>
#include <array>
#include <string_view>

namespace ioloop::imgui {
namespace {

constexpr auto fixed_order = ImGuiTableColumnFlags_NoSort;

constexpr std::array<Column, 8> columns{{
    {0, "turn", 5, fixed_order | ImGuiTableColumnFlags_NoHide},
    {1, "ago", 5, fixed_order},
    {2, "what", 5, fixed_order},
    {3, "kind", 5, fixed_order},
    {4, "name", 13, fixed_order},
    {5, "details", 20, fixed_order},
    {6, "place", 10, fixed_order},
    {7, "by", 10, fixed_order},
}};

/// What was called, or is registered: the name of who did it says more of a change than the chain.
Text format_by(const JournalEntry& entry) {
    if (entry.by == SiteId::none) return "-";
    return format_name(origin_of(entry.by));
}

Text format_object(const JournalEntry& entry) {
    const bool known = entry.chain.site() != SiteId::none;
    return known ? format_name(entry.chain.origin()) : Text("-");
}

Text format_details(const JournalEntry& entry) {
    Text text;
    const auto add_fd = [&] {
        text.add("fd ").add(static_cast<std::uint64_t>(entry.fd));
        if (entry.events != Events::none) text.add(" ").add(format_events(entry.events).view());
    };
    switch (entry.what) {
    case JournalKind::woken:
        text.add(name_of(entry.reason)).add(", slept ").add(format_duration(entry.took).view());
        if (entry.late == forever) return text;
        return text.add(" of ").add(format_duration(entry.late).view());
    case JournalKind::threw: return text.add(entry.message.data());
    case JournalKind::handled: add_fd(); return text.add(", took ").add(format_duration(entry.took).view());
    case JournalKind::ran:
        text.add("took ").add(format_duration(entry.took).view());
        return text.add(", waited ").add(format_duration(entry.late).view());
    case JournalKind::fired:
        text.add("took ").add(format_duration(entry.took).view());
        return text.add(", late ").add(format_duration(entry.late).view());
    case JournalKind::added:
    case JournalKind::moved:
        if (entry.kind == CallKind::timeout) {
            if (entry.deadline == never) return "due never";
            return text.add("due in ").add(format_duration(entry.deadline - entry.at).view());
        }
        break;
    case JournalKind::removed:
    case JournalKind::died: break;
    }
    if (entry.kind == CallKind::handler && entry.fd != invalid_fd) add_fd();
    return text;
}

bool passes(const Filter& filter, const JournalEntry& entry) {
    if (filter.hides(entry.chain.origin())) return false;
    if (filter.empty()) return true;
    const Text name = format_object(entry);
    const Text details = format_details(entry);
    const Text place = format_place(entry.chain.origin());
    const Text by = format_by(entry);
    const std::array<std::string_view, 6> fields{name.view(), details.view(),      place.view(),
                                                 by.view(),   name_of(entry.what), name_of(entry.kind)};
    return filter.passes(fields);
}

} // namespace

void JournalTable::update(const Ui& ui) {
    const bool refiltered = filter_version_ != ui.filter.version();
    const bool news = version_ != journal_.version() && !table_.held();
    if (!refiltered && !news) return;
    filter_version_ = ui.filter.version();
    version_ = journal_.version();
    rows_.clear();
    rows_.reserve(Journal::capacity);
    for (std::size_t i = journal_.size(); i > 0; --i) {
        const JournalEntry& entry = journal_[i - 1];
        if (shown_.has(entry.what) && passes(ui.filter, entry)) rows_.push_back(entry);
    }
}

void JournalTable::show(const Ui& ui) {
    show_boxes(ui, "Record", journal_.recorded(),
               "What comes is kept from now on; what is not leaves the room to the rest.");
    if (show_boxes(ui, "Show", shown_, "What was recorded, and is hidden, stays.")) filter_version_ = 0;
    update(ui);
    if (table_.begin("journal", columns, 1)) {
        show_rows_in_sight(rows_.size(),
                           [&](std::size_t position) { show_row(ui, rows_[position], position); });
        table_.end();
    }
    ui.rows_shown->add(rows_.size()).add(" of ").add(journal_.size()).add(" entries");
    if (journal_.size() == Journal::capacity) ui.rows_shown->add("; older ones are forgotten");
    if (table_.held() && !ui.view.frozen()) ui.rows_shown->add("; held while the cursor is on them");
}

bool JournalTable::show_boxes(const Ui& ui, const char* heading, JournalKinds& kinds,
                              const char* explanation) {
    bool clicked = false;
    ImGui::PushID(heading);
    ImGui::AlignTextToFramePadding();
    put_weak(heading);
    explain(ui, explanation);
    for (std::size_t i = 0; i < journal_kind_count; ++i) {
        const auto kind = static_cast<JournalKind>(i);
        ImGui::SameLine(em() * (4 + 6.2F * static_cast<float>(i)));
        if (ImGui::Checkbox(name_of(kind), &kinds[kind])) clicked = true;
        ui.mark(heading, i);
    }
    ImGui::PopID();
    return clicked;
}

void JournalTable::show_row(const Ui& ui, const JournalEntry& entry, std::size_t position) {
    const bool turn = entry.what == JournalKind::woken;
    const Selection& selection = ui.selection;
    const bool of_turn = selection.kind == Selection::Kind::turn && selection.turn.turn == entry.turn;
    ImGui::PushID(static_cast<int>(position));
    table_.begin_row(Text().add(entry.turn), of_turn || (!turn && selection.is(subject_of(entry))));
    const auto cell = [] { return ImGui::TableNextColumn(); };
    if (cell()) put_right(format_duration(ui.view.time() - entry.at));
    if (cell()) {
        const bool bad = entry.what == JournalKind::threw || entry.what == JournalKind::died;
        if (bad) ImGui::TableSetBgColor(ImGuiTableBgTarget_CellBg, severity_color(Severity::error));
        put_text(Text(bad ? "!! " : "").add(name_of(entry.what)));
    }
    if (cell()) ImGui::TextUnformatted(turn ? "turn" : name_of(entry.kind));
    if (cell()) put_text(format_object(entry));
    if (cell()) put_text(format_details(entry));
    if (cell()) put_text(format_place(entry.chain.origin()));
    if (cell()) put_text(format_by(entry));
    if (table_.end_row(ui, "journal", position).selected) select(ui, entry);
    ImGui::PopID();
}

void JournalTable::select(const Ui& ui, const JournalEntry& entry) const {
    if (entry.what != JournalKind::woken) return ui.selection.select(subject_of(entry), ui.view.moment());
    const auto turns = ui.view.turns();
    const auto turn = std::find_if(turns.rbegin(), turns.rend(),
                                   [&](const TurnRecord& record) { return record.turn == entry.turn; });
    if (turn != turns.rend()) ui.selection.select(*turn);
}

} // namespace ioloop::imgui
