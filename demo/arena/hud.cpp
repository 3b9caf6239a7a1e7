// SPDX-License-Identifier: MIT
#include "hud.hpp"

#include "palette.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <utility>
#include <vector>

namespace arena {
namespace {

using namespace std::chrono_literals;

constexpr int best_shown = 20; // of the players, and oneself
constexpr float edge = 26;
constexpr float bar = 38; // above and below the field
constexpr float line_height = 17;
constexpr ioloop::Duration motd_shown = 10s;
constexpr float motd_fades = 0.7F; // seconds
constexpr float chat_shown = 12;   // seconds, of which the last two fade

double milliseconds(ioloop::Duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

std::string decimal(double value, int digits) {
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", digits, value);
    return text;
}

void write(ImDrawList& out, ImVec2 at, ImU32 colour, const std::string& text) {
    const char* end = text.data() + text.size();
    const int alpha = static_cast<int>((colour >> IM_COL32_A_SHIFT) * 6 / 10);
    out.AddText({at.x + 1, at.y + 1}, palette::rgb(0x000000, alpha), text.data(), end);
    out.AddText(at, colour, text.data(), end);
}

float width_of(const std::string& text) {
    return ImGui::CalcTextSize(text.data(), text.data() + text.size()).x;
}

void panel(ImDrawList& out, ImVec2 from, ImVec2 to, float shown = 1) {
    out.AddRectFilled(from, to, palette::faded(palette::panel, shown), 7);
    out.AddRect(from, to, palette::faded(palette::panel_line, shown), 7);
}

ImU32 colour_of(Link::State state) {
    switch (state) {
    case Link::State::joined: return palette::good;
    case Link::State::waiting: return palette::bad;
    default: return palette::warning;
    }
}

} // namespace

void Hud::draw(ImDrawList& out, ImVec2 size, Client& client, ioloop::TimePoint now, const State& state,
               const std::function<void(const std::string&)>& say) {
    draw_connection(out, size, client, state);
    draw_chat(out, size, state.left, client, now);
    draw_help(out, size, state);
    if (state.motd != nullptr) draw_motd(out, size, *state.motd, now);
    if (!client.link().joined()) draw_loss(out, size, client, now);
    if (opening_ || chatting_) draw_chat_box(size, state.left, say);
    if (state.scoreboard) draw_scoreboard(size, client);
}

/// The bar above the field: one line, label and value by turns.
void Hud::draw_connection(ImDrawList& out, ImVec2 size, const Client& client, const State& state) const {
    const Link& link = client.link();
    const Roster::Entry* me = client.me();
    ImVec2 at{edge, 13};
    const auto put = [&](const std::string& label, const std::string& value, ImU32 colour = palette::text) {
        write(out, at, palette::dim, label);
        at.x += width_of(label) + 7;
        write(out, at, colour, value);
        at.x += width_of(value) + 24;
    };
    const auto in_ms = [](ioloop::Duration duration) { return decimal(milliseconds(duration), 1) + " ms"; };

    out.AddCircleFilled({at.x + 4, at.y + 7}, 4, colour_of(link.state()), 16);
    at.x += 10;
    put("", name_of(link.state()));
    put("server", link.server());
    put("ping", link.measured() ? in_ms(link.ping()) : "-");
    put("jitter", link.measured() ? in_ms(link.jitter()) : "-");
    put("players", std::to_string(client.roster().players.size()));
    put("score", me != nullptr ? std::to_string(me->score) : "-", palette::me);
    put("deaths", me != nullptr ? std::to_string(me->deaths) : "-");

    const double longest = milliseconds(state.longest_pump);
    const std::string frames = decimal(static_cast<double>(state.frames_per_second), 0) + " fps";
    const std::string loop = "loop " + decimal(longest, 2) + " ms";
    at.x = size.x - edge - width_of(frames) - 18 - width_of(loop);
    write(out, at, longest > 4 ? palette::warning : palette::dim, loop);
    write(out, {size.x - edge - width_of(frames), at.y}, palette::text, frames);
}

/// The game goes on without a server: the frame is drawn, and this says what is being done about it.
void Hud::draw_loss(ImDrawList& out, ImVec2 size, const Client& client, ioloop::TimePoint now) const {
    const Link& link = client.link();
    std::string text = name_of(link.state());
    if (link.state() == Link::State::waiting) {
        const double left = milliseconds(ioloop::until(link.next_attempt(), now)) / 1000;
        text = "no server: trying again in " + decimal(left, 1) + " s";
    }
    const float half = width_of(text) / 2 + 26;
    const ImVec2 middle{size.x / 2, size.y * 0.30F};
    panel(out, {middle.x - half, middle.y - 20}, {middle.x + half, middle.y + 20});
    out.AddCircleFilled({middle.x - half + 14, middle.y}, 4, colour_of(link.state()), 16);
    write(out, {std::floor(middle.x - half + 28), middle.y - 7}, palette::text, text);
}

/// While it loads a slim bar below the upper edge; then the text, until it fades.
void Hud::draw_motd(ImDrawList& out, ImVec2 size, const Motd::View& motd, ioloop::TimePoint now) const {
    if (motd.loading && motd.done > 0) {
        const std::string all = motd.total > 0 ? " of " + std::to_string(motd.total) : "";
        const std::string text = "message of the day: " + std::to_string(motd.done) + all + " bytes";
        const float half = width_of(text) / 2;
        const ImVec2 from{std::floor(size.x / 2 - half), bar + 14};
        const float part =
            motd.total > 0 ? std::min(1.0F, static_cast<float>(motd.done) / static_cast<float>(motd.total))
                           : 0;
        write(out, from, palette::dim, text);
        const float y = from.y + line_height;
        out.AddRectFilled({from.x, y}, {from.x + 2 * half, y + 3}, palette::panel_line, 1.5F);
        out.AddRectFilled({from.x, y}, {from.x + 2 * half * part, y + 3}, palette::me, 1.5F);
    }
    if (motd.text.empty()) return;
    const ioloop::TimePoint end = std::min(ioloop::after(motd.since, motd_shown), motd.until);
    const float shown = std::clamp(1 - seconds(now - end) / motd_fades, 0.0F, 1.0F);
    if (shown <= 0) return;
    constexpr float margin = 18;
    const float wrap = std::min(size.x - 2 * (edge + margin), 560.0F);
    const char* begin = motd.text.data();
    const char* text_end = begin + motd.text.size();
    const ImVec2 text = ImGui::CalcTextSize(begin, text_end, false, wrap);
    const float height = std::min(text.y, size.y - 2 * (bar + margin + 8));
    const ImVec2 at{std::floor((size.x - text.x) / 2), std::floor((size.y - height) / 2)};
    const ImVec2 from{at.x - margin, at.y - margin};
    const ImVec2 to{at.x + text.x + margin, at.y + height + margin};
    panel(out, from, to, shown);
    out.PushClipRect(from, {to.x, at.y + height}, true);
    out.AddText(ImGui::GetFont(), ImGui::GetFontSize(), at, palette::faded(palette::text, shown), begin,
                text_end, wrap);
    out.PopClipRect();
}

void Hud::draw_chat(ImDrawList& out, ImVec2 size, float left, const Client& client,
                    ioloop::TimePoint now) const {
    float y = size.y - bar - 12 - (chatting_ ? 36.0F : 0.0F);
    for (auto line = client.said().rbegin(); line != client.said().rend(); ++line) {
        const float age = seconds(now - line->at);
        const float shown = chatting_ ? 1 : std::clamp((chat_shown - age) / 2, 0.0F, 1.0F);
        if (shown <= 0) break;
        y -= line_height;
        if (line->name.empty()) {
            write(out, {left, y}, palette::faded(palette::dim, shown), line->text);
            continue;
        }
        const std::string who = line->name + ": ";
        write(out, {left, y}, palette::faded(palette::of(line->from, client.id()), shown), who);
        write(out, {left + width_of(who), y}, palette::faded(palette::text, shown), line->text);
    }
}

void Hud::draw_chat_box(ImVec2 size, float left, const std::function<void(const std::string&)>& say) {
    ImGui::SetNextWindowPos({left - 8, size.y - bar - 44});
    ImGui::SetNextWindowSize({440, 0});
    constexpr ImGuiWindowFlags flags =
        ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoSavedSettings;
    ImGui::Begin("chat", nullptr, flags);
    ImGui::SetNextItemWidth(-1);
    if (opening_) ImGui::SetKeyboardFocusHere();
    const bool entered = ImGui::InputTextWithHint("##line", "say something, then Enter", typed_.data(),
                                                  typed_.size(), ImGuiInputTextFlags_EnterReturnsTrue);
    if (std::exchange(sending_, false) || entered) {
        const std::string text = typed_.data();
        if (!text.empty()) say(text);
        typed_.fill(0);
        opening_ = chatting_ = false;
    } else {
        // It takes two frames until the box has the keyboard; from then on, losing it means the player has
        // left it.
        const bool active = ImGui::IsItemActive();
        if (active) opening_ = false;
        chatting_ = active || opening_;
    }
    ImGui::End();
}

void Hud::draw_help(ImDrawList& out, ImVec2 size, const State& state) const {
    std::string text = "arrows or WASD fly    space fires    Enter chat    Tab scores    F1 ";
    text += state.inspector ? "closes the inspector" : "inspector";
    text += state.autopilot ? "    F2 fly yourself" : "    F2 autopilot";
    text += "    F3 trouble    F4 network    F5 modes    Esc quits";
    const float width = width_of(text);
    write(out, {std::floor((size.x - width) / 2), size.y - 26}, palette::dim, text);
}

void Hud::draw_scoreboard(ImVec2 size, const Client& client) const {
    std::vector<Roster::Entry> players = client.roster().players;
    std::sort(players.begin(), players.end(), [](const auto& a, const auto& b) {
        return a.score != b.score ? a.score > b.score : a.deaths < b.deaths;
    });
    if (players.size() > best_shown) {
        const auto last = players.begin() + best_shown - 1;
        const auto me = std::find_if(last, players.end(),
                                     [&](const Roster::Entry& entry) { return entry.id == client.id(); });
        if (me != players.end()) std::iter_swap(last, me);
        players.resize(best_shown);
    }
    ImGui::SetNextWindowPos({size.x / 2, size.y / 2}, ImGuiCond_Always, {0.5F, 0.5F});
    ImGui::SetNextWindowSize({380, 0});
    constexpr ImGuiWindowFlags flags = ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove |
                                       ImGuiWindowFlags_NoSavedSettings |
                                       ImGuiWindowFlags_NoFocusOnAppearing | ImGuiWindowFlags_NoInputs;
    ImGui::Begin("scores", nullptr, flags);
    if (ImGui::BeginTable("players", 4, ImGuiTableFlags_RowBg | ImGuiTableFlags_SizingStretchProp)) {
        ImGui::TableSetupColumn("player", 0, 4);
        ImGui::TableSetupColumn("", 0, 1);
        ImGui::TableSetupColumn("score", 0, 1);
        ImGui::TableSetupColumn("deaths", 0, 1);
        ImGui::TableHeadersRow();
        for (const Roster::Entry& entry : players) {
            ImGui::TableNextColumn();
            ImGui::PushStyleColor(ImGuiCol_Text, palette::of(entry.id, client.id()));
            ImGui::TextUnformatted(entry.name.data(), entry.name.data() + entry.name.size());
            ImGui::PopStyleColor();
            ImGui::TableNextColumn();
            ImGui::TextDisabled("%s", entry.bot ? "bot" : "");
            ImGui::TableNextColumn();
            ImGui::Text("%d", int{entry.score});
            ImGui::TableNextColumn();
            ImGui::Text("%d", int{entry.deaths});
        }
        ImGui::EndTable();
    }
    ImGui::End();
}

void apply_style() {
    ImGui::StyleColorsDark();
    ImGuiStyle& style = ImGui::GetStyle();
    style.WindowRounding = 7;
    style.FrameRounding = 4;
    style.GrabRounding = 4;
    style.TabRounding = 4;
    style.ScrollbarRounding = 6;
    style.WindowTitleAlign = {0.02F, 0.5F};
    const auto set = [&](ImGuiCol which, unsigned hex, int alpha) {
        style.Colors[which] = ImGui::ColorConvertU32ToFloat4(palette::rgb(hex, alpha));
    };
    set(ImGuiCol_Text, 0xdbe4ff, 255);
    set(ImGuiCol_TextDisabled, 0x8494c4, 255);
    set(ImGuiCol_WindowBg, 0x0a1024, 238);
    set(ImGuiCol_PopupBg, 0x0d1530, 245);
    set(ImGuiCol_Border, 0x5f7fd0, 90);
    set(ImGuiCol_TitleBg, 0x131c3d, 255);
    set(ImGuiCol_TitleBgActive, 0x1f2f66, 255);
    set(ImGuiCol_TitleBgCollapsed, 0x131c3d, 200);
    set(ImGuiCol_FrameBg, 0x1a2550, 190);
    set(ImGuiCol_TableHeaderBg, 0x18224a, 255);
    set(ImGuiCol_TableRowBgAlt, 0xffffff, 9);
}

} // namespace arena
