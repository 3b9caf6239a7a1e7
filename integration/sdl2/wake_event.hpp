// SPDX-License-Identifier: MIT
/// WakeEvent: ends SDL's sleep, from any thread, with one event however often it is asked for.
///
/// By SDL_PeepEvents(SDL_ADDEVENT) and not by SDL_PushEvent(), which calls the program's event filter and event watches, on
/// the thread that pushes; both wake SDL_WaitEvent(). The event says nothing: it is a hint to look, and who has looked
/// needs none. A full queue refuses it; but who has a queue to work off does not sleep.
#pragma once

#include <atomic>
#include <cstdint>

union SDL_Event;

namespace ioloop::sdl2 {

class WakeEvent {
public:
    /// Errors: std::runtime_error if SDL has no event types left.
    WakeEvent();
    WakeEvent(const WakeEvent&) = delete;
    WakeEvent& operator=(const WakeEvent&) = delete;
    ~WakeEvent(); ///< takes it out of the queue

    /// Thread: any.
    void ring() noexcept;

    bool is(const SDL_Event& event) const noexcept;
    /// The next ring() adds an event, whatever has become of the last one: SDL_FlushEvents() and a filter that is set drop
    /// what is queued. Call it before looking at what the event would be for, and sleep after that.
    void forget() noexcept { queued_ = false; }
    void take_out() noexcept;

    std::uint64_t rung() const noexcept { return rung_; }
    std::uint64_t refused() const noexcept { return refused_; }

private:
    std::uint32_t type_;
    std::atomic<bool> queued_{false};
    std::atomic<std::uint64_t> rung_{0};
    std::atomic<std::uint64_t> refused_{0};
};

} // namespace ioloop::sdl2
