// SPDX-License-Identifier: MIT
/// Findings: what the lints have found, and when. Floor 3.
///
/// A look at the loop is a round: begin_round(), sightings, end_round(). What one lint sees at one call site is one
/// finding, however many objects it is of; seen again it goes on, not seen for some time it is of the past.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/inspect/lint.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ioloop {

class Findings {
public:
    static constexpr std::size_t most = 64;                     ///< at a time, those of the past included
    static constexpr Duration memory = std::chrono::seconds(3); ///< unseen for so long, it is past

    Findings();

    void begin_round() noexcept;
    /// Of the finding: lint, kind, id, fd, chain, count and sentence.
    void saw(const Finding& finding) noexcept;
    /// `now` is the loop's time; `uptime` only ever goes on, and no faster than the loop was looked at.
    void end_round(TimePoint now, Duration uptime) noexcept;

    std::span<const Finding> shown() const noexcept { return shown_; }
    std::uint64_t version() const noexcept { return version_; }

    void set_muted(Lint lint, bool muted) noexcept;
    bool muted(Lint lint) const noexcept { return muted_[static_cast<std::size_t>(lint)]; }
    void clear() noexcept;

private:
    struct Sighting {
        Finding finding;
        std::uint64_t others = 0; ///< objects of the same site
    };
    struct Episode {
        Finding finding;
        Duration seen{}; ///< uptime
    };

    void drop_symptoms() noexcept;
    void merge(const Sighting& sighting, TimePoint now, Duration uptime) noexcept;
    void show() noexcept;

    std::vector<Sighting> round_; ///< no more than its capacity, as are the other two
    std::vector<Episode> episodes_;
    std::vector<Finding> shown_;
    std::array<bool, lint_count> muted_{};
    std::uint64_t version_ = 0;
};

} // namespace ioloop
