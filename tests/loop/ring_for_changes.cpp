// SPDX-License-Identifier: MIT
/// The host waker of who waits in the loop's place: it rings when what there is to wait for has changed.
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

class RingForChanges : public testing::Test {
protected:
    SimWorld world;
    IOLoop loop{world.options()};
    int rings = 0;
    void SetUp() override {
        loop.set_host_waker([&] { ++rings; }, RingFor::changes);
    }
};

TEST_F(RingForChanges, an_earlier_deadline_rings_and_a_later_one_does_not) {
    const Timeout first = loop.call_later(10s, [] {});
    EXPECT_EQ(rings, 1);
    loop.call_later(20s, [] {});
    EXPECT_EQ(rings, 1);
    loop.update_timeout(first, world.now() + 5s);
    EXPECT_EQ(rings, 2);
    loop.update_timeout(first, world.now() + 15s);
    loop.remove_timeout(first);
    EXPECT_EQ(rings, 2);
}

TEST_F(RingForChanges, inside_a_run_call_nothing_rings_before_its_end) {
    int rings_inside = -1;
    loop.add_callback([&] {
        rings = 0;
        loop.call_later(1s, [] {});
        loop.call_later(500ms, [] {});
        rings_inside = rings;
    });
    loop.run_once();
    EXPECT_EQ(rings_inside, 0);
    EXPECT_EQ(rings, 1);
}

TEST_F(RingForChanges, who_is_rung_may_run_the_loop_on_another_thread_at_once) {
    bool turned = false;
    std::uint32_t callbacks = 0;
    loop.set_host_waker(
        [&] {
            if (!std::exchange(turned, false)) return;
            std::thread([&] { EXPECT_NO_THROW(callbacks = loop.run_once().callbacks); }).join();
        },
        RingFor::changes);
    loop.add_callback([&] {
        turned = true;
        loop.call_later(1s, [] {}); // something new to wait for
        loop.add_callback([] {});
    });
    EXPECT_EQ(loop.run_once().callbacks, 1U);
    EXPECT_EQ(callbacks, 1U);
}

TEST_F(RingForChanges, a_turn_that_leaves_nothing_earlier_does_not_ring) {
    loop.call_later(1s, [] {});
    rings = 0;
    loop.run_once();
    world.advance(1s);
    loop.run_once();
    EXPECT_EQ(rings, 0);
}

TEST_F(RingForChanges, resuming_rings) {
    loop.suspend();
    loop.call_later(1s, [] {});
    rings = 0;
    loop.resume();
    EXPECT_EQ(rings, 1);
}

TEST_F(RingForChanges, descriptors_ring_only_where_there_is_no_handle) {
    SocketPair pair;
    const bool handle = loop.native_handle() != invalid_fd;
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read);
    loop.update_handler(pair.a, Events::write);
    loop.remove_handler(pair.a);
    EXPECT_EQ(rings, handle ? 0 : 3);
}

TEST_F(RingForChanges, skipped_time_moves_what_is_armed) {
    std::vector<Duration> fired;
    loop.call_later(1s, [&] { fired.push_back(world.elapsed()); });
    world.advance(5s); // a level is loaded
    loop.skip_time(5s);
    loop.run_once();
    EXPECT_THAT(fired, testing::IsEmpty());
    loop.run_once(forever);
    EXPECT_THAT(fired, testing::ElementsAre(6s));
    EXPECT_THROW(loop.skip_time(-1ns), std::invalid_argument);
}

} // namespace
