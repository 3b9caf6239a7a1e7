// SPDX-License-Identifier: MIT
#include "callbacks_table.hpp"

#include "object_actions.hpp"

#include <ioloop/inspect/format.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace ioloop::imgui {
namespace {

constexpr auto fixed_order = ImGuiTableColumnFlags_NoSort;

constexpr std::array<Column, 6> queued_columns{{
    {0, "#", 3, fixed_order | ImGuiTableColumnFlags_NoHide},
    {1, "name", 14, fixed_order},
    {2, "waits for", 5.5F, fixed_order},
    {3, "posted by", 6, fixed_order},
    {4, "posted at", 13, fixed_order},
    {5, "scheduled by", 16, fixed_order},
}};

enum Id : unsigned { turn, kind, name, times, waited, took, longest, result, of, place, chain };

constexpr std::array<Column, 11> ran_columns{{
    {turn, "turn", 5, fixed_order | ImGuiTableColumnFlags_NoHide},
    {kind, "kind", 5, fixed_order},
    {name, "name", 14, fixed_order},
    {times, "times", 4, fixed_order, true},
    {waited, "waited", 5, fixed_order, true},
    {took, "took", 5, fixed_order, true},
    {longest, "longest", 5, fixed_order, true},
    {result, "result", 4.5F, fixed_order},
    {of, "of", 5.5F, fixed_order},
    {place, "posted at", 13, fixed_order},
    {chain, "scheduled by", 16, fixed_order},
}};

const char* help_of(unsigned column) {
    switch (column) {
    case turn: return "The turn of the loop in which it was called.";
    case times: return "Equal calls that followed each other are told as one row.";
    case waited:
        return "In the queue, or since it was due. Long: the loop was busy with something else, or not run.";
    case took: return "All calls of the row together.";
    case longest: return "The longest of them. Yellow: longer than a call should be; the frame waits for it.";
    case result: return "Whether an exception left it.";
    case chain: return "What was running when it was posted; and what had posted that, and so on.";
    default: return nullptr;
    }
}

Cell ran_cell(const Ui& ui, const History::Row& row, unsigned column) {
    const CallRecord& call = row.last;
    const Origin& origin = call.chain.origin();
    const bool handler = call.kind == CallKind::handler;
    switch (column) {
    case turn: return Text().add(call.turn);
    case kind: return name_of(call.kind);
    case name: return format_name(origin);
    case times: return row.count > 1 ? Text("x ").add(row.count) : Text();
    case waited: return handler ? Text("-") : format_duration(row.latest);
    case took: return format_duration(row.took);
    case longest:
        return {format_duration(row.longest), row.longest > ui.slow_call ? Severity::warning : Severity::ok};
    case result: return {call.threw ? "threw" : "ok", call.threw ? Severity::error : Severity::ok};
    case of: {
        if (!handler) return "";
        Text text("fd ");
        return text.add(static_cast<std::uint64_t>(call.fd)).add(" ").add(format_events(call.events).view());
    }
    case place: return format_place(origin);
    case chain: return format_chain(call.chain);
    default: return "";
    }
}

} // namespace

void CallbacksTable::show(const Ui& ui) {
    update_queued(ui);
    const float room = ImGui::GetContentRegionAvail().y;
    const float wanted =
        em() * 1.6F * (static_cast<float>(std::clamp<std::size_t>(queued_.size(), 1, 4)) + 2);
    if (room >= em() * 9) show_queued(ui, std::min(wanted, room * 0.4F)); // else there is room for one
    show_ran(ui);
    show_popup(ui);
}

std::string CallbacksTable::tsv(const Ui& ui) {
    history_.update(ui.view, ui.filter, ran_table_.held());
    const auto rows = history_.rows();
    return tsv_of(ran_columns, rows.size(), [&](std::size_t position, unsigned column) {
        return ran_cell(ui, rows[position], column);
    });
}

void CallbacksTable::move_selection(const Ui& ui, int rows) {
    const auto all = history_.rows();
    move_selection_in(
        ui, ran_table_, all.size(), rows, [&](std::size_t i) -> const auto& { return all[i].last; });
}

void CallbacksTable::update_queued(const Ui& ui) {
    const Snapshot& snapshot = ui.view.snapshot();
    const auto hidden = [&](const CallbackInfo& info) { return ui.filter.hides(info.origin); };
    queued_now_ = !std::all_of(snapshot.callbacks.begin(), snapshot.callbacks.end(), hidden);
    if (!queued_now_ || queued_table_.held()) return;
    queued_ = snapshot.callbacks;
    std::erase_if(queued_, hidden);
    queued_at_ = snapshot.time;
}

void CallbacksTable::show_queued(const Ui& ui, float height) {
    if (queued_now_) {
        const std::size_t hidden = ui.filter.internal_shown() ? 0 : ui.view.internal().callbacks;
        put_text(Text("Queued now: ").add(ui.view.snapshot().callbacks.size() - hidden));
    } else if (queued_.empty()) {
        put_weak("Queued now: nothing, nor since this window was opened");
    } else {
        Text text("Queued now: nothing. Below, the last there was: ");
        put_weak(text.add(format_duration(ui.view.time() - queued_at_).view()).add(" ago"));
    }
    if (!queued_table_.begin("queued", queued_columns, 1, height)) return;
    show_rows_in_sight(queued_.size(), [&](std::size_t position) { show_queued_row(ui, position); });
    queued_table_.end();
}

void CallbacksTable::show_queued_row(const Ui& ui, std::size_t position) {
    const CallbackInfo& info = queued_[position];
    ImGui::PushID(static_cast<int>(position));
    queued_table_.begin_row(Text().add(position + 1), ui.selection.is(info), !queued_now_);
    const auto cell = [] { return ImGui::TableNextColumn(); };
    if (cell()) put_text(format_name(info.origin));
    if (cell()) {
        const bool known = info.posted_at != TimePoint{};
        put_right(known ? format_duration(queued_at_ - info.posted_at) : Text("-"));
    }
    if (cell()) ImGui::TextUnformatted(info.from_thread ? "outside" : "the loop");
    if (cell()) put_text(format_place(info.origin));
    if (cell()) put_text(format_chain(info.chain));
    const Table::Hit hit = queued_table_.end_row(ui, "queued", info.id);
    if (hit.selected || hit.menu) ui.selection.select(info);
    if (hit.menu) open_menu(CallKind::callback, info.id, info.chain);
    ImGui::PopID();
}

void CallbacksTable::show_ran(const Ui& ui) {
    history_.update(ui.view, ui.filter, ran_table_.held());
    Text heading("What ran, the newest first");
    if (!ui.view.moment().observing) {
        heading = "What ran: not known, as another observer looks at this loop";
    } else if (!ui.view.moment().recording) {
        heading.add("; recording is off");
    } else if (ran_table_.held() && !ui.view.frozen()) {
        heading.add("; held while the cursor is on it");
    }
    put_text(heading);
    if (!ran_table_.begin("ran", ran_columns, 1)) return;
    ran_table_.explain_header(ui, ran_columns, help_of);
    const auto rows = history_.rows();
    show_rows_in_sight(rows.size(),
                       [&](std::size_t position) { show_ran_row(ui, rows[position], position); });
    ran_table_.end();
    ui.rows_shown->add(history_.calls()).add(" calls in ").add(rows.size()).add(" rows");
}

void CallbacksTable::show_ran_row(const Ui& ui, const History::Row& row, std::size_t position) {
    const CallRecord& call = row.last;
    ImGui::PushID(static_cast<int>(position));
    ran_table_.begin_row(ran_cell(ui, row, turn).text, ui.selection.is(call));
    for (const Column& column : std::span(ran_columns).subspan(1)) {
        Table::put(column, [&] { return ran_cell(ui, row, column.id); });
    }
    const Table::Hit hit = ran_table_.end_row(ui, "ran", call.id);
    if (hit.selected || hit.menu) ui.selection.select(call);
    if (hit.menu) open_menu(call.kind, call.id, call.chain);
    ImGui::PopID();
}

void CallbacksTable::open_menu(CallKind kind, std::uint64_t id, const Chain& chain) {
    menu_.kind = kind;
    menu_.id = id;
    menu_.chain = chain;
    open_menu_ = true;
}

void CallbacksTable::show_popup(const Ui& ui) {
    if (std::exchange(open_menu_, false)) ImGui::OpenPopup("menu");
    if (!ImGui::BeginPopup("menu")) return;
    ran_table_.hold();
    queued_table_.hold();
    const Origin& origin = menu_.chain.origin();
    put_weak(Text(name_of(menu_.kind)).add(" ").add(format_name(origin).view()));
    ImGui::Separator();
    offer_breakpoints(ui, As::menu, menu_.kind, menu_.id, menu_.chain.site());
    ImGui::Separator();
    if (ImGui::MenuItem("Copy the place it was posted at")) {
        ImGui::SetClipboardText(Text(origin.file).add(":").add(origin.line).c_str());
    }
    ui.mark("call menu/copy");
    ImGui::EndPopup();
}

} // namespace ioloop::imgui
