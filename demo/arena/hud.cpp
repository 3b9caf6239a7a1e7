// SPDX-License-Identifier: MIT
#include "hud.hpp"

#include "palette.hpp"
#include "points.hpp"

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

// In points.
constexpr float edge = 26;
constexpr float line_height = 17;
constexpr float between = 24; // two things in a bar

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
    out.AddText({at.x + points(1), at.y + points(1)}, palette::rgb(0x000000, alpha), text.data(), end);
    out.AddText(at, colour, text.data(), end);
}

float width_of(const std::string& text) {
    return ImGui::CalcTextSize(text.data(), text.data() + text.size()).x;
}

/// In a bar: what is written next to its neighbours.
struct Word {
    std::string label; ///< dim, before the value; may be empty
    std::string value;
    int keep = 0; ///< where there is not enough room for all, those with the lowest go
    ImU32 colour = palette::text;
};

float gap_of(const Word& word) { return word.label.empty() ? 0 : points(7); }
float width_of(const Word& word) { return width_of(word.label) + gap_of(word) + width_of(word.value); }
float width_of(const std::vector<Word>& words) {
    float width = 0;
    for (const Word& word : words) width += width_of(word) + points(between);
    return std::max(0.0F, width - points(between));
}

void keep_what_fits(std::vector<Word>& words, float room) {
    while (words.size() > 1 && width_of(words) > room) {
        words.erase(std::min_element(words.begin(), words.end(),
                                     [](const Word& a, const Word& b) { return a.keep < b.keep; }));
    }
}

/// Gives where it ends.
float write_word(ImDrawList& out, ImVec2 at, const Word& word) {
    write(out, at, palette::dim, word.label);
    write(out, {at.x + width_of(word.label) + gap_of(word), at.y}, word.colour, word.value);
    return at.x + width_of(word);
}

/// As much of it as there is room for.
std::string clipped(const std::string& text, float room) {
    if (width_of(text) <= room) return text;
    const float dots = width_of("...");
    const char* end = text.data() + text.size();
    const char* fits = nullptr;
    ImGui::GetFont()->CalcTextSizeA(ImGui::GetFontSize(), std::max(0.0F, room - dots), 0, text.data(), end,
                                    &fits);
    return text.substr(0, static_cast<std::size_t>(fits - text.data())) + "...";
}

void panel(ImDrawList& out, ImVec2 from, ImVec2 to, float shown = 1) {
    out.AddRectFilled(from, to, palette::faded(palette::panel, shown), points(7));
    out.AddRect(from, to, palette::faded(palette::panel_line, shown), points(7));
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
    if (state.motd != nullptr && client.link().joined()) draw_motd(out, size, *state.motd, now);
    if (!client.link().joined()) draw_loss(out, size, client, now);
    if (opening_ || chatting_) draw_chat_box(size, state.left, say);
    if (state.scoreboard) draw_scoreboard(size, client);
}

/// The bar above the field: one line, label and value by turns.
void Hud::draw_connection(ImDrawList& out, ImVec2 size, const Client& client, const State& state) const {
    const double longest = milliseconds(state.longest_pump);
    const std::string frames = decimal(static_cast<double>(state.frames_per_second), 0) + " fps";
    const std::string loop = "loop " + decimal(longest, 2) + " ms";
    const float y = points(13);
    const float frames_x = size.x - points(edge) - width_of(frames);
    const float loop_x = frames_x - points(18) - width_of(loop);
    write(out, {loop_x, y}, longest > 4 ? palette::warning : palette::dim, loop);
    write(out, {frames_x, y}, palette::text, frames);

    const Link& link = client.link();
    const Roster::Entry* me = client.me();
    const auto in_ms = [&](ioloop::Duration duration) {
        return link.measured() ? decimal(milliseconds(duration), 1) + " ms" : "-";
    };
    std::vector<Word> words{
        {"", name_of(link.state()), 9},
        {"server", link.server(), 3},
        {"ping", in_ms(link.ping()), 6},
        {"jitter", in_ms(link.jitter()), 1},
        {"players", std::to_string(client.roster().players.size()), 4},
        {"score", me != nullptr ? std::to_string(me->score) : "-", 8, palette::me},
        {"deaths", me != nullptr ? std::to_string(me->deaths) : "-", 2},
    };
    ImVec2 at{points(edge), y};
    out.AddCircleFilled({at.x + points(4), at.y + points(7)}, points(4), colour_of(link.state()), 16);
    at.x += points(17);
    keep_what_fits(words, loop_x - points(between) - at.x);
    for (const Word& word : words) at.x = write_word(out, at, word) + points(between);
}

/// The game goes on without a server: the frame is drawn, and this says what is being done about it.
void Hud::draw_loss(ImDrawList& out, ImVec2 size, const Client& client, ioloop::TimePoint now) const {
    const Link& link = client.link();
    std::string text = name_of(link.state());
    if (link.state() == Link::State::waiting) {
        const double left = milliseconds(ioloop::until(link.next_attempt(), now)) / 1000;
        text = "no server: trying again in " + decimal(left, 1) + " s";
    }
    const float half = width_of(text) / 2 + points(26);
    const ImVec2 middle{size.x / 2, size.y * 0.30F};
    panel(out, {middle.x - half, middle.y - points(20)}, {middle.x + half, middle.y + points(20)});
    out.AddCircleFilled({middle.x - half + points(14), middle.y}, points(4), colour_of(link.state()), 16);
    write(out, {std::floor(middle.x - half + points(28)), middle.y - points(7)}, palette::text, text);
}

/// While it loads a slim bar below the upper edge; then the text, until it fades.
void Hud::draw_motd(ImDrawList& out, ImVec2 size, const Motd::View& motd, ioloop::TimePoint now) const {
    if (motd.loading && motd.done > 0) {
        const std::string all = motd.total > 0 ? " of " + std::to_string(motd.total) : "";
        const std::string text = "message of the day: " + std::to_string(motd.done) + all + " bytes";
        const float half = width_of(text) / 2;
        const ImVec2 from{std::floor(size.x / 2 - half), points(bar_points + 14)};
        const float part =
            motd.total > 0 ? std::min(1.0F, static_cast<float>(motd.done) / static_cast<float>(motd.total))
                           : 0;
        write(out, from, palette::dim, text);
        const float y = from.y + points(line_height);
        out.AddRectFilled({from.x, y}, {from.x + 2 * half, y + points(3)}, palette::panel_line, points(1.5F));
        out.AddRectFilled({from.x, y}, {from.x + 2 * half * part, y + points(3)}, palette::me, points(1.5F));
    }
    if (motd.text.empty()) return;
    const ioloop::TimePoint end = std::min(ioloop::after(motd.since, motd_shown), motd.until);
    const float shown = std::clamp(1 - seconds(now - end) / motd_fades, 0.0F, 1.0F);
    if (shown <= 0) return;
    const float margin = points(18);
    const float wrap = std::min(size.x - 2 * (points(edge) + margin), points(560));
    const char* begin = motd.text.data();
    const char* text_end = begin + motd.text.size();
    const ImVec2 text = ImGui::CalcTextSize(begin, text_end, false, wrap);
    const float height = std::min(text.y, size.y - 2 * (points(bar_points + 8) + margin));
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
    const float right = size.x - left;
    float y = size.y - points(bar_points + 12 + (chatting_ ? 36.0F : 0.0F));
    for (auto line = client.said().rbegin(); line != client.said().rend(); ++line) {
        const float age = seconds(now - line->at);
        const float shown = chatting_ ? 1 : std::clamp((chat_shown - age) / 2, 0.0F, 1.0F);
        if (shown <= 0) break;
        y -= points(line_height);
        if (line->name.empty()) {
            write(out, {left, y}, palette::faded(palette::dim, shown), clipped(line->text, right - left));
            continue;
        }
        const std::string who = line->name + ": ";
        write(out, {left, y}, palette::faded(palette::of(line->from, client.id()), shown), who);
        write(out, {left + width_of(who), y}, palette::faded(palette::text, shown),
              clipped(line->text, right - left - width_of(who)));
    }
}

void Hud::draw_chat_box(ImVec2 size, float left, const std::function<void(const std::string&)>& say) {
    ImGui::SetNextWindowPos({left - points(8), size.y - points(bar_points + 44)});
    ImGui::SetNextWindowSize({std::min(points(440), size.x - 2 * left), 0});
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
    std::vector<Word> words{
        {"", "arrows or WASD fly", 10},
        {"", "space fires", 9},
        {"", "Enter chat", 6},
        {"", "Tab scores", 4},
        {"", state.inspector ? "F1 closes the inspector" : "F1 inspector", 8},
        {"", state.autopilot ? "F2 fly yourself" : "F2 autopilot", 5},
        {"", "F3 trouble", 1},
        {"", "F4 network", 3},
        {"", "F5 modes", 2},
        {"", "Esc quits", 7},
    };
    keep_what_fits(words, size.x - 2 * points(edge));
    ImVec2 at{std::floor((size.x - width_of(words)) / 2), size.y - points(26)};
    for (Word& word : words) {
        word.colour = palette::dim;
        at.x = write_word(out, at, word) + points(between);
    }
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
    ImGui::SetNextWindowSize({std::min(points(380), size.x - points(edge)), 0});
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

void apply_style(float scale) {
    ImGuiStyle& style = ImGui::GetStyle();
    style = {}; // measures that are scaled twice would grow
    ImGui::StyleColorsDark();
    style.WindowRounding = 7;
    style.FrameRounding = 4;
    style.GrabRounding = 4;
    style.TabRounding = 4;
    style.ScrollbarRounding = 6;
    style.WindowTitleAlign = {0.02F, 0.5F};
    style.ScaleAllSizes(scale);
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
