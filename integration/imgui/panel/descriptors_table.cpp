// SPDX-License-Identifier: MIT
#include "descriptors_table.hpp"

#include <ioloop/inspect/format.hpp>

#include <array>
#include <compare>
#include <span>
#include <string_view>
#include <utility>

namespace ioloop::imgui {
namespace {

enum Id : unsigned {
    fd,
    name,
    kind,
    interest,
    ready,
    calls,
    rate,
    streak,
    idle,
    local,
    peer,
    in,
    out,
    place,
    chain,
    action
};

constexpr auto numeric = ImGuiTableColumnFlags_PreferSortDescending;
constexpr auto sampled = ImGuiTableColumnFlags_NoSort; // known for the rows in sight only

constexpr std::array<Column, 16> columns{{
    {fd, "fd", 3, ImGuiTableColumnFlags_DefaultSort | ImGuiTableColumnFlags_NoHide},
    {name, "name", 12},
    {kind, "kind", 8, sampled},
    {peer, "peer", 10, sampled},
    {interest, "wants", 3.5F},
    {ready, "ready", 3.5F},
    {rate, "calls/s", 5, numeric},
    {calls, "calls", 5, numeric},
    {action, "action", 6, ImGuiTableColumnFlags_NoSort},
    {place, "added at", 11},
    {streak, "in a row", 6, numeric},
    {idle, "idle turns", 7, numeric},
    {local, "local", 10, sampled},
    {in, "bytes in", 5, sampled},
    {out, "bytes out", 5.5F, sampled},
    {chain, "scheduled by", 12},
}};

/// Readiness this often in a row, without a break, is a handler that does not consume what wakes it; or hard
/// work.
constexpr std::uint32_t suspicious_streak = 60;
constexpr double flash_seconds = 0.3;

std::uint64_t idle_turns(const Ui& ui, const HandlerInfo& info) {
    return ui.view.snapshot().turn - info.last_turn;
}

bool streaking(const Ui& ui, const HandlerInfo& info) {
    return info.last_turn + 1 >= ui.view.snapshot().turn;
}

/// More than this many descriptors are not asked what they are only because a filter might match that.
constexpr std::size_t most_asked = 256;

} // namespace

void DescriptorsTable::show(const Ui& ui) {
    update(ui);
    if (table_.begin("descriptors", columns, 2)) {
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
    show_popups(ui);
    ui.rows_shown->add(rows_.size()).add(" of ").add(rows_.total()).add(" descriptors");
    if (table_.held()) ui.rows_shown->add(", sorting paused");
}

void DescriptorsTable::update(const Ui& ui) {
    if (version_ == ui.view.version()) return;
    version_ = ui.view.version();
    const TimePoint now = ui.view.time();
    rows_.update<>(
        std::span<const HandlerInfo>(ui.view.snapshot().handlers),
        [](Rows::Row& row) { row.extra.calls = row.info.calls; },
        [&](Rows::Row& row) {
            row.extra.rate.sample(row.info.calls, now);
            if (row.extra.calls != row.info.calls) row.extra.called_at = ui.now;
            row.extra.calls = row.info.calls;
        });
}

void DescriptorsTable::arrange(const Ui& ui) {
    const bool sort = table_.wants_sort(ui.now);
    rows_.arrange(
        table_.held(), sort, ui.filter.version(), table_.sort_keys(),
        [&](const Rows::Row& row) { return passes(ui, row); },
        [](const Rows::Row& a, const Rows::Row& b, unsigned column) -> std::weak_ordering {
            const HandlerInfo& left = a.info;
            const HandlerInfo& right = b.info;
            switch (column) {
            case name: return format_name(left.origin).view() <=> format_name(right.origin).view();
            case interest: return left.interest <=> right.interest;
            case ready: return left.last_ready <=> right.last_ready;
            case calls: return left.calls <=> right.calls;
            case rate: return std::weak_order(a.extra.rate.per_second(), b.extra.rate.per_second());
            case streak: return left.streak <=> right.streak;
            case idle: return right.last_turn <=> left.last_turn;
            case place: return format_place(left.origin).view() <=> format_place(right.origin).view();
            case chain: return format_chain(left.chain).view() <=> format_chain(right.chain).view();
            default: return left.fd <=> right.fd;
            }
        });
}

bool DescriptorsTable::passes(const Ui& ui, const Rows::Row& row) {
    if (ui.filter.empty()) return true;
    const HandlerInfo& info = row.info;
    const Text label = format_name(info.origin);
    const Text added = format_place(info.origin);
    const Text by = format_chain(info.chain);
    const Text number = Text("fd ").add(static_cast<std::uint64_t>(info.fd));
    const bool ask = !ui.view.frozen() && !row.gone && rows_.total() <= most_asked;
    const Descriptor* what = cache_.find(ui.view.source(), row.id, info.fd, ui.now, ask);
    const std::array<std::string_view, 7> fields{label.view(),
                                                 added.view(),
                                                 by.view(),
                                                 number.view(),
                                                 what != nullptr ? name_of(what->kind) : "",
                                                 what != nullptr ? what->local : "",
                                                 what != nullptr ? what->peer : ""};
    return ui.filter.passes(fields);
}

void DescriptorsTable::show_row(const Ui& ui, Rows::Row& row) {
    const HandlerInfo& info = row.info;
    const Descriptor* what =
        cache_.find(ui.view.source(), row.id, info.fd, ui.now, !ui.view.frozen() && !row.gone);
    ImGui::PushID(static_cast<int>(row.id >> 32U));
    ImGui::PushID(static_cast<int>(row.id));
    table_.begin_row(Text().add(static_cast<std::uint64_t>(info.fd)), ui.selection.is(info), row.gone);

    const auto cell = [] { return ImGui::TableNextColumn(); };
    if (cell())
        put_text(row.gone ? Text("gone: ").add(format_name(info.origin).view()) : format_name(info.origin));
    if (cell()) {
        const bool closed = what != nullptr && what->kind == Descriptor::Kind::closed;
        if (closed) ImGui::TableSetBgColor(ImGuiTableBgTarget_CellBg, severity_color(Severity::error));
        put_text(Text(closed ? "!! " : "").add(what != nullptr ? name_of(what->kind) : "?"));
    }
    if (cell()) put_text(what != nullptr ? what->peer : "?");
    if (cell()) put_text(format_events(info.interest));
    if (cell()) put_text(format_events(info.last_ready));
    if (cell()) put_right(row.extra.rate.known() ? format_rate(row.extra.rate.per_second()) : Text("-"));
    if (cell()) {
        const double age = ui.now - row.extra.called_at;
        if (row.extra.called_at >= 0 && age < flash_seconds) {
            const auto fade = static_cast<float>(1 - age / flash_seconds);
            ImGui::TableSetBgColor(ImGuiTableBgTarget_CellBg,
                                   ImGui::GetColorU32(ImGuiCol_PlotHistogram, 0.4F * fade));
        }
        put_right(format_count(info.calls));
    }
    if (cell() && !row.gone) {
        if (small_command_button(ui, "Remove...")) {
            menu_ = info;
            open_confirm_ = true;
        }
        ui.mark("descriptor/remove", row.id);
    }
    if (cell()) put_text(format_place(info.origin));
    if (cell()) {
        const bool now = streaking(ui, info);
        const bool suspicious = now && info.streak >= suspicious_streak;
        if (suspicious) ImGui::TableSetBgColor(ImGuiTableBgTarget_CellBg, severity_color(Severity::warning));
        put_right(Text(suspicious ? "! " : "").add(now ? format_count(info.streak).view() : "0"));
    }
    if (cell()) put_right(info.last_turn == 0 ? Text("never") : format_count(idle_turns(ui, info)));
    if (cell()) put_text(what != nullptr ? what->local : "?");
    if (cell()) put_right(what != nullptr ? format_bytes(what->bytes_in) : Text("?"));
    if (cell()) put_right(what != nullptr ? format_bytes(what->bytes_out) : Text("?"));
    if (cell()) put_text(format_chain(info.chain));

    const Table::Hit hit = table_.end_row(ui, "descriptor", row.id);
    if (hit.selected || hit.menu) ui.selection.select(info);
    if (hit.menu) {
        menu_ = info;
        open_menu_ = true;
    }
    ImGui::PopID();
    ImGui::PopID();
}

void DescriptorsTable::show_popups(const Ui& ui) {
    if (std::exchange(open_menu_, false)) ImGui::OpenPopup("menu");
    if (ImGui::BeginPopup("menu")) {
        table_.hold();
        put_weak(Text("fd ")
                     .add(static_cast<std::uint64_t>(menu_.fd))
                     .add(", ")
                     .add(format_name(menu_.origin).view()));
        ImGui::Separator();
        if (ImGui::MenuItem("Copy the place it was added at")) {
            ImGui::SetClipboardText(Text(menu_.origin.file).add(":").add(menu_.origin.line).c_str());
        }
        ui.mark("descriptor menu/copy");
        if (command_item(ui, "Remove handler...")) open_confirm_ = true;
        ui.mark("descriptor menu/remove");
        ImGui::EndPopup();
    }

    if (std::exchange(open_confirm_, false)) ImGui::OpenPopup("confirm");
    if (ImGui::BeginPopup("confirm")) {
        table_.hold();
        put_text(Text("Remove the handler of fd ").add(static_cast<std::uint64_t>(menu_.fd)).add("?"));
        put_text(format_name(menu_.origin).add(", added at ").add(format_place(menu_.origin).view()));
        ImGui::TextUnformatted("Nothing will be called for it any more. The descriptor stays open.");
        if (command_button(ui, "Remove")) {
            ui.command = {Command::Kind::remove_handler, {}, menu_.id};
            ImGui::CloseCurrentPopup();
        }
        ui.mark("confirm/remove");
        ImGui::SameLine();
        if (ImGui::Button("Keep")) ImGui::CloseCurrentPopup();
        ui.mark("confirm/keep");
        ImGui::EndPopup();
    }
}

} // namespace ioloop::imgui
