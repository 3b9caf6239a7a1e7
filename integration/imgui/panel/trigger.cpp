// SPDX-License-Identifier: MIT
#include "trigger.hpp"

#include <ioloop/inspect/format.hpp>

namespace ioloop::imgui {
namespace {

Text triggered_text(const Ui& ui) {
    const CallRecord& call = ui.view.moment().triggered_by;
    Text text("triggered by ");
    text.add(name_of(call.kind)).add(" '").add(format_name(call.chain.origin()).view()).add("': took ");
    text.add(format_duration(call.took).view());
    if (call.late > no_wait) text.add(", ").add(format_duration(call.late).view()).add(" late");
    return text.add(call.threw ? ", and threw" : "");
}

} // namespace

void Trigger::show(const Ui& ui) {
    const Moment& moment = ui.view.moment();
    if (moment.triggered) armed_ = false;
    const char* label = "Stop at...###trigger";
    if (armed_) label = "Waits to stop###trigger";
    if (moment.triggered) label = "! Triggered###trigger";
    ImGui::BeginDisabled(!moment.observing);
    if (ImGui::Button(label, ImVec2(em() * 7.7F, 0))) ImGui::OpenPopup("trigger");
    ImGui::EndDisabled();
    ui.mark("trigger");
    if (moment.triggered) {
        explain(ui, triggered_text(ui).c_str());
    } else {
        explain(ui, "Stops the recording a little after something happened, so that what led to it is kept.");
    }
    if (!ImGui::BeginPopup("trigger")) return;
    show_popup(ui);
    ImGui::EndPopup();
}

void Trigger::show_popup(const Ui& ui) {
    ImGui::TextUnformatted("Stop the recording after");
    ImGui::Checkbox("##slow", &on_slow_);
    ui.mark("trigger/slow");
    ImGui::SameLine();
    put_ms_input("a call that takes (ms)", slow_ms_);
    ImGui::Checkbox("##late", &on_late_);
    ui.mark("trigger/late");
    ImGui::SameLine();
    put_ms_input("a callback or timeout that is late by (ms)", late_ms_);
    ImGui::Checkbox("a call that throws", &on_error_);
    ui.mark("trigger/error");

    ImGui::BeginDisabled(!on_slow_ && !on_late_ && !on_error_);
    if (ImGui::Button("Wait for it")) {
        Recorder::Trigger trigger;
        if (on_slow_) trigger.slow_call = from_ms(slow_ms_);
        if (on_late_) trigger.late = from_ms(late_ms_);
        trigger.error = on_error_;
        ui.command.kind = Command::Kind::set_trigger;
        ui.command.trigger = trigger;
        armed_ = true;
    }
    ImGui::EndDisabled();
    ui.mark("trigger/set");
    ImGui::SameLine();
    ImGui::BeginDisabled(!armed_);
    if (ImGui::Button("Do not wait")) {
        ui.command.kind = Command::Kind::clear_trigger;
        armed_ = false;
    }
    ImGui::EndDisabled();
    ui.mark("trigger/clear");
    if (ui.view.moment().triggered) {
        put_badge(triggered_text(ui), Severity::warning);
        put_weak("Recording goes on when it is switched on again.");
    } else {
        put_weak(armed_ ? "waiting" : "not waiting for anything");
    }
}

} // namespace ioloop::imgui
