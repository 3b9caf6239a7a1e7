// SPDX-License-Identifier: MIT
// Who is told that a descriptor cannot be watched just now: the host, so that the loop runs when that is tried again, and the error
// hook, which may do anything.
#include "support/short_loop.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <stdexcept>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using testing::SizeIs;

class ShortageReports : public ShortLoop {};

TEST_F(ShortageReports, make_the_host_come_again_in_time) {
    const Fd handle = loop.native_handle(Deadlines::included);
    add_that_nests();
    run();
    EXPECT_LE(loop.next_deadline(), world.now()); // at once: the first attempt may do
    run();
    EXPECT_EQ(loop.next_deadline(), world.now() + 10ms);
    if (handle != invalid_fd) {
        EXPECT_EQ(world.alarm, 10ms);
    }
    shortage.of_adding.reset();
    world.advance(10ms);
    run();
    EXPECT_EQ(loop.next_deadline(), never);
    if (handle != invalid_fd) {
        EXPECT_EQ(world.alarm, forever);
    }
}

TEST_F(ShortageReports, do_not_change_the_deadline_as_time_goes_by) {
    int rings = 0;
    loop.set_host_waker([&] { ++rings; }, RingFor::changes);
    add_that_nests();
    run();
    run();
    const TimePoint next = loop.next_deadline();
    rings = 0;
    for (int i = 0; i < 9; ++i) {
        world.advance(1ms);
        EXPECT_EQ(loop.next_deadline(), next);
        EXPECT_EQ(loop.time_to_deadline(), 9ms - i * 1ms);
        run();
    }
    EXPECT_EQ(rings, 0);
}

TEST_F(ShortageReports, ring_a_host_that_has_no_handle_as_the_shortage_comes_and_goes) {
    shortage.hides_handle = true;
    int rings = 0;
    loop.set_host_waker([&] { ++rings; }, RingFor::changes);
    add_that_nests();
    rings = 0;
    run();
    EXPECT_EQ(rings, 1) << "it is not to be watched";
    run();
    shortage.of_adding.reset();
    world.advance(10ms);
    rings = 0;
    run();
    EXPECT_EQ(rings, 1) << "it is, again";
}

TEST_F(ShortageReports, that_throw_or_run_nested_turns_lose_nothing) {
    std::vector<SocketPair> peers(3);
    for (const SocketPair& peer : peers) add(peer);
    haunt();
    shortage.of_adding = std::errc::not_enough_memory;
    on_error = [&] { throw std::runtime_error("the hook has had enough"); };
    EXPECT_THROW(run(), std::runtime_error);
    EXPECT_THAT(errors, SizeIs(1));
    on_error = [&] {
        loop.run_once(20ms);
        loop.run_once(); // this one tells of others that the turn around it was about to tell of
    };
    world.advance(10ms);
    run();
    EXPECT_THAT(errors, SizeIs(3)) << "each once";

    on_error = nullptr;
    shortage.of_adding.reset();
    world.advance(10ms);
    for (const SocketPair& peer : peers) peer.send_to_a();
    EXPECT_EQ(run(), 3);
    EXPECT_THAT(errors, SizeIs(3));
}

TEST_F(ShortageReports, that_run_a_turn_leave_all_that_is_ready_to_the_turn_after_it) {
    std::vector<SocketPair> peers(3);
    for (const SocketPair& peer : peers) add(peer);
    add_that_nests();
    run();
    on_error = [&] {
        for (const SocketPair& peer : peers) peer.send_to_a();
        loop.run_once();
        for (const SocketPair& peer : peers) peer.send_to_a();
    };
    EXPECT_EQ(run(), 6);
}

TEST_F(ShortageReports, that_destroy_the_loop_are_the_last) {
    auto* const doomed = new IOLoop(options());
    std::vector<SocketPair> peers(3);
    for (const SocketPair& peer : peers) {
        doomed->add_handler(
            peer.a, [&](Fd, Events) { doomed->run_once(); }, Events::read);
        peer.send_to_a();
    }
    on_error = [&] { delete doomed; };
    world.on_wait = [&] { shortage.of_adding = std::errc::not_enough_memory; }; // all are taken out by then
    doomed->run_once();
    doomed->run_once();
    EXPECT_THAT(errors, SizeIs(1));
}

} // namespace
