// SPDX-License-Identifier: MIT
/// Scenarios of timers.
#pragma once

#include "case.hpp"
#include "subject.hpp"
#include "thread_time.hpp"
#include "turns.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace bench::peers {

/// Deadlines one to two minutes from now, so that nothing fires.
inline std::vector<Duration> random_delays(std::size_t count) {
    std::minstd_rand random(7);
    std::vector<Duration> delays(count);
    for (Duration& delay : delays)
        delay = std::chrono::seconds(60) + std::chrono::microseconds(random() % 60'000'000);
    return delays;
}

/// Arms one timer among `pending` others, and cancels it.
template <class S> class ArmCancel final : public Case {
public:
    explicit ArmCancel(std::size_t pending) : pending_(pending), delays_(random_delays(delays_kept)) {
        loop_.read_clock();
        const std::vector<Duration> delays = random_delays(pending);
        for (std::size_t i = 0; i < pending; ++i) loop_.template arm<&count>(pending_[i], delays[i], this);
        loop_.template arm<&count>(timer_, far_away, this);
        loop_.cancel(timer_);
        loop_.step();
    }

    Done run(std::uint64_t operations) override {
        loop_.read_clock();
        for (std::uint64_t i = 0; i < operations;) {
            // A turn now and then: some loops tidy up there.
            for (std::size_t k = 0; k < 64 && i < operations; ++k, ++i) {
                loop_.template arm<&count>(timer_, delays_[i % delays_kept], this);
                loop_.cancel(timer_);
            }
            loop_.step();
        }
        expect(calls_, 0, "cancelled timers that fired");
        return {.operations = operations};
    }

private:
    static constexpr std::size_t delays_kept = 1024;
    static void count(void* self) { ++static_cast<ArmCancel*>(self)->calls_; }

    S loop_;
    std::vector<typename S::Timer> pending_;
    typename S::Timer timer_{};
    std::vector<Duration> delays_;
    std::uint64_t calls_ = 0;
    CloseAll<S> closing_{loop_};
};

/// Arms `count` timers that come due within a millisecond, in no order, waits, and lets them fire. The wait is not timed.
template <class S> class ArmFire final : public Case {
public:
    explicit ArmFire(std::size_t count) : timers_(count), delays_(count) {
        std::minstd_rand random(7);
        for (Duration& delay : delays_) delay = std::chrono::nanoseconds(random() % 1'000'000);
    }

    Done run(std::uint64_t operations) override {
        using Clock = std::chrono::steady_clock;
        const std::uint64_t before = calls_;
        std::uint64_t armed = 0;
        Duration took{};
        while (armed < operations) {
            const Duration begin = thread_time();
            loop_.read_clock();
            for (std::size_t i = 0; i < timers_.size(); ++i)
                loop_.template arm<&count>(timers_[i], delays_[i], this);
            took += thread_time() - begin;
            armed += timers_.size();

            // A coarse clock goes in steps of 4 ms.
            const auto due = Clock::now() + std::chrono::milliseconds(6);
            while (Clock::now() < due) {}
            const Duration fire = thread_time();
            while (calls_ - before < armed && Clock::now() < due + std::chrono::seconds(20)) loop_.step();
            took += thread_time() - fire;
        }
        expect(calls_ - before, armed, "timers that fired");
        return {.operations = armed, .took = took};
    }

private:
    static void count(void* self) { ++static_cast<ArmFire*>(self)->calls_; }

    S loop_;
    std::vector<typename S::Timer> timers_;
    std::vector<Duration> delays_;
    std::uint64_t calls_ = 0;
    CloseAll<S> closing_{loop_};
};

/// Moves the deadline of one of `pending` timers, one after another, as idle timeouts are: to later.
template <class S> class Rearm final : public Case {
public:
    explicit Rearm(std::size_t pending) : timers_(pending) {
        loop_.read_clock();
        const std::vector<Duration> delays = random_delays(pending);
        for (std::size_t i = 0; i < pending; ++i) loop_.template arm<&count>(timers_[i], delays[i], this);
        loop_.step();
    }

    Done run(std::uint64_t operations) override {
        loop_.read_clock();
        for (std::uint64_t i = 0; i < operations;) {
            for (std::size_t k = 0; k < 64 && i < operations; ++k, ++i) {
                // Not neighbours, which the memory's prefetcher would know; every one of them in turn.
                next_ = (next_ + stride) % timers_.size();
                delay_ += std::chrono::microseconds(1);
                loop_.rearm(timers_[next_], delay_);
            }
            loop_.step();
        }
        expect(calls_, 0, "timers that fired before their time");
        return {.operations = operations};
    }

private:
    static constexpr std::size_t stride = 7919; // prime to any power of ten
    static void count(void* self) { ++static_cast<Rearm*>(self)->calls_; }

    S loop_;
    std::vector<typename S::Timer> timers_;
    std::size_t next_ = 0;
    Duration delay_ = std::chrono::minutes(3);
    std::uint64_t calls_ = 0;
    CloseAll<S> closing_{loop_};
};

/// How late a blocked loop calls a timer.
template <class S> class Lateness final : public Case {
public:
    explicit Lateness(Duration delay) : delay_(delay) {}

    Done run(std::uint64_t operations) override {
        samples_ = Samples();
        for (std::uint64_t i = 0; i < operations; ++i) {
            fired_ = {};
            const auto armed = std::chrono::steady_clock::now();
            loop_.read_clock(); // after that, so that nobody can be blamed for being early who is not
            loop_.template arm<&fire>(timer_, delay_, this);
            while (fired_ == TimePoint{}) loop_.step_blocking();
            samples_.add(fired_ - (armed + delay_));
        }
        expect(samples_.count(), operations, "timers that fired");
        return {.operations = operations, .samples = &samples_};
    }

private:
    using TimePoint = std::chrono::steady_clock::time_point;
    static void fire(void* self) { static_cast<Lateness*>(self)->fired_ = std::chrono::steady_clock::now(); }

    S loop_;
    typename S::Timer timer_{};
    Duration delay_;
    TimePoint fired_{};
    Samples samples_;
    CloseAll<S> closing_{loop_};
};

} // namespace bench::peers
