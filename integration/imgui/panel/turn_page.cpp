// SPDX-License-Identifier: MIT
#include "turn_page.hpp"

#include <ioloop/inspect/format.hpp>

#include <algorithm>
#include <array>
#include <span>

namespace ioloop::imgui {
namespace {

constexpr auto fixed_order = ImGuiTableColumnFlags_NoSort;

constexpr std::array<Column, 10> columns{{
    {0, "#", 3, fixed_order | ImGuiTableColumnFlags_NoHide},
    {1, "after", 5, fixed_order},
    {2, "kind", 5, fixed_order},
    {3, "name", 14, fixed_order},
    {4, "waited", 5, fixed_order},
    {5, "took", 5.5F, fixed_order},
    {6, "result", 4.5F, fixed_order},
    {7, "of", 5.5F, fixed_order},
    {8, "posted at", 11, fixed_order},
    {9, "scheduled by", 14, fixed_order},
}};

/// The number of the turn that is asked for, or 0: the last.
std::uint64_t selected_turn(const Selection& selection) {
    switch (selection.kind) {
    case Selection::Kind::turn: return selection.turn.turn;
    case Selection::Kind::call: return selection.call.turn;
    default: return 0;
    }
}

/// Null if it is remembered no more.
const TurnRecord* find_turn(std::span<const TurnRecord> turns, std::uint64_t number) {
    const auto found = std::find_if(turns.rbegin(), turns.rend(),
                                    [&](const TurnRecord& turn) { return turn.turn == number; });
    return found == turns.rend() ? nullptr : &*found;
}

Text format_count_of(std::uint64_t count, Duration took) {
    return Text().add(count).add(", took ").add(format_duration(took).view());
}

} // namespace

/// A call that ran others is told of when they are done, and so after them.
void TurnPage::update(const Ui& ui) {
    const auto turns = ui.view.turns();
    const std::uint64_t wanted = selected_turn(ui.selection);
    followed_ = wanted == 0;
    if (followed_ && table_.held() && turn_.turn != 0) return; // a list that changes can not be pointed at
    const TurnRecord* turn = nullptr;
    if (followed_) {
        if (!turns.empty()) turn = &turns.back();
    } else {
        turn = find_turn(turns, wanted);
        if (turn == nullptr && ui.selection.kind == Selection::Kind::turn) turn = &ui.selection.turn;
    }
    const std::uint64_t before = turn_.turn;
    turn_ = turn != nullptr ? *turn : TurnRecord{};
    const bool news = turn_.turn != before || calls_seen_ != ui.view.moment().calls_seen;
    if (!news) return;
    calls_seen_ = ui.view.moment().calls_seen;

    const auto calls = ui.view.calls();
    const bool known = std::any_of(calls.begin(), calls.end(),
                                   [&](const CallRecord& call) { return call.turn == turn_.turn; });
    if (!known && turn_.turn == before) return; // they are remembered here only
    calls_.clear();
    for (const CallRecord& call : calls) {
        if (call.turn != turn_.turn) continue;
        auto at = calls_.end();
        while (at != calls_.begin() && (at - 1)->depth > call.depth) --at;
        calls_.insert(at, call);
    }
}

void TurnPage::show(const Ui& ui) {
    update(ui);
    show_buttons(ui);
    if (turn_.turn == 0) {
        put_weak(followed_ ? "No turn with calls was recorded."
                           : "This turn is remembered no more, or not finished yet.");
        return;
    }
    show_facts(ui);
    if (table_.begin("turn", columns, 1)) {
        show_rows_in_sight(calls_.size(), [&](std::size_t position) { show_row(ui, position); });
        table_.end();
    }
    const std::size_t made = std::size_t{turn_.handlers} + turn_.callbacks + turn_.timeouts;
    ui.rows_shown->add(calls_.size())
        .add(calls_.size() == 1 ? " call in turn " : " calls in turn ")
        .add(turn_.turn);
    if (calls_.size() < made)
        ui.rows_shown->add("; ").add(made - calls_.size()).add(" are remembered no more");
}

void TurnPage::show_buttons(const Ui& ui) const {
    const auto turns = ui.view.turns();
    const TurnRecord* shown = find_turn(turns, turn_.turn);
    const auto select = [&](const char* label, const char* mark, const TurnRecord* turn) {
        ImGui::BeginDisabled(turn == nullptr);
        if (ImGui::SmallButton(label)) ui.selection.select(*turn);
        ImGui::EndDisabled();
        ui.mark(mark);
        ImGui::SameLine();
    };
    const bool has_next = shown != nullptr && shown != &turns.back();
    select("< Previous", "turn/previous", shown != nullptr && shown != turns.data() ? shown - 1 : nullptr);
    select("Next >", "turn/next", has_next ? shown + 1 : nullptr);
    ImGui::BeginDisabled(followed_);
    if (ImGui::SmallButton("Last")) ui.selection.clear();
    ImGui::EndDisabled();
    ui.mark("turn/last");
    ImGui::SameLine(0, em());
    if (!followed_) {
        put_weak("the selected turn");
    } else if (table_.held() && !ui.view.frozen()) {
        put_weak("the last turn, held while the cursor is on it");
    } else {
        put_weak("the last turn; select another in the timeline");
    }
}

void TurnPage::show_facts(const Ui& ui) const {
    ImGui::BeginGroup();
    put_fact("turn", Text()
                         .add(turn_.turn)
                         .add(", ")
                         .add(format_duration(ui.view.time() - turn_.begin).view())
                         .add(" ago"));
    Text reason(name_of(turn_.reason));
    if (turn_.cause_fd != invalid_fd) reason.add(", fd ").add(static_cast<std::uint64_t>(turn_.cause_fd));
    if (turn_.cause.site() != SiteId::none) {
        const Origin& origin = turn_.cause.origin();
        reason.add(": ").add(format_name(origin).view()).add("  ").add(format_place(origin).view());
    }
    put_fact("woken by", reason);
    Text wait(format_duration(turn_.waited));
    wait.add(" of ").add(turn_.asked == forever ? "as long as it takes"
                                                : format_duration(turn_.asked).view());
    put_fact("waited", wait);
    ImGui::EndGroup();
    if (ImGui::GetWindowSize().x > em() * 60) ImGui::SameLine(em() * 34);
    ImGui::BeginGroup();
    put_fact("handlers", format_count_of(turn_.handlers, turn_.handlers_took));
    put_fact("callbacks", format_count_of(turn_.callbacks, turn_.callbacks_took)
                              .add("; ")
                              .add(turn_.queued_after)
                              .add(" left queued"));
    Text timeouts = format_count_of(turn_.timeouts, turn_.timeouts_took);
    if (turn_.pieces > 1) timeouts.add("; spread over ").add(turn_.pieces).add(" calls of run_once()");
    put_fact("timeouts", timeouts);
    ImGui::EndGroup();
}

void TurnPage::show_row(const Ui& ui, std::size_t position) {
    const CallRecord& call = calls_[position];
    const Origin& origin = call.chain.origin();
    ImGui::PushID(static_cast<int>(position));
    const bool selected = ui.selection.kind != Selection::Kind::turn && ui.selection.is(call);
    table_.begin_row(Text().add(position + 1), selected);
    const auto cell = [] { return ImGui::TableNextColumn(); };
    if (cell()) put_right(format_duration(call.begin - turn_.begin));
    if (cell()) ImGui::TextUnformatted(name_of(call.kind));
    if (cell()) {
        Text name;
        for (std::uint8_t i = 1; i < call.depth && i < 8; ++i)
            name.add("  "); // it ran inside of the one above
        put_text(name.add(format_name(origin).view()));
    }
    if (cell()) put_right(call.kind == CallKind::handler ? Text("-") : format_duration(call.late));
    if (cell()) {
        const bool slow = call.took > ui.slow_call;
        if (slow) ImGui::TableSetBgColor(ImGuiTableBgTarget_CellBg, severity_color(Severity::warning));
        put_right(Text(slow ? "! " : "").add(format_duration(call.took).view()));
    }
    if (cell()) {
        if (call.threw) ImGui::TableSetBgColor(ImGuiTableBgTarget_CellBg, severity_color(Severity::error));
        ImGui::TextUnformatted(call.threw ? "!! threw" : "ok");
    }
    if (cell() && call.kind == CallKind::handler) {
        Text text("fd ");
        put_text(
            text.add(static_cast<std::uint64_t>(call.fd)).add(" ").add(format_events(call.events).view()));
    }
    if (cell()) put_text(format_place(origin));
    if (cell()) put_text(format_chain(call.chain));
    if (table_.end_row(ui, "turn call", position).selected) ui.selection.select(call);
    ImGui::PopID();
}

} // namespace ioloop::imgui
