// SPDX-License-Identifier: MIT
/// Host::Impl, in three chapters: host.cpp (frames), wait.cpp (sleeping until something happens), watch.cpp (what SDL tells
/// while it does not return).
#pragma once

#include "idle_queue.hpp"
#include "wake_event.hpp"

#include <ioloop/guest.hpp>
#include <ioloop/poster.hpp>
#include <ioloop/sdl2.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <SDL.h>

namespace ioloop::sdl2 {

/// The turn that the guest has posted. Thread: any.
class TurnSlot {
public:
    void put(Function<void()> turn) {
        const std::lock_guard lock(mutex_);
        turn_ = std::move(turn);
    }
    Function<void()> take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(turn_, nullptr);
    }
    bool full() {
        const std::lock_guard lock(mutex_);
        return static_cast<bool>(turn_);
    }

private:
    std::mutex mutex_;
    Function<void()> turn_;
};

class Host::Impl {
public:
    Impl(IOLoop& loop, Options options);
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl();

    // ---- host.cpp ----

    Turn pump(Budget budget);
    Turn pump(FramePacer& frame);
    Turn pump_until(TimePoint deadline);
    Turn pump_until(FramePacer& frame);
    IdleCall call_when_idle(Function<void(Duration)> callback, const Origin& origin);
    bool cancel_idle(IdleCall call) noexcept { return idle_->cancel(call.id); }
    Statistics statistics() const noexcept;
    void require_usable(const char* member) const;
    void set_hook(std::shared_ptr<Callback>& hook, Callback&& callback, const char* member) const;

    // ---- wait.cpp ----

    bool wait_event(SDL_Event* event, Duration timeout);
    void set_mode(Mode mode);
    Mode active_mode() const noexcept { return active_mode_; }
    void request_frames(int frames);
    bool take_frame() noexcept;

    IOLoop& loop_;
    Options options_;
    bool stopped_ = false;
    std::uint64_t rescued_turns_ = 0;
    std::shared_ptr<Callback> on_background_;
    std::shared_ptr<Callback> on_foreground_;
    std::shared_ptr<Callback> on_low_memory_;

private:
    class Visit; ///< the program is in a member of the host

    // ---- host.cpp ----

    TimePoint now() const noexcept { return steady_clock().now(); }
    Turn note(const Turn& turn) noexcept;
    Turn serve_slack(TimePoint deadline);
    Duration left_of(TimePoint deadline) const noexcept;
    bool post_idle(Duration left);
    static void log_error(const std::exception_ptr& error, const Origin& origin, CallKind kind);

    // ---- wait.cpp ----

    void make_turn();
    bool poll(SDL_Event* event);
    void choose_sleep();
    Mode possible_mode() const;
    void sleep(Duration left);
    void sleep_in_sdl(Duration left);
    void sleep_in_loop(Duration left);
    void sleep_merged(Duration left);
    Guest::PostToHost poster_of_turns();
    void dismiss_guest() noexcept;
    void rouse();
    void nudge();

    // ---- watch.cpp ----

    static int SDLCALL watch(void* self, SDL_Event* event);
    void on_event(const SDL_Event& event);
    void on_window_change();
    void take_app_events();
    void on_app_event(std::uint32_t type);
    void turn_from_watch(const Origin& why);
    template <class F> void guarded(const Origin& why, F&& f);

    SDL_threadID thread_;
    Poster poster_;                    ///< knows whether loop_ is still there
    TimePoint last_seen_ = now();      ///< when the program left the host, or the watch had it
    std::uint64_t our_error_hook_ = 0; ///< 0: the program had one
    bool visiting_ = false;

    // Sleeping.
    WakeEvent wake_event_;
    TurnSlot posted_turn_;
    std::optional<Guest> guest_; ///< while there is need of one
    Mode active_mode_;
    bool unwatchable_ = false;   ///< the loop has refused SDL's connection
    std::atomic<int> frames_{0}; ///< requested
    std::uint64_t sleeps_ = 0;
    std::atomic<bool> deaf_{false};   ///< wait_event() sleeps in the loop: SDL's own wake-ups do not reach it
    std::atomic<bool> nudged_{false}; ///< and was woken by us since it looked last
    std::atomic<TimePoint> pushed_at_{}; ///< when another thread called SDL_PushEvent() last
    std::shared_ptr<IdleQueue> idle_ = std::make_shared<IdleQueue>();

    // Watching.
    bool in_watch_ = false;                    ///< inside a turn made by the watch
    bool stuck_ = false;                       ///< the last turn was made by the watch
    bool in_background_ = false;               ///< and the loop's time stands still for that
    std::atomic<std::uint32_t> app_events_{0}; ///< sent by other threads; a bit each
    std::uint64_t gaps_ = 0;
};

/// The program has come: is it allowed to, and how long has it been away?
class Host::Impl::Visit {
public:
    Visit(Impl& host, const char* member);
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;
    ~Visit();

private:
    Impl& host_;
    bool outermost_;
};

} // namespace ioloop::sdl2
