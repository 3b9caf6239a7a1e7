// SPDX-License-Identifier: MIT
/// BiasedLock: a lock that the same thread takes over and over. Floor 1.
///
/// A loop is run by one thread, which also makes most of its posts; but any other thread may post at any time, and may take
/// the loop over when nobody runs it. An ordinary lock would cost the one thread two atomic operations, each time, for what
/// the others hardly ever do. This one belongs to a thread even while nobody holds it, and costs that thread two plain
/// stores. A thread that wants it away pays for both, in microseconds (os/asymmetric_fence.hpp).
///
/// How: each thread that ever held the lock has a seat, on which it alone writes whether it uses the lock. The lock
/// belongs to the seat that `seat_` names. Its thread says that it uses the lock, and then looks whether it is still
/// its own; who takes it away names his own seat, and then looks whether the other one is in use. With the fences
/// between, at least one of them sees the other.
///
/// It is held in two ways: for a moment, which others wait for, or for long, inside a run_ call, which they do not.
///
/// Thread: any.
#pragma once

#include "here.hpp"
#include "os/asymmetric_fence.hpp"
#include "processor.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace ioloop {

class BiasedLock {
    enum class Use : std::uint8_t { none, moment, inside };

    struct Seat { // NOLINT(clang-analyzer-optin.performance.Padding): apart is what the two are to be
        explicit Seat(std::uint64_t t) noexcept : thread(t) {}
        const std::uint64_t thread;                          ///< others read this
        alignas(cache_line) std::atomic<Use> use{Use::none}; ///< written by that thread alone
    };

public:
    /// Belongs to the calling thread.
    BiasedLock() : seats_(1) {
        prepare_fences();
        seats_.front() = std::make_unique<Seat>(this_thread());
        seat_ = seats_.front().get();
    }

    /// Takes the lock for long; leave() it. False if another thread is inside.
    /// Requires: the calling thread is not. Errors: std::bad_alloc.
    bool enter() {
        Seat* seat = seat_.load(std::memory_order_acquire);
        if (seat->thread != here.thread || !claim(*seat, Use::inside)) {
            seat = take_over(Use::inside);
            if (seat == nullptr) return false;
        }
        sit_down(*seat);
        return true;
    }
    /// From here to leave(), who wants the lock waits for it, and is not refused: he may have been told that it is free.
    /// Requires: inside.
    void about_to_leave() noexcept { entered_->use.store(Use::moment, std::memory_order_release); }
    void leave() noexcept {
        inside_.store(nobody, std::memory_order_relaxed);
        entered_->use.store(Use::none, std::memory_order_release);
    }
    /// True if the calling thread is inside.
    bool inside() const noexcept { return inside_.load(std::memory_order_relaxed) == here.thread; }
    /// True if some thread is.
    bool entered() const noexcept { return inside_.load(std::memory_order_relaxed) != nobody; }

    /// Makes the lock belong to the calling thread. False if another thread is inside. Errors: std::bad_alloc.
    bool adopt() { return is_mine() || inside() || take_over(Use::none) != nullptr; }
    bool is_mine() const noexcept { return seat_.load(std::memory_order_acquire)->thread == here.thread; }

    /// The lock, for as long as this lives, if it belongs to the calling thread and is free.
    class Moment {
    public:
        explicit Moment(BiasedLock& lock) noexcept
            : lock_(lock),
              seat_(lock.seat_.load(std::memory_order_acquire)) {
            if (seat_->thread != here.thread || seat_->use.load(std::memory_order_relaxed) != Use::none ||
                !lock.claim(*seat_, Use::moment))
                seat_ = nullptr;
        }
        Moment(const Moment&) = delete;
        Moment& operator=(const Moment&) = delete;
        ~Moment() {
            if (seat_ != nullptr) seat_->use.store(Use::none, std::memory_order_release);
        }
        explicit operator bool() const noexcept { return seat_ != nullptr; }
        /// Makes it a long one, as if by enter(). Requires: it is held.
        void stay() noexcept {
            seat_->use.store(Use::inside, std::memory_order_relaxed);
            lock_.sit_down(*seat_);
            seat_ = nullptr;
        }

    private:
        BiasedLock& lock_;
        Seat* seat_;
    };

private:
    // No thread has this number. (A thread that has none yet, 0, has no seat either.)
    static constexpr std::uint64_t nobody = UINT64_MAX;

    /// Of the calling thread, which is to look for itself that it is its seat.
    bool claim(Seat& seat, Use use) noexcept {
        seat.use.store(use, std::memory_order_relaxed);
        light_fence();
        if (seat_.load(std::memory_order_relaxed) == &seat) return true;
        seat.use.store(Use::none, std::memory_order_release);
        return false;
    }
    void sit_down(Seat& seat) noexcept {
        entered_ = &seat;
        inside_.store(seat.thread, std::memory_order_relaxed);
    }
    Seat* take_over(Use use);

    std::atomic<Seat*> seat_; ///< whose the lock is
    std::atomic<std::uint64_t> inside_{nobody};
    Seat* entered_ = nullptr; ///< of the thread that is inside
    std::mutex mutex_;        ///< of those who take the lock over
    std::vector<std::unique_ptr<Seat>> seats_;
};

} // namespace ioloop
