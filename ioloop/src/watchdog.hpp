// SPDX-License-Identifier: MIT
/// Watchdog: notices on a thread of its own that another one does not come back. Floor 1.
///
/// The thread that is watched says when it is busy and when it is not; the watchdog's thread acts once for each
/// busy period that is longer than the threshold, while that lasts. (Tornado armed SIGALRM around its poll,
/// which belongs to the program, exists once in a process, and went off even after it was disarmed.)
///
/// To be busy costs a look at the clock and two atomics. While the watched thread is idle, the watchdog's sleeps
/// without end; while it is at work, it wakes once a threshold.
#pragma once

#include "os/stack_trace.hpp"

#include <ioloop/function.hpp>
#include <ioloop/site.hpp>
#include <ioloop/stall.hpp>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

namespace ioloop {

/// Thread: all members are the watched thread's.
class Watchdog {
public:
    using Action = Function<void(const Stall&)>;

    /// Ends the thread and waits for it, and so for the action; in a forked child, where there is no thread to
    /// wait for, leaves everything as it is.
    struct End {
        void operator()(Watchdog* watchdog) const noexcept;
    };
    using Owner = std::unique_ptr<Watchdog, End>;

    /// Errors: std::system_error if there is no thread to be had.
    static Owner make(Duration threshold, Action action, const char* loop);

    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

    /// The calling thread is the one that is watched, and busy; until leave().
    void enter() noexcept;
    void leave() noexcept;

    void busy() noexcept;
    void idle() noexcept { since_.store(0); }

    /// What the watched thread is calling; an empty chain: nothing.
    void running(const Chain& chain) noexcept {
        sites_[0].store(pack(chain.sites[0], chain.sites[1]), std::memory_order_relaxed);
        sites_[1].store(pack(chain.sites[2], chain.sites[3]), std::memory_order_relaxed);
    }

    /// The busy period under way began when it did for `earlier`; and if that has acted on it, this will not.
    /// Ends `earlier`.
    void take_over(Watchdog& earlier) noexcept;

private:
    explicit Watchdog(Duration threshold, Action action, const char* loop);
    ~Watchdog();

    void end() noexcept;
    void watch();
    Stall look(std::int64_t since);
    void act(const Stall& stall) noexcept;

    static constexpr std::uint64_t pack(SiteId a, SiteId b) noexcept {
        return std::uint64_t{static_cast<std::uint32_t>(a)} << 32U | static_cast<std::uint32_t>(b);
    }

    const Duration threshold_;
    const char* const loop_;
    Action action_; ///< the watchdog's thread's

    std::atomic<std::int64_t> since_{0}; ///< nanoseconds of steady_clock(); names the busy period. 0: idle
    std::atomic<bool> asleep_{false};    ///< the watchdog's thread needs to be told of the next busy period
    std::array<std::atomic<std::uint64_t>, 2> sites_{};

    std::mutex mutex_; ///< never held during the action
    std::condition_variable changed_;
    ThreadStack stack_;
    std::int64_t acted_on_ = 0; ///< the busy period
    bool ending_ = false;

    std::thread thread_; ///< last: begins when all the rest is there
};

} // namespace ioloop
