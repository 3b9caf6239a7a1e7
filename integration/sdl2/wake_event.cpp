// SPDX-License-Identifier: MIT
#include "wake_event.hpp"

#include <stdexcept>
#include <utility>

#include <SDL.h>

namespace ioloop::sdl2 {

WakeEvent::WakeEvent() : type_(SDL_RegisterEvents(1)) {
    if (type_ == static_cast<Uint32>(-1)) throw std::runtime_error("sdl2::Host: SDL has no event types left");
}

void WakeEvent::ring() {
    const std::lock_guard lock(mutex_);
    if (sleeps_ == 0 || queued_) return;
    SDL_Event event{};
    event.type = type_;
    event.user.data1 = this;
    queued_ = SDL_PeepEvents(&event, 1, SDL_ADDEVENT, type_, type_) == 1;
    ++(queued_ ? rung_ : refused_);
}

bool WakeEvent::is(const SDL_Event& event) const noexcept {
    return event.type == type_ && event.user.data1 == this;
}

WakeEvent::Sleep::Sleep(WakeEvent& event) : event_(event) {
    const std::lock_guard lock(event_.mutex_);
    ++event_.sleeps_;
    event_.queued_ = false; // SDL_FlushEvents() and a filter that is set drop what is queued
}

WakeEvent::Sleep::~Sleep() {
    {
        const std::lock_guard lock(event_.mutex_);
        --event_.sleeps_;
        if (!std::exchange(event_.queued_, false)) return;
    }
    SDL_FilterEvents([](void* self, SDL_Event* e) { return static_cast<WakeEvent*>(self)->is(*e) ? 0 : 1; },
                     &event_);
}

} // namespace ioloop::sdl2
