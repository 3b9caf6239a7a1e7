// SPDX-License-Identifier: MIT
#include "trouble_menu.hpp"

#include <system_error>

namespace arena {
namespace {

void toggle(Trouble& trouble, Trouble::Kind kind) {
    if (trouble.planted(kind)) return trouble.mend(kind);
    try {
        trouble.plant(kind);
    } catch (
        const std::system_error&) { // NOLINT(bugprone-empty-catch): no descriptors left; the box stays empty
    }
}

} // namespace

void show_trouble_menu(Trouble& trouble, bool* open, ImVec2 at) {
    if (!*open) return;
    ImGui::SetNextWindowPos(at, ImGuiCond_FirstUseEver, ImVec2(0, 1));
    if (ImGui::Begin("Trouble", open, ImGuiWindowFlags_AlwaysAutoResize)) {
        // Narrow: it has its place beside the inspector.
        ImGui::PushTextWrapPos(ImGui::GetFontSize() * 12);
        ImGui::TextUnformatted("Plant a mistake, and find it in the inspector (F1).");
        ImGui::PopTextWrapPos();
        ImGui::Spacing();
        for (std::size_t i = 0; i < Trouble::count; ++i) {
            const auto kind = static_cast<Trouble::Kind>(i);
            const Trouble::Words& words = Trouble::words_of(kind);
            bool planted = trouble.planted(kind);
            if (ImGui::Checkbox(words.name, &planted)) toggle(trouble, kind);
            if (!ImGui::IsItemHovered()) continue;
            ImGui::BeginTooltip();
            ImGui::TextUnformatted(words.what);
            ImGui::TextDisabled("The inspector calls it %s.", words.lint);
            ImGui::EndTooltip();
        }
    }
    ImGui::End();
}

} // namespace arena
