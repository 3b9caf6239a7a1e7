// SPDX-License-Identifier: MIT
/// Ui: what every panel draws from, and the few widgets that they share. No colours but those of the style,
/// and red and yellow in the background behind text that says the same.
#pragma once

#include "../model/baseline.hpp"
#include "../model/filter.hpp"
#include "../model/selection.hpp"
#include "../model/verdict.hpp"
#include "../model/view.hpp"

#include <ioloop/inspect/command.hpp>
#include <ioloop/inspect/text.hpp>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <imgui.h>

namespace ioloop::imgui {

/// Where things were drawn, for tests that click on them. Kept only if a test asks.
struct Mark {
    const char* name;
    std::uint64_t id; ///< of the row's object, or 0
    ImVec2 min;
    ImVec2 max;
};

struct Ui {
    View& view;
    Filter& filter;
    Baseline& baseline;
    Selection& selection;
    Command& command;    ///< run when the drawing is done; the last one counts
    const char* refusal; ///< null, or why commands are refused
    Duration budget;     ///< Inspector::Options
    Duration slow_call;
    double now;       ///< seconds, of the user interface
    bool tooltips;    ///< false while the text is copied: a tooltip's end would be the end of that
    Text* rows_shown; ///< said by the table that is open, for the last line
    std::vector<Mark>* marks;
    std::string_view& open_tab; ///< set it to the name of a tab to have that opened: a literal

    /// Another number whenever other rows are to be shown: for RowSet::arrange().
    std::uint64_t filter_version() const { return filter.version() + baseline.version(); }

    /// Remembers where the last item is.
    void mark(const char* name, std::uint64_t id = 0) const {
        if (marks != nullptr) marks->push_back({name, id, ImGui::GetItemRectMin(), ImGui::GetItemRectMax()});
    }
};

/// The unit of all sizes.
inline float em() { return ImGui::GetFontSize(); }

inline void put_text(const Text& text) { ImGui::TextUnformatted(text.c_str(), text.end()); }
/// At the right of the cell: numbers stand below each other.
void put_right(const Text& text);
/// Weaker than text, stronger than the style's disabled text, which is hard to read where it is light.
void push_weak_text();
/// What is a label, gone or unknown.
void put_weak(const Text& text);
/// A line: what, and how much of it.
void put_fact(const char* what, const Text& value);
/// The next item beside the last one if there is room for `width`, else below it.
void flow(float width);
/// What a button takes, without what its label hides behind ###.
float width_of_button(const char* label);
/// Milliseconds to type in.
void put_ms_input(const char* label, float& milliseconds);
Duration from_ms(float milliseconds);
/// " in start", " in a lambda"; nothing if the function is not known.
Text format_function(const Origin& origin);
/// "3 new, 1 gone since A", behind what is shown of a table; nothing if there is no mark.
void add_difference(const Ui& ui, const Baseline::Difference& difference);
void put_tooltip(const Ui& ui, const char* text);
/// A tooltip for the last item, also if it is disabled.
void explain(const Ui& ui, const char* text);
/// Says a severity beside its colour: "!! ".
const char* glyph_of(Severity severity);
/// A text on a background that says how bad it is; a glyph says it too.
void put_badge(const Text& text, Severity severity);
/// The background of that severity.
ImU32 severity_color(Severity severity);
/// A button that asks for a command; disabled, with the reason, if commands are refused.
bool command_button(const Ui& ui, const char* label, ImVec2 size = ImVec2(0, 0), bool enabled = true);
bool command_item(const Ui& ui, const char* label, bool enabled = true);
bool small_command_button(const Ui& ui, const char* label, bool enabled = true);

} // namespace ioloop::imgui
