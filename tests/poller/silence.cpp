// SPDX-License-Identifier: MIT
/// The contract after a long silence. A poller that has found nothing a few times may ask the kernel no more, and watch
/// another door (epoll, io_uring): none of that may show. One more part of contract.cpp.
#include "support/poller_contract.hpp"

#include <atomic>
#include <thread>
#include <vector>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::IsEmpty;

namespace {

class PollerSilence : public PollerContract {};
class PollerSilentWakes : public PollerTime {};

INSTANTIATE_TEST_SUITE_P(All, PollerSilence, testing::ValuesIn(pollers_with_descriptors()), poller_title);
INSTANTIATE_TEST_SUITE_P(All, PollerSilentWakes, testing::ValuesIn(available_pollers()), poller_title);

} // namespace

TEST_P(PollerSilence, is_broken_by_what_happens) {
    ASSERT_FALSE(poller->add(pair.a, Events::read, 1));
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 100; ++i) ASSERT_THAT(wait(*poller), IsEmpty());
        pair.send_to_a();
        for (int i = 0; i < 3; ++i) ASSERT_EQ(only(wait(*poller), 1), Events::read);
        pair.read_a();
        for (int i = 0; i < 100; ++i) ASSERT_THAT(wait(*poller), IsEmpty());
        poller->wake();
        wait(*poller, 60s);
    }
}

TEST_P(PollerSilence, and_news_may_take_turns_a_thousand_times) {
    ASSERT_FALSE(poller->add(pair.a, Events::read, 1));
    for (int round = 0; round < 1000; ++round) {
        for (int i = 0; i < 10; ++i) ASSERT_THAT(wait(*poller), IsEmpty());
        pair.send_to_a();
        ASSERT_EQ(only(wait(*poller), 1), Events::read);
        pair.read_a();
    }
}

TEST_P(PollerSilence, is_broken_by_what_is_ready_when_it_is_added) {
    for (int i = 0; i < 100; ++i) ASSERT_THAT(wait(*poller), IsEmpty());
    pair.send_to_a();
    ASSERT_FALSE(poller->add(pair.a, Events::read, 1));
    EXPECT_EQ(only(wait(*poller), 1), Events::read);
    ASSERT_FALSE(poller->modify(pair.a, Events::none, 1));
    for (int i = 0; i < 100; ++i) ASSERT_THAT(wait(*poller), IsEmpty());
    ASSERT_FALSE(poller->modify(pair.a, Events::write, 2));
    EXPECT_EQ(only(wait(*poller), 2), Events::write);
}

TEST_P(PollerSilence, may_be_spread_over_several_threads) {
    ASSERT_FALSE(poller->add(pair.a, Events::read, 1));
    const auto silence = [this] {
        for (int i = 0; i < 20; ++i) EXPECT_THAT(wait(*poller), IsEmpty());
    };
    for (int round = 0; round < 3; ++round) {
        silence();
        std::thread(silence).join(); // and ends, with all that is its own
        pair.send_to_a();
        EXPECT_EQ(only(wait(*poller), 1), Events::read);
        pair.read_a();
        std::thread(silence).join();
        pair.send_to_a();
        std::thread([&] { EXPECT_EQ(only(wait(*poller), 1), Events::read); }).join();
        pair.read_a();
    }
}

TEST_P(PollerSilence, may_be_followed_by_sleep) {
    ASSERT_FALSE(poller->add(pair.a, Events::read, 1));
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 20; ++i) ASSERT_THAT(wait(*poller), IsEmpty());
        EXPECT_THAT(wait(*poller, 100us), IsEmpty());
        std::thread other([this] { pair.send_to_a(); });
        EXPECT_EQ(only(wait(*poller, 60s), 1), Events::read);
        other.join();
        for (int i = 0; i < 3; ++i) ASSERT_EQ(only(wait(*poller), 1), Events::read);
        EXPECT_EQ(only(wait(*poller, 60s), 1), Events::read);
        pair.read_a();
    }
}

TEST_P(PollerSilence, may_be_followed_by_a_reset) {
    for (Poller::Key key = 1; key <= 300; ++key) {
        ASSERT_FALSE(poller->add(pair.a, Events::read, key));
        for (int i = 0; i < 10; ++i) ASSERT_THAT(wait(*poller), IsEmpty());
        ASSERT_FALSE(poller->reset());
        if (key % 2 == 0) continue; // the next is quiet, too
        ASSERT_FALSE(poller->add(pair.a, Events::read, key));
        for (int i = 0; i < 10; ++i) ASSERT_THAT(wait(*poller), IsEmpty());
        pair.send_to_a();
        ASSERT_EQ(only(wait(*poller), key), Events::read);
        pair.read_a();
        ASSERT_FALSE(poller->reset());
    }
}

TEST_P(PollerSilence, may_be_the_end) {
    for (int round = 0; round < 20; ++round) {
        const auto first = make_poller(GetParam());
        const auto second = make_poller(GetParam());
        ASSERT_FALSE(first->add(pair.a, Events::read, 1));
        ASSERT_FALSE(second->add(pair.b, Events::read, 2));
        for (int i = 0; i < 10; ++i) {
            ASSERT_THAT(wait(*first), IsEmpty());
            ASSERT_THAT(wait(*second), IsEmpty());
        }
        if (round % 2 == 0) continue;
        pair.send_to_a();
        ASSERT_EQ(only(wait(*first), 1), Events::read);
        ASSERT_THAT(wait(*second), IsEmpty());
        pair.read_a();
    }
}

TEST_P(PollerSilence, may_be_broken_by_another_thread_at_any_moment) {
    constexpr int rounds = 200;
    ASSERT_FALSE(poller->add(pair.a, Events::read, 1));
    std::atomic<int> wanted{0};
    std::thread other([&] {
        for (int round = 1; round <= rounds; ++round) {
            while (wanted.load() < round) std::this_thread::yield();
            // From before it is quiet until well after.
            for (int i = 0; i < round % 100 * 50; ++i) std::atomic_signal_fence(std::memory_order_seq_cst);
            pair.send_to_a();
        }
    });
    int missed = 0;
    for (int round = 1; round <= rounds && missed == 0; ++round) {
        wanted = round;
        const auto begin = steady_clock().now();
        while (wait(*poller).empty()) {
            std::this_thread::yield();
            if (steady_clock().now() - begin > 20s) {
                ++missed;
                break;
            }
        }
        pair.read_a();
    }
    EXPECT_EQ(missed, 0);
    wanted = rounds;
    other.join();
}

TEST_P(PollerSilentWakes, are_taken_by_the_next_wait) {
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 20; ++i) ASSERT_THAT(wait(*poller), IsEmpty());
        poller->wake();
        wait(*poller);
        auto begin = steady_clock().now();
        wait(*poller, 2ms);
        EXPECT_GE(steady_clock().now() - begin, 2ms) << "it was left over";
        for (int i = 0; i < 20; ++i) ASSERT_THAT(wait(*poller), IsEmpty());
        poller->wake();
        begin = steady_clock().now();
        wait(*poller, 60s);
        EXPECT_LT(steady_clock().now() - begin, 30s) << "it was lost";
    }
}
