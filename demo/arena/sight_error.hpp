// SPDX-License-Identifier: MIT
/// SightError: how true the picture is that a player sees. Look once a frame.
///
/// The own ship is compared with what the server says of it in its snapshots; the others with the server's world
/// itself, and so only where the server is in this process. Distances are in units of the arena: a ship is 32 long.
#pragma once

#include "sight.hpp"
#include "spread.hpp"
#include "world.hpp"

#include <ioloop/clock.hpp>

#include <array>
#include <cstdint>
#include <deque>

namespace arena {

class SightError {
public:
    /// `world`: of the server that `sight` is of, or null. `now`: of the loop's clock; looks at one moment once.
    void look(Sight& sight, const World* world, ioloop::TimePoint now);

    /// The own ship, for each snapshot: how far from where it was shown for an input the server had it with that
    /// input played.
    const Spread& prediction() const noexcept { return prediction_; }
    /// By how much the own ship, as foreseen, was moved by a snapshot. It is shown to move there bit by bit.
    const Spread& correction() const noexcept { return correction_; }
    /// The worst of the other ships, for each frame: how far from where the server had it at the moment that is shown.
    const Spread& interpolation() const noexcept { return interpolation_; }
    /// The same of how far each went since the frame before, beyond what its velocity explains.
    const Spread& jump() const noexcept { return jump_; }
    /// How long ago, for each frame, the moment was that is shown of the others; in milliseconds. To within a frame,
    /// as that is how often the world is looked at.
    const Spread& behind() const noexcept { return behind_; }

private:
    /// What the world was like in one tick.
    struct Moment {
        std::uint32_t tick = 0;
        ioloop::TimePoint at{};
        std::array<Ship, max_players> ships; ///< by id
    };

    void note(const World& world, ioloop::TimePoint now);
    const Moment* moment(std::uint32_t tick) const noexcept;
    void compare(const std::vector<Ship>& shown, double tick, PlayerId me, ioloop::TimePoint now);
    void watch_jumps(const std::vector<Ship>& shown, PlayerId me, ioloop::TimePoint now);

    std::deque<Moment> moments_;
    ioloop::TimePoint looked_at_{};
    std::array<Ship, max_players> shown_; ///< when last looked at; who was not there is not alive
    std::uint64_t verdicts_ = 0;          ///< seen so far
    Spread prediction_{0.1F};
    Spread correction_{0.1F};
    Spread interpolation_{0.1F};
    Spread jump_{0.1F};
    Spread behind_{1};
};

} // namespace arena
