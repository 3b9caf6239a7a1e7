// SPDX-License-Identifier: MIT
#include "breaks.hpp"

#include "../model/breakpoint_text.hpp"

#include <algorithm>

namespace ioloop::imgui {
namespace {

void add(const Ui& ui, const Breakpoint& breakpoint) {
    ui.command.kind = Command::Kind::add_breakpoint;
    ui.command.breakpoint = breakpoint;
}

void remove(const Ui& ui, const Breakpoint& breakpoint) {
    ui.command.kind = Command::Kind::remove_breakpoint;
    ui.command.breakpoint = breakpoint;
}

void show_switch(const Ui& ui, const char* label, const char* mark, Breakpoint::On on) {
    Breakpoint breakpoint;
    breakpoint.on = on;
    bool set = is_set(ui.view.moment(), breakpoint);
    if (ImGui::Checkbox(label, &set)) set ? add(ui, breakpoint) : remove(ui, breakpoint);
    ui.mark(mark);
}

} // namespace

void Breaks::show(const Ui& ui) {
    const std::size_t count = ui.view.moment().breakpoints.size();
    Text label("Breaks");
    if (count > 0) label.add(" ").add(count);
    if (ImGui::Button(label.add("###breaks").c_str(), ImVec2(em() * 5.5F, 0))) ImGui::OpenPopup("breaks");
    ui.mark("breaks");
    explain(ui, "Where the loop pauses by itself. For one object or call site: the menu of its row.");
    if (!ImGui::BeginPopup("breaks")) return;
    show_popup(ui);
    ImGui::EndPopup();
}

void Breaks::show_popup(const Ui& ui) {
    ImGui::TextUnformatted("Pause the loop after");
    ImGui::BeginDisabled(ui.refusal != nullptr);
    show_switch(ui, "a call that throws", "breaks/error", Breakpoint::On::error);
    show_switch(ui, "a lint that finds something", "breaks/lint", Breakpoint::On::lint);
    Breakpoint slow;
    slow.on = Breakpoint::On::slow;
    slow.longer_than = from_ms(slow_ms_);
    if (ImGui::Button("Add")) add(ui, slow);
    ui.mark("breaks/slow");
    ImGui::SameLine();
    put_ms_input("a call that takes (ms)", slow_ms_);
    ImGui::EndDisabled();
    if (ui.refusal != nullptr) put_weak(ui.refusal);

    ImGui::Separator();
    const auto& points = ui.view.moment().breakpoints;
    if (points.empty()) put_weak("none is set");
    for (std::size_t i = 0; i < points.size(); ++i) {
        ImGui::PushID(static_cast<int>(i));
        if (ImGui::SmallButton("Remove")) remove(ui, points[i]);
        ui.mark("breaks/remove", i);
        ImGui::SameLine();
        put_text(name_of(ui.view.moment(), points[i]));
        ImGui::PopID();
    }
}

} // namespace ioloop::imgui
