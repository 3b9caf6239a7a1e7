// SPDX-License-Identifier: MIT
#include "bot.hpp"

#include <algorithm>

namespace arena {
namespace {

const Ship* find(std::span<const Ship> ships, PlayerId id) {
    const auto at = std::find_if(ships.begin(), ships.end(), [&](const Ship& ship) { return ship.id == id; });
    return at != ships.end() && at->alive ? &*at : nullptr;
}

/// Where to fly to get to `goal`: there, or past the moon that is in the way.
Vec around_moons(Vec from, Vec goal) {
    const Vec way = goal - from;
    const float distance = length(way);
    if (distance < 1) return goal;
    const Vec ahead = way * (1 / distance);
    for (const Moon& moon : moons) {
        const Vec to_moon = moon.centre - from;
        const float along = dot(to_moon, ahead);
        if (along < 0 || along > distance) continue;
        const Vec side = to_moon - ahead * along; // from the straight line to the centre
        const float clearance = moon.radius + 3 * ship_radius;
        if (length(side) > clearance) continue;
        const Vec left{-ahead.y, ahead.x};
        const float sign = dot(side, left) > 0 ? -1.0F : 1.0F;
        return moon.centre + left * (sign * clearance);
    }
    return goal;
}

} // namespace

const Ship* Bot::choose(std::span<const Ship> ships, const Ship& me) {
    const Ship* best = nullptr;
    for (const Ship& ship : ships) {
        if (ship.id == me.id || !ship.alive) continue;
        if (best == nullptr || length(ship.position - me.position) < length(best->position - me.position))
            best = &ship;
    }
    return best;
}

Input Bot::think(std::span<const Ship> ships, PlayerId me) {
    Input input;
    const Ship* self = find(ships, me);
    if (self == nullptr) return input;

    const Ship* target = find(ships, target_);
    if (target == nullptr || --patience_ <= 0) {
        target = choose(ships, *self);
        target_ = target != nullptr ? target->id : nobody;
        patience_ = std::uniform_int_distribution(40, 120)(random_);
        mood_ = std::normal_distribution(0.0F, 0.35F)(random_);
    }
    if (target == nullptr) { // alone: circles around the middle
        const Vec middle = arena_size * 0.5F - self->position;
        const float off = turned(std::atan2(middle.y, middle.x) + 1.2F - self->angle);
        return {off<-0.1F, off> 0.1F, length(self->velocity) < 160, false};
    }

    const float distance = length(target->position - self->position);
    const Vec foreseen =
        target->position + (target->velocity - self->velocity * 0.5F) * (distance / shot_speed);
    const Vec aim = foreseen - self->position;
    const Vec way = around_moons(self->position, foreseen) - self->position;
    const bool clear = dot(way - aim, way - aim) < 1;

    const float evade = distance < 150 ? 1.3F : mood_ * (distance > 300 ? 1.0F : 0.25F);
    const float off = turned(std::atan2(way.y, way.x) + evade - self->angle);
    const float aim_off = turned(std::atan2(aim.y, aim.x) - self->angle);
    input.left = off < -0.08F;
    input.right = off > 0.08F;
    input.thrust = std::abs(off) < 1.0F && (distance > 220 || length(self->velocity) < 120);
    input.fire = clear && distance < 520 && std::abs(aim_off) < 0.12F && !target->shielded &&
                 std::uniform_int_distribution(0, 2)(random_) == 0;
    return input;
}

} // namespace arena
