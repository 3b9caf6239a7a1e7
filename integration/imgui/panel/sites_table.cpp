// SPDX-License-Identifier: MIT
#include "sites_table.hpp"

#include <ioloop/inspect/format.hpp>

#include <algorithm>
#include <array>
#include <compare>
#include <span>
#include <string_view>

namespace ioloop::imgui {
namespace {

enum Id : unsigned {
    name,
    kind,
    rate,
    busy,
    share,
    average,
    p99,
    longest,
    waits,
    live,
    created,
    threw,
    calls,
    place
};

constexpr auto numeric = ImGuiTableColumnFlags_PreferSortDescending;

constexpr std::array<Column, 14> columns{{
    {name, "name", 12, ImGuiTableColumnFlags_NoHide},
    {kind, "kind", 4.5F},
    {rate, "calls/s", 4.5F, numeric},
    {busy, "ms/s", 4, numeric | ImGuiTableColumnFlags_DefaultSort},
    {share, "share", 4, numeric},
    {average, "average", 4.5F, numeric},
    {p99, "p99", 4.5F, numeric},
    {longest, "longest", 5.2F, numeric},
    {waits, "wait p99", 5, numeric},
    {live, "live", 3.5F, numeric},
    {created, "new/s", 4.5F, numeric},
    {threw, "threw", 3.5F, numeric},
    {calls, "calls", 4.5F, numeric | ImGuiTableColumnFlags_DefaultHide},
    {place, "place", 11},
}};

Text format_rate(const Rate& of, double unit = 1) {
    return of.known() ? ioloop::format_rate(of.per_second() / unit) : Text("-");
}

} // namespace

void SitesTable::show(const Ui& ui) {
    update(ui);
    if (table_.begin("sites", columns, 1)) {
        arrange(ui);
        show_rows_in_sight(rows_.size(), [&](std::size_t position) { show_row(ui, rows_[position]); });
        table_.end();
    }
    ui.rows_shown->add(rows_.size())
        .add(" of ")
        .add(rows_.total(ui.filter.internal_shown()))
        .add(" call sites");
    if (const std::uint64_t lost = ui.view.moment().unprofiled; lost > 0) {
        ui.rows_shown->add("; ")
            .add(format_count(lost).view())
            .add(" calls and changes of sites beyond these");
    }
    if (table_.held()) ui.rows_shown->add(", sorting paused");
}

void SitesTable::update(const Ui& ui) {
    if (version_ == ui.view.version()) return;
    version_ = ui.view.version();
    const bool news = sites_.update(ui.view);
    const TimePoint now = ui.view.time();
    // When they are new: at other times they are not of now. And when nothing is new any more.
    const bool sample = news || now - sampled_at_ >= 2 * Rate::interval;
    if (sample) {
        sampled_at_ = now;
        busy_.sample(static_cast<std::uint64_t>(ui.view.snapshot().statistics.busy.count()), now);
    }
    rows_.update<>(
        sites_.sites(), [](Rows::Row&) {},
        [&](Rows::Row& row) {
            if (!sample) return;
            row.extra.calls.sample(row.info.calls, now);
            row.extra.busy.sample(static_cast<std::uint64_t>(row.info.busy.count()), now);
            row.extra.created.sample(row.info.created, now);
        });
}

/// Of the time that the loop spends in calls. A site whose calls run others has their time, too.
double SitesTable::share_of(const Rows::Row& row) const {
    const double all = busy_.per_second();
    return all > 0 ? std::min(row.extra.busy.per_second() / all, 1.0) : 0;
}

void SitesTable::arrange(const Ui& ui) {
    const bool sort = table_.wants_sort(ui.now);
    rows_.arrange(
        table_.held(), sort, ui.filter.version(), table_.sort_keys(),
        [&](const Rows::Row& row) {
            const Origin& origin = origin_of(row.info.key.site);
            if (ui.filter.hides(origin)) return false;
            if (ui.filter.empty()) return true;
            const Text label = format_name(origin);
            const Text where = format_place(origin);
            const std::array<std::string_view, 3> fields{label.view(), where.view(),
                                                         name_of(row.info.key.kind)};
            return ui.filter.passes(fields);
        },
        [](const Rows::Row& a, const Rows::Row& b, unsigned column) -> std::weak_ordering {
            const SiteInfo& l = a.info;
            const SiteInfo& r = b.info;
            const auto origins = [&](auto format) {
                return format(origin_of(l.key.site)).view() <=> format(origin_of(r.key.site)).view();
            };
            const auto rates = [](const Rate& left, const Rate& right) {
                return std::weak_order(left.per_second(), right.per_second());
            };
            switch (column) {
            case name: return origins(format_name);
            case kind: return l.key.kind <=> r.key.kind;
            case rate: return rates(a.extra.calls, b.extra.calls);
            case average: return l.average <=> r.average;
            case p99: return l.p99 <=> r.p99;
            case longest: return l.longest <=> r.longest;
            case waits: return l.late_p99 <=> r.late_p99;
            case live: return l.live <=> r.live;
            case created: return rates(a.extra.created, b.extra.created);
            case threw: return l.threw <=> r.threw;
            case calls: return l.calls <=> r.calls;
            case place: return origins(format_place);
            default: return rates(a.extra.busy, b.extra.busy); // and the share of it
            }
        });
}

void SitesTable::show_row(const Ui& ui, Rows::Row& row) {
    const SiteInfo& info = row.info;
    const Origin& origin = origin_of(info.key.site);
    ImGui::PushID(static_cast<int>(row.id >> 32U));
    ImGui::PushID(static_cast<int>(row.id));
    const Text label = format_name(origin);
    table_.begin_row(row.gone ? Text("gone: ").add(label.view()) : label, ui.selection.is(info.key),
                     row.gone);

    const auto cell = [] { return ImGui::TableNextColumn(); };
    const bool ran = info.calls > 0;
    if (cell()) ImGui::TextUnformatted(name_of(info.key.kind));
    if (cell()) put_right(format_rate(row.extra.calls));
    if (cell()) put_right(format_rate(row.extra.busy, 1e6));
    if (cell()) put_right(row.extra.busy.known() ? format_share(share_of(row)) : Text("-"));
    if (cell()) put_right(ran ? format_duration(info.average) : Text("-"));
    if (cell()) put_right(ran ? format_duration(info.p99) : Text("-"));
    if (cell()) {
        const bool slow = info.longest > ui.slow_call;
        if (slow) ImGui::TableSetBgColor(ImGuiTableBgTarget_CellBg, severity_color(Severity::warning));
        put_right(ran ? Text(slow ? "! " : "").add(format_duration(info.longest).view()) : Text("-"));
    }
    if (cell()) {
        const bool waited = ran && info.key.kind != CallKind::handler;
        put_right(waited ? format_duration(info.late_p99) : Text("-"));
    }
    if (cell()) put_right(format_count(info.live));
    if (cell()) put_right(format_rate(row.extra.created));
    if (cell()) {
        const bool threw_some = info.threw > 0;
        if (threw_some) ImGui::TableSetBgColor(ImGuiTableBgTarget_CellBg, severity_color(Severity::error));
        put_right(Text(threw_some ? "!! " : "").add(format_count(info.threw).view()));
    }
    if (cell()) put_right(format_count(info.calls));
    if (cell()) put_text(format_place(origin));

    if (table_.end_row(ui, "site", row.id).selected) ui.selection.select(info.key);
    ImGui::PopID();
    ImGui::PopID();
}

} // namespace ioloop::imgui
