// SPDX-License-Identifier: MIT
#include "health_page.hpp"

#include <ioloop/inspect/format.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace ioloop::imgui {
namespace {

/// A bar for each doubling.
constexpr std::size_t buckets_in_bar = 4;
constexpr std::size_t bar_count = Histogram::bucket_count / buckets_in_bar;

std::uint64_t in_bar(const Histogram& histogram, std::size_t bar) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < buckets_in_bar; ++i) sum += histogram.in_bucket(bar * buckets_in_bar + i);
    return sum;
}

/// The longest duration in it.
Duration end_of(std::size_t bar) { return Histogram::upper_bound(bar * buckets_in_bar + buckets_in_bar - 1); }

/// The shortest.
Duration begin_of(std::size_t bar) { return bar == 0 ? Duration::zero() : end_of(bar - 1) + Duration(1); }

/// Where a duration is, in bars from the left.
float position_of(Duration duration) {
    const auto first = static_cast<double>(end_of(0).count() + 1);
    return static_cast<float>(1 + std::log2(static_cast<double>(duration.count()) / first));
}

/// The same for all, so that they can be compared.
void draw_scale(ImVec2 min, ImVec2 max) {
    struct Tick {
        Duration at;
        const char* name;
    };
    using namespace std::chrono_literals;
    static constexpr std::array<Tick, 8> ticks{{{1us, "1 us"},
                                                {10us, "10 us"},
                                                {100us, "100 us"},
                                                {1ms, "1 ms"},
                                                {10ms, "10 ms"},
                                                {100ms, "100 ms"},
                                                {1s, "1 s"},
                                                {10s, "10 s"}}};
    const float bar_width = (max.x - min.x) / static_cast<float>(bar_count);
    ImDrawList& draw = *ImGui::GetWindowDrawList();
    for (const Tick& tick : ticks) {
        const float x = std::floor(min.x + position_of(tick.at) * bar_width);
        draw.AddLine(ImVec2(x, min.y), ImVec2(x, max.y), ImGui::GetColorU32(ImGuiCol_Text, 0.15F));
        draw.AddText(ImVec2(x + 2, max.y + 1), ImGui::GetColorU32(ImGuiCol_TextDisabled), tick.name);
    }
}

Text format_bounds(std::size_t bar) {
    const Duration end = end_of(bar);
    if (end == forever) return Text("from ").add(format_duration(begin_of(bar)).view()).add(" on");
    return format_duration(begin_of(bar)).add(" to ").add(format_duration(end + Duration(1)).view());
}

Text format_percentiles(const Histogram& histogram) {
    Text text = format_count(histogram.count());
    const auto add = [&](const char* what, Duration duration) {
        text.add(what).add(format_duration(duration).view());
    };
    if (histogram.count() == 0) return "none yet";
    add(";  p50 ", histogram.percentile(0.5));
    add("  p90 ", histogram.percentile(0.9));
    add("  p99 ", histogram.percentile(0.99));
    add("  p99.9 ", histogram.percentile(0.999));
    add("  max ", histogram.longest());
    return text;
}

} // namespace

struct HealthPage::Chart {
    const char* name;
    const char* explanation;
    Histogram Recorder::Health::*histogram;
};

void HealthPage::show(const Ui& ui) {
    static constexpr std::array<Chart, 6> charts{{
        {"Lateness of timeouts", "From due to begun.", &Recorder::Health::lateness},
        {"Callbacks in the queue", "From posted to begun.", &Recorder::Health::queueing},
        {"Calls", "How long each handler, callback or timeout took.", &Recorder::Health::calls},
        {"Turns", "How long the calls of a turn took together; of turns with calls.",
         &Recorder::Health::turns},
        {"Waits", "How long the loop slept, when it did.", &Recorder::Health::waits},
        {"Frames", "How much of a frame of the host the loop took.", &Recorder::Health::frames},
    }};
    ImGui::AlignTextToFramePadding();
    put_weak("Bars: how many took how long, since recording began or was cleared. Height:");
    ImGui::SameLine();
    if (ImGui::RadioButton("log", logarithmic_)) logarithmic_ = true;
    ui.mark("health/log");
    ImGui::SameLine();
    if (ImGui::RadioButton("linear", !logarithmic_)) logarithmic_ = false;
    ui.mark("health/linear");

    if (!ImGui::BeginChild("charts")) return ImGui::EndChild();
    const float room = ImGui::GetContentRegionAvail().x;
    const float gap = em();
    const bool two = room >= em() * 66;
    const float width = two ? (room - gap) / 2 : room;
    for (std::size_t i = 0; i < charts.size(); ++i) {
        if (two && i % 2 == 1) ImGui::SameLine(width + gap);
        show_chart(ui, charts[i], width);
    }
    ImGui::EndChild();
    ui.rows_shown->add(charts.size()).add(" histograms");
}

void HealthPage::show_chart(const Ui& ui, const Chart& chart, float width) const {
    const Histogram& histogram = ui.view.moment().health.*chart.histogram;
    ImGui::BeginGroup();
    ImGui::TextUnformatted(chart.name);
    explain(ui, chart.explanation);
    put_weak(format_percentiles(histogram));

    ImGui::InvisibleButton(chart.name, ImVec2(std::max(width, em()), em() * 6));
    ui.mark(chart.name);
    const ImVec2 min = ImGui::GetItemRectMin();
    const ImVec2 max = ImGui::GetItemRectMax();
    const float bar_width = (max.x - min.x) / static_cast<float>(bar_count);
    ImDrawList& draw = *ImGui::GetWindowDrawList();
    draw.AddRectFilled(min, max, ImGui::GetColorU32(ImGuiCol_FrameBg));
    std::uint64_t most = 1;
    for (std::size_t bar = 0; bar < bar_count; ++bar) most = std::max(most, in_bar(histogram, bar));
    // One is a bar, too; of a logarithm it would be none.
    const auto height = [&](std::uint64_t count) {
        const auto value = static_cast<double>(count);
        const auto whole = static_cast<double>(most);
        return static_cast<float>(logarithmic_ ? std::log2(1 + value) / std::log2(1 + whole) : value / whole);
    };
    const bool hovered = ui.tooltips && ImGui::IsItemHovered();
    const auto pointed_at = static_cast<std::size_t>(
        std::clamp((ImGui::GetMousePos().x - min.x) / bar_width, 0.0F, static_cast<float>(bar_count - 1)));
    for (std::size_t bar = 0; bar < bar_count; ++bar) {
        const float left = min.x + static_cast<float>(bar) * bar_width;
        if (hovered && bar == pointed_at) {
            draw.AddRectFilled(ImVec2(left, min.y), ImVec2(left + bar_width, max.y),
                               ImGui::GetColorU32(ImGuiCol_HeaderHovered, 0.5F));
        }
        const std::uint64_t count = in_bar(histogram, bar);
        if (count == 0) continue;
        const float top = std::min(max.y - 2, max.y - (max.y - min.y - 2) * height(count)); // always in sight
        draw.AddRectFilled(ImVec2(left + 1, top), ImVec2(left + bar_width - 1, max.y),
                           ImGui::GetColorU32(ImGuiCol_PlotHistogram));
    }
    draw_scale(min, max);
    ImGui::Dummy(ImVec2(width, ImGui::GetTextLineHeight()));
    ImGui::EndGroup();
    if (!hovered) return;
    ImGui::BeginTooltip();
    put_text(format_bounds(pointed_at).add(": ").add(in_bar(histogram, pointed_at)));
    ImGui::EndTooltip();
}

} // namespace ioloop::imgui
