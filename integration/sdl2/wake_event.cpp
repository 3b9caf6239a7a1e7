// SPDX-License-Identifier: MIT
#include "wake_event.hpp"

#include <stdexcept>

#include <SDL.h>

namespace ioloop::sdl2 {

WakeEvent::WakeEvent() : type_(SDL_RegisterEvents(1)) {
    if (type_ == static_cast<Uint32>(-1)) throw std::runtime_error("sdl2::Host: SDL has no event types left");
}

WakeEvent::~WakeEvent() { take_out(); }

void WakeEvent::ring() noexcept {
    if (queued_.exchange(true)) return;
    SDL_Event event{};
    event.type = type_;
    if (SDL_PeepEvents(&event, 1, SDL_ADDEVENT, type_, type_) == 1) {
        rung_.fetch_add(1, std::memory_order_relaxed);
    } else {
        queued_ = false;
        refused_.fetch_add(1, std::memory_order_relaxed);
    }
}

bool WakeEvent::is(const SDL_Event& event) const noexcept { return event.type == type_; }

void WakeEvent::take_out() noexcept {
    queued_ = false;
    SDL_FlushEvent(type_);
}

} // namespace ioloop::sdl2
