// SPDX-License-Identifier: MIT
/// WakeEvent: ends SDL's sleep, from any thread, with one event however often it is asked for.
///
/// It is in SDL's queue only while the host sleeps there, so that no program that looks into the queue itself finds it.
///
/// By SDL_PeepEvents(SDL_ADDEVENT) and not by SDL_PushEvent(), which calls the program's event filter and event watches, on
/// the thread that pushes; both wake SDL_WaitEvent(). The event says nothing: it is a hint to look, and who has looked
/// needs none. A full queue refuses it; but who has a queue to work off does not sleep.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

union SDL_Event;

namespace ioloop::sdl2 {

class WakeEvent {
public:
    /// Errors: std::runtime_error if SDL has no event types left.
    WakeEvent();
    WakeEvent(const WakeEvent&) = delete;
    WakeEvent& operator=(const WakeEvent&) = delete;

    /// SDL's sleep, with a look before it: what is left to find after this was made rings.
    class Sleep {
    public:
        explicit Sleep(WakeEvent& event);
        Sleep(const Sleep&) = delete;
        Sleep& operator=(const Sleep&) = delete;
        ~Sleep(); ///< takes it out of the queue

    private:
        WakeEvent& event_;
    };

    /// Does nothing if nobody sleeps. Thread: any.
    void ring();

    /// By more than its type: programs use SDL_USEREVENT without registering it, and it may be ours.
    bool is(const SDL_Event& event) const noexcept;

    std::uint64_t rung() const noexcept { return rung_; }
    std::uint64_t refused() const noexcept { return refused_; }

private:
    std::uint32_t type_;
    std::mutex mutex_;
    int sleeps_ = 0;      ///< on the stack: a program may wait for events inside SDL's own wait
    bool queued_ = false; ///< for them
    std::atomic<std::uint64_t> rung_{0};
    std::atomic<std::uint64_t> refused_{0};
};

} // namespace ioloop::sdl2
