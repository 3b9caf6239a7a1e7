// SPDX-License-Identifier: MIT
// native_handle(Deadlines::included): a host that waits for one descriptor, and needs no timeout.
#include "support/forwarding_poller.hpp"
#include "support/os.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <functional>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include <gtest/gtest.h>
#if !defined(_WIN32)
#include <sys/wait.h>
#include <unistd.h>
#endif

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using os::readable;

/// What is asked of the poller: SimWorld writes down how its alarm is set.
class Alarm : public testing::Test {
protected:
    void SetUp() override {
        if (handle == invalid_fd) GTEST_SKIP() << "no poller of this platform has a handle";
        world.alarms = 0;
    }

    SimWorld world;
    const PollerKind kind = available_pollers().front();
    IOLoop loop{world.options(kind)};
    const Fd handle = loop.native_handle(Deadlines::included);
};

/// A poller that grants so many alarms, and no more.
class SparingPoller final : public ForwardingPoller {
public:
    SparingPoller(PollerKind kind, int alarms) : ForwardingPoller(make_poller(kind)), left_(alarms) {}
    bool set_alarm(Duration in) noexcept override { return left_-- > 0 && ForwardingPoller::set_alarm(in); }

private:
    int left_;
};

TEST(NoAlarm, of_the_poller_means_no_handle_with_deadlines) {
    SimWorld world;
    for (const PollerKind kind : available_pollers()) {
        IOLoop::Options options = world.options();
        options.custom_poller = std::make_unique<SparingPoller>(kind, 0);
        IOLoop other(std::move(options));
        EXPECT_EQ(other.native_handle(Deadlines::included), invalid_fd) << name_of(kind);
        other.call_later(0s, [] {});
        EXPECT_EQ(other.native_handle() != invalid_fd, make_poller(kind)->native_handle() != invalid_fd)
            << "the handle without them is there as ever: " << name_of(kind);
    }
}

TEST(NoAlarm, is_set_for_whoever_did_not_ask_for_deadlines) {
    SimWorld world;
    IOLoop loop(world.options());
    loop.native_handle();
    const Timeout timeout = loop.call_later(1h, [] {});
    loop.update_timeout(timeout, world.now() + 2h);
    loop.run_once();
    loop.suspend();
    loop.resume();
    loop.remove_timeout(timeout);
    EXPECT_EQ(world.alarms, 0);
}

TEST_F(Alarm, is_the_handle_that_there_is_anyway) {
    EXPECT_EQ(loop.native_handle(), handle);
    EXPECT_EQ(loop.native_handle(Deadlines::included), handle);
    EXPECT_EQ(world.alarms, 0);
    loop.call_later(1h, [] {});
    EXPECT_EQ(world.alarm, 1h) << "asking for the other one is not taking it back";
}

TEST_F(Alarm, follows_the_first_deadline_between_run_calls) {
    const Timeout hour = loop.call_later(1h, [] {});
    EXPECT_EQ(world.alarm, 1h);
    const Timeout minute = loop.call_later(1min, [] {});
    EXPECT_EQ(world.alarm, 1min) << "an earlier one is armed";
    loop.update_timeout(hour, world.now() + 1s);
    EXPECT_EQ(world.alarm, 1s) << "moved earlier";
    loop.update_timeout(hour, world.now() + 3h);
    EXPECT_EQ(world.alarm, 1min) << "moved later";
    loop.remove_timeout(minute);
    EXPECT_EQ(world.alarm, 3h) << "removed";
    loop.remove_timeout(hour);
    EXPECT_EQ(world.alarm, forever);
    EXPECT_EQ(world.alarms, 6);
}

TEST_F(Alarm, follows_at_the_end_of_a_run_call_what_was_changed_in_it) {
    Timeout hour = loop.call_later(1h, [] {});
    world.alarms = 0;
    loop.add_callback([&] {
        loop.update_timeout(hour, world.now() + 2h);
        for (int i = 0; i < 10; ++i) loop.call_later(1h - 1min * i, [] {});
        EXPECT_EQ(world.alarms, 0) << "not each time";
    });
    loop.run_once();
    EXPECT_EQ(world.alarm, 51min);
    EXPECT_EQ(world.alarms, 1);
}

TEST_F(Alarm, is_set_when_a_timeout_re_armed_itself) {
    Timeout timeout;
    timeout = loop.call_later(1s, [&] { loop.update_timeout(timeout, world.now() + 5s); });
    loop.run_once(forever);
    EXPECT_EQ(world.elapsed(), 1s);
    EXPECT_EQ(world.alarm, 5s);
}

TEST_F(Alarm, that_is_set_already_costs_no_system_call) {
    loop.call_later(1h, [] {});
    EXPECT_EQ(world.alarms, 1);
    for (int i = 0; i < 10; ++i) {
        loop.run_once();
        loop.remove_timeout(loop.call_later(2h, [] {}));
        loop.add_callback([] {});
        loop.native_handle(Deadlines::included);
    }
    EXPECT_EQ(world.alarms, 1);
}

TEST_F(Alarm, sees_what_was_armed_before_it_was_asked_for) {
    IOLoop other(world.options(kind));
    other.call_later(7s, [] {});
    other.native_handle(Deadlines::included);
    EXPECT_EQ(world.alarm, 7s);
}

TEST_F(Alarm, asked_for_inside_a_turn_is_set_at_its_end) {
    IOLoop other(world.options(kind));
    other.call_later(7s, [] {});
    other.add_callback([&] {
        EXPECT_EQ(other.native_handle(Deadlines::included), other.native_handle());
        EXPECT_EQ(world.alarm, forever);
    });
    other.run_once();
    EXPECT_EQ(world.alarm, 7s);
}

TEST_F(Alarm, is_off_while_time_stands_still_and_has_as_long_to_go_after_it) {
    loop.call_later(10s, [] {});
    loop.suspend();
    EXPECT_EQ(world.alarm, forever);
    world.advance(1h);
    loop.resume();
    EXPECT_EQ(world.alarm, 10s);
    loop.set_paused(true);
    EXPECT_EQ(world.alarm, forever);
    world.advance(1h);
    loop.call_later(5s, [] {});
    EXPECT_EQ(world.alarm, forever);
    loop.set_paused(false);
    EXPECT_EQ(world.alarm, 5s);
}

TEST_F(Alarm, of_what_was_due_already_rings_in_a_suspended_loop_which_would_run_it_but_not_in_a_paused_one) {
    loop.call_later(1s, [] {});
    world.advance(2s);
    loop.set_paused(true);
    EXPECT_EQ(loop.next_deadline(), never);
    EXPECT_EQ(world.alarm, forever);
    loop.suspend();
    loop.set_paused(false);
    EXPECT_EQ(world.alarm, no_wait);
    EXPECT_TRUE(readable(handle, 10'000));
    EXPECT_EQ(loop.run_once().timeouts, 1U);
    EXPECT_FALSE(readable(handle));
}

TEST_F(Alarm, of_a_pause_that_another_thread_ends_is_set_by_the_run_call_that_it_asks_for) {
    loop.call_later(10s, [] {});
    loop.set_paused(true);
    EXPECT_FALSE(readable(handle));
    std::thread([&] { loop.set_paused(false); }).join();
    EXPECT_TRUE(readable(handle));
    loop.run_once();
    EXPECT_EQ(world.alarm, 10s);
}

TEST_F(Alarm, rings_in_real_time_and_until_a_turn_has_dealt_with_the_deadline) {
    bool called = false;
    loop.call_later(1ms, [&] { called = true; });
    EXPECT_TRUE(readable(handle, 10'000));
    EXPECT_TRUE(readable(handle));
    world.advance(1ms);
    loop.run_once();
    EXPECT_TRUE(called);
    EXPECT_FALSE(readable(handle));
}

TEST_F(Alarm, that_rang_too_early_for_the_loops_clock_is_set_again) {
    loop.call_later(1ms, [] {});
    EXPECT_TRUE(readable(handle, 10'000));
    EXPECT_EQ(loop.run_once().timeouts, 0U) << "this world's clock stands still";
    EXPECT_TRUE(readable(handle, 10'000)) << "the host comes again, and misses nothing";
    world.advance(1ms);
    EXPECT_EQ(loop.run_once().timeouts, 1U);
    EXPECT_FALSE(readable(handle));
}

TEST_F(Alarm, of_a_deadline_that_came_during_the_turn_rings_at_once) {
    loop.call_later(1h, [] {});
    loop.add_callback([&] { world.advance(2h); });
    loop.run_once();
    EXPECT_EQ(loop.statistics().timeouts, 1U) << "it was not due when the turn looked";
    EXPECT_TRUE(readable(handle, 10'000));
    loop.run_once();
    EXPECT_FALSE(readable(handle));
}

TEST_F(Alarm, that_is_due_but_has_not_rung_is_taken_back_with_its_timeout) {
    const Timeout timeout = loop.call_later(0s, [] {});
    EXPECT_TRUE(readable(handle, 10'000));
    loop.remove_timeout(timeout);
    EXPECT_FALSE(readable(handle));
    EXPECT_EQ(loop.next_deadline(), never);
}

TEST_F(Alarm, survives_a_loop_that_has_to_rebuild_its_poller) {
    loop.call_later(1h, [] {});
    SocketPair other;
    loop.add_handler(
        other.a, [](Fd, Events) {}, Events::read);
    const Fd duplicate = os::duplicate(other.a);
    const Fd number = other.a;
    other.send_to_a();
    other.close_a(); // while a duplicate lives: epoll goes on about it
    loop.remove_handler(number);
    for (int i = 0; i < 3; ++i) loop.run_once();
    loop.call_later(1ms, [] {});
    EXPECT_TRUE(readable(handle, 10'000));
    os::close(duplicate);
}

TEST_F(Alarm, that_the_system_refuses_later_on_is_rather_a_host_that_comes_too_often) {
    IOLoop::Options options = world.options();
    options.custom_poller = std::make_unique<SparingPoller>(kind, 1);
    IOLoop other(std::move(options));
    const Fd of_other = other.native_handle(Deadlines::included);
    EXPECT_FALSE(readable(of_other));
    other.call_later(1h, [] {});
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(readable(of_other));
        other.run_once();
    }
}

TEST_F(Alarm, of_a_closed_loop_is_nobodys) {
    const Timeout timeout = loop.call_later(1h, [] {});
    loop.set_paused(true);
    world.alarms = 0;
    loop.close();
    EXPECT_FALSE(loop.remove_timeout(timeout));
    loop.set_paused(false);
    EXPECT_EQ(world.alarms, 0);
}

#if !defined(_WIN32)
TEST_F(Alarm, is_not_touched_by_a_forked_child) {
    const Timeout timeout = loop.call_later(1h, [] {});
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        loop.update_timeout(timeout, world.now()); // of its copy; the poller is its parent's
        ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_FALSE(readable(handle));
}
#endif

/// What it is for, over each poller and the system's clock: a host that waits for one descriptor, and no longer.
TEST(AlarmInRealTime, a_host_that_waits_for_the_handle_alone_misses_no_deadline_and_does_not_spin) {
    for (const PollerKind kind : available_pollers()) {
        IOLoop::Options options;
        options.poller = kind;
        options.make_current = MakeCurrent::never;
        IOLoop real(std::move(options));
        const Fd handle = real.native_handle(Deadlines::included);
        if (handle == invalid_fd) continue;

        int left = 60;
        const std::function<void()> arm_some = [&] {
            if (--left <= 0) return;
            const Timeout moved = real.call_later(1h, arm_some);
            const Timeout idle = real.call_later(500us, [] { ADD_FAILURE() << "it was removed"; });
            const TimePoint deadline = real.time() + 700us * (left % 4);
            if (left % 2 == 0) real.call_at(deadline, [&, deadline] { EXPECT_GE(real.time(), deadline); });
            real.update_timeout(moved, deadline);
            real.remove_timeout(idle);
        };
        arm_some();
        int waits = 0;
        while (left > 0) {
            ASSERT_TRUE(readable(handle, 10'000)) << "a deadline was missed, over " << name_of(kind);
            ++waits;
            real.run_once();
        }
        EXPECT_LE(waits, 4 * 60) << name_of(kind);
        EXPECT_EQ(real.next_deadline(), never);
        EXPECT_FALSE(readable(handle));
    }
}

} // namespace
