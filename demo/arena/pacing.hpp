// SPDX-License-Identifier: MIT
/// Pacing: how a frame lives with the loop, in six ways that can be changed while the game runs.
///
/// In each of them the loop is pumped when a frame begins. They differ in who sleeps when it is drawn, and so in how long
/// what comes then has to wait.
#pragma once

#include <ioloop/frame_pacer.hpp>
#include <ioloop/sdl2.hpp>
#include <ioloop/turn.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace arena {

enum class Pacing : std::uint8_t {
    by_hand,    ///< SDL_Delay(): what comes waits for the next frame
    pump_until, ///< Host::pump_until(): asleep in the loop
    guest,      ///< Host::wait_event(), and so the other three
    merge,
    slack,
    pump,
};

inline constexpr std::array all_pacings{Pacing::by_hand, Pacing::pump_until, Pacing::guest,
                                        Pacing::merge,   Pacing::slack,      Pacing::pump};

constexpr std::size_t index_of(Pacing pacing) noexcept { return static_cast<std::size_t>(pacing); }

/// One word, as in --pacing.
const char* name_of(Pacing pacing) noexcept;
/// The opposite; none for other words.
std::optional<Pacing> pacing_of(std::string_view name) noexcept;
/// For people: who sleeps, and who has to wait.
const char* words_of(Pacing pacing) noexcept;

/// Until the end of the frame. `handle` is called with each event that SDL has meanwhile; those of by_hand and pump_until
/// wait in SDL. Gives what the loop spent on calls.
ioloop::Turn spend_rest(ioloop::sdl2::Host& host, ioloop::FramePacer& frame, Pacing pacing,
                        const std::function<void(const SDL_Event&)>& handle);

} // namespace arena
