// SPDX-License-Identifier: MIT
#include "ui.hpp"

#include <algorithm>
#include <chrono>

namespace ioloop::imgui {
namespace {

float width_of(const Text& text) { return ImGui::CalcTextSize(text.c_str(), text.end()).x; }

template <class Draw> bool guarded(const Ui& ui, bool enabled, Draw draw) {
    ImGui::BeginDisabled(ui.refusal != nullptr || !enabled);
    const bool clicked = draw();
    ImGui::EndDisabled();
    if (ui.refusal != nullptr) explain(ui, ui.refusal);
    return clicked;
}

} // namespace

void put_right(const Text& text) {
    const float room = ImGui::GetContentRegionAvail().x - width_of(text);
    if (room > 0) ImGui::SetCursorPosX(ImGui::GetCursorPosX() + room);
    put_text(text);
}

void push_weak_text() {
    const ImVec4 a = ImGui::GetStyleColorVec4(ImGuiCol_Text);
    const ImVec4 b = ImGui::GetStyleColorVec4(ImGuiCol_TextDisabled);
    const ImVec4 between((a.x + b.x) / 2, (a.y + b.y) / 2, (a.z + b.z) / 2, (a.w + b.w) / 2);
    ImGui::PushStyleColor(ImGuiCol_Text, between);
}

void put_weak(const Text& text) {
    push_weak_text();
    put_text(text);
    ImGui::PopStyleColor();
}

void put_fact(const char* what, const Text& value) {
    put_weak(what);
    ImGui::SameLine(em() * 6.5F); // from the beginning of the group
    put_text(value);
}

void flow(float width) {
    const ImGuiStyle& style = ImGui::GetStyle();
    const float end = ImGui::GetItemRectMax().x + style.ItemSpacing.x + width;
    const float room = ImGui::GetWindowPos().x + ImGui::GetWindowSize().x - style.WindowPadding.x;
    if (end < room) ImGui::SameLine();
}

float width_of_button(const char* label) {
    return ImGui::CalcTextSize(label, nullptr, true).x + ImGui::GetStyle().FramePadding.x * 2;
}

void put_ms_input(const char* label, float& milliseconds) {
    ImGui::SetNextItemWidth(em() * 6);
    ImGui::InputFloat(label, &milliseconds, 0, 0, "%.1f");
    milliseconds = std::clamp(milliseconds, 0.0F, 1e6F);
}

Duration from_ms(float milliseconds) {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::milli>(milliseconds));
}

Text format_function(const Origin& origin) {
    const std::string_view name = origin.function;
    if (name.empty()) return {};
    return name == "operator()" ? Text(" in a lambda") : Text(" in ").add(name);
}

void add_difference(const Ui& ui, const Baseline::Difference& difference) {
    if (!ui.baseline.is_set()) return;
    ui.rows_shown->add(", ").add(difference.added).add(" new, ").add(difference.gone).add(" gone since A");
}

void explain(const Ui& ui, const char* text) {
    if (ImGui::IsItemHovered(ImGuiHoveredFlags_AllowWhenDisabled)) put_tooltip(ui, text);
}

void put_tooltip(const Ui& ui, const char* text) {
    if (!ui.tooltips) return;
    ImGui::BeginTooltip();
    ImGui::PushTextWrapPos(em() * 30);
    ImGui::TextUnformatted(text);
    ImGui::PopTextWrapPos();
    ImGui::EndTooltip();
}

/// Weak enough to read the style's text on it, whether that is black or white; and of a lightness of their own, for
/// those who do not see red from yellow.
ImU32 severity_color(Severity severity) {
    switch (severity) {
    case Severity::error: return ImGui::GetColorU32(ImVec4(1.00F, 0.20F, 0.00F, 0.70F));
    case Severity::warning: return ImGui::GetColorU32(ImVec4(0.90F, 0.70F, 0.00F, 0.40F));
    case Severity::note: return ImGui::GetColorU32(ImGuiCol_Header);
    case Severity::ok: break;
    }
    return ImGui::GetColorU32(ImGuiCol_FrameBg);
}

const char* glyph_of(Severity severity) {
    static constexpr const char* glyphs[] = {"", "i  ", "!  ", "!! "};
    return glyphs[static_cast<int>(severity)];
}

void put_badge(const Text& text, Severity severity) {
    Text whole(glyph_of(severity));
    whole.add(text.view());
    const float padding = em() * 0.4F;
    const ImVec2 at = ImGui::GetCursorScreenPos();
    // What is longer than the line goes on in the next one.
    const float room = std::max(ImGui::GetContentRegionAvail().x - padding * 2, em() * 10);
    const ImVec2 size = ImGui::CalcTextSize(whole.c_str(), whole.end(), false, room);
    ImGui::GetWindowDrawList()->AddRectFilled(ImVec2(at.x, at.y - 1),
                                              ImVec2(at.x + size.x + padding * 2, at.y + size.y + 1),
                                              severity_color(severity), em() * 0.25F);
    ImGui::SetCursorPosX(ImGui::GetCursorPosX() + padding);
    ImGui::PushTextWrapPos(ImGui::GetCursorPosX() + room);
    put_text(whole);
    ImGui::PopTextWrapPos();
    ImGui::SameLine(0, padding);
    ImGui::Dummy(ImVec2(0, 0));
}

bool command_button(const Ui& ui, const char* label, ImVec2 size, bool enabled) {
    return guarded(ui, enabled, [&] { return ImGui::Button(label, size); });
}

bool command_item(const Ui& ui, const char* label, bool enabled) {
    return guarded(ui, enabled, [&] { return ImGui::MenuItem(label); });
}

bool small_command_button(const Ui& ui, const char* label, bool enabled) {
    return guarded(ui, enabled, [&] { return ImGui::SmallButton(label); });
}

} // namespace ioloop::imgui
