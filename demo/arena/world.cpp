// SPDX-License-Identifier: MIT
#include "world.hpp"

#include <algorithm>

namespace arena {
namespace {

constexpr float turn_rate = 4.2F; // radians a second
constexpr float thrust = 430.0F;  // units a second, a second
constexpr float drag = 0.55F;     // of the speed, a second
constexpr float top_speed = 430.0F;
constexpr float bounce = 0.55F; // of the speed stays
constexpr float reload_time = 0.22F;
constexpr float rebirth_time = 2.0F;
constexpr float shield_time = 1.5F;
constexpr float shot_life = 1.25F;
constexpr float shot_radius = 3.0F;
constexpr int shot_damage = 20;

void keep_inside(float& position, float& velocity, float size) noexcept {
    if (position < ship_radius) {
        position = ship_radius;
        velocity = std::abs(velocity) * bounce;
    } else if (position > size - ship_radius) {
        position = size - ship_radius;
        velocity = -std::abs(velocity) * bounce;
    }
}

} // namespace

bool in_moon(Vec position, float radius) noexcept {
    return std::any_of(moons.begin(), moons.end(), [&](const Moon& moon) {
        return length(position - moon.centre) < moon.radius + radius;
    });
}

void fly(Ship& ship, Input input, float time) noexcept {
    if (!ship.alive) return;
    if (input.left != input.right)
        ship.angle = turned(ship.angle + (input.left ? -turn_rate : turn_rate) * time);
    if (input.thrust) ship.velocity = ship.velocity + direction(ship.angle) * (thrust * time);
    ship.thrusting = input.thrust;
    ship.velocity = ship.velocity * (1.0F - drag * time);
    if (const float speed = length(ship.velocity); speed > top_speed) {
        ship.velocity = ship.velocity * (top_speed / speed);
    }
    ship.position = ship.position + ship.velocity * time;

    for (const Moon& moon : moons) {
        const Vec away = ship.position - moon.centre;
        const float distance = length(away);
        if (distance >= moon.radius + ship_radius || distance <= 0) continue;
        const Vec normal = away * (1 / distance);
        ship.position = moon.centre + normal * (moon.radius + ship_radius);
        if (const float in = dot(ship.velocity, normal); in < 0) {
            ship.velocity = ship.velocity - normal * (in * (1 + bounce));
        }
    }
    keep_inside(ship.position.x, ship.velocity.x, arena_size.x);
    keep_inside(ship.position.y, ship.velocity.y, arena_size.y);
}

std::optional<PlayerId> World::join() {
    if (players() >= limit_) return std::nullopt;
    for (PlayerId id = 0; id < max_players; ++id) {
        if (pilots_[id]) continue;
        pilots_[id].emplace();
        pilots_[id]->ship.id = id;
        bear(*pilots_[id]);
        return id;
    }
    return std::nullopt;
}

void World::leave(PlayerId id) noexcept {
    if (id < max_players) pilots_[id].reset();
}

void World::steer(PlayerId id, Input input) noexcept {
    if (id < max_players && pilots_[id]) pilots_[id]->input = input;
}

int World::players() const noexcept {
    return static_cast<int>(
        std::count_if(pilots_.begin(), pilots_.end(), [](const auto& p) { return p.has_value(); }));
}

const Pilot* World::pilot(PlayerId id) const noexcept {
    return id < max_players && pilots_[id] ? &*pilots_[id] : nullptr;
}

/// Somewhere with room around it; after some tries, anywhere.
void World::bear(Pilot& pilot) {
    std::uniform_real_distribution<float> x(60, arena_size.x - 60);
    std::uniform_real_distribution<float> y(60, arena_size.y - 60);
    Ship& ship = pilot.ship;
    for (int attempt = 0; attempt < 20; ++attempt) {
        ship.position = {x(random_), y(random_)};
        const bool crowded = std::any_of(pilots_.begin(), pilots_.end(), [&](const auto& other) {
            return other && &*other != &pilot && length(other->ship.position - ship.position) < 150;
        });
        if (!crowded && !in_moon(ship.position, 2 * ship_radius)) break;
    }
    const Vec inwards = arena_size * 0.5F - ship.position;
    ship.angle = std::atan2(inwards.y, inwards.x);
    ship.velocity = {};
    ship.health = full_health;
    ship.alive = true;
    ship.shielded = true;
    pilot.shield = shield_time;
    pilot.reload = 0;
}

void World::shoot(Pilot& pilot) {
    if (!pilot.input.fire || pilot.reload > 0 || shots_.size() >= max_shots) return;
    const Ship& ship = pilot.ship;
    const Vec ahead = direction(ship.angle);
    shots_.push_back({next_shot_++, ship.id, ship.position + ahead * (ship_radius + 4),
                      ship.velocity * 0.5F + ahead * shot_speed});
    flights_.push_back({shot_life});
    pilot.reload = reload_time;
    pilot.shield = 0; // no hiding behind it
}

void World::step() {
    constexpr float time = 1.0F / ticks_per_second;
    ++tick_;
    kills_.clear();
    for (auto& pilot : pilots_) {
        if (!pilot) continue;
        Ship& ship = pilot->ship;
        if (!ship.alive) {
            pilot->reborn -= time;
            if (pilot->reborn <= 0) bear(*pilot);
            continue;
        }
        pilot->reload -= time;
        pilot->shield -= time;
        fly(ship, pilot->input, time);
        shoot(*pilot);
        ship.shielded = pilot->shield > 0;
    }
    move_shots(time);
}

void World::move_shots(float time) {
    for (std::size_t i = 0; i < shots_.size();) {
        Shot& shot = shots_[i];
        shot.position = shot.position + shot.velocity * time;
        flights_[i].life -= time;
        const bool outside = shot.position.x < 0 || shot.position.y < 0 || shot.position.x > arena_size.x ||
                             shot.position.y > arena_size.y;
        if (outside || flights_[i].life <= 0 || hit_something(shot)) {
            shots_[i] = shots_.back();
            flights_[i] = flights_.back();
            shots_.pop_back();
            flights_.pop_back();
        } else {
            ++i;
        }
    }
}

bool World::hit_something(const Shot& shot) {
    if (in_moon(shot.position, 0)) return true;
    for (auto& pilot : pilots_) {
        if (!pilot || !pilot->ship.alive || pilot->ship.id == shot.owner) continue;
        Ship& ship = pilot->ship;
        if (length(ship.position - shot.position) > ship_radius + shot_radius) continue;
        if (ship.shielded) return true;
        ship.velocity = ship.velocity + shot.velocity * 0.06F;
        ship.health -= shot_damage;
        if (ship.health > 0) return true;
        ship.health = 0;
        ship.alive = false;
        ship.thrusting = false;
        ship.velocity = {};
        pilot->reborn = rebirth_time;
        ++pilot->deaths;
        if (shot.owner < max_players && pilots_[shot.owner]) ++pilots_[shot.owner]->score;
        kills_.push_back({shot.owner, ship.id});
        return true;
    }
    return false;
}

} // namespace arena
