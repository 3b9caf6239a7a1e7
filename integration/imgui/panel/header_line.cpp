// SPDX-License-Identifier: MIT
#include "header_line.hpp"

#include "../model/breakpoint_text.hpp"

#include <ioloop/inspect/format.hpp>

#include <algorithm>

namespace ioloop::imgui {
namespace {

/// Numbers in slots of fixed width, so that none moves because another one grew; as many in a line as there
/// is room for.
class Slots {
public:
    explicit Slots(const Ui& ui) : ui_(ui) {}

    void show_slot(const char* what, const Text& value, float width, const char* explanation) {
        width *= em();
        if (used_ > 0 && used_ + width <= room_) {
            ImGui::SameLine(start_ + used_);
        } else {
            used_ = 0;
        }
        ImGui::BeginGroup();
        put_weak(what);
        ImGui::SameLine(0, em() * 0.5F);
        put_text(value);
        ImGui::EndGroup();
        ui_.mark("number", ++count_);
        explain(ui_, explanation);
        used_ += width;
    }

private:
    const Ui& ui_;
    float start_ = ImGui::GetCursorPosX();
    float room_ = ImGui::GetContentRegionAvail().x;
    float used_ = 0;
    std::uint64_t count_ = 0;
};

/// "3 (peak 5)", without what is hidden: of the peak it is taken to have been there, too.
Text with_peak(std::uint64_t now, std::uint64_t peak, std::uint64_t hidden) {
    now -= std::min(now, hidden);
    peak = std::max(peak - std::min(peak, hidden), now);
    return format_count(now).add(" (peak ").add(format_count(peak).view()).add(")");
}

/// Click: to what it is about.
void show_sentence(const Ui& ui, const Verdict& verdict) {
    const ImVec2 min = ImGui::GetCursorScreenPos();
    put_badge(verdict.sentence, verdict.severity);
    const ImVec2 max(ImGui::GetItemRectMax().x, min.y + ImGui::GetTextLineHeight());
    if (ui.marks != nullptr) ui.marks->push_back({"verdict", 0, min, max});
    if (verdict.finding == nullptr || !ImGui::IsWindowHovered() || !ImGui::IsMouseHoveringRect(min, max))
        return;
    if (ui.tooltips) ImGui::SetTooltip("Click: selects what it is about, and opens the lints.");
    if (!ImGui::IsMouseClicked(ImGuiMouseButton_Left)) return;
    ui.selection.select(subject_of(*verdict.finding), ui.view.moment());
    ui.open_tab = "Lints";
}

} // namespace

void show_header_line(const Ui& ui, const Verdict& verdict) {
    const Snapshot& snapshot = ui.view.snapshot();
    const Statistics& s = snapshot.statistics;
    if (ui.view.frozen()) {
        put_badge(Text("Frozen, ").add(format_count(ui.view.behind()).view()).add(" calls behind"),
                  Severity::warning);
    } else {
        put_badge("Live", Severity::ok);
    }
    ImGui::SameLine();
    if (ui.view.source().paused()) {
        Text text("Loop paused");
        const Breakpoints::Hit* hit = ui.view.stopped_by();
        if (hit != nullptr) text.add(": ").add(reason_of(*hit).view());
        put_badge(text, Severity::warning);
        ImGui::SameLine();
        if (hit != nullptr) {
            if (ImGui::SmallButton("Show it")) ui.selection.select(hit->call);
            ui.mark("show hit");
            ImGui::SameLine();
        }
    } else if (snapshot.suspended) {
        put_badge("Time suspended", Severity::warning);
        ImGui::SameLine();
    }
    if (snapshot.in_call) {
        put_badge("Inside a call", Severity::note);
        ImGui::SameLine();
    }
    show_sentence(ui, verdict);

    const View::Internal hidden = ui.filter.internal_shown() ? View::Internal{} : ui.view.internal();
    Slots slots(ui);
    slots.show_slot(
        "busy",
        format_duration(ui.view.busy_in_frame()).add(", ").add(format_share(ui.view.busy_share()).view()), 12,
        "What the calls of the loop take of a frame: time, and share. A loop that spins between them shows "
        "in turns/s.");
    slots.show_slot("turns/s", format_rate(ui.view.turns_per_second()), 8.5F,
                    "How often the loop went round.");
    slots.show_slot("calls/s", format_rate(ui.view.calls_per_second()), 8.5F,
                    "Handlers, callbacks and timeouts that were called.");
    slots.show_slot(
        "sleeps/s", format_rate(ui.view.sleeps_per_second()), 9,
        "How often the loop slept, and so was woken. A host that never waits in the loop has none.");
    slots.show_slot("descriptors", with_peak(s.handlers, s.handlers_peak, hidden.handlers), 16,
                    "Registered now, and the most there ever were.");
    slots.show_slot("timeouts", with_peak(s.timeouts, s.timeouts_peak, hidden.timeouts), 14.5F,
                    "Pending now, and the most there ever were.");
    slots.show_slot(
        "callbacks", with_peak(s.callbacks, s.callbacks_peak, hidden.callbacks), 15,
        "Queued now, and the most there ever were. They run in each turn, so that now is nearly always 0.");
    slots.show_slot("loop", Text(snapshot.name).add(", ").add(snapshot.poller), 12,
                    "The name of the loop, and what it waits with.");
}

} // namespace ioloop::imgui
