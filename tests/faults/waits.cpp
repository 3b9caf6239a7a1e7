// SPDX-License-Identifier: MIT
// Waits that fail, end early, or do not end: nothing is lost, nothing is early, and a wait that can not go on says so.
#include "support/faults.hpp"
#include "support/os.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <atomic>
#include <cerrno>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using testing::HasSubstr;

/// Those whose system calls are in the seam.
std::vector<PollerKind> real_pollers() {
    std::vector<PollerKind> kinds = available_pollers();
    std::erase_if(kinds,
                  [](PollerKind kind) { return kind == PollerKind::null || kind == PollerKind::kqueue; });
    return kinds;
}

/// A clock that tests set, over a real poller: the sleeps are real, and short.
class SetClock final : public Clock {
public:
    TimePoint now() const noexcept override { return TimePoint(now_.load()); }
    void move(Duration by) { now_ = now_.load() + by; }

private:
    std::atomic<Duration> now_{1000s};
};

class Waits : public testing::TestWithParam<PollerKind> {
protected:
    IOLoop loop{options()};
    SocketPair pair;
    int calls = 0;

    IOLoop::Options options(Clock* clock = nullptr) const {
        IOLoop::Options made;
        made.poller = GetParam();
        made.make_current = MakeCurrent::never;
        made.clock = clock;
        return made;
    }
    void SetUp() override {
        loop.add_handler(
            pair.a,
            [this](Fd, Events) {
                ++calls;
                pair.read_a();
            },
            Events::read, "peer");
    }
    /// What the kernel is asked with, when it may sleep, and when it may not.
    const char* look() const {
        switch (GetParam()) {
        case PollerKind::poll: return "ppoll";
        case PollerKind::select: return "pselect";
        default: return "epoll_wait";
        }
    }
    const char* sleep() const {
        return GetParam() == PollerKind::poll || GetParam() == PollerKind::select ? look() : "epoll_pwait2";
    }
};

TEST_P(Waits, a_storm_of_signals_delays_a_wait_and_ends_it_no_sooner) {
    const Faults faults{{.call = sleep(), .error = EINTR, .after = 0, .times = 1000}};
    bool fired = false;
    const TimePoint deadline = loop.time() + 20ms;
    loop.call_at(deadline, [&] { fired = true; });
    const Turn turn = loop.run_once(10s);
    EXPECT_TRUE(fired);
    EXPECT_GE(loop.time(), deadline);
    EXPECT_EQ(turn.timeouts, 1U);
    EXPECT_EQ(loop.statistics().interrupts, 1000U);
}

TEST_P(Waits, a_look_that_is_interrupted_is_made_again) {
    pair.send_to_a();
    const Faults faults{{.call = look(), .error = EINTR, .after = 0, .times = 5}};
    EXPECT_EQ(loop.run_once().handlers, 1U);
}

TEST_P(Waits, a_wait_that_fails_is_thrown_and_the_next_one_finds_all_that_there_was) {
    for (const int error : {ENOMEM, EINVAL}) {
        loop.add_callback([this] { ++calls; });
        bool fired = false;
        loop.call_later(0s, [&] { fired = true; });
        pair.send_to_a();
        calls = 0;
        {
            // Not more: a glance that fails is looked at once more, in full.
            const Faults faults{{.call = look(), .error = error, .after = 0, .times = 2}};
            try {
                loop.run_once();
                FAIL() << "it did not fail";
            } catch (const std::system_error& failed) {
                EXPECT_EQ(failed.code(), std::error_code(error, std::system_category()));
                EXPECT_THAT(failed.what(), HasSubstr(std::string(name_of(GetParam()))));
            }
        }
        EXPECT_EQ(calls, 0);
        EXPECT_FALSE(loop.in_call());
        const Turn turn = loop.run_once();
        EXPECT_EQ(turn.handlers, 1U);
        EXPECT_EQ(turn.callbacks, 1U);
        EXPECT_TRUE(fired);
    }
}

TEST_P(Waits, start_that_can_not_wait_throws_and_can_be_called_again) {
    {
        const Faults faults{{.call = look(), .error = ENOMEM}, {.call = sleep(), .error = ENOMEM}};
        EXPECT_THROW(loop.start(), std::system_error);
    }
    EXPECT_FALSE(loop.running());
    loop.call_later(1ms, [this] { loop.stop(); });
    loop.start();
}

TEST_P(Waits, a_wake_that_is_interrupted_arrives) {
    const Faults faults{{.call = "wake", .error = EINTR, .after = 0, .times = 3}};
    std::atomic<bool> ran = false;
    std::thread poster([&] {
        while (faults.met(sleep()) == 0 && faults.met("wake") == 0) {
            loop.add_callback([&] { ran = true; });
            std::this_thread::yield();
            if (ran) break;
        }
    });
    while (!ran) loop.run_once(10s);
    poster.join();
}

TEST_P(Waits, a_wake_event_that_is_full_is_set_as_it_is) {
    const Faults faults{{.call = "wake", .error = EAGAIN, .after = 1}};
    loop.wake();
    loop.wake(); // of the second nothing is written, and nothing has to be
    EXPECT_EQ(loop.run_once(10s).calls(), 0U);
    loop.wake();
    EXPECT_EQ(loop.run_once(10s).calls(), 0U);
}

TEST_P(Waits, a_wake_for_nothing_is_a_turn_without_calls) {
    for (int i = 0; i < 10; ++i) {
        loop.wake();
        EXPECT_EQ(loop.run_once(10s).ended, Ended::idle);
    }
    bool fired = false;
    const TimePoint deadline = loop.time() + 5ms;
    loop.call_at(deadline, [&] { fired = true; });
    while (!fired) {
        loop.wake();
        loop.run_once(10s);
    }
    EXPECT_GE(loop.time(), deadline);
}

TEST_P(Waits, a_wake_that_is_lost_delays_a_post_until_the_next_wait_ends_and_no_longer) {
    const Faults faults{{.call = "wake", .after = 0, .times = 1000, .does_nothing = true}};
    std::atomic<bool> ran = false;
    std::thread([&] { loop.add_callback([&] { ran = true; }); }).join();
    loop.run_once();
    EXPECT_TRUE(ran); // it was queued before
    ran = false;
    std::thread poster;
    loop.call_later(20ms, [] {}); // ends the wait
    poster = std::thread([&] { loop.add_callback([&] { ran = true; }); });
    for (int turn = 0; turn < 3 && !ran; ++turn) loop.run_once(1s);
    poster.join();
    if (!ran) loop.run_once();
    EXPECT_TRUE(ran);
}

TEST_P(Waits, what_can_not_be_read_from_the_wake_event_is_a_turn_without_calls_once_more) {
    loop.wake();
    {
        const Faults faults{{.call = "woken", .error = EAGAIN}};
        EXPECT_EQ(loop.run_once(10s).ended, Ended::idle);
    }
    EXPECT_EQ(loop.run_once(10s).ended, Ended::idle); // it is still set
    bool fired = false;
    loop.call_later(1ms, [&] { fired = true; });
    loop.run_once(10s);
    EXPECT_TRUE(fired);
}

TEST_P(Waits, a_clock_that_jumps_ahead_fires_what_is_due_once_and_in_order) {
    SetClock clock;
    IOLoop jumping(options(&clock));
    std::vector<int> order;
    for (const int delay : {30, 10, 20})
        jumping.call_later(delay * 1s, [&order, delay] { order.push_back(delay); });
    int beats = 0;
    PeriodicCallback beat(
        jumping, 1s, [&] { ++beats; }, "beat");
    beat.start();
    jumping.run_once();
    EXPECT_TRUE(order.empty());
    clock.move(24h * 365 * 100);
    jumping.run_once();
    EXPECT_EQ(order, (std::vector{10, 20, 30}));
    EXPECT_EQ(beats, 1); // what was missed is skipped
    for (int turn = 0; turn < 5; ++turn) jumping.run_once();
    EXPECT_EQ(order.size(), 3U);
    EXPECT_EQ(beats, 1);
    clock.move(1s);
    jumping.run_once();
    EXPECT_EQ(beats, 2);
}

TEST_P(Waits, a_clock_that_goes_back_against_its_promise_delays_and_loses_nothing) {
    SetClock clock;
    IOLoop jumping(options(&clock));
    bool fired = false;
    jumping.call_later(10s, [&] { fired = true; });
    bool posted = false;
    clock.move(5s);
    jumping.run_once();
    clock.move(-8s);
    jumping.add_callback([&] { posted = true; });
    jumping.run_once();
    EXPECT_TRUE(posted);
    EXPECT_FALSE(fired);
    clock.move(12s); // nine since it was armed
    jumping.run_once();
    EXPECT_FALSE(fired);
    clock.move(1s);
    jumping.run_once();
    EXPECT_TRUE(fired);
}

INSTANTIATE_TEST_SUITE_P(All, Waits, testing::ValuesIn(real_pollers()),
                         [](const testing::TestParamInfo<PollerKind>& tested) {
                             return std::string(name_of(tested.param));
                         });

} // namespace
