// SPDX-License-Identifier: MIT
#include "pacing.hpp"

#include <chrono>

#include <SDL.h>

namespace arena {
namespace {

std::optional<ioloop::sdl2::Mode> mode_of(Pacing pacing) noexcept {
    switch (pacing) {
    case Pacing::guest: return ioloop::sdl2::Mode::guest;
    case Pacing::merge: return ioloop::sdl2::Mode::merge;
    case Pacing::slack: return ioloop::sdl2::Mode::slack;
    case Pacing::pump: return ioloop::sdl2::Mode::pump;
    case Pacing::by_hand:
    case Pacing::pump_until: break;
    }
    return std::nullopt;
}

/// Whole milliseconds, as SDL counts them; what is less than one is not slept, or every frame would be late.
void delay(const ioloop::FramePacer& frame) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(frame.left());
    if (left.count() > 0) SDL_Delay(static_cast<Uint32>(left.count()));
}

} // namespace

const char* name_of(Pacing pacing) noexcept {
    switch (pacing) {
    case Pacing::by_hand: return "by-hand";
    case Pacing::pump_until: return "pump-until";
    case Pacing::guest: return "guest";
    case Pacing::merge: return "merge";
    case Pacing::slack: return "slack";
    case Pacing::pump: return "pump";
    }
    return "?";
}

std::optional<Pacing> pacing_of(std::string_view name) noexcept {
    for (const Pacing pacing : all_pacings) {
        if (name == name_of(pacing)) return pacing;
    }
    return std::nullopt;
}

const char* words_of(Pacing pacing) noexcept {
    switch (pacing) {
    case Pacing::by_hand: return "pump once a frame, then SDL_Delay: the network waits for the next frame";
    case Pacing::pump_until:
        return "the rest of the frame is slept in the loop: events wait for the next one";
    case Pacing::guest: return "asleep in SDL; a thread waits in the loop's place, and wakes SDL";
    case Pacing::merge: return "asleep in the loop, which watches the window system, too (X11)";
    case Pacing::slack: return "asleep in the loop; SDL is looked at every 10 ms";
    case Pacing::pump: return "asleep in SDL; the loop is looked at every 10 ms";
    }
    return "?";
}

ioloop::Turn spend_rest(ioloop::sdl2::Host& host, ioloop::FramePacer& frame, Pacing pacing,
                        const std::function<void(const SDL_Event&)>& handle) {
    if (pacing == Pacing::pump_until) return host.pump_until(frame);
    ioloop::Turn turn;
    const std::optional<ioloop::sdl2::Mode> mode = mode_of(pacing);
    if (!mode) {
        delay(frame);
        return turn;
    }
    host.set_mode(*mode);
    const ioloop::Duration before = host.loop().statistics().busy;
    SDL_Event event;
    for (ioloop::Duration left = frame.left(); left > ioloop::no_wait; left = frame.left()) {
        if (host.wait_event(&event, left)) {
            handle(event);
        } else if (host.stopped()) {
            break;
        }
    }
    turn.busy = host.loop().statistics().busy - before;
    return turn;
}

} // namespace arena
