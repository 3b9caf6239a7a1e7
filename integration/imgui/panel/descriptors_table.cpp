// SPDX-License-Identifier: MIT
#include "descriptors_table.hpp"

#include "descriptor_columns.hpp"
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

using namespace descriptor_column;

/// Readiness this often in a row, without a break, is a handler that does not consume what wakes it; or hard
/// work.
constexpr std::uint32_t suspicious_streak = 60;

std::uint64_t idle_turns(const Ui& ui, const HandlerInfo& info) {
    return ui.view.snapshot().turn - info.last_turn;
}

bool streaking(const Ui& ui, const HandlerInfo& info) {
    return info.last_turn + 1 >= ui.view.snapshot().turn;
}

KernelTruth truth_of(const Ui& ui, std::size_t at) {
    const auto& truths = ui.view.moment().truth;
    return at < truths.size() ? truths[at] : KernelTruth::unknown;
}

Severity severity_of(KernelTruth told) {
    switch (told) {
    case KernelTruth::mask_differs: return Severity::warning;
    case KernelTruth::lost:
    case KernelTruth::reused:
    case KernelTruth::ghost: return Severity::error;
    case KernelTruth::unknown:
    case KernelTruth::in_step: break;
    }
    return Severity::ok;
}

/// "> ": at least; it may be longer.
Text format_at_least(Duration duration, bool exact) {
    return Text(exact ? "" : "> ").add(format_duration(std::max(duration, Duration{})).view());
}

/// More than this many descriptors are not asked what they are only because a filter might match that.
constexpr std::size_t most_asked = 256;

} // namespace

void DescriptorsTable::show(const Ui& ui) {
    update(ui);
    if (table_.begin("descriptors", columns, 2)) {
        table_.explain_header(ui, columns, help_of);
        arrange(ui, table_.wants_sort(ui.now));
        show_rows_in_sight(rows_.size(), [&](std::size_t position) { show_row(ui, rows_[position]); });
        table_.end();
    }
    show_popups(ui);
    ui.rows_shown->add(rows_.size())
        .add(" of ")
        .add(rows_.total(ui.filter.internal_shown()))
        .add(" descriptors");
    add_difference(ui, since_mark_);
    if (table_.held()) ui.rows_shown->add(", sorting paused");
}

std::string DescriptorsTable::tsv(const Ui& ui) {
    update(ui);
    arrange(ui, true);
    return tsv_of(columns, rows_.size(), [&](std::size_t position, unsigned column) {
        const Rows::Row& row = rows_[position];
        const bool ask = !ui.view.frozen() && !row.gone;
        return cell(ui, row, cache_.find(ui.view.source(), row.id, row.info.fd, ui.now, ask), column);
    });
}

void DescriptorsTable::move_selection(const Ui& ui, int rows) {
    move_selection_in(
        ui, table_, rows_.size(), rows, [&](std::size_t i) -> const auto& { return rows_[i].info; });
}

void DescriptorsTable::update(const Ui& ui) {
    if (version_ == ui.view.version() && mark_version_ == ui.baseline.version()) return;
    version_ = ui.view.version();
    mark_version_ = ui.baseline.version();
    if (ui.baseline.is_set())
        since_mark_ = ui.baseline.since(std::span<const HandlerInfo>(ui.view.snapshot().handlers));
    const TimePoint now = ui.view.time();
    const std::uint64_t turn = ui.view.snapshot().turn;
    rows_.update<>(
        std::span<const HandlerInfo>(ui.view.snapshot().handlers),
        [&](Rows::Row& row) {
            row.extra.calls = row.info.calls;
            row.extra.added_at = now;
            row.extra.idle_since = now;
        },
        [&](Rows::Row& row) {
            row.extra.rate.sample(row.info.calls, now);
            row.extra.ready.sample(row.info.calls, turn, now);
            row.extra.truth = truth_of(ui, row.at);
            if (row.info.flow) {
                row.extra.received.sample(row.info.flow->bytes_in, now);
                row.extra.sent.sample(row.info.flow->bytes_out, now);
            }
            if (row.extra.calls != row.info.calls) {
                row.extra.called_at = ui.now;
                row.extra.idle_since = now;
            }
            row.extra.calls = row.info.calls;
        });
    count(ui);
}

/// What was recorded of each since the last look.
void DescriptorsTable::count(const Ui& ui) {
    const Moment& moment = ui.view.moment();
    for (const ChangeRecord& change : changes_.take(ui.view.changes(), moment.changes_seen)) {
        if (change.kind != CallKind::handler || change.change != ChangeKind::added) continue;
        if (Rows::Row* row = rows_.find(change.id)) {
            row->extra.added_at = change.at;
            row->extra.added_at_known = true;
        }
    }
    for (const CallRecord& call : calls_.take(ui.view.calls(), moment.calls_seen)) {
        if (call.kind != CallKind::handler) continue;
        if (Rows::Row* row = rows_.find(call.id)) {
            row->extra.tally.add(call);
            row->extra.idle_since = call.begin;
        }
    }
}

void DescriptorsTable::arrange(const Ui& ui, bool sort) {
    rows_.arrange(
        table_.held(), sort, ui.filter_version(), table_.sort_keys(),
        [&](const Rows::Row& row) { return passes(ui, row); },
        [](const Rows::Row& a, const Rows::Row& b, unsigned column) -> std::weak_ordering {
            const HandlerInfo& left = a.info;
            const HandlerInfo& right = b.info;
            if (is_of_flow(column)) return compare_flows(left, a.extra, right, b.extra, column);
            switch (column) {
            case name: return format_name(left.origin).view() <=> format_name(right.origin).view();
            case interest: return left.interest <=> right.interest;
            case ready: return left.last_ready <=> right.last_ready;
            case calls: return left.calls <=> right.calls;
            case truth: return severity_of(a.extra.truth) <=> severity_of(b.extra.truth);
            case ready_share: return std::weak_order(a.extra.ready.value(), b.extra.ready.value());
            case average: return a.extra.tally.average() <=> b.extra.tally.average();
            case longest: return a.extra.tally.longest <=> b.extra.tally.longest;
            case idle_for: return b.extra.idle_since <=> a.extra.idle_since;
            case age: return b.extra.added_at <=> a.extra.added_at;
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
    const HandlerInfo& info = row.info;
    if (ui.baseline.hides(info)) return false;
    if (ui.filter.hides(info.origin)) return false;
    if (ui.filter.empty()) return true;
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
    const Text number = Text(row.pinned ? "* " : "").add(static_cast<std::uint64_t>(info.fd));
    table_.begin_row(number, ui.selection.is(info), row.gone);

    for (const Column& column : std::span(columns).subspan(1)) {
        if (!column.buttons) {
            Table::put(column, [&] { return cell(ui, row, what, column.id); });
        } else if (ImGui::TableNextColumn() && !row.gone) {
            if (small_command_button(ui, "Remove...")) {
                menu_ = info;
                open_confirm_ = true;
            }
            ui.mark("descriptor/remove", row.id);
        }
    }

    const Table::Hit hit = table_.end_row(ui, "descriptor", row.id);
    if (hit.selected || hit.menu) ui.selection.select(info);
    if (hit.menu) {
        menu_ = info;
        open_menu_ = true;
    }
    ImGui::PopID();
    ImGui::PopID();
}

Cell DescriptorsTable::cell(const Ui& ui, const Rows::Row& row, const Descriptor* what, unsigned column) {
    const HandlerInfo& info = row.info;
    const Extra& extra = row.extra;
    const bool measured = !extra.tally.empty();
    if (is_of_flow(column)) return flow_cell(info, extra, column);
    switch (column) {
    case fd: return Text().add(static_cast<std::uint64_t>(info.fd));
    case name:
        return row.gone ? Text("gone: ").add(format_name(info.origin).view()) : format_name(info.origin);
    case truth:
        if (info.adrift) return {"not watched", Severity::warning};
        return {extra.truth == KernelTruth::unknown ? "-" : name_of(extra.truth), severity_of(extra.truth)};
    case interest: return format_events(info.interest);
    case ready: return format_events(info.last_ready);
    case ready_share: return extra.ready.known() ? format_share(extra.ready.value()) : Text("-");
    case rate: return extra.rate.known() ? format_rate(extra.rate.per_second()) : Text("-");
    case calls: {
        Cell cell = format_count(info.calls);
        cell.flash = flash_of(extra.called_at, ui.now);
        return cell;
    }
    case average: return measured ? format_duration(extra.tally.average()) : Text("-");
    case longest: {
        const bool slow = extra.tally.longest > ui.slow_call;
        return measured ? Cell(format_duration(extra.tally.longest), slow ? Severity::warning : Severity::ok)
                        : Cell("-");
    }
    case p99: {
        const SiteProfile* profile = ui.view.profile(info.chain.site(), CallKind::handler);
        return profile != nullptr && profile->calls > 0 ? format_duration(profile->took.percentile(0.99))
                                                        : Text("-");
    }
    case idle_for:
        if (info.calls == 0) return "never";
        return format_at_least(ui.view.time() - extra.idle_since, measured);
    case place: return format_place(info.origin);
    case streak: {
        const bool now = streaking(ui, info);
        return {now ? format_count(info.streak) : Text("0"),
                now && info.streak >= suspicious_streak ? Severity::warning : Severity::ok};
    }
    case idle: return info.last_turn == 0 ? Text("never") : format_count(idle_turns(ui, info));
    case age: return format_at_least(ui.view.time() - extra.added_at, extra.added_at_known);
    case chain: return format_chain(info.chain);
    default: break;
    }
    if (what == nullptr) return "?";
    switch (column) {
    case kind:
        return {name_of(what->kind), what->kind == Descriptor::Kind::closed ? Severity::error : Severity::ok};
    case peer: return what->peer;
    case local: return what->local;
    case in: return format_bytes(what->bytes_in);
    case out: return format_bytes(what->bytes_out);
    case state: return name_of(what->tcp_state);
    case round_trip: return what->round_trip > no_wait ? format_duration(what->round_trip) : Text();
    case accept: {
        if (what->kind != Descriptor::Kind::tcp_listener) return "";
        // The system lets one more in than the limit says, and then drops what knocks.
        const bool full = what->accept_limit > 0 && what->accept_queue > what->accept_limit;
        return {Text().add(what->accept_queue).add(" of ").add(what->accept_limit),
                full ? Severity::warning : Severity::ok};
    }
    default: return "";
    }
}

// ---- what the owner counts ----------------------------------------------------------------------

bool DescriptorsTable::is_of_flow(unsigned column) { return column >= received && column <= dropped; }

Cell DescriptorsTable::flow_cell(const HandlerInfo& info, const Extra& extra, unsigned column) {
    if (!info.flow) return "-";
    const Flow& flow = *info.flow;
    const auto per_second = [](const Rate& rate) {
        if (!rate.known()) return Text("-");
        return format_bytes(static_cast<std::uint64_t>(rate.per_second())).add("/s");
    };
    switch (column) {
    case received: return format_bytes(flow.bytes_in);
    case received_rate: return per_second(extra.received);
    case sent: return format_bytes(flow.bytes_out);
    case sent_rate: return per_second(extra.sent);
    case waiting:
        return format_bytes(flow.waiting_in)
            .add(" in, ")
            .add(format_bytes(flow.waiting_out).view())
            .add(" out");
    case dropped: return {format_count(flow.dropped), flow.dropped > 0 ? Severity::warning : Severity::ok};
    default: return "";
    }
}

std::weak_ordering DescriptorsTable::compare_flows(const HandlerInfo& left, const Extra& of_left,
                                                   const HandlerInfo& right, const Extra& of_right,
                                                   unsigned column) {
    const Flow a = left.flow.value_or(Flow{});
    const Flow b = right.flow.value_or(Flow{});
    switch (column) {
    case received: return a.bytes_in <=> b.bytes_in;
    case received_rate: return std::weak_order(of_left.received.per_second(), of_right.received.per_second());
    case sent: return a.bytes_out <=> b.bytes_out;
    case sent_rate: return std::weak_order(of_left.sent.per_second(), of_right.sent.per_second());
    case waiting: return a.waiting_in + a.waiting_out <=> b.waiting_in + b.waiting_out;
    default: return a.dropped <=> b.dropped;
    }
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
        ImGui::Separator();
        offer_breakpoints(ui, As::menu, CallKind::handler, menu_.id, menu_.chain.site());
        ImGui::Separator();
        offer_readiness(ui, As::menu, menu_);
        ImGui::Separator();
        const bool pinned = rows_.is_pinned(menu_.id);
        if (ImGui::MenuItem(pinned ? "Unpin" : "Pin on top")) rows_.set_pinned(menu_.id, !pinned);
        ui.mark("descriptor menu/pin");
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
