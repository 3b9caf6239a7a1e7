// SPDX-License-Identifier: MIT
#include "nearby.hpp"

#include <algorithm>
#include <cstddef>

namespace arena {
namespace {

/// Keeps those `most` that are nearest to `place`, in any order.
template <class Thing> void keep_nearest(std::vector<Thing>& things, std::size_t most, Vec place) {
    if (things.size() <= most) return;
    const auto end = things.begin() + static_cast<std::ptrdiff_t>(most);
    std::nth_element(things.begin(), end, things.end(), [&](const Thing& a, const Thing& b) {
        const Vec to_a = a.position - place;
        const Vec to_b = b.position - place;
        return dot(to_a, to_a) < dot(to_b, to_b);
    });
    things.erase(end, things.end());
}

} // namespace

void tell_nearby(const std::vector<Ship>& ships, const std::vector<Shot>& shots, PlayerId me, Snapshot& out) {
    out.ships = ships;
    out.shots = shots;
    const auto mine =
        std::find_if(out.ships.begin(), out.ships.end(), [&](const Ship& ship) { return ship.id == me; });
    const bool there = mine != out.ships.end();
    const Vec place = there ? mine->position : arena_size * 0.5F;
    if (out.ships.size() > ships_in_snapshot && there) {
        // Aside meanwhile: a ship in the very same place would be as near.
        const Ship self = *mine;
        out.ships.erase(mine);
        keep_nearest(out.ships, ships_in_snapshot - 1, place);
        out.ships.push_back(self);
    }
    keep_nearest(out.ships, ships_in_snapshot, place);
    keep_nearest(out.shots, shots_in_snapshot(out.ships.size()), place);
}

} // namespace arena
