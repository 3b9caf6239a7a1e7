// SPDX-License-Identifier: MIT
/// Hud: what is written over the game: connection, scores, chat, help.
#pragma once

#include "client.hpp"
#include "motd.hpp"

#include <array>
#include <functional>
#include <optional>
#include <string>

#include <imgui.h>

namespace arena {

class Hud {
public:
    struct State {
        bool scoreboard = false;
        bool inspector = false;
        bool autopilot = false;
        float frames_per_second = 0;
        ioloop::Duration longest_pump{}; ///< of the last second
        float left = 0;                  ///< edge of what is inside the field
        const Motd::View* motd = nullptr;
    };

    /// After NewFrame(), over the scene. `say` gets what the player typed.
    void draw(ImDrawList& out, ImVec2 size, Client& client, ioloop::TimePoint now, const State& state,
              const std::function<void(const std::string&)>& say);

    void open_chat() noexcept { opening_ = true; }
    bool chatting() const noexcept { return opening_ || chatting_; }
    /// Enter and Escape, as SDL tells them: Dear ImGui before 1.87 misses a key that goes down and up in one
    /// frame.
    void send_chat() noexcept { sending_ = chatting_; }
    void leave_chat() noexcept { opening_ = chatting_ = false; }

private:
    void draw_connection(ImDrawList& out, ImVec2 size, const Client& client, const State& state) const;
    void draw_loss(ImDrawList& out, ImVec2 size, const Client& client, ioloop::TimePoint now) const;
    void draw_chat(ImDrawList& out, ImVec2 size, float left, const Client& client,
                   ioloop::TimePoint now) const;
    void draw_chat_box(ImVec2 size, float left, const std::function<void(const std::string&)>& say);
    void draw_motd(ImDrawList& out, ImVec2 size, const Motd::View& motd, ioloop::TimePoint now) const;
    void draw_help(ImDrawList& out, ImVec2 size, const State& state) const;
    void draw_scoreboard(ImVec2 size, const Client& client) const;

    bool chatting_ = false;
    bool opening_ = false;
    bool sending_ = false;
    std::array<char, longest_line> typed_{};
};

/// The look of Dear ImGui's windows, whose text has this scale. Before the first frame, and whenever that changes.
void apply_style(float scale);

} // namespace arena
