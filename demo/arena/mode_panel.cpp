// SPDX-License-Identifier: MIT
#include "mode_panel.hpp"

#include "palette.hpp"

#include <algorithm>
#include <cfloat>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <system_error>

namespace arena {

using namespace std::chrono_literals;
using ioloop::Histogram;

namespace {

// What the picture shows, on a scale of decades: from 1 us to 100 ms.
constexpr double shortest_us = 1;
constexpr double decades = 5;

double microseconds(ioloop::Duration duration) {
    return std::chrono::duration<double, std::micro>(duration).count();
}

/// Where a duration is on the scale, 0 to 1.
float place_of(ioloop::Duration duration) {
    const double us = std::max(microseconds(duration), shortest_us);
    return static_cast<float>(std::clamp(std::log10(us / shortest_us) / decades, 0.0, 1.0));
}

std::string milliseconds(ioloop::Duration duration) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f ms", microseconds(duration) / 1000);
    return text;
}

void show_duration(ioloop::Duration duration) {
    const double us = microseconds(duration);
    if (us < 1000) {
        ImGui::Text("%.0f us", us);
    } else {
        ImGui::TextUnformatted(milliseconds(duration).c_str());
    }
}

float width() { return ImGui::GetFontSize() * 26; }

/// Dim, and no wider than the rest.
void show_words(const std::string& words) {
    ImGui::PushTextWrapPos(ImGui::GetCursorPosX() + width());
    ImGui::PushStyleColor(ImGuiCol_Text, palette::dim);
    ImGui::TextUnformatted(words.data(), words.data() + words.size());
    ImGui::PopStyleColor();
    ImGui::PopTextWrapPos();
}

ImVec4 colour(ImU32 colour) { return ImGui::ColorConvertU32ToFloat4(colour); }

/// A message that waits for less than a millisecond is not felt, and one that waits for a frame is.
ImU32 colour_at(float place) {
    return place < 0.6F ? palette::good : place < 0.75F ? palette::warning : palette::bad;
}

} // namespace

void ModePanel::show(bool* open, ImVec2 at, ioloop::Duration drawing) {
    if (!*open) {
        probe_.reset();
        trouble_.clear();
        return;
    }
    measure();
    ImGui::SetNextWindowPos(at, ImGuiCond_FirstUseEver, {1, 1});
    ImGui::SetNextWindowSizeConstraints({0, 0}, {FLT_MAX, at.y});
    if (ImGui::Begin("Modes", open, ImGuiWindowFlags_AlwaysAutoResize)) {
        show_combo();
        ImGui::Spacing();
        if (!trouble_.empty()) ImGui::TextColored(colour(palette::bad), "%s", trouble_.c_str());
        ImGui::TextUnformatted("So long a message waits for its handler:");
        show_picture();
        show_table();
        show_words("Grey: what came while a frame was drawn (" + milliseconds(drawing) +
                   "). It waits for that in every mode, and is not in the table.");
    }
    ImGui::End();
}

void ModePanel::measure() {
    if (!probe_ && trouble_.empty()) {
        try {
            probe_.emplace(host_.loop());
        } catch (const std::system_error& error) {
            trouble_ = error.what(); // until it is opened again
        }
    }
    if (!probe_) return;
    // What waits because the inspector has paused the loop says nothing about the mode.
    if (host_.loop().paused()) probe_->begin_anew();
    const Histogram& latencies = probe_->latencies();
    if (latencies.count() == 0) return;
    figures_[index_of(pacing_)] = {latencies.count(), latencies.percentile(0.5), latencies.percentile(0.99),
                                   latencies.longest()};
}

void ModePanel::choose(Pacing pacing) {
    if (pacing == pacing_) return;
    pacing_ = pacing;
    if (probe_) probe_->begin_anew();
}

void ModePanel::show_combo() {
    ImGui::SetNextItemWidth(ImGui::GetFontSize() * 10);
    if (ImGui::BeginCombo("the rest of a frame", name_of(pacing_))) {
        for (const Pacing pacing : all_pacings) {
            if (ImGui::Selectable(name_of(pacing), pacing == pacing_)) choose(pacing);
        }
        ImGui::EndCombo();
    }
    show_words(words_of(pacing_));
    const ioloop::sdl2::Mode active = host_.active_mode();
    if (pacing_ == Pacing::merge && active != ioloop::sdl2::Mode::merge) {
        ImGui::TextColored(colour(palette::warning), "here it sleeps as %s", ioloop::sdl2::name_of(active));
    }
}

void ModePanel::show_picture() const {
    const float unit = ImGui::GetFontSize();
    const ImVec2 from = ImGui::GetCursorScreenPos();
    const ImVec2 size{width(), unit * 6};
    const ImVec2 to{from.x + size.x, from.y + size.y};
    ImDrawList& out = *ImGui::GetWindowDrawList();
    out.AddRectFilled(from, to, palette::panel, 4);
    ImGui::Dummy({size.x, size.y + unit * 1.3F}); // and the scale below it

    constexpr const char* names[] = {"1 us", "10 us", "100 us", "1 ms", "10 ms"};
    for (int decade = 0; decade < 5; ++decade) {
        const float x =
            std::floor(from.x + size.x * static_cast<float>(decade) / static_cast<float>(decades));
        out.AddLine({x, from.y}, {x, to.y}, palette::panel_line);
        out.AddText({x + 2, to.y + 1}, palette::dim, names[decade]);
    }
    if (!probe_) return;
    std::uint32_t highest = 1;
    for (std::size_t i = 0; i < Histogram::bucket_count; ++i) {
        highest =
            std::max({highest, probe_->latencies().in_bucket(i), probe_->latencies_of_busy().in_bucket(i)});
    }
    const auto show = [&](const Histogram& latencies, bool dim) {
        for (std::size_t i = 0; i < Histogram::bucket_count; ++i) {
            if (latencies.in_bucket(i) == 0) continue;
            const float left = i > 0 ? place_of(Histogram::upper_bound(i - 1)) : 0;
            const float right = std::max(place_of(Histogram::upper_bound(i)), left + 0.004F);
            const float part = static_cast<float>(latencies.in_bucket(i)) / static_cast<float>(highest);
            out.AddRectFilled({from.x + size.x * left, to.y - std::max(2.0F, (size.y - 4) * part)},
                              {std::min(from.x + size.x * right - 1, to.x), to.y},
                              dim ? palette::faded(palette::dim, 0.4F) : colour_at(left));
        }
    };
    show(probe_->latencies_of_busy(), true);
    show(probe_->latencies(), false);
    if (probe_->latencies().count() == 0) return;
    for (const double share : {0.5, 0.99}) {
        const float x = from.x + size.x * place_of(probe_->latencies().percentile(share));
        out.AddLine({x, from.y}, {x, to.y}, palette::text);
    }
}

void ModePanel::show_table() {
    constexpr ImGuiTableFlags flags = ImGuiTableFlags_RowBg | ImGuiTableFlags_SizingStretchProp;
    if (!ImGui::BeginTable("figures", 5, flags, {width(), 0})) return;
    ImGui::TableSetupColumn("mode", 0, 3);
    ImGui::TableSetupColumn("p50", 0, 2);
    ImGui::TableSetupColumn("p99", 0, 2);
    ImGui::TableSetupColumn("worst", 0, 2);
    ImGui::TableSetupColumn("messages", 0, 2);
    ImGui::TableHeadersRow();
    for (const Pacing pacing : all_pacings) {
        const Figures& figures = figures_[index_of(pacing)];
        ImGui::TableNextColumn();
        // A click is as good as the combo.
        if (ImGui::Selectable(name_of(pacing), pacing == pacing_, ImGuiSelectableFlags_SpanAllColumns))
            choose(pacing);
        for (const ioloop::Duration duration : {figures.half, figures.most, figures.longest}) {
            ImGui::TableNextColumn();
            if (figures.count > 0) {
                show_duration(duration);
            } else {
                ImGui::TextDisabled("-");
            }
        }
        ImGui::TableNextColumn();
        ImGui::TextDisabled("%llu", static_cast<unsigned long long>(figures.count));
    }
    ImGui::EndTable();
}

} // namespace arena
