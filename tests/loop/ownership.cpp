// SPDX-License-Identifier: MIT
// A loop that threads hand to each other, while all of them post to it. Which thread it belongs to decides how a post gets
// into it (biased_lock.hpp), and so it must not be seen in what comes out: posts of one thread run in their order, and
// each runs once. These run on the system's clock, with as many threads as it takes to be in each other's way.
#include "support/os.hpp"
#include "support/sanitizers.hpp"

#include <ioloop/ioloop.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#if !defined(_WIN32)
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

constexpr auto long_enough = UNDER_THREAD_SANITIZER || UNDER_ADDRESS_SANITIZER ? 600ms : 300ms;

IOLoop::Options on_its_own() {
    IOLoop::Options options;
    options.make_current = MakeCurrent::never;
    return options;
}

/// What each thread posted, and what of that ran. Not atomic: who runs the loop has it, and a sanitizer watches.
class Ledger {
public:
    explicit Ledger(std::size_t threads) : seen_(threads) {}

    /// The `number`th post of that thread, from 0 up.
    Callback entry(std::size_t thread, std::uint64_t number) {
        return [this, thread, number] { note(thread, number); };
    }
    void note(std::size_t thread, std::uint64_t number) {
        if (seen_[thread].value != number) ++out_of_order_;
        seen_[thread].value = number + 1;
    }
    std::uint64_t seen(std::size_t thread) const { return seen_[thread].value; }
    std::uint64_t out_of_order() const { return out_of_order_; }

private:
    struct alignas(64) Seen {
        std::uint64_t value = 0;
    };
    std::vector<Seen> seen_;
    std::uint64_t out_of_order_ = 0;
};

/// True if it ran; false if the loop was running on another thread.
bool run_once_if_free(IOLoop& loop) {
    try {
        loop.run_once();
        return true;
    } catch (const std::logic_error&) {
        return false;
    }
}

// ---- in turns -----------------------------------------------------------------------------------

TEST(Ownership, each_threads_posts_run_once_and_in_their_order_whoever_runs_the_loop) {
    constexpr std::size_t threads = 3;
    IOLoop loop(on_its_own());
    Ledger ledger(threads);
    std::array<std::uint64_t, threads> posted{};
    std::array<std::uint64_t, threads> ran{};
    std::vector<std::thread> workers;
    const auto end = std::chrono::steady_clock::now() + long_enough;
    for (std::size_t t = 0; t < threads; ++t) {
        workers.emplace_back([&, t] {
            std::uint64_t mine = 0;
            while (std::chrono::steady_clock::now() < end) {
                for (std::uint64_t burst = 0; burst <= mine % 5; ++burst)
                    loop.add_callback(ledger.entry(t, mine++));
                // A loop that it may just have had, and another one is about to take.
                if (mine % 3 == 0 && run_once_if_free(loop)) ++ran[t];
                if (mine % 7 == 0) loop.wake();
            }
            posted[t] = mine;
        });
    }
    for (std::thread& worker : workers) worker.join();
    loop.run_ready();
    EXPECT_EQ(ledger.out_of_order(), 0U);
    for (std::size_t t = 0; t < threads; ++t) EXPECT_EQ(ledger.seen(t), posted[t]) << "thread " << t;
    EXPECT_GT(ran[0] + ran[1] + ran[2], 0U) << "while they posted";
}

TEST(Ownership, posts_of_callables_keep_their_place_among_those_of_their_thread) {
    constexpr std::size_t threads = 3;
    IOLoop loop(on_its_own());
    Ledger ledger(threads);
    std::array<std::uint64_t, threads> posted{};
    std::vector<std::thread> workers;
    const auto end = std::chrono::steady_clock::now() + long_enough;
    for (std::size_t t = 0; t < threads; ++t) {
        workers.emplace_back([&, t] {
            // From outside, then from a callable, which this thread runs itself if it gets the loop in time.
            for (std::uint64_t& mine = posted[t]; std::chrono::steady_clock::now() < end;) {
                loop.add_callback(ledger.entry(t, mine++));
                std::atomic<bool> ran{false};
                loop.add_callback([&, number = mine++] {
                    ledger.note(t, number);
                    loop.add_callback(ledger.entry(t, number + 1));
                    ran = true;
                });
                while (!ran) run_once_if_free(loop);
                ++mine;
                loop.add_callback(ledger.entry(t, mine++));
            }
        });
    }
    for (std::thread& worker : workers) worker.join();
    loop.run_ready();
    EXPECT_EQ(ledger.out_of_order(), 0U);
    for (std::size_t t = 0; t < threads; ++t) EXPECT_EQ(ledger.seen(t), posted[t]) << "thread " << t;
}

TEST(Ownership, what_one_thread_posted_before_it_told_another_runs_before_what_that_one_posts) {
    IOLoop loop(on_its_own());
    Ledger ledger(1);
    std::atomic<std::uint64_t> next{0}; // whose turn it is to post: an even number's, an odd one's
    constexpr std::uint64_t posts = 2'000;
    const auto post = [&](std::uint64_t parity) {
        for (;;) {
            const std::uint64_t number = next.load();
            if (number >= posts) return;
            if (number % 2 != parity) {
                // One of the two goes on taking the loop over, with what it has.
                if (parity == 0) run_once_if_free(loop);
                continue;
            }
            loop.add_callback(ledger.entry(0, number));
            next = number + 1;
        }
    };
    std::thread other(post, 1);
    std::thread third([&] {
        while (next < posts) {
            run_once_if_free(loop);
            std::this_thread::yield();
        }
    });
    post(0);
    other.join();
    third.join();
    loop.run_ready();
    EXPECT_EQ(ledger.out_of_order(), 0U);
    EXPECT_EQ(ledger.seen(0), posts);
}

TEST(Ownership, the_loop_is_looked_at_between_runs_while_others_post) {
    constexpr std::size_t threads = 3;
    IOLoop loop(on_its_own());
    Ledger ledger(threads);
    std::array<std::uint64_t, threads> posted{};
    std::mutex turns; // whose it is to run, or to look
    std::uint64_t looks = 0;
    std::vector<std::thread> workers;
    const auto end = std::chrono::steady_clock::now() + long_enough;
    for (std::size_t t = 0; t < threads; ++t) {
        workers.emplace_back([&, t] {
            std::uint64_t mine = 0;
            Snapshot snapshot;
            while (std::chrono::steady_clock::now() < end) {
                for (int burst = 0; burst < 20; ++burst) loop.add_callback(ledger.entry(t, mine++));
                const std::unique_lock turn(turns, std::try_to_lock);
                if (!turn) continue;
                if (mine % 3 == 0) {
                    loop.run_once();
                } else if (loop.add_callback(ledger.entry(t, mine++)), mine % 8 == 0) {
                    loop.run_once();
                    loop.snapshot(snapshot); // here it is this thread's
                    ++looks;
                }
            }
            posted[t] = mine;
        });
    }
    for (std::thread& worker : workers) worker.join();
    loop.run_ready();
    EXPECT_GT(looks, 0U);
    EXPECT_EQ(ledger.out_of_order(), 0U);
    for (std::size_t t = 0; t < threads; ++t) EXPECT_EQ(ledger.seen(t), posted[t]) << "thread " << t;
}

// ---- wake-ups -----------------------------------------------------------------------------------

TEST(Ownership, a_post_from_whoever_had_the_loop_wakes_it_from_its_sleep_on_another_thread) {
    IOLoop loop(on_its_own());
    constexpr int rounds = 50;
    int ran = 0;
    for (int round = 1; round <= rounds; ++round) {
        run_once_if_free(loop); // it belongs to this thread
        std::atomic<bool> begun{false};
        std::thread sleeper([&] {
            begun = true;
            do loop.run_once(10s);
            while (ran < round);
        });
        while (!begun) std::this_thread::yield();
        const auto posted_at = std::chrono::steady_clock::now();
        loop.add_callback([&ran] { ++ran; });
        sleeper.join();
        EXPECT_LT(std::chrono::steady_clock::now() - posted_at, 9s) << "nobody woke it";
    }
    EXPECT_EQ(ran, rounds);
}

TEST(Ownership, a_stop_from_whoever_had_the_loop_ends_the_run_of_another_thread) {
    IOLoop loop(on_its_own());
    for (int round = 0; round < 100; ++round) {
        run_once_if_free(loop);
        std::thread runner([&] { loop.start(); });
        loop.stop();
        runner.join();
    }
}

TEST(Ownership, a_host_waker_may_wait_for_a_lock_that_is_held_by_who_runs_the_loop_next) {
    IOLoop loop(on_its_own());
    std::mutex hosts;
    std::atomic<bool> ringing{false};
    loop.set_host_waker([&] {
        ringing = true;
        const std::lock_guard lock(hosts);
    });
    loop.run_once(); // it belongs to this thread
    int ran = 0;
    std::atomic<bool> locked{false};
    std::thread host([&] {
        const std::lock_guard lock(hosts);
        locked = true;
        while (!ringing) std::this_thread::yield();
        loop.run_once();
    });
    while (!locked) std::this_thread::yield();
    loop.add_callback([&ran] { ++ran; });
    host.join();
    EXPECT_EQ(ran, 1);
    loop.set_host_waker(nullptr);
}

#if !defined(_WIN32)
TEST(Ownership, a_host_that_pumps_after_a_wake_up_in_vain_is_woken_by_the_next_post) {
    // A post may be found by a run before its poster comes to wake the host, which then is woken for nothing. The turn that
    // it makes for that must leave the loop as ready to be woken as it was.
    IOLoop loop(on_its_own());
    const Fd handle = loop.native_handle();
    if (handle == invalid_fd) GTEST_SKIP() << "the poller has no handle";
    std::atomic<int> ran{0};
    std::atomic<bool> enough{false};
    std::thread poster([&] {
        for (int posted = 0; !enough; ++posted) {
            loop.add_callback([&ran] { ran = ran + 1; });
            while (ran <= posted && !enough) {}
        }
    });
    int slept_in_vain = 0;
    const auto end = std::chrono::steady_clock::now() + long_enough;
    while (std::chrono::steady_clock::now() < end && slept_in_vain == 0) {
        for (int pumps = 0; pumps < 40; ++pumps) loop.run_once();
        pollfd host{handle, POLLIN, 0};
        // The poster is never done: sooner or later there is a post, and it wakes.
        if (::poll(&host, 1, 5'000) == 0) ++slept_in_vain;
    }
    enough = true;
    poster.join();
    EXPECT_EQ(slept_in_vain, 0) << "after " << ran << " posts";
}
#endif

// ---- the end ------------------------------------------------------------------------------------

TEST(Ownership, a_loop_that_is_closed_by_whoever_comes_runs_or_drops_each_post_once) {
    constexpr std::size_t threads = 3;
    const auto end = std::chrono::steady_clock::now() + long_enough;
    while (std::chrono::steady_clock::now() < end) {
        auto loop = std::make_unique<IOLoop>(on_its_own());
        const Poster to_loop(*loop);
        std::atomic<std::uint64_t> destroyed{0};
        std::atomic<std::uint64_t> made{0};
        std::atomic<bool> dropped{false};
        std::vector<std::thread> workers;
        std::mutex turns;
        for (std::size_t t = 0; t < threads; ++t) {
            workers.emplace_back([&, t, poster = to_loop] {
                for (int i = 0; !dropped || i < 100; ++i) {
                    ++made;
                    const bool accepted = poster.add_callback(
                        [life = std::shared_ptr<void>(nullptr, [&](void*) { ++destroyed; })] {});
                    if (!accepted) break;
                    const std::unique_lock turn(turns, std::try_to_lock);
                    if (!turn || dropped) continue;
                    loop->run_once();
                    if (t == 0 && i > 20) {
                        dropped = true;
                        if (i % 2 == 0) loop->close();
                        loop.reset(); // others are on their way in
                    }
                }
            });
        }
        for (std::thread& worker : workers) worker.join();
        if (loop != nullptr) loop.reset();
        EXPECT_EQ(destroyed, made);
    }
}

#if !defined(_WIN32) && !UNDER_THREAD_SANITIZER // which has no forks of processes with threads
TEST(Ownership, a_forked_child_may_destroy_its_copy_of_a_loop_that_a_thread_was_pumping) {
    for (int round = 0; round < 10; ++round) {
        auto loop = std::make_unique<IOLoop>(on_its_own());
        std::atomic<int> pumped{0};
        std::atomic<bool> enough{false};
        std::thread pump([&] {
            for (; !enough; ++pumped) run_once_if_free(*loop);
        });
        while (pumped < 100) std::this_thread::yield();
        const pid_t child = ::fork();
        if (child == 0) {
            ::alarm(5);
            loop.reset();
            ::_exit(0);
        }
        enough = true;
        pump.join();
        int status = -1;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_EQ(status, 0) << "it waited for a thread that it does not have";
    }
}
#endif

TEST(Ownership, a_callable_may_destroy_the_loop_while_others_post) {
    const auto end = std::chrono::steady_clock::now() + long_enough;
    while (std::chrono::steady_clock::now() < end) {
        auto loop = std::make_unique<IOLoop>(on_its_own());
        const Poster to_loop(*loop);
        std::atomic<std::uint64_t> destroyed{0};
        std::atomic<std::uint64_t> made{0};
        std::vector<std::thread> workers;
        for (int t = 0; t < 2; ++t) {
            workers.emplace_back([&, poster = to_loop] {
                do {
                    ++made;
                    std::this_thread::yield(); // so that the loop keeps up with them
                } while (poster.add_callback(
                    [life = std::shared_ptr<void>(nullptr, [&](void*) { ++destroyed; })] {}));
            });
        }
        std::thread runner([&] {
            for (int turn = 0; turn < 3; ++turn) loop->run_once();
            loop->add_callback([&] { loop.reset(); });
            IOLoop* const raw = loop.get();
            raw->start();
        });
        runner.join();
        for (std::thread& worker : workers) worker.join();
        EXPECT_EQ(loop, nullptr);
        EXPECT_EQ(destroyed, made);
    }
}

} // namespace
