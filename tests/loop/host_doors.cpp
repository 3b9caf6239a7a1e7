// SPDX-License-Identifier: MIT
// How a host learns that the loop wants to run: the handle, the next deadline, and the host waker.
#include "support/forwarding_poller.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using os::readable;

class HostDoors : public testing::Test {
protected:
    SimWorld world;
    IOLoop loop{world.options()};
    SocketPair pair;
    int rings = 0;

    static void on_another_thread(const std::function<void()>& f) { std::thread(f).join(); }
};

// ---- next_deadline ------------------------------------------------------------------------------

TEST_F(HostDoors, the_next_deadline_is_that_of_the_first_timeout) {
    EXPECT_EQ(loop.next_deadline(), never);
    loop.call_later(5s, [] {});
    loop.call_later(3s, [] {});
    EXPECT_EQ(loop.next_deadline(), world.now() + 3s);
}

TEST_F(HostDoors, the_next_deadline_is_now_while_work_is_queued_or_a_stop_waits_to_be_told) {
    loop.add_callback([] {});
    EXPECT_EQ(loop.next_deadline(), world.now());
    loop.run_once();
    EXPECT_EQ(loop.next_deadline(), never);
    on_another_thread([&] { loop.add_callback([] {}); });
    EXPECT_EQ(loop.next_deadline(), world.now());
    loop.run_once();
    loop.stop();
    EXPECT_EQ(loop.next_deadline(), world.now());
}

TEST_F(HostDoors, the_time_to_the_deadline_is_what_a_host_may_wait) {
    EXPECT_EQ(loop.time_to_deadline(), forever);
    const Timeout timeout = loop.call_later(3s, [] {});
    EXPECT_EQ(loop.time_to_deadline(), 3s);
    world.advance(5s);
    EXPECT_EQ(loop.time_to_deadline(), 0s);
    loop.remove_timeout(timeout);
    loop.add_callback([] {});
    EXPECT_EQ(loop.time_to_deadline(), 0s);
    loop.set_paused(true);
    EXPECT_EQ(loop.time_to_deadline(), forever);
}

TEST_F(HostDoors, work_that_waits_leaves_no_time_also_by_a_clock_that_runs) {
    IOLoop real;
    real.add_callback([] {});
    for (int i = 0; i < 100; ++i) ASSERT_EQ(real.time_to_deadline(), 0s);
}

// ---- native_handle ------------------------------------------------------------------------------

TEST_F(HostDoors, a_poller_without_a_handle_says_so) {
    for (const PollerKind kind : available_pollers()) {
        if (kind != PollerKind::poll && kind != PollerKind::wsapoll && kind != PollerKind::null) continue;
        IOLoop other(world.options(kind));
        EXPECT_EQ(other.native_handle(), invalid_fd) << name_of(kind);
    }
}

/// Over a poller that has a handle, whatever the environment says.
class Handle : public HostDoors {
protected:
    void SetUp() override {
        if (handle == invalid_fd) GTEST_SKIP() << "no poller of this platform has a handle";
    }

    const PollerKind kind = available_pollers().front();
    IOLoop loop{world.options(kind)};
    Fd handle = loop.native_handle();
};

TEST_F(Handle, is_readable_while_a_descriptor_is_ready) {
    loop.add_handler(
        pair.a, [&](Fd, Events) { pair.read_a(); }, Events::read);
    EXPECT_FALSE(readable(handle));
    pair.send_to_a();
    EXPECT_TRUE(readable(handle));
    loop.run_once();
    EXPECT_FALSE(readable(handle));
}

TEST_F(Handle, becomes_readable_by_a_post_a_stop_or_a_wake_of_another_thread) {
    on_another_thread([&] { loop.add_callback([] {}); });
    EXPECT_TRUE(readable(handle));
    loop.run_once();
    EXPECT_FALSE(readable(handle));
    on_another_thread([&] { loop.stop(); });
    EXPECT_TRUE(readable(handle));
    loop.run_once();
    EXPECT_FALSE(readable(handle));
    on_another_thread([&] { loop.wake(); });
    EXPECT_TRUE(readable(handle));
    loop.run_once();
    EXPECT_FALSE(readable(handle));
}

TEST_F(Handle, is_readable_while_callbacks_are_left_for_the_next_turn) {
    loop.add_callback([&] { loop.add_callback([] {}); });
    loop.run_once();
    EXPECT_TRUE(readable(handle));
    loop.run_once();
    EXPECT_FALSE(readable(handle));
}

TEST_F(Handle, is_readable_while_a_turn_is_unfinished) {
    loop.add_callback([] {});
    loop.add_callback([] {});
    loop.run_once(no_wait, Budget{forever, 1});
    EXPECT_TRUE(readable(handle));
}

TEST_F(Handle, sees_what_was_posted_before_it_was_asked_for) {
    IOLoop other(world.options(kind));
    other.add_callback([] {});
    EXPECT_TRUE(readable(other.native_handle()));
}

TEST_F(Handle, is_quiet_while_nothing_happens) {
    loop.call_later(1h, [] {});
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read);
    for (int i = 0; i < 3; ++i) loop.run_once();
    EXPECT_FALSE(readable(handle));
}

// ---- the host waker -----------------------------------------------------------------------------

TEST_F(HostDoors, a_post_between_run_calls_rings_the_host_once_until_the_next_run_call) {
    loop.set_host_waker([&] { ++rings; });
    on_another_thread([&] {
        for (int i = 0; i < 10; ++i) loop.add_callback([] {});
    });
    EXPECT_EQ(rings, 1);
    loop.run_once();
    on_another_thread([&] { loop.add_callback([] {}); });
    EXPECT_EQ(rings, 2);
}

TEST_F(HostDoors, a_stop_between_run_calls_rings_the_host) {
    loop.set_host_waker([&] { ++rings; });
    on_another_thread([&] { loop.stop(); });
    EXPECT_EQ(rings, 1);
}

TEST_F(HostDoors, a_post_inside_a_run_call_does_not_ring) {
    loop.set_host_waker([&] { ++rings; });
    loop.run_once(); // takes the bell in
    loop.add_callback([&] {
        rings = 0;
        loop.add_callback([] {});
        on_another_thread([&] { loop.add_callback([] {}); });
    });
    loop.run_ready();
    EXPECT_EQ(rings, 0);
}

/// Does something while the loop is parked, whose run_ call has not returned yet.
class WokenInPark final : public ForwardingPoller {
public:
    explicit WokenInPark(std::function<void()>& f) : on_wake_(f) {}
    void wake() noexcept override {
        if (const auto on_wake = std::exchange(on_wake_, nullptr)) on_wake();
        ForwardingPoller::wake();
    }

private:
    std::function<void()>& on_wake_;
};

TEST_F(HostDoors, who_is_rung_while_the_last_run_call_returns_waits_for_that) {
    std::function<void()> on_wake;
    IOLoop::Options options;
    options.custom_poller = std::make_unique<WokenInPark>(on_wake);
    IOLoop other(std::move(options));
    other.native_handle();
    std::thread runner;
    bool parking = false;
    std::atomic<bool> refused{false};
    std::uint32_t callbacks = 0;
    other.set_host_waker([&] {
        if (!parking) return;
        runner = std::thread([&] {
            try {
                callbacks = other.run_once().callbacks;
            } catch (const std::logic_error&) {
                refused = true;
            }
        });
    });
    other.add_callback([&] {
        other.add_callback([] {}); // left for the next turn: the poller is woken
        on_wake = [&] {
            parking = true;
            std::thread([&] { other.add_callback([] {}); }).join();
            for (int i = 0; i < 1000 && !refused; ++i) std::this_thread::yield(); // would be, by now
        };
    });
    other.run_once();
    ASSERT_TRUE(runner.joinable());
    runner.join();
    EXPECT_FALSE(refused);
    EXPECT_EQ(callbacks, 2U);
}

TEST_F(HostDoors, a_wake_does_not_swallow_the_ring_of_a_later_post) {
    loop.set_host_waker([&] { ++rings; });
    loop.wake();
    on_another_thread([&] { loop.add_callback([] {}); });
    EXPECT_EQ(rings, 1);
}

TEST_F(HostDoors, a_host_waker_can_be_replaced_and_removed) {
    int second = 0;
    loop.set_host_waker([&] { ++rings; });
    loop.set_host_waker([&] { ++second; });
    on_another_thread([&] { loop.add_callback([] {}); });
    loop.run_once();
    loop.set_host_waker(nullptr);
    on_another_thread([&] { loop.add_callback([] {}); });
    EXPECT_EQ(rings, 0);
    EXPECT_EQ(second, 1);
}

TEST_F(HostDoors, when_the_waker_is_gone_a_post_between_runs_wakes_nobody) {
    loop.set_host_waker([] {});
    loop.set_host_waker(nullptr);
    loop.add_callback([] {});
    EXPECT_EQ(world.wakes, 0);
}

TEST_F(HostDoors, close_drops_the_host_waker) {
    auto life = std::make_shared<int>();
    loop.set_host_waker([life] {});
    loop.close();
    EXPECT_EQ(life.use_count(), 1);
    EXPECT_FALSE(loop.add_callback([] {}));
}

TEST_F(HostDoors, after_the_waker_was_replaced_the_old_one_is_not_running) {
    std::atomic<bool> enough{false};
    std::thread poster([&] {
        while (!enough) loop.stop();
    });
    for (int i = 0; i < 300; ++i) {
        auto state = std::make_unique<int>(0); // the sanitizer watches
        loop.set_host_waker([&state] { ++*state; });
        loop.run_once();
        loop.set_host_waker(nullptr);
        state.reset();
    }
    enough = true;
    poster.join();
}

/// The whole protocol: a host that sleeps unless the loop says otherwise never sleeps over a post.
TEST_F(HostDoors, a_host_that_looks_at_the_deadline_and_then_sleeps_until_the_bell_misses_nothing) {
    std::atomic<int> bell{0};
    loop.set_host_waker([&] {
        ++bell;
        bell.notify_one();
    });
    int calls = 0;
    std::thread poster([&] {
        for (int i = 0; i < 3000; ++i) {
            loop.add_callback([&] { ++calls; });
            if (i % 16 == 0) std::this_thread::yield();
        }
    });
    while (calls < 3000) {
        const int heard = bell;
        loop.run_once();
        if (calls < 3000 && loop.next_deadline() == never)
            os::await_change(bell, heard); // would hang if a ring were lost
    }
    poster.join();
}

} // namespace
