// SPDX-License-Identifier: MIT
/// Scenarios of turns and posts, on the loop's thread.
#pragma once

#include "case.hpp"
#include "descriptors.hpp"
#include "subject.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace bench::peers {

constexpr Duration far_away = std::chrono::hours(1);

/// A loop with `fds` silent descriptors and `timers` far timers.
template <class S> class IdleLoop {
public:
    IdleLoop(std::size_t fds, std::size_t timers) : watched_(fds), timers_(timers) {
        loop.read_clock();
        for (Watched& watched : watched_) {
            watched.fd = silent_socket();
            loop.template add_io<&fail>(watched.io, watched.fd, readable, this);
        }
        Duration delay = far_away;
        for (typename S::Timer& timer : timers_)
            loop.template arm<&fail>(timer, delay += std::chrono::milliseconds(1), this);
    }
    IdleLoop(const IdleLoop&) = delete;
    IdleLoop& operator=(const IdleLoop&) = delete;
    ~IdleLoop() {
        for (Watched& watched : watched_) close_io(loop, watched.io, watched.fd);
    }

    std::uint64_t calls() const noexcept { return calls_; }

    S loop;

private:
    struct Watched {
        typename S::Io io;
        int fd = -1;
    };
    static void fail(void* self) { ++static_cast<IdleLoop*>(self)->calls_; }

    std::vector<Watched> watched_;
    std::vector<typename S::Timer> timers_;
    std::uint64_t calls_ = 0;
    CloseAll<S> closing_{loop};
};

/// What a frame pays for nothing.
template <class S> class IdlePump final : public Case {
public:
    IdlePump(std::size_t fds, std::size_t timers) : idle_(fds, timers) {}

    Done run(std::uint64_t operations) override {
        for (std::uint64_t i = 0; i < operations; ++i) idle_.loop.step();
        expect(idle_.calls(), 0, "calls in idle turns");
        return {.operations = operations};
    }

private:
    IdleLoop<S> idle_;
};

/// The same as a frame finds it, which has used the caches for something else: only the turn is timed.
template <class S> class IdlePumpCold final : public Case {
public:
    IdlePumpCold(std::size_t fds, std::size_t timers) : idle_(fds, timers) {}

    Done run(std::uint64_t operations) override {
        samples_ = Samples();
        for (std::uint64_t i = 0; i < operations; ++i) {
            const Duration reading = timed([] {});
            samples_.add(timed([this] { idle_.loop.step(); }) - reading);
        }
        expect(idle_.calls(), 0, "calls in idle turns");
        return {.operations = operations, .samples = &samples_};
    }

private:
    template <class F> Duration timed(F&& f) {
        for (std::size_t i = 0; i < evicting_.size(); i += 64) ++evicting_[i];
        const auto begin = std::chrono::steady_clock::now();
        f();
        return std::chrono::steady_clock::now() - begin;
    }

    IdleLoop<S> idle_;
    std::vector<unsigned char> evicting_ = std::vector<unsigned char>(std::size_t{4} << 20U);
    Samples samples_;
};

/// `batch` posts, then a turn that runs them. An operation is a post.
template <class S, bool threadsafe> class Posts final : public Case {
public:
    explicit Posts(std::uint64_t batch) : batch_(batch) {}

    Done run(std::uint64_t operations) override {
        const std::uint64_t before = calls_;
        std::uint64_t posted = 0;
        while (posted < operations) {
            for (std::uint64_t i = 0; i < batch_; ++i) {
                if constexpr (threadsafe) {
                    loop_.post_threadsafe(&count, this);
                } else {
                    loop_.post(&count, this);
                }
            }
            posted += batch_;
            loop_.step();
        }
        expect(calls_ - before, posted, "posts that ran in the next turn");
        return {.operations = posted};
    }

private:
    static void count(void* self) { ++static_cast<Posts*>(self)->calls_; }

    S loop_;
    std::uint64_t batch_;
    std::uint64_t calls_ = 0;
    CloseAll<S> closing_{loop_};
};

/// The longest "non-blocking" call while 2000 callbacks of 50 us are queued, where 2 ms are wanted.
template <class S> class Backlog final : public Case {
public:
    static constexpr std::uint64_t queued = 2000;

    Done run(std::uint64_t operations) override {
        samples_ = Samples();
        for (std::uint64_t i = 0; i < operations; ++i) {
            calls_ = 0;
            for (std::uint64_t post = 0; post < queued; ++post) loop_.post(&spin, this);
            Duration longest{};
            while (calls_ < queued) {
                const auto begin = std::chrono::steady_clock::now();
                step_within(loop_, std::chrono::milliseconds(2));
                longest = std::max<Duration>(longest, std::chrono::steady_clock::now() - begin);
            }
            expect(calls_, queued, "callbacks");
            samples_.add(longest);
        }
        return {.operations = operations, .samples = &samples_};
    }

private:
    static void spin(void* self) {
        ++static_cast<Backlog*>(self)->calls_;
        const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(50);
        while (std::chrono::steady_clock::now() < end) {}
    }

    S loop_;
    std::uint64_t calls_ = 0;
    Samples samples_;
    CloseAll<S> closing_{loop_};
};

} // namespace bench::peers
