// SPDX-License-Identifier: MIT
/// Bot: a pilot that is not there. Sees what a player sees, and answers with what a player holds down.
#pragma once

#include "world.hpp"

#include <cstdint>
#include <random>
#include <span>

namespace arena {

class Bot {
public:
    explicit Bot(std::uint32_t seed) : random_(seed) {}

    /// Once a tick.
    Input think(std::span<const Ship> ships, PlayerId me);

private:
    const Ship* choose(std::span<const Ship> ships, const Ship& me);

    std::mt19937 random_;
    PlayerId target_ = nobody;
    int patience_ = 0; ///< ticks until it looks for another target
    float mood_ = 0;   ///< radians that it flies beside the straight line
};

} // namespace arena
