// SPDX-License-Identifier: MIT
#include "timeline.hpp"

#include <ioloop/inspect/format.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace ioloop::imgui {
namespace {

enum class Part { handlers, callbacks, timeouts, wait };

/// Three colours that differ from each other, and from the ground, in each of Dear ImGui's own styles.
ImU32 color_of(Part part) {
    const auto opaque = [](ImGuiCol color) {
        ImVec4 value = ImGui::GetStyleColorVec4(color);
        value.w = 1;
        return ImGui::GetColorU32(value);
    };
    switch (part) {
    case Part::handlers: return opaque(ImGuiCol_SliderGrabActive);
    case Part::callbacks: return opaque(ImGuiCol_PlotHistogram);
    case Part::timeouts: return opaque(ImGuiCol_PlotLines);
    case Part::wait: break;
    }
    return ImGui::GetColorU32(ImGuiCol_TextDisabled, 0.3F);
}

Duration work(const TurnRecord& turn) {
    return turn.handlers_took + turn.callbacks_took + turn.timeouts_took;
}

} // namespace

/// Height is the square root of time: 50 us are to be seen beside 50 ms.
struct Timeline::Scale {
    float top;
    float bottom;
    Duration full;

    float y(Duration duration) const {
        const double share = static_cast<double>(duration.count()) / static_cast<double>(full.count());
        return bottom - (bottom - top) * static_cast<float>(std::sqrt(std::clamp(share, 0.0, 1.0)));
    }
};

void Timeline::show(const Ui& ui) {
    show_legend(ui);
    const ImVec2 size(std::max(ImGui::GetContentRegionAvail().x, em()), em() * 4);
    ImGui::InvisibleButton("timeline", size);
    ui.mark("timeline");
    const ImVec2 min = ImGui::GetItemRectMin();
    const ImVec2 max = ImGui::GetItemRectMax();
    const bool hovered = ImGui::IsItemHovered();
    const bool clicked = ImGui::IsItemClicked();

    if (!held_) turns_.assign(ui.view.turns().begin(), ui.view.turns().end());
    held_ = hovered;

    const float bar = std::max(3.0F, std::floor(em() * 0.3F));
    const auto count = std::min(turns_.size(), static_cast<std::size_t>(size.x / bar));
    Scale scale{min.y + 1, max.y - 1, ui.budget + ui.budget / 4};
    for (std::size_t i = turns_.size() - count; i < turns_.size(); ++i) {
        scale.full = std::max(scale.full, work(turns_[i]));
    }

    ImDrawList& draw = *ImGui::GetWindowDrawList();
    draw.AddRectFilled(min, max, ImGui::GetColorU32(ImGuiCol_FrameBg));
    const TurnRecord* pointed_at = nullptr;
    for (std::size_t i = 0; i < count; ++i) {
        const TurnRecord& turn = turns_[turns_.size() - 1 - i];
        const float left = max.x - static_cast<float>(i + 1) * bar;
        const float mouse = ImGui::GetMousePos().x;
        if (hovered && mouse >= left && mouse < left + bar) pointed_at = &turn;
        if (pointed_at == &turn || ui.selection.is(turn)) {
            draw.AddRectFilled(ImVec2(left, min.y), ImVec2(left + bar, max.y),
                               ImGui::GetColorU32(ImGuiCol_HeaderActive));
        }
        draw_turn(ui, turn, scale, left, bar - 1);
    }
    const float budget = scale.y(ui.budget);
    draw.AddLine(ImVec2(min.x, budget), ImVec2(max.x, budget), ImGui::GetColorU32(ImGuiCol_Text, 0.5F));

    if (pointed_at == nullptr) return;
    if (clicked) ui.selection.select(*pointed_at);
    if (ui.tooltips) show_tooltip(*pointed_at);
}

void Timeline::show_legend(const Ui& ui) const {
    struct Entry {
        Part part;
        const char* name;
    };
    static constexpr std::array<Entry, 4> entries{{{Part::handlers, "handlers"},
                                                   {Part::callbacks, "callbacks"},
                                                   {Part::timeouts, "timeouts"},
                                                   {Part::wait, "wait"}}};
    ImGui::TextUnformatted("Turns");
    for (const Entry& entry : entries) {
        ImGui::SameLine(0, em());
        const ImVec2 at = ImGui::GetCursorScreenPos();
        const float side = em() * 0.7F;
        const float y = at.y + (ImGui::GetTextLineHeight() - side) / 2;
        ImGui::GetWindowDrawList()->AddRectFilled(ImVec2(at.x, y), ImVec2(at.x + side, y + side),
                                                  color_of(entry.part));
        ImGui::Dummy(ImVec2(side, ImGui::GetTextLineHeight()));
        ImGui::SameLine(0, em() * 0.3F);
        ImGui::TextUnformatted(entry.name);
    }
    ImGui::SameLine(0, em() * 2);
    if (!ui.view.moment().observing) {
        put_weak("not recorded: another observer looks at this loop");
    } else if (held_ && !ui.view.frozen()) {
        put_weak("held while the cursor is on it");
    } else {
        put_weak(Text("line: budget of ")
                     .add(format_duration(ui.budget).view())
                     .add("; height: square root of time"));
    }
}

void Timeline::draw_turn(const Ui&, const TurnRecord& turn, const Scale& scale, float left,
                         float width) const {
    struct Piece {
        Part part;
        Duration took;
    };
    const std::array<Piece, 4> pieces{{{Part::handlers, turn.handlers_took},
                                       {Part::callbacks, turn.callbacks_took},
                                       {Part::timeouts, turn.timeouts_took},
                                       {Part::wait, turn.waited}}};
    ImDrawList& draw = *ImGui::GetWindowDrawList();
    Duration sum{};
    float below = scale.bottom;
    for (const Piece& piece : pieces) {
        if (piece.took <= no_wait) continue;
        sum += piece.took;
        const float above = std::max(scale.top, std::min(scale.y(sum), below - 1)); // at least a pixel
        draw.AddRectFilled(ImVec2(left, above), ImVec2(left + width, below), color_of(piece.part));
        below = above;
    }
}

void Timeline::show_tooltip(const TurnRecord& turn) const {
    ImGui::BeginTooltip();
    put_text(Text("turn ").add(turn.turn).add(", woken by: ").add(name_of(turn.reason)));
    put_text(Text("waited    ").add(format_duration(turn.waited).view()));
    const auto line = [](const char* what, std::uint32_t count, Duration took) {
        if (count > 0) put_text(Text(what).add(format_duration(took).view()).add(" in ").add(count));
    };
    line("handlers  ", turn.handlers, turn.handlers_took);
    line("callbacks ", turn.callbacks, turn.callbacks_took);
    line("timeouts  ", turn.timeouts, turn.timeouts_took);
    ImGui::EndTooltip();
}

} // namespace ioloop::imgui
