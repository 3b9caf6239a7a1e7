// SPDX-License-Identifier: MIT
#include "biased_lock.hpp"

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

using namespace ioloop;

namespace {

/// Runs `f` on a thread of its own, to its end.
template <class F> void elsewhere(F f) { std::thread(f).join(); }

} // namespace

TEST(BiasedLock, belongs_to_who_made_it) {
    BiasedLock lock;
    EXPECT_TRUE(lock.is_mine());
    EXPECT_FALSE(lock.entered());
    elsewhere([&] { EXPECT_FALSE(lock.is_mine()); });
}

TEST(BiasedLock, one_thread_is_inside_and_another_one_is_refused) {
    BiasedLock lock;
    ASSERT_TRUE(lock.enter());
    EXPECT_TRUE(lock.inside());
    elsewhere([&] {
        EXPECT_FALSE(lock.enter());
        EXPECT_FALSE(lock.adopt());
        EXPECT_FALSE(lock.inside());
        EXPECT_TRUE(lock.entered());
    });
    EXPECT_TRUE(lock.inside());
    EXPECT_TRUE(lock.is_mine());
    lock.leave();
    EXPECT_FALSE(lock.entered());
}

TEST(BiasedLock, who_enters_takes_it_over_and_it_stays_his) {
    BiasedLock lock;
    elsewhere([&] {
        ASSERT_TRUE(lock.enter());
        lock.leave();
        EXPECT_TRUE(lock.is_mine());
    });
    EXPECT_FALSE(lock.is_mine());
    EXPECT_FALSE(BiasedLock::Moment(lock)) << "not ours any more";
    ASSERT_TRUE(lock.enter());
    lock.leave();
    EXPECT_TRUE(BiasedLock::Moment(lock));
}

TEST(BiasedLock, a_moment_is_had_by_its_thread_alone_and_once) {
    BiasedLock lock;
    const BiasedLock::Moment moment(lock);
    EXPECT_TRUE(moment);
    EXPECT_FALSE(BiasedLock::Moment(lock)) << "within another";
    elsewhere([&] { EXPECT_FALSE(BiasedLock::Moment(lock)); });
}

TEST(BiasedLock, there_is_no_moment_while_somebody_is_inside) {
    BiasedLock lock;
    ASSERT_TRUE(lock.enter());
    EXPECT_FALSE(BiasedLock::Moment(lock));
    lock.leave();
}

TEST(BiasedLock, who_takes_it_over_waits_for_a_moment_to_end) {
    BiasedLock lock;
    std::atomic<bool> adopted{false};
    std::optional<BiasedLock::Moment> moment(std::in_place, lock);
    std::thread other([&] {
        EXPECT_TRUE(lock.adopt());
        adopted = true;
    });
    while (lock.is_mine()) std::this_thread::yield(); // the other one has begun
    EXPECT_FALSE(adopted);
    moment.reset();
    other.join();
    EXPECT_TRUE(adopted);
}

TEST(BiasedLock, keeps_threads_apart_that_take_it_from_each_other) {
    constexpr int threads = 4;
    constexpr int rounds = 20'000;
    BiasedLock lock;
    long long guarded = 0; // not atomic: a sanitizer sees two threads at it, and else they lose counts
    std::atomic<long long> counted{0};
    std::vector<std::thread> workers;
    for (int t = 0; t < threads; ++t) {
        workers.emplace_back([&, t] {
            for (int i = 0; i < rounds; ++i) {
                if (i % 100 == t) {
                    if (!lock.enter()) continue;
                    ++guarded;
                    lock.leave();
                    ++counted;
                } else if (const BiasedLock::Moment moment(lock); moment) {
                    ++guarded;
                    ++counted;
                }
            }
        });
    }
    for (std::thread& worker : workers) worker.join();
    ASSERT_TRUE(lock.adopt());
    EXPECT_EQ(guarded, counted);
    EXPECT_GT(guarded, 0);
}
