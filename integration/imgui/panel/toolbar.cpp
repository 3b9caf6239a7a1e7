// SPDX-License-Identifier: MIT
#include "toolbar.hpp"

#include "keyboard.hpp"

namespace ioloop::imgui {
ToolbarResult Toolbar::show(const Ui& ui) {
    ToolbarResult result;
    View& view = ui.view;

    // The labels change; the buttons stay as wide as they are.
    if (ImGui::Button(view.frozen() ? "Unfreeze###freeze" : "Freeze view###freeze", ImVec2(em() * 7, 0))) {
        view.set_frozen(!view.frozen());
    }
    ui.mark("freeze");
    explain(
        ui,
        "Keeps showing this moment, so that it can be read. The loop goes on, and so does the recording.");

    show_recording(ui);
    show_loop(ui);

    flow(em() * 8.5F);
    ImGui::SetNextItemWidth(em() * 8.5F);
    if (ImGui::InputTextWithHint("##filter", "filter: a,b,-c", ui.filter.buffer().data(),
                                 ui.filter.buffer().size())) {
        ui.filter.set_changed();
    }
    ui.mark("filter");
    explain(ui, "Rows that have one of these words, and none of those after a minus: tcp,udp,-listener");
    flow(em() * 1.6F);
    ImGui::BeginDisabled(ui.filter.empty());
    if (ImGui::Button("x", ImVec2(em() * 1.6F, 0))) ui.filter.clear();
    ImGui::EndDisabled();
    ui.mark("filter/clear");

    show_mark(ui);
    flow(em() * 4);
    result.copy = show_copy(ui);
    flow(em() * 4);
    result.clear = ImGui::Button("Clear", ImVec2(em() * 4, 0));
    ui.mark("clear");
    explain(ui, "Forgets what was recorded, and the errors that were counted.");
    flow(em() * 1.7F);
    put_weak("(?)");
    explain(ui, keys_help);
    return result;
}

void Toolbar::show_mark(const Ui& ui) {
    Baseline& baseline = ui.baseline;
    flow(em() * 4);
    if (ImGui::Button("Mark A", ImVec2(em() * 4, 0))) baseline.set(ui.view.snapshot());
    ui.mark("mark");
    explain(ui,
            "Remembers which descriptors and timeouts there are. Those that come after it and stay are what "
            "leaks.");
    flow(em() * 6);
    bool only_new = baseline.only_new();
    ImGui::BeginDisabled(!baseline.is_set());
    if (ImGui::Checkbox("Only new", &only_new)) baseline.set_only_new(only_new);
    ImGui::EndDisabled();
    ui.mark("only new");
    explain(ui, "Shows only the descriptors and timeouts that are new since mark A.");
    flow(em() * 6);
    bool internal = ui.filter.internal_shown();
    if (ImGui::Checkbox("Internal", &internal)) ui.filter.set_internal_shown(internal);
    ui.mark("internal");
    explain(ui, "Shows, and counts, also what the library registered for itself: the sockets of an "
                "InspectorServer, say.");
}

ToolbarResult::Copy Toolbar::show_copy(const Ui& ui) {
    using Copy = ToolbarResult::Copy;
    if (ImGui::Button("Copy", ImVec2(em() * 4, 0))) ImGui::OpenPopup("copy");
    ui.mark("copy");
    explain(ui, "To the clipboard: what is shown, a table, or a trace of what ran.");
    Copy copy = Copy::nothing;
    if (!ImGui::BeginPopup("copy")) return copy;
    const auto item = [&](const char* label, const char* mark, Copy what) {
        if (ImGui::MenuItem(label)) copy = what;
        ui.mark(mark);
    };
    item("What is shown, as text", "copy/text", Copy::text);
    ImGui::Separator();
    item("Descriptors, for a spreadsheet", "copy/descriptors", Copy::descriptors);
    item("Timeouts, for a spreadsheet", "copy/timeouts", Copy::timeouts);
    item("What ran, for a spreadsheet", "copy/calls", Copy::calls);
    item("Scopes, for a spreadsheet", "copy/scopes", Copy::scopes);
    item("Tasks, for a spreadsheet", "copy/tasks", Copy::tasks);
    ImGui::Separator();
    item("What ran, as a trace for ui.perfetto.dev", "copy/trace", Copy::trace);
    ImGui::EndPopup();
    return copy;
}

void Toolbar::show_recording(const Ui& ui) {
    const bool observing = ui.view.moment().observing;
    flow(em() * 6);
    bool recording = ui.view.moment().recording && observing;
    ImGui::BeginDisabled(!observing);
    if (ImGui::Checkbox("Record", &recording)) {
        ui.command.kind = recording ? Command::Kind::record : Command::Kind::stop_recording;
    }
    ImGui::EndDisabled();
    ui.mark("record");
    explain(ui, observing ? "Whether calls and turns are remembered. The counters count in any case."
                          : "Another observer looks at this loop already; there can be only one.");
    flow(em() * 7.7F);
    trigger_.show(ui);
}

void Toolbar::show_loop(const Ui& ui) {
    flow(em() * 7);
    const bool paused = ui.view.source().paused();
    if (command_button(ui, paused ? "Resume loop###pause" : "Pause loop###pause", ImVec2(em() * 7, 0))) {
        ui.command.kind = paused ? Command::Kind::resume : Command::Kind::pause;
    }
    ui.mark("pause");
    if (ui.refusal == nullptr) {
        explain(ui, "Paused, nothing is called, and nothing is lost. The loop's time stands still: deadlines "
                    "move with it.");
    }
    flow(em() * 6);
    if (command_button(ui, "Step call", ImVec2(em() * 6, 0), paused)) {
        ui.command.kind = Command::Kind::step_call;
        ui.view.step();
    }
    ui.mark("step call");
    if (ui.refusal == nullptr) explain(ui, "Paused: makes the next call.");
    flow(em() * 6);
    if (command_button(ui, "Step turn", ImVec2(em() * 6, 0), paused)) {
        ui.command.kind = Command::Kind::step_turn;
        ui.view.step();
    }
    ui.mark("step turn");
    if (ui.refusal == nullptr) explain(ui, "Paused: makes the rest of the turn, or a whole one.");
    flow(em() * 5.5F);
    breaks_.show(ui);
}

} // namespace ioloop::imgui
