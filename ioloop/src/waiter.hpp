// SPDX-License-Identifier: MIT
/// Waiter: a thread that waits for descriptors and a deadline in somebody's place, and tells once. Floor 1.
///
/// Armed, it sleeps; when a descriptor is ready or the deadline has come it tells, and rests until it is armed anew. It
/// reads nothing and runs nothing. It asks a poller of its own that keeps no state in the kernel (poll, or WSAPoll),
/// so that a descriptor which is closed, reused or replaced by its owner leaves no trace here.
///
/// Thread: any, but one at a time arms and holds.
#pragma once

#include "os/process.hpp"

#include <ioloop/clock.hpp>
#include <ioloop/events.hpp>
#include <ioloop/fd.hpp>
#include <ioloop/function.hpp>
#include <ioloop/poller.hpp>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

namespace ioloop {

class Waiter {
public:
    struct Interest {
        Fd fd = invalid_fd;
        Events events = Events::none;
        friend bool operator==(const Interest&, const Interest&) = default;
    };

    /// `tell` is called on the waiter's thread. If it says false it could not tell, and is called again soon.
    /// Errors: std::system_error if there is no thread or no descriptor to be had.
    explicit Waiter(Function<bool()> tell);
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    /// Waits for a `tell` under way.
    ~Waiter();

    /// True in a forked child, which has no such thread.
    bool forked() const noexcept { return generation_ != fork_generation(); }
    /// Ends it; in a forked child, where there is nobody to wait for, it leaves things as they are.
    struct End {
        void operator()(Waiter* waiter) const noexcept;
    };
    using Owner = std::unique_ptr<Waiter, End>;

    /// Waits for `interests` and until `deadline`, which is one of steady_clock(). If it is waiting already, it is
    /// interrupted only if it would sleep too long, or on the wrong descriptors.
    void arm(std::span<const Interest> interests, TimePoint deadline);

    /// Until it is armed again it tells nothing: who armed it is at work, and sees for himself.
    void hold();

    /// Tells although it has found nothing, until that succeeds.
    void tell_soon();

    std::uint64_t sleeps() const noexcept { return sleeps_.load(std::memory_order_relaxed); }
    /// How often a sleep was interrupted by arm().
    std::uint64_t interrupts() const noexcept { return interrupts_.load(std::memory_order_relaxed); }

private:
    enum class State : std::uint8_t { resting, armed, telling, ending };

    void run();
    bool watch();
    void sleep(std::unique_lock<std::mutex>& lock);

    const std::uint32_t generation_ = fork_generation();
    Function<bool()> tell_;
    std::unique_ptr<Poller> poller_; ///< the thread's, but for wake()

    std::mutex mutex_; ///< of all that follows
    std::condition_variable changed_;
    State state_ = State::resting;
    bool held_ = false;
    bool interests_changed_ = false; ///< the poller watches others
    std::vector<Interest> interests_;
    TimePoint deadline_ = never;

    std::vector<Fd> watched_;             ///< the thread's
    std::array<Poller::Ready, 16> ready_; ///< the thread's; what is ready does not matter
    std::atomic<std::uint64_t> sleeps_{0};
    std::atomic<std::uint64_t> interrupts_{0};
    std::thread thread_; ///< last: it finds everything else made
};

} // namespace ioloop
