// SPDX-License-Identifier: MIT
#include "scene.hpp"

#include "palette.hpp"
#include "points.hpp"

#include <algorithm>
#include <cmath>

namespace arena {
namespace {

constexpr std::size_t most_particles = 700;
constexpr float side_margin = 14; // around the field, in points

/// What is smaller than that is round as a square, too, for a tenth of the triangles.
float rounding_of(float radius) { return radius < 1.5F ? 0 : radius; }

float uniform(std::minstd_rand& random, float from, float to) {
    return std::uniform_real_distribution<float>(from, to)(random);
}

} // namespace

Scene::Scene() {
    for (int i = 0; i < 240; ++i) {
        const float depth = std::pow(uniform(random_, 0, 1), 2.0F);
        stars_.push_back(
            {{uniform(random_, 0, 1), uniform(random_, 0, 1)}, depth, uniform(random_, 0, 6.28F)});
    }
    particles_.reserve(most_particles);
}

void Scene::begin(ImVec2 size, float time, const std::vector<Ship>& ships, PlayerId me) {
    size_ = size;
    me_ = me;
    time_ = std::min(time, 0.1F);
    clock_ += time_;
    scale_ = std::max(0.05F, std::min((size.x - 2 * points(side_margin)) / arena_size.x,
                                      (size.y - 2 * points(bar_points)) / arena_size.y));
    origin_ = {(size.x - arena_size.x * scale_) / 2, (size.y - arena_size.y * scale_) / 2};
    for (const Ship& ship : ships) {
        if (ship.id == me) eye_ = eye_ + (ship.position - eye_) * std::min(1.0F, 4 * time_);
    }
    for (Particle& particle : particles_) {
        particle.age += time_;
        particle.position = particle.position + particle.velocity * time_;
        particle.velocity = particle.velocity * (1 - std::min(1.0F, 1.6F * time_));
    }
    std::erase_if(particles_, [](const Particle& particle) { return particle.age >= particle.life; });
}

/// What has happened since the last frame is seen by comparing: a ship that lived, a shot that flew.
void Scene::notice(const std::vector<Ship>& ships, const std::vector<Shot>& shots) {
    std::array<bool, max_players> alive{}; // who is out of sight is not
    for (const Ship& ship : ships) {
        const ImU32 colour = palette::of(ship.id, me_);
        if (was_alive_[ship.id] && !ship.alive) {
            burst(ship.position, 70, 260, 1.1F, colour);
            burst(ship.position, 40, 140, 0.8F, palette::flame);
        }
        alive[ship.id] = ship.alive;
        if (ship.alive && ship.thrusting) exhaust(ship, colour);
    }
    was_alive_ = alive;
    std::unordered_map<std::uint16_t, Shot> now;
    for (const Shot& shot : shots) now.emplace(shot.id, shot);
    for (const auto& [id, shot] : flying_) {
        if (!now.contains(id)) burst(shot.position, 7, 110, 0.35F, palette::of(shot.owner, me_));
    }
    flying_ = std::move(now);
}

void Scene::burst(Vec at, int count, float speed, float life, ImU32 colour) {
    for (int i = 0; i < count && particles_.size() < most_particles; ++i) {
        const Vec way =
            direction(uniform(random_, 0, 6.28F)) * (speed * std::sqrt(uniform(random_, 0.02F, 1)));
        particles_.push_back(
            {at, way, 0, life * uniform(random_, 0.4F, 1), uniform(random_, 1.2F, 3.2F), colour});
    }
}

void Scene::exhaust(const Ship& ship, ImU32 colour) {
    if (particles_.size() >= most_particles) return;
    const Vec back = direction(ship.angle + uniform(random_, -0.35F, 0.35F)) * -1.0F;
    const Vec stern = ship.position - direction(ship.angle) * (ship_radius * 0.9F);
    particles_.push_back({stern, ship.velocity * 0.4F + back * uniform(random_, 60, 140), 0,
                          uniform(random_, 0.25F, 0.6F), uniform(random_, 1.5F, 3),
                          uniform(random_, 0, 1) < 0.6F ? palette::flame : colour});
}

// ---- drawing ------------------------------------------------------------------------------------

void Scene::draw_space(ImDrawList& out) const {
    using namespace palette;
    out.AddRectFilledMultiColor({0, 0}, size_, space_top, space_top, space_bottom, space_bottom);
    for (const Star& star : stars_) {
        const float shift = 0.01F + 0.05F * star.depth;
        const float x = star.at.x - shift * eye_.x / arena_size.x;
        const float y = star.at.y - shift * eye_.y / arena_size.y;
        const ImVec2 at{(x - std::floor(x)) * size_.x, (y - std::floor(y)) * size_.y};
        const float twinkle = 0.75F + 0.25F * std::sin(clock_ * 1.7F + star.phase);
        const float radius = points(0.6F + 1.1F * star.depth);
        out.AddRectFilled({at.x - radius, at.y - radius}, {at.x + radius, at.y + radius},
                          faded(rgb(0xcfdcff), (0.25F + 0.6F * star.depth) * twinkle), rounding_of(radius));
    }
}

void Scene::draw_field(ImDrawList& out) const {
    const ImVec2 from = on_screen({0, 0});
    const ImVec2 to = on_screen(arena_size);
    out.AddRect(from, to, palette::field_glow, points(10), 0, points(7));
    out.AddRect(from, to, palette::field_line, points(10), 0, points(1.5F));
    for (const Moon& moon : moons) draw_moon(out, moon);
}

/// A ball in the light, from the upper left: rings of triangles whose corners know how they are lit. Drawn
/// once, where layers of circles would be drawn over each other: pixels are what a game without a graphics
/// card pays for.
void Scene::draw_moon(ImDrawList& out, const Moon& moon) const {
    constexpr int rings = 7;
    constexpr int corners = 40;
    const float radius = moon.radius * scale_;
    const ImVec2 at = on_screen(moon.centre);
    out.AddCircle(at, radius + points(3), palette::rgb(0x5f7fd0, 22), 64, points(6));

    const ImVec2 white = ImGui::GetFontTexUvWhitePixel();
    out.PrimReserve(rings * corners * 6, (rings + 1) * corners);
    const unsigned first = out._VtxCurrentIdx;
    for (int ring = 0; ring <= rings; ++ring) {
        const float from_centre = static_cast<float>(ring) / rings;
        const float height =
            std::sqrt(std::max(0.0F, 1 - from_centre * from_centre)); // of the ball, towards us
        for (int corner = 0; corner < corners; ++corner) {
            const Vec out_there = direction(6.28318531F * static_cast<float>(corner) / corners) * from_centre;
            const float light = std::max(0.0F, dot(out_there, {-0.52F, -0.52F}) + height * 0.68F);
            out.PrimWriteVtx({at.x + out_there.x * radius, at.y + out_there.y * radius}, white,
                             palette::mixed(palette::moon_dark, palette::moon_light, light));
        }
    }
    const auto index = [&](int ring, int corner) {
        return static_cast<ImDrawIdx>(first + static_cast<unsigned>(ring * corners + corner % corners));
    };
    for (int ring = 0; ring < rings; ++ring) {
        for (int corner = 0; corner < corners; ++corner) {
            out.PrimWriteIdx(index(ring, corner));
            out.PrimWriteIdx(index(ring + 1, corner));
            out.PrimWriteIdx(index(ring + 1, corner + 1));
            out.PrimWriteIdx(index(ring, corner));
            out.PrimWriteIdx(index(ring + 1, corner + 1));
            out.PrimWriteIdx(index(ring, corner + 1));
        }
    }
    struct Crater {
        float x, y, radius;
    };
    for (const Crater crater : {Crater{-0.30F, 0.25F, 0.17F}, Crater{0.36F, -0.18F, 0.13F},
                                Crater{0.12F, 0.48F, 0.10F}, Crater{-0.22F, -0.42F, 0.09F}}) {
        const ImVec2 centre{at.x + crater.x * radius, at.y + crater.y * radius};
        out.AddCircleFilled(centre, crater.radius * radius, palette::rgb(0x10142a, 80), 24);
        out.AddCircle(centre, crater.radius * radius, palette::rgb(0x9aa8dc, 26), 24);
    }
    out.AddCircle(at, radius, palette::rgb(0x8fa3e8, 60), 64, 1.2F);
}

void Scene::draw_particles(ImDrawList& out) const {
    for (const Particle& particle : particles_) {
        const float left = 1 - particle.age / particle.life;
        const float radius = particle.size * (0.4F + 0.6F * left) * std::max(scale_, 0.5F);
        const ImVec2 at = on_screen(particle.position);
        out.AddRectFilled({at.x - radius, at.y - radius}, {at.x + radius, at.y + radius},
                          palette::faded(particle.colour, left * 0.85F), rounding_of(radius));
    }
}

void Scene::draw_shot(ImDrawList& out, const Shot& shot, PlayerId me) const {
    const ImU32 colour = palette::of(shot.owner, me);
    const float speed = std::max(1.0F, length(shot.velocity));
    const Vec tail = shot.position - shot.velocity * (18 / speed);
    out.AddLine(on_screen(tail), on_screen(shot.position), palette::faded(colour, 0.25F), 6 * scale_);
    out.AddLine(on_screen(tail), on_screen(shot.position), colour, std::max(1.5F, 2.6F * scale_));
}

void Scene::draw_ship(ImDrawList& out, const Ship& ship, PlayerId me, std::string_view name) const {
    using namespace palette;
    const ImU32 colour = of(ship.id, me);
    const Vec ahead = direction(ship.angle);
    const Vec side{-ahead.y, ahead.x};
    const auto point = [&](float along, float across) {
        return on_screen(ship.position + ahead * (along * ship_radius) + side * (across * ship_radius));
    };

    if (ship.thrusting) {
        const float flicker = 1.35F + 0.35F * std::sin(clock_ * 60 + static_cast<float>(ship.id));
        out.AddTriangleFilled(point(-0.6F, 0.42F), point(-0.6F, -0.42F), point(-0.6F - flicker, 0),
                              faded(flame, 0.55F));
        out.AddTriangleFilled(point(-0.6F, 0.22F), point(-0.6F, -0.22F), point(-0.6F - flicker * 0.6F, 0),
                              rgb(0xfff3c4, 220));
    }
    const ImVec2 hull[4] = {point(1.15F, 0), point(-0.85F, 0.82F), point(-0.5F, 0), point(-0.85F, -0.82F)};
    out.AddTriangleFilled(hull[0], hull[1], hull[2], faded(colour, 0.60F));
    out.AddTriangleFilled(hull[0], hull[2], hull[3], faded(colour, 0.42F));
    out.AddPolyline(hull, 4, colour, ImDrawFlags_Closed, std::max(1.2F, 1.8F * scale_));
    out.AddCircleFilled(point(0.18F, 0), 2.6F * scale_, rgb(0xffffff, 210), 10);
    if (ship.shielded) {
        const float pulse = 0.55F + 0.25F * std::sin(clock_ * 9);
        out.AddCircle(on_screen(ship.position), ship_radius * 1.75F * scale_, faded(colour, pulse), 32, 1.6F);
    }

    const ImVec2 at = on_screen(ship.position);
    const float below = ship_radius * 1.7F * scale_;
    const float half = ship_radius * 1.1F * scale_;
    const float part = static_cast<float>(ship.health) / full_health;
    const ImU32 state = part > 0.6F ? good : part > 0.3F ? warning : bad;
    out.AddRectFilled({at.x - half, at.y + below}, {at.x + half, at.y + below + points(3)},
                      rgb(0x000000, 150), points(1.5F));
    out.AddRectFilled({at.x - half, at.y + below}, {at.x - half + 2 * half * part, at.y + below + points(3)},
                      state, points(1.5F));

    if (name.empty()) return; // whoever that is: the roster comes by another way than the ships
    const char* end = name.data() + name.size();
    const ImVec2 width = ImGui::CalcTextSize(name.data(), end);
    const float x =
        std::clamp(at.x - width.x / 2, 0.0F, std::max(0.0F, size_.x - width.x)); // all of it is seen
    const ImVec2 label{std::floor(x), std::floor(at.y - below - width.y - 1)};
    out.AddText({label.x + points(1), label.y + points(1)}, rgb(0x000000, 160), name.data(), end);
    out.AddText(label, ship.id == me ? colour : faded(text, 0.85F), name.data(), end);
}

} // namespace arena
