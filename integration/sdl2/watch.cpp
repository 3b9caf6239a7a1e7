// SPDX-License-Identifier: MIT
/// Host, chapter 3: what SDL tells while it does not return: from inside a modal loop of the window system, or from a mobile
/// system that takes the program off the screen. And what other threads push while the loop sleeps in SDL's place.
#include "host_impl.hpp"

#include <utility>

namespace ioloop::sdl2 {
namespace {

/// The events that SDL sends from inside a modal loop of the window system.
bool is_window_change(const SDL_Event& event) {
    if (event.type != SDL_WINDOWEVENT) return false;
    switch (event.window.event) {
    case SDL_WINDOWEVENT_EXPOSED:
    case SDL_WINDOWEVENT_MOVED:
    case SDL_WINDOWEVENT_RESIZED:
    case SDL_WINDOWEVENT_SIZE_CHANGED: return true;
    default: return false;
    }
}

bool is_app_event(const SDL_Event& event) {
    return event.type == SDL_APP_WILLENTERBACKGROUND || event.type == SDL_APP_DIDENTERFOREGROUND ||
           event.type == SDL_APP_LOWMEMORY;
}

/// They are numbered in a row.
std::uint32_t bit_of(std::uint32_t app_event) { return 1U << (app_event - SDL_APP_TERMINATING); }

} // namespace

/// SDL calls this for every event, inside SDL_PumpEvents or SDL_PushEvent, on whatever thread that is.
int SDLCALL Host::Impl::watch(void* self, SDL_Event* event) {
    static_cast<Impl*>(self)->on_event(*event);
    return 0; // ignored for watches
}

void Host::Impl::on_event(const SDL_Event& event) {
    if (SDL_ThreadID() != thread_) {
        if (is_app_event(event)) app_events_ |= bit_of(event.type); // for the next visit
        pushed_at_ = now();
        return guarded("sdl2::Host, for another thread", [&] { nudge(); });
    }
    if (poster_.closed()) return;
    if (is_window_change(event)) on_window_change();
    if (is_app_event(event)) on_app_event(event.type);
}

// ---- a window is dragged ------------------------------------------------------------------------

void Host::Impl::on_window_change() {
    // Windows change in peace too. Only if the host has not come to pump for long is it stuck in there.
    if (!stuck_ && now() - last_seen_ < options_.stuck_after) return;
    stuck_ = true;
    turn_from_watch("sdl2::Host, while SDL_PollEvent was stuck");
    last_seen_ = now();
}

/// A turn that nobody asked for. The callable that pumps SDL's events, if it is one that is stuck, is not entered again; and
/// one level is enough.
void Host::Impl::turn_from_watch(const Origin& why) {
    constexpr std::uint32_t deepest = 2;
    if (in_watch_ || loop_.statistics().depth >= deepest) return;
    in_watch_ = true;
    guarded(why, [&] {
        const Turn turn = loop_.run_once(no_wait, Budget{options_.while_dragged, unlimited});
        // Nobody asked for this turn, so the stop is for whoever asks for the next one.
        if (turn.ended == Ended::stopped && !poster_.closed()) loop_.stop();
    });
    in_watch_ = false;
    ++rescued_turns_;
}

/// What is called through C, which no exception may cross.
template <class F> void Host::Impl::guarded(const Origin& why, F&& f) {
    try {
        f();
    } catch (...) {
        log_error(std::current_exception(), why, CallKind::handler);
    }
}

// ---- the program comes and goes -----------------------------------------------------------------

/// Those that another thread has sent.
void Host::Impl::take_app_events() {
    const std::uint32_t sent = app_events_.exchange(0);
    for (const std::uint32_t type :
         {SDL_APP_LOWMEMORY, SDL_APP_WILLENTERBACKGROUND, SDL_APP_DIDENTERFOREGROUND}) {
        if ((sent & bit_of(type)) != 0) on_app_event(type);
    }
}

void Host::Impl::on_app_event(std::uint32_t type) {
    const auto call = [&](std::shared_ptr<Callback> hook,
                          const Origin& why) { // shared: it may replace itself
        if (hook) guarded(why, *hook);
    };
    switch (type) {
    case SDL_APP_WILLENTERBACKGROUND:
        call(on_background_, "sdl2::Host::on_background");
        if (!poster_.closed()) turn_from_watch("sdl2::Host, before the background");
        if (poster_.closed()) return; // good-bye, indeed
        if (options_.suspend_in_background && !loop_.suspended()) {
            in_background_ = true;
            loop_.suspend();
        }
        break;
    case SDL_APP_DIDENTERFOREGROUND:
        if (std::exchange(in_background_, false) && !poster_.closed()) loop_.resume();
        last_seen_ = now();
        call(on_foreground_, "sdl2::Host::on_foreground");
        break;
    case SDL_APP_LOWMEMORY: call(on_low_memory_, "sdl2::Host::on_low_memory"); break;
    default: break;
    }
}

} // namespace ioloop::sdl2
