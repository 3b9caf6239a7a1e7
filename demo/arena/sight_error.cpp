// SPDX-License-Identifier: MIT
#include "sight_error.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

namespace arena {
namespace {

constexpr std::size_t moments_kept = std::size_t{2} * ticks_per_second;

/// How far `point` is from the straight line between two others.
float distance_to_line(Vec point, Vec from, Vec to) {
    const Vec way = to - from;
    const float square = dot(way, way);
    const float along = square > 0 ? std::clamp(dot(point - from, way) / square, 0.0F, 1.0F) : 0.0F;
    return length(point - from - way * along);
}

} // namespace

void SightError::look(Sight& sight, const World* world, ioloop::TimePoint now) {
    if (world != nullptr) note(*world, now);
    if (now <= looked_at_) return;
    if (const Sight::Verdict& verdict = sight.verdict(); verdict.number != verdicts_) {
        verdicts_ = verdict.number;
        prediction_.add(verdict.off);
        correction_.add(verdict.moved);
    }
    const std::vector<Ship>& shown = sight.ships(now);
    watch_jumps(shown, sight.me(), now);
    if (world != nullptr && !sight.empty()) compare(shown, sight.shown_tick(now), sight.me(), now);
    looked_at_ = now;
}

void SightError::note(const World& world, ioloop::TimePoint now) {
    if (!moments_.empty() && moments_.back().tick == world.tick()) return;
    Moment moment{world.tick(), now, {}};
    for (const auto& pilot : world.pilots()) {
        if (pilot) moment.ships[pilot->ship.id] = pilot->ship;
    }
    moments_.push_back(moment);
    if (moments_.size() > moments_kept) moments_.pop_front();
}

const SightError::Moment* SightError::moment(std::uint32_t tick) const noexcept {
    const auto at = std::find_if(moments_.begin(), moments_.end(),
                                 [&](const Moment& moment) { return moment.tick == tick; });
    return at != moments_.end() ? &*at : nullptr;
}

void SightError::compare(const std::vector<Ship>& shown, double tick, PlayerId me, ioloop::TimePoint now) {
    if (tick < 0) return;
    const auto whole = static_cast<std::uint32_t>(tick);
    const Moment* from = moment(whole);
    const Moment* to = moment(whole + 1);
    if (from == nullptr || to == nullptr) return; // a frame was so long that a tick was not seen
    const auto part = tick - whole;
    const ioloop::Duration after_from(
        static_cast<std::int64_t>(part * static_cast<double>((to->at - from->at).count())));
    behind_.add(1000 * seconds(now - from->at - after_from));

    std::optional<float> worst;
    for (const Ship& ship : shown) {
        const Ship& before = from->ships[ship.id];
        const Ship& after = to->ships[ship.id];
        if (ship.id == me || !ship.alive || !before.alive || !after.alive) continue;
        const Vec there = before.position + (after.position - before.position) * static_cast<float>(part);
        worst = std::max(worst.value_or(0), length(ship.position - there));
    }
    if (worst) interpolation_.add(*worst);
}

/// A ship that bounces goes one part of the way at the velocity that it had, and the rest at the one that it has.
void SightError::watch_jumps(const std::vector<Ship>& shown, PlayerId me, ioloop::TimePoint now) {
    const float time = seconds(now - looked_at_);
    std::array<Ship, max_players> all;
    std::optional<float> worst;
    for (const Ship& ship : shown) {
        all[ship.id] = ship;
        const Ship& before = shown_[ship.id];
        if (ship.id == me || !ship.alive || !before.alive) continue;
        const Vec went = ship.position - before.position;
        worst =
            std::max(worst.value_or(0), distance_to_line(went, before.velocity * time, ship.velocity * time));
    }
    if (worst) jump_.add(*worst);
    shown_ = all;
}

} // namespace arena
