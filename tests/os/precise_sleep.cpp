// SPDX-License-Identifier: MIT
/// The timer slack of the thread that waits: out of the way while it sleeps, and afterwards what it was.
#include "support/poller_contract.hpp"
#include "support/sanitizers.hpp"

#include <atomic>
#include <thread>
#include <vector>

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

constexpr int usual = 50'000;

int slack() { return ::prctl(PR_GET_TIMERSLACK, 0UL, 0UL, 0UL, 0UL); }
void set_slack(unsigned long ns) { ::prctl(PR_SET_TIMERSLACK, ns, 0UL, 0UL, 0UL); }

/// That of this thread when the latest signal came.
volatile sig_atomic_t slack_in_handler = -1;

class PreciseSleepOf : public testing::TestWithParam<PollerKind> {
protected:
    PreciseSleepOf() {
        set_slack(usual);
        if (slack() != usual) return; // a real-time thread
        struct sigaction action {};
        action.sa_handler = [](int) { slack_in_handler = slack(); };
        ::sigaction(SIGUSR1, &action, &before_);
    }
    ~PreciseSleepOf() override {
        ::sigaction(SIGUSR1, &before_, nullptr);
        set_slack(0); // the default
    }

    /// That of this thread while it sleeps, as a signal finds it.
    int slack_asleep(Duration timeout) {
        slack_in_handler = -1;
        const pthread_t me = ::pthread_self();
        std::atomic<bool> done{false};
        std::thread other([&] {
            std::this_thread::sleep_for(5ms);
            ::pthread_kill(me, SIGUSR1);
            done = true;
        });
        std::vector<Ready> ready(4);
        std::size_t count = 0;
        while (!done) poller->wait(ready, timeout, count);
        other.join();
        return slack_in_handler;
    }

    std::unique_ptr<Poller> poller = make_poller(GetParam());

private:
    struct sigaction before_ {};
};

INSTANTIATE_TEST_SUITE_P(All, PreciseSleepOf, testing::ValuesIn(available_pollers()), poller_title);

} // namespace

TEST_P(PreciseSleepOf, a_poller_has_no_slack_for_as_long_as_it_lasts) {
    if (slack() != usual) GTEST_SKIP() << "this thread has no slack";
    if (GetParam() == PollerKind::kqueue) GTEST_SKIP() << "on a system with slack it is an emulation";
#if UNDER_THREAD_SANITIZER
    GTEST_SKIP() << "which calls signal handlers when it sees fit";
#endif
    // The signal may come between two sleeps.
    int asleep = usual;
    for (int i = 0; i < 100 && asleep == usual; ++i) asleep = slack_asleep(30ms);
    EXPECT_EQ(asleep, 1);
    EXPECT_EQ(slack(), usual);
}

TEST_P(PreciseSleepOf, a_poller_leaves_the_slack_as_it_was_however_it_ends) {
    if (slack() != usual) GTEST_SKIP() << "this thread has no slack";
    wait(*poller, 1ms);
    EXPECT_EQ(slack(), usual) << "its time was over";
    poller->wake();
    wait(*poller, 10ms);
    EXPECT_EQ(slack(), usual) << "woken";
    wait(*poller, no_wait);
    poller->wake();
    wait(*poller, forever);
    EXPECT_EQ(slack(), usual) << "without end";
}

TEST_P(PreciseSleepOf, a_poller_respects_what_somebody_chose) {
    for (const int chosen : {7'000, 200'000}) {
        set_slack(static_cast<unsigned long>(chosen));
        if (slack() != chosen) GTEST_SKIP() << "this thread has no slack";
        EXPECT_EQ(slack_asleep(30ms), chosen);
        EXPECT_EQ(slack(), chosen);
    }
}

TEST_P(PreciseSleepOf, a_poller_is_not_worth_it_if_it_is_long) {
    if (slack() != usual) GTEST_SKIP() << "this thread has no slack";
    std::thread waker([&] {
        std::this_thread::sleep_for(20ms);
        poller->wake();
    });
    EXPECT_EQ(slack_asleep(60s), usual);
    waker.join();
}
