// SPDX-License-Identifier: MIT
#include "callbacks_table.hpp"

#include "object_actions.hpp"

#include <ioloop/inspect/format.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace ioloop::imgui {
namespace {

constexpr auto fixed_order = ImGuiTableColumnFlags_NoSort;

constexpr std::array<Column, 6> queued_columns{{
    {0, "#", 3, fixed_order | ImGuiTableColumnFlags_NoHide},
    {1, "name", 14, fixed_order},
    {2, "waits for", 5.5F, fixed_order},
    {3, "posted by", 6, fixed_order},
    {4, "posted at", 11, fixed_order},
    {5, "scheduled by", 16, fixed_order},
}};

constexpr std::array<Column, 11> ran_columns{{
    {0, "turn", 5, fixed_order | ImGuiTableColumnFlags_NoHide},
    {1, "kind", 5, fixed_order},
    {2, "name", 14, fixed_order},
    {3, "times", 4, fixed_order},
    {4, "waited", 5, fixed_order},
    {5, "took", 5, fixed_order},
    {6, "longest", 5, fixed_order},
    {7, "result", 4.5F, fixed_order},
    {8, "of", 5.5F, fixed_order},
    {9, "posted at", 11, fixed_order},
    {10, "scheduled by", 16, fixed_order},
}};

} // namespace

void CallbacksTable::show(const Ui& ui) {
    update_queued(ui);
    const float room = ImGui::GetContentRegionAvail().y;
    const float wanted =
        em() * 1.6F * (static_cast<float>(std::clamp<std::size_t>(queued_.size(), 1, 4)) + 2);
    show_queued(ui, std::min(wanted, room * 0.4F));
    show_ran(ui);
    show_popup(ui);
}

void CallbacksTable::update_queued(const Ui& ui) {
    const Snapshot& snapshot = ui.view.snapshot();
    queued_now_ = !snapshot.callbacks.empty();
    if (!queued_now_ || queued_table_.held()) return;
    queued_ = snapshot.callbacks;
    queued_at_ = snapshot.time;
}

void CallbacksTable::show_queued(const Ui& ui, float height) {
    if (queued_now_) {
        put_text(Text("Queued now: ").add(ui.view.snapshot().callbacks.size()));
    } else if (queued_.empty()) {
        put_weak("Queued now: nothing, nor since this window was opened");
    } else {
        Text text("Queued now: nothing. Below, the last there was: ");
        put_weak(text.add(format_duration(ui.view.time() - queued_at_).view()).add(" ago"));
    }
    if (!queued_table_.begin("queued", queued_columns, 1, height)) return;
    ImGuiListClipper clipper;
    clipper.Begin(static_cast<int>(queued_.size()));
    while (clipper.Step()) {
        for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i) {
            show_queued_row(ui, static_cast<std::size_t>(i));
        }
    }
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
    const auto rows = history_.rows();
    ImGuiListClipper clipper;
    clipper.Begin(static_cast<int>(rows.size()));
    while (clipper.Step()) {
        for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i) {
            show_ran_row(ui, rows[static_cast<std::size_t>(i)], i);
        }
    }
    ran_table_.end();
    ui.rows_shown->add(history_.calls()).add(" calls in ").add(rows.size()).add(" rows");
}

void CallbacksTable::show_ran_row(const Ui& ui, const History::Row& row, int position) {
    const CallRecord& call = row.last;
    const Origin& origin = call.chain.origin();
    ImGui::PushID(position);
    ran_table_.begin_row(Text().add(call.turn), ui.selection.is(call));
    const auto cell = [] { return ImGui::TableNextColumn(); };
    if (cell()) ImGui::TextUnformatted(name_of(call.kind));
    if (cell()) put_text(format_name(origin));
    if (cell()) put_right(row.count > 1 ? Text("x ").add(row.count) : Text());
    if (cell()) {
        if (call.kind == CallKind::handler) {
            put_right("-");
        } else {
            put_right(format_duration(row.latest));
        }
    }
    if (cell()) put_right(format_duration(row.took));
    if (cell()) {
        const bool slow = row.longest > ui.slow_call;
        if (slow) ImGui::TableSetBgColor(ImGuiTableBgTarget_CellBg, severity_color(Severity::warning));
        put_right(Text(slow ? "! " : "").add(format_duration(row.longest).view()));
    }
    if (cell()) {
        if (call.threw) ImGui::TableSetBgColor(ImGuiTableBgTarget_CellBg, severity_color(Severity::error));
        ImGui::TextUnformatted(call.threw ? "!! threw" : "ok");
    }
    if (cell()) {
        if (call.kind == CallKind::handler) {
            Text text("fd ");
            put_text(text.add(static_cast<std::uint64_t>(call.fd))
                         .add(" ")
                         .add(format_events(call.events).view()));
        }
    }
    if (cell()) put_text(format_place(origin));
    if (cell()) put_text(format_chain(call.chain));
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
