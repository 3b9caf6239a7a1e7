// SPDX-License-Identifier: MIT
/// Scenarios in which other threads post.
#pragma once

#include "allocations.hpp"
#include "case.hpp"
#include "subject.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

#include <sched.h>

namespace bench::peers {

/// The caller to the last of the processors that it may use, everybody else to the first: so it stays the same in all runs.
inline void pin_this_thread(bool to_last) {
    cpu_set_t allowed;
    if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    std::optional<std::size_t> chosen;
    for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(cpu, &allowed) && (to_last || !chosen)) chosen = cpu;
    }
    if (!chosen) return;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(*chosen, &one);
    ::sched_setaffinity(0, sizeof one, &one);
}
/// What the process was allowed before main() pinned itself.
inline cpu_set_t& cpus_of_helpers() {
    static cpu_set_t cpus;
    return cpus;
}
inline void pin_helper() {
    ::sched_setaffinity(0, sizeof(cpu_set_t), &cpus_of_helpers());
    pin_this_thread(false);
}

/// Posts from `producers` threads, at most 4096 under way, to a loop that blocks when it has nothing to do.
template <class S> class CrossThread final : public Case {
public:
    explicit CrossThread(std::uint64_t producers) : producers_(producers) {}

    Done run(std::uint64_t operations) override {
        const std::uint64_t each = (operations + producers_ - 1) / producers_;
        const std::uint64_t total = each * producers_;
        ran_.store(0);
        std::atomic<std::uint64_t> allocations = 0;
        std::atomic<bool> go = false;
        std::vector<std::thread> threads;
        for (std::uint64_t i = 0; i < producers_; ++i) {
            threads.emplace_back([&, i] {
                pin_helper();
                while (!go.load()) ::sched_yield();
                const std::uint64_t before = allocations_of_thread();
                for (std::uint64_t posted = 0; posted < each; ++posted) {
                    while (posted * producers_ + i > ran_.load(std::memory_order_relaxed) + most_under_way)
                        ::sched_yield();
                    loop_.post_threadsafe(&count, this);
                }
                allocations += allocations_of_thread() - before;
            });
        }
        const auto begin = std::chrono::steady_clock::now();
        go = true;
        while (ran_.load(std::memory_order_relaxed) < total) loop_.step_blocking();
        const Duration took = std::chrono::steady_clock::now() - begin;
        for (std::thread& thread : threads) thread.join();
        loop_.step();
        expect(ran_.load(), total, "posts that ran");
        return {.operations = total, .took = took, .allocations_aside = allocations.load()};
    }

private:
    static constexpr std::uint64_t most_under_way = 4096;
    static void count(void* self) {
        std::atomic<std::uint64_t>& ran = static_cast<CrossThread*>(self)->ran_;
        ran.store(ran.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }

    S loop_;
    std::uint64_t producers_;
    std::atomic<std::uint64_t> ran_ = 0;
    CloseAll<S> closing_{loop_};
};

/// From a post on another thread until it runs: in a loop that is pumped without a pause, or in one that is blocked.
template <class S, bool blocked> class PostSeen final : public Case {
public:
    Done run(std::uint64_t operations) override {
        samples_ = Samples();
        seen_.store(0);
        std::thread poster([&] {
            pin_helper();
            for (std::uint64_t i = 0; i < operations; ++i) {
                // So long that a loop that blocks has gone to sleep; and not in step with one that does not.
                const auto end = Clock::now() + (blocked ? std::chrono::microseconds(60)
                                                         : std::chrono::microseconds(2 + i % 7));
                while (Clock::now() < end) {}
                posted_ = Clock::now();
                loop_.post_threadsafe(&see, this);
                while (seen_.load(std::memory_order_acquire) <= i) {}
            }
        });
        while (seen_.load(std::memory_order_relaxed) < operations) {
            if constexpr (blocked) {
                loop_.step_blocking();
            } else {
                loop_.step();
            }
        }
        poster.join();
        expect(samples_.count(), operations, "posts that were seen");
        return {.operations = operations, .samples = &samples_};
    }

private:
    using Clock = std::chrono::steady_clock;
    static void see(void* argument) {
        auto& self = *static_cast<PostSeen*>(argument);
        self.samples_.add(Clock::now() - self.posted_);
        self.seen_.store(self.seen_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }

    S loop_;
    Clock::time_point posted_{}; // handed over by the post
    std::atomic<std::uint64_t> seen_ = 0;
    Samples samples_;
    CloseAll<S> closing_{loop_};
};

} // namespace bench::peers
