// SPDX-License-Identifier: MIT
#include "sight.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

namespace arena {
namespace {

constexpr double tick_seconds = 1.0 / ticks_per_second;
constexpr std::size_t snapshots_kept = std::size_t{2} * ticks_per_second;
constexpr std::size_t arrivals_kept = ticks_per_second; // so the clock forgets a hitch in a second
constexpr double in_time = 0.95;                        // of the snapshots; for the others there are guesses
constexpr double settling = 1;     // seconds, in which the clock of what is shown goes where it should be
constexpr double other_time = 0.5; // seconds: a clock so far off does not go, it is set
constexpr std::size_t inputs_kept =
    ticks_per_second;                // a server that is a second behind is not caught up with
constexpr double most_guessed = 3;   // ticks that are flown on into the unknown
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

/// Part of the way from one snapshot to the next.
Ship between(Ship ship, const Ship* then, double part) {
    if (then == nullptr || !ship.alive || !then->alive) return ship;
    const auto share = static_cast<float>(std::clamp(part, 0.0, 1.0));
    ship.position = ship.position + (then->position - ship.position) * share;
    ship.velocity = ship.velocity + (then->velocity - ship.velocity) * share;
    ship.angle = turned(ship.angle + turned(then->angle - ship.angle) * share);
    return ship;
}

/// Where it is so many ticks later if its pilot does not steer.
Ship flown_on(Ship ship, double ticks) {
    const Input input{false, false, ship.thrusting, false};
    double left = std::clamp(ticks, 0.0, most_guessed);
    while (left > 0) {
        fly(ship, input, static_cast<float>(std::min(left, 1.0) * tick_seconds));
        left -= 1;
    }
    return ship;
}

} // namespace

void Sight::forget() {
    snapshots_.clear();
    arrivals_.clear();
    held_.clear();
    mine_ = {};
    error_ = {};
    last_input_ = {};
}

void Sight::foresee(std::uint32_t number, Input input, ioloop::TimePoint now) {
    fly(mine_, input, static_cast<float>(tick_seconds));
    last_input_ = input;
    foreseen_at_ = now;
    held_.push_back({number, input, mine_.alive ? std::optional(own(now).position) : std::nullopt});
    if (held_.size() > inputs_kept) held_.pop_front();
}

void Sight::take(const Snapshot& snapshot, ioloop::TimePoint now) {
    ++taken_;
    if (!keep(snapshot)) return;
    set_clock(seconds_at(now) - snapshot.tick * tick_seconds, now);
    if (snapshots_.back().tick == snapshot.tick) correct(snapshot, now);
}

/// Also one that younger ones have overtaken: what it tells may be still to be shown.
bool Sight::keep(const Snapshot& snapshot) {
    auto after = snapshots_.end();
    while (after != snapshots_.begin() && !later(snapshot.tick, std::prev(after)->tick)) --after;
    if (after != snapshots_.end() && after->tick == snapshot.tick) return false; // once more
    if (after == snapshots_.begin() && !snapshots_.empty()) return false;        // of long ago
    if (after != snapshots_.end()) {
        --lost_;
    } else if (!snapshots_.empty()) {
        lost_ += snapshot.tick - snapshots_.back().tick - 1;
    }
    snapshots_.insert(after, snapshot);
    if (snapshots_.size() > snapshots_kept) snapshots_.pop_front();
    return true;
}

/// To show the way from one tick to the next, both must be there: so a tick is shown one tick later than nearly all
/// come. The clock goes there so slowly that nobody sees time run faster or slower.
void Sight::set_clock(double arrival, ioloop::TimePoint now) {
    const double shown = zero_at(now);
    if (!arrivals_.empty() && std::abs(arrival - arrivals_.back()) > other_time) arrivals_.clear();
    const bool anew = arrivals_.empty();
    arrivals_.push_back(arrival);
    if (arrivals_.size() > arrivals_kept) arrivals_.pop_front();

    std::vector<double> sorted(arrivals_.begin(), arrivals_.end());
    const auto late = static_cast<std::ptrdiff_t>(in_time * static_cast<double>(sorted.size() - 1));
    std::nth_element(sorted.begin(), sorted.begin() + late, sorted.end());
    wanted_zero_ = sorted[static_cast<std::size_t>(late)] + tick_seconds;
    shown_zero_ = anew || std::abs(wanted_zero_ - shown) > other_time ? wanted_zero_ : shown;
    set_at_ = now;
}

double Sight::zero_at(ioloop::TimePoint now) const noexcept {
    const double part = std::clamp(double{seconds(now - set_at_)} / settling, 0.0, 1.0);
    return shown_zero_ + (wanted_zero_ - shown_zero_) * part;
}

ioloop::Duration Sight::held_back(ioloop::TimePoint now) const noexcept {
    if (arrivals_.empty()) return {};
    const double soonest = *std::min_element(arrivals_.begin(), arrivals_.end());
    // Less than nothing when the network has just become slower: there are guesses until the clock is there.
    const std::chrono::duration<double> wait(std::max(zero_at(now) - soonest, 0.0));
    return std::chrono::duration_cast<ioloop::Duration>(wait);
}

double Sight::loss() const noexcept {
    if (snapshots_.empty()) return 0;
    const std::uint32_t all = snapshots_.back().tick - snapshots_.front().tick + 1;
    return 1 - static_cast<double>(snapshots_.size()) / all;
}

/// From what the server says is true, through the inputs that it did not have yet, to the present again.
void Sight::correct(const Snapshot& snapshot, ioloop::TimePoint now) {
    std::optional<Vec> shown_then;
    for (; !held_.empty() && !later(held_.front().number, snapshot.input); held_.pop_front())
        shown_then = held_.front().shown;
    const Ship* said = find(snapshot, me_);
    if (said == nullptr) return;
    const bool reborn = said->alive != mine_.alive;
    const Vec foreseen = mine_.position;
    const Vec shown = reborn ? said->position : own(now).position;
    mine_ = *said;
    for (const Held& held : held_) fly(mine_, held.input, static_cast<float>(tick_seconds));
    error_ = {};
    if (reborn) return;
    if (said->alive && shown_then) {
        verdict_ = {verdict_.number + 1, length(*shown_then - said->position),
                    length(mine_.position - foreseen)};
    }
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
    return (seconds_at(now) - zero_at(now)) / tick_seconds;
}

const std::vector<Ship>& Sight::ships(ioloop::TimePoint now) {
    ships_.clear();
    if (snapshots_.empty()) return ships_;
    const double tick = shown_tick(now);
    // The last one that is not after the moment shown, and the next.
    const auto next = std::find_if(snapshots_.begin(), snapshots_.end(),
                                   [&](const Snapshot& snapshot) { return snapshot.tick > tick; });
    const Snapshot& from = next == snapshots_.begin() ? snapshots_.front() : *std::prev(next);
    for (const Ship& ship : from.ships) {
        if (ship.id == me_) {
            ships_.push_back(own(now));
        } else if (next == snapshots_.end()) {
            ships_.push_back(flown_on(ship, tick - from.tick));
        } else {
            ships_.push_back(
                between(ship, find(*next, ship.id), (tick - from.tick) / (next->tick - from.tick)));
        }
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
    const auto ahead =
        static_cast<float>(std::clamp((tick - from->tick) * tick_seconds, 0.0, most_guessed * tick_seconds));
    for (Shot shot : from->shots) {
        shot.position = shot.position + shot.velocity * ahead; // they fly straight
        shots_.push_back(shot);
    }
    return shots_;
}

} // namespace arena
