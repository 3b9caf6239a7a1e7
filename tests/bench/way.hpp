// SPDX-License-Identifier: MIT
/// Way: a way to live in an SDL program; what Host offers, and what programs do without it.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/sdl2.hpp>

#include <chrono>
#include <optional>

namespace bench {

using ioloop::Duration;
using ioloop::sdl2::Mode;

/// Either it waits for events (`mode`), or it draws 60 frames a second.
struct Way {
    const char* name;
    std::optional<Mode> mode{};
    bool slack_in_loop = true; ///< of a frame: else it is slept in SDL_Delay()
    Duration spin{};           ///< of a frame
};

constexpr Way waits_in_pump{"wait_event(), pump", Mode::pump};
constexpr Way waits_in_slack{"wait_event(), slack", Mode::slack};
constexpr Way waits_in_guest{"wait_event(), guest", Mode::guest};
constexpr Way waits_in_merge{"wait_event(), merge", Mode::merge};
constexpr Way frames_by_delay{"60 Hz, pump() and SDL_Delay()", {}, false};
constexpr Way frames_in_loop{"60 Hz, pump_until()", {}, true};
constexpr Way frames_with_spin{"60 Hz, pump_until(), spin", {}, true, std::chrono::microseconds(500)};

constexpr double rate = 60;

} // namespace bench
