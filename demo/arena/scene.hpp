// SPDX-License-Identifier: MIT
/// Scene: draws the arena, and what glitters: stars, trails, sparks, explosions. Knows no network.
#pragma once

#include "world.hpp"

#include <array>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <imgui.h>

namespace arena {

class Scene {
public:
    Scene();

    /// One frame, `time` seconds after the one before. `name_of` tells what to write at a ship.
    template <class NameOf>
    void draw(ImDrawList& out, ImVec2 size, float time, const std::vector<Ship>& ships,
              const std::vector<Shot>& shots, PlayerId me, NameOf name_of) {
        begin(size, time, ships, me);
        notice(ships, shots);
        draw_space(out);
        draw_field(out);
        draw_particles(out);
        for (const Shot& shot : shots) draw_shot(out, shot, me);
        for (const Ship& ship : ships) {
            if (ship.alive) draw_ship(out, ship, me, name_of(ship.id));
        }
    }

    /// Where the field begins on the screen.
    float left() const noexcept { return origin_.x; }

private:
    struct Star {
        Vec at; ///< 0 to 1
        float depth;
        float phase;
    };
    struct Particle {
        Vec position;
        Vec velocity;
        float age;
        float life;
        float size;
        ImU32 colour;
    };

    void begin(ImVec2 size, float time, const std::vector<Ship>& ships, PlayerId me);
    void notice(const std::vector<Ship>& ships, const std::vector<Shot>& shots);
    void burst(Vec at, int count, float speed, float life, ImU32 colour);
    void exhaust(const Ship& ship, ImU32 colour);

    void draw_space(ImDrawList& out) const;
    void draw_field(ImDrawList& out) const;
    void draw_moon(ImDrawList& out, const Moon& moon) const;
    void draw_particles(ImDrawList& out) const;
    void draw_shot(ImDrawList& out, const Shot& shot, PlayerId me) const;
    void draw_ship(ImDrawList& out, const Ship& ship, PlayerId me, std::string_view name) const;

    ImVec2 on_screen(Vec at) const { return {origin_.x + at.x * scale_, origin_.y + at.y * scale_}; }

    std::vector<Star> stars_;
    std::vector<Particle> particles_;
    std::array<bool, max_players> was_alive_{};
    std::unordered_map<std::uint16_t, Shot> flying_; ///< shots of the last frame
    Vec eye_;                                        ///< follows the player: the stars move against it
    ImVec2 size_{};
    ImVec2 origin_{};
    float scale_ = 1;
    float time_ = 0;
    float clock_ = 0;
    PlayerId me_ = nobody;
    std::minstd_rand random_{20};
};

} // namespace arena
