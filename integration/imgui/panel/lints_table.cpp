// SPDX-License-Identifier: MIT
#include "lints_table.hpp"

#include <ioloop/inspect/format.hpp>

#include <algorithm>
#include <array>
#include <string_view>

namespace ioloop::imgui {
namespace {

/// More are of no use to a reader, and no good for the frame.
constexpr std::size_t most_rows = 200;

const char* state_of(const Finding& finding) {
    if (finding.muted) return "muted";
    return finding.active ? "active" : "past";
}

bool passes(const Filter& filter, const Finding& finding) {
    if (filter.hides(finding.chain.origin())) return false;
    if (filter.empty()) return true;
    const Text name = format_name(finding.chain.origin());
    const Text place = format_place(finding.chain.origin());
    const std::array<std::string_view, 5> fields{text_of(finding.lint).name, finding.sentence.view(),
                                                 name.view(), place.view(), state_of(finding)};
    return filter.passes(fields);
}

Text ago(TimePoint now, TimePoint then) { return format_duration(now - then).add(" ago"); }

/// What a text says after a word, in as many lines as it takes.
void put_paragraph(const char* what, std::string_view text) {
    if (text.empty()) return;
    put_weak(what);
    ImGui::SameLine(em() * 3.5F); // from the left of the column
    ImGui::TextUnformatted(text.data(), text.data() + text.size());
}

} // namespace

Text LintsTable::tab_label(const Moment& moment) {
    const auto active = std::count_if(moment.findings.begin(), moment.findings.end(),
                                      [](const Finding& f) { return f.active && !f.muted; });
    if (active == 0) return "Lints###Lints";
    return Text("Lints (").add(static_cast<std::uint64_t>(active)).add(")###Lints");
}

void LintsTable::update(const Ui& ui) {
    if (held_) return;
    const auto& findings = ui.view.moment().findings;
    rows_.reserve(findings.capacity());
    rows_.clear();
    for (const bool muted : {false, true}) {
        for (const Finding& finding : findings) {
            if (finding.muted == muted && passes(ui.filter, finding)) rows_.push_back(finding);
        }
    }
}

void LintsTable::show(const Ui& ui) {
    update(ui);
    show_summary(ui);
    constexpr ImGuiTableFlags flags = ImGuiTableFlags_Resizable | ImGuiTableFlags_RowBg |
                                      ImGuiTableFlags_BordersOuter | ImGuiTableFlags_BordersInnerV |
                                      ImGuiTableFlags_ScrollY;
    held_ = false;
    if (!rows_.empty() && ImGui::BeginTable("lints", 8, flags)) {
        ImGui::TableSetupScrollFreeze(0, 1);
        const auto column = [](const char* name, float width) {
            ImGui::TableSetupColumn(name, ImGuiTableColumnFlags_WidthFixed, width * em());
        };
        column("lint", 11);
        column("state", 3.5F);
        ImGui::TableSetupColumn("what it found", ImGuiTableColumnFlags_WidthStretch);
        column("where", 11);
        column("since", 7);
        column("last seen", 7);
        column("times", 4);
        column("action", 8);
        ImGui::TableHeadersRow();
        for (std::size_t i = 0; i < std::min(rows_.size(), most_rows); ++i) show_row(ui, rows_[i], i);
        held_ = ImGui::IsWindowHovered(ImGuiHoveredFlags_ChildWindows |
                                       ImGuiHoveredFlags_AllowWhenBlockedByActiveItem);
        ImGui::EndTable();
    }
    ui.rows_shown->add(std::min(rows_.size(), most_rows)).add(" of ").add(ui.view.moment().findings.size());
    ui.rows_shown->add(" findings");
}

void LintsTable::show_summary(const Ui& ui) const {
    std::uint64_t active = 0;
    std::uint64_t past = 0;
    std::uint64_t muted = 0;
    for (const Finding& finding : ui.view.moment().findings) {
        ++(finding.muted ? muted : finding.active ? active : past);
    }
    if (active + past + muted == 0) {
        put_weak(ui.view.moment().observing ? "Nothing was found."
                                            : "Nothing is looked for: another observer looks at this loop.");
        return;
    }
    Text text;
    put_text(text.add(active).add(" active, ").add(past).add(" past, ").add(muted).add(" muted"));
    ImGui::SameLine(0, em() * 2);
    put_weak(held_ && !ui.view.frozen() ? "held while the cursor is on them"
                                        : "a row selects what it is about");
}

/// As high as its text; so the row knows only when it is drawn whether the cursor is on it.
void LintsTable::show_row(const Ui& ui, const Finding& finding, std::size_t position) {
    const LintText& text = text_of(finding.lint);
    const TimePoint now = ui.view.time();
    const bool weak = finding.muted || !finding.active;
    ImGui::PushID(static_cast<int>(position));
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    const ImVec2 window = ImGui::GetWindowPos();
    const ImVec2 top(window.x, ImGui::GetCursorScreenPos().y - ImGui::GetStyle().CellPadding.y);
    float bottom = top.y;
    const auto reach = [&] { bottom = std::max(bottom, ImGui::GetItemRectMax().y); };
    if (!weak) ImGui::TableSetBgColor(ImGuiTableBgTarget_CellBg, severity_color(finding.severity));
    if (weak) push_weak_text();
    put_text(Text(glyph_of(finding.severity)).add(text.name));
    ImGui::TableNextColumn();
    ImGui::TextUnformatted(state_of(finding));
    ImGui::TableNextColumn();
    ImGui::PushTextWrapPos(0);
    put_text(finding.sentence);
    reach();
    if (is_open(finding)) {
        put_paragraph("why", text.why);
        put_paragraph("to do", text.fix);
        if (finding.chain.sites[1] != SiteId::none) put_paragraph("by", format_chain(finding.chain).view());
        reach();
    }
    ImGui::PopTextWrapPos();
    ImGui::TableNextColumn();
    if (finding.chain.site() != SiteId::none) put_text(format_place(finding.chain.origin()));
    ImGui::TableNextColumn();
    put_right(ago(now, finding.since));
    ImGui::TableNextColumn();
    put_right(finding.active ? Text("now") : ago(now, finding.last));
    ImGui::TableNextColumn();
    put_right(format_count(finding.count));
    ImGui::TableNextColumn();
    if (weak) ImGui::PopStyleColor();
    show_buttons(ui, finding, position);
    reach();

    const ImVec2 end(window.x + ImGui::GetWindowSize().x, bottom + ImGui::GetStyle().CellPadding.y);
    const bool hovered = ImGui::IsWindowHovered() && ImGui::IsMouseHoveringRect(top, end, false) &&
                         ImGui::GetMousePos().y >= ImGui::GetWindowDrawList()->GetClipRectMin().y;
    if (hovered && !ImGui::IsAnyItemHovered() && ImGui::IsMouseClicked(ImGuiMouseButton_Left)) {
        ui.selection.select(subject_of(finding), ui.view.moment());
    }
    if (ui.selection.is(subject_of(finding))) {
        ImGui::TableSetBgColor(ImGuiTableBgTarget_RowBg1, ImGui::GetColorU32(ImGuiCol_Header));
    } else if (hovered) {
        ImGui::TableSetBgColor(ImGuiTableBgTarget_RowBg1, ImGui::GetColorU32(ImGuiCol_HeaderHovered, 0.4F));
    }
    if (ui.marks != nullptr) ui.marks->push_back({"lint", position, top, end});
    ImGui::PopID();
}

void LintsTable::show_buttons(const Ui& ui, const Finding& finding, std::size_t position) {
    const bool open = is_open(finding);
    if (ImGui::SmallButton(open ? "Less###why" : "Why?###why")) {
        open_ = !open;
        open_lint_ = finding.lint;
        open_subject_ = subject_of(finding);
    }
    ui.mark("lint/why", position);
    explain(ui, "Why it is bad, and what to do about it.");
    ImGui::SameLine();
    if (ImGui::SmallButton(finding.muted ? "Unmute###mute" : "Mute###mute")) {
        ui.command.kind = finding.muted ? Command::Kind::unmute : Command::Kind::mute;
        ui.command.lint = finding.lint;
    }
    ui.mark("lint/mute", position);
    explain(ui, finding.muted ? "Takes this lint seriously again."
                              : "Says no more of this lint, whatever it finds.");
}

bool LintsTable::is_open(const Finding& finding) const {
    return open_ && open_lint_ == finding.lint && open_subject_ == subject_of(finding);
}

} // namespace ioloop::imgui
