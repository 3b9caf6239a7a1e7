// SPDX-License-Identifier: MIT
#include "sight.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace arena {
namespace {

constexpr double tick_seconds = 1.0 / ticks_per_second;
constexpr std::size_t snapshots_kept = ticks_per_second;
constexpr std::size_t inputs_kept =
    ticks_per_second;                // a server that is a second behind is not caught up with
constexpr float error_fades = 12.0F; // by e, so many times a second
constexpr float hopeless = 120.0F;   // an error that is shown at once

double seconds_at(ioloop::TimePoint time) {
    return std::chrono::duration<double>(time.time_since_epoch()).count();
}

const Ship* find(const Snapshot& snapshot, PlayerId id) {
    const auto at = std::find_if(snapshot.ships.begin(), snapshot.ships.end(),
                                 [&](const Ship& ship) { return ship.id == id; });
    return at != snapshot.ships.end() ? &*at : nullptr;
}

} // namespace

void Sight::forget() {
    snapshots_.clear();
    held_.clear();
    mine_ = {};
    error_ = {};
    last_input_ = {};
}

void Sight::foresee(std::uint32_t number, Input input, ioloop::TimePoint now) {
    held_.push_back({number, input});
    if (held_.size() > inputs_kept) held_.pop_front();
    fly(mine_, input, static_cast<float>(tick_seconds));
    last_input_ = input;
    foreseen_at_ = now;
}

void Sight::take(const Snapshot& snapshot, ioloop::TimePoint now) {
    ++taken_;
    const double arrival = seconds_at(now) - snapshot.tick * tick_seconds;
    if (snapshots_.empty()) {
        zero_ = arrival;
    } else {
        const std::uint32_t newest = snapshots_.back().tick;
        if (!later(snapshot.tick, newest)) return; // overtaken by a younger one
        lost_ += snapshot.tick - newest - 1;
        // Early ones tell of the network, late ones of the moment; but a far-off one is another time
        // altogether.
        const double off = arrival - zero_;
        zero_ = std::abs(off) > 0.5 ? arrival : zero_ + off * (off < 0 ? 0.2 : 0.02);
    }
    snapshots_.push_back(snapshot);
    if (snapshots_.size() > snapshots_kept) snapshots_.pop_front();
    correct(snapshot, now);
}

/// From what the server says is true, through the inputs that it did not have yet, to the present again.
void Sight::correct(const Snapshot& snapshot, ioloop::TimePoint now) {
    while (!held_.empty() && !later(held_.front().number, snapshot.input)) held_.pop_front();
    const Ship* said = find(snapshot, me_);
    if (said == nullptr) return;
    const bool reborn = said->alive != mine_.alive;
    const Vec shown = reborn ? said->position : own(now).position;
    mine_ = *said;
    for (const Held& held : held_) fly(mine_, held.input, static_cast<float>(tick_seconds));
    error_ = {};
    if (reborn) return;
    error_ = shown - own(now).position;
    error_at_ = now;
    if (length(error_) > hopeless) error_ = {};
}

Ship Sight::own(ioloop::TimePoint now) const {
    Ship ship = mine_;
    const float since = std::min(seconds(now - foreseen_at_), static_cast<float>(tick_seconds));
    fly(ship, last_input_, std::max(since, 0.0F));
    ship.position = ship.position + error_ * std::exp(-error_fades * seconds(now - error_at_));
    return ship;
}

double Sight::shown_tick(ioloop::TimePoint now) const noexcept {
    return (seconds_at(now - delay) - zero_) / tick_seconds;
}

const std::vector<Ship>& Sight::ships(ioloop::TimePoint now) {
    ships_.clear();
    if (snapshots_.empty()) return ships_;
    const double tick = shown_tick(now);
    // The last one that is not after the moment shown, and the next.
    auto next = std::find_if(snapshots_.begin(), snapshots_.end(),
                             [&](const Snapshot& snapshot) { return snapshot.tick > tick; });
    const Snapshot& from = next == snapshots_.begin() ? snapshots_.front() : *std::prev(next);
    const Snapshot& to = next == snapshots_.end() ? snapshots_.back() : *next;
    const double span = to.tick - from.tick;
    const auto part = static_cast<float>(span > 0 ? std::clamp((tick - from.tick) / span, 0.0, 1.0) : 0.0);

    for (const Ship& now_there : from.ships) {
        Ship ship = now_there;
        const Ship* then = find(to, ship.id);
        if (ship.id == me_) {
            ship = own(now);
        } else if (then != nullptr && ship.alive && then->alive) {
            ship.position = ship.position + (then->position - ship.position) * part;
            ship.velocity = ship.velocity + (then->velocity - ship.velocity) * part;
            ship.angle = turned(ship.angle + turned(then->angle - ship.angle) * part);
        }
        ships_.push_back(ship);
    }
    return ships_;
}

const std::vector<Shot>& Sight::shots(ioloop::TimePoint now) {
    shots_.clear();
    if (snapshots_.empty()) return shots_;
    const double tick = shown_tick(now);
    const Snapshot* from = &snapshots_.front();
    for (const Snapshot& snapshot : snapshots_) {
        if (snapshot.tick <= tick) from = &snapshot;
    }
    const auto ahead = static_cast<float>(std::clamp((tick - from->tick) * tick_seconds, 0.0, 0.2));
    for (Shot shot : from->shots) {
        shot.position = shot.position + shot.velocity * ahead; // they fly straight
        shots_.push_back(shot);
    }
    return shots_;
}

} // namespace arena
