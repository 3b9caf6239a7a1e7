// SPDX-License-Identifier: MIT
/// SiteProfile: what the calls of one call site add up to. Floor 3.
///
/// A thousand connections have one call site: this is the table that makes them readable.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/inspect/histogram.hpp>
#include <ioloop/site.hpp>
#include <ioloop/turn.hpp>

#include <cstdint>

namespace ioloop {

struct SiteProfile {
    SiteId site = SiteId::none; ///< where the callable was registered
    CallKind kind = CallKind::callback;
    std::uint64_t calls = 0;
    std::uint64_t threw = 0;
    Duration busy{};           ///< all calls together; a nested call's time is also in its outer's
    Histogram took;            ///< of the calls
    Histogram late;            ///< from posted or due to begun; handlers: empty
    std::uint64_t added = 0;   ///< handlers registered, timeouts armed; callbacks: as calls
    std::uint64_t moved = 0;   ///< updated in place
    std::uint64_t removed = 0; ///< by the program, or died
    std::uint64_t last_turn = 0;
    /// In how many turns in a row, up to last_turn, it ran as scheduled by itself.
    std::uint32_t self_streak = 0;
    bool rearming = false; ///< a timeout has moved itself since its last call ended
    bool rearmed = false;  ///< it did so in its last call, or before that
};

} // namespace ioloop
