// SPDX-License-Identifier: MIT
#include "network_panel.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace arena {
namespace {

using std::chrono::milliseconds;

constexpr int most_latency = 500; // ms; more than anybody would play with
constexpr int most_jitter = 200;  // ms
constexpr int most_loss = 50;     // percent
constexpr float bar_width = 12;   // of sliders and plots, in heights of the font

double in_milliseconds(ioloop::Duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

int whole_milliseconds(ioloop::Duration duration) {
    return static_cast<int>(std::chrono::duration_cast<milliseconds>(duration).count());
}

/// Beyond its end, if the command line says so, a slider stays until it is moved.
void show_sliders(Client& client) {
    const Impairment::Options was = client.link().network();
    int latency = whole_milliseconds(was.latency);
    int jitter = whole_milliseconds(was.jitter);
    int loss = static_cast<int>(std::lround(was.loss * 100));
    bool changed = false;
    ImGui::PushItemWidth(ImGui::GetFontSize() * bar_width);
    changed |= ImGui::SliderInt("latency", &latency, 0, most_latency, "%d ms", ImGuiSliderFlags_AlwaysClamp);
    changed |= ImGui::SliderInt("jitter", &jitter, 0, most_jitter, "%d ms", ImGuiSliderFlags_AlwaysClamp);
    changed |= ImGui::SliderInt("loss", &loss, 0, most_loss, "%d %%", ImGuiSliderFlags_AlwaysClamp);
    ImGui::PopItemWidth();
    if (changed) client.set_network({milliseconds(latency), milliseconds(jitter), loss / 100.0});
}

void show_measured(const Client& client, const Sight& sight, ioloop::TimePoint now) {
    const Link& link = client.link();
    if (link.measured()) {
        ImGui::Text("ping %.0f ms, jitter %.0f ms, lost %.0f %%", in_milliseconds(link.ping()),
                    in_milliseconds(link.jitter()), 100 * sight.loss());
    } else {
        ImGui::TextDisabled("no server");
    }
    ImGui::Text("snapshots wait %.0f ms to be shown", in_milliseconds(sight.held_back(now)));
}

/// `least`: of the height, so that what is nothing does not look like mountains.
void show_plot(const char* label, const Spread& spread, float least, const char* help) {
    const auto& recent = spread.recent();
    const float largest = *std::max_element(recent.begin(), recent.end());
    ImGui::PushID(label);
    ImGui::PlotLines("##plot", recent.data(), static_cast<int>(recent.size()),
                     static_cast<int>(spread.recent_begin()), nullptr, 0, std::max(least, largest),
                     {ImGui::GetFontSize() * bar_width, ImGui::GetFrameHeight()});
    ImGui::PopID();
    ImGui::SameLine(0, ImGui::GetStyle().ItemInnerSpacing.x);
    ImGui::Text("%s %.1f", label, static_cast<double>(largest));
    if (ImGui::IsItemHovered()) {
        ImGui::SetTooltip("%s\nIn units of the arena; a ship is 32 long.\n"
                          "Since the game began: p99 %.1f, worst %.1f.",
                          help, static_cast<double>(spread.percentile(0.99)),
                          static_cast<double>(spread.worst()));
    }
}

} // namespace

void show_network_panel(Session& session, bool* open, ImVec2 at) {
    if (!*open) return;
    ImGui::SetNextWindowPos(at, ImGuiCond_FirstUseEver);
    if (ImGui::Begin("Network", open, ImGuiWindowFlags_AlwaysAutoResize)) {
        Client& client = session.client();
        const SightError& error = session.sight_error();
        ImGui::TextDisabled("each way, so twice in a ping");
        ImGui::SameLine();
        if (ImGui::SmallButton("none")) client.set_network({});
        show_sliders(client);
        ImGui::Separator();
        show_measured(client, client.sight(), session.loop().time());
        ImGui::TextDisabled("shown wrong by, lately at most");
        show_plot("own ship", error.prediction(), ship_radius,
                  "How far from where your ship was shown for an input\n"
                  "the server had it when it played that input.");
        if (session.server() != nullptr) {
            show_plot("others", error.interpolation(), 4,
                      "How far the worst of the others was shown from where the server\n"
                      "had it at the moment that is shown.");
        }
        show_plot("jumps", error.jump(), 4,
                  "How far the worst of the others went in one frame beyond\n"
                  "what its velocity explains.");
    }
    ImGui::End();
}

} // namespace arena
