// SPDX-License-Identifier: MIT
/// Sight: what a player sees, made of snapshots that come 30 times a second, late, and sometimes not at all.
///
/// Others are shown a little in the past, between two snapshots that have both arrived: as little as the network
/// allows, which is found out from how late its snapshots come. Where one is missing the ships fly on for a moment.
/// The player's own ship is shown in the present: it is moved by the player's inputs at once, by the rules that the
/// server goes by, and set right softly when a snapshot disagrees.
#pragma once

#include "protocol.hpp"
#include "world.hpp"

#include <ioloop/clock.hpp>

#include <deque>
#include <optional>
#include <vector>

namespace arena {

class Sight {
public:
    void forget(); ///< of another server, or of another life

    void set_me(PlayerId id) noexcept { me_ = id; }
    PlayerId me() const noexcept { return me_; }

    /// The player's input of one tick; numbers count up.
    void foresee(std::uint32_t number, Input input, ioloop::TimePoint now);
    void take(const Snapshot& snapshot, ioloop::TimePoint now);

    /// What is there at `now`. Valid until the next call.
    const std::vector<Ship>& ships(ioloop::TimePoint now);
    const std::vector<Shot>& shots(ioloop::TimePoint now);

    /// The tick that is shown of the others at `now`, with its fraction. Means something unless empty().
    double shown_tick(ioloop::TimePoint now) const noexcept;

    /// What a snapshot said of the own ship while it lived, in units of the arena.
    struct Verdict {
        std::uint64_t number = 0; ///< of the verdicts so far
        float off = 0;   ///< between where it was shown for an input and where it is with that input played
        float moved = 0; ///< by how much the ship that is foreseen had to be moved
    };
    const Verdict& verdict() const noexcept { return verdict_; } ///< the last one

    bool empty() const noexcept { return snapshots_.empty(); }
    std::uint64_t snapshots() const noexcept { return taken_; }
    std::uint64_t lost() const noexcept { return lost_; } ///< ticks of which no snapshot came
    double loss() const noexcept;                         ///< the part of those of the last two seconds
    /// How long a snapshot that comes as soon as any waits until it is shown.
    ioloop::Duration held_back(ioloop::TimePoint now) const noexcept;

private:
    struct Held {
        std::uint32_t number;
        Input input;
        std::optional<Vec> shown; ///< where the own ship was shown with it, if it lived
    };

    bool keep(const Snapshot& snapshot);
    void set_clock(double arrival, ioloop::TimePoint now);
    double zero_at(ioloop::TimePoint now) const noexcept; ///< when tick 0 is to be shown, as of now
    void correct(const Snapshot& snapshot, ioloop::TimePoint now);
    Ship own(ioloop::TimePoint now) const;

    PlayerId me_ = nobody;
    std::deque<Snapshot> snapshots_; ///< the oldest first; two seconds of them at most
    std::deque<Held> held_;          ///< inputs that no snapshot has in it yet
    Ship mine_;                      ///< foreseen, as of the last input
    ioloop::TimePoint foreseen_at_{};
    Input last_input_;
    Vec error_; ///< what is shown, less what is foreseen: shrinks to nothing
    ioloop::TimePoint error_at_{};
    Verdict verdict_;

    // The clock of what is shown: times of tick 0, in seconds.
    std::deque<double> arrivals_; ///< when it would have come, by each of the last snapshots
    double shown_zero_ = 0; ///< when it was to be shown, as of set_at_; since then that moves to wanted_zero_
    double wanted_zero_ = 0; ///< when it had better be shown
    ioloop::TimePoint set_at_{};

    std::uint64_t taken_ = 0;
    std::uint64_t lost_ = 0;
    std::vector<Ship> ships_;
    std::vector<Shot> shots_;
};

} // namespace arena
