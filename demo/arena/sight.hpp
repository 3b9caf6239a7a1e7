// SPDX-License-Identifier: MIT
/// Sight: what a player sees, made of snapshots that come 30 times a second, late, and sometimes not at all.
///
/// Others are shown a little in the past, between two snapshots that have both arrived. The player's own
/// ship is shown in the present: it is moved by the player's inputs at once, by the rules that the server
/// goes by, and set right softly when a snapshot disagrees.
#pragma once

#include "protocol.hpp"
#include "world.hpp"

#include <ioloop/clock.hpp>

#include <deque>
#include <vector>

namespace arena {

class Sight {
public:
    /// How far in the past the others are shown: three snapshots, of which two may be late.
    static constexpr ioloop::Duration delay = 3 * tick_length;

    void forget(); ///< of another server, or of another life

    void set_me(PlayerId id) noexcept { me_ = id; }
    PlayerId me() const noexcept { return me_; }

    /// The player's input of one tick; numbers count up.
    void foresee(std::uint32_t number, Input input, ioloop::TimePoint now);
    void take(const Snapshot& snapshot, ioloop::TimePoint now);

    /// What is there at `now`. Valid until the next call.
    const std::vector<Ship>& ships(ioloop::TimePoint now);
    const std::vector<Shot>& shots(ioloop::TimePoint now);

    bool empty() const noexcept { return snapshots_.empty(); }
    std::uint64_t snapshots() const noexcept { return taken_; }
    std::uint64_t lost() const noexcept { return lost_; } ///< ticks of which no snapshot came in time

private:
    struct Held {
        std::uint32_t number;
        Input input;
    };

    /// The tick that is shown at `now`, with its fraction.
    double shown_tick(ioloop::TimePoint now) const noexcept;
    void correct(const Snapshot& snapshot, ioloop::TimePoint now);
    Ship own(ioloop::TimePoint now) const;

    PlayerId me_ = nobody;
    std::deque<Snapshot> snapshots_; ///< the oldest first; a second of them at most
    std::deque<Held> held_;          ///< inputs that no snapshot has in it yet
    Ship mine_;                      ///< foreseen, as of the last input
    ioloop::TimePoint foreseen_at_{};
    Input last_input_;
    Vec error_; ///< what is shown, less what is foreseen: shrinks to nothing
    ioloop::TimePoint error_at_{};
    double zero_ = 0; ///< when, in seconds, tick 0 would have arrived
    std::uint64_t taken_ = 0;
    std::uint64_t lost_ = 0;
    std::vector<Ship> ships_;
    std::vector<Shot> shots_;
};

} // namespace arena
