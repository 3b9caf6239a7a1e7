// SPDX-License-Identifier: MIT
// Observers, and the Recorder that remembers.
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using testing::ElementsAre;

class Recording : public testing::Test {
protected:
    SimWorld world;
    Recorder recorder;
    IOLoop loop{world.options()};
    SocketPair pair;
};

TEST_F(Recording, every_call_is_recorded_with_kind_origin_and_duration) {
    loop.set_observer(&recorder);
    pair.send_to_a();
    loop.add_handler(
        pair.a, [&](Fd, Events) { world.advance(1ms); }, Events::read, "link");
    loop.add_callback([&] { world.advance(2ms); }, "spawn");
    loop.call_later(
        0s, [&] { world.advance(3ms); }, "expiry");
    loop.run_once();
    ASSERT_EQ(recorder.call_count(), 3U);
    const CallRecord& handler = recorder.call(0);
    EXPECT_EQ(handler.kind, CallKind::handler);
    EXPECT_STREQ(handler.chain.origin().name, "link");
    EXPECT_EQ(handler.fd, pair.a);
    EXPECT_EQ(handler.events, Events::read);
    EXPECT_EQ(handler.took, 1ms);
    EXPECT_EQ(recorder.call(1).kind, CallKind::callback);
    EXPECT_EQ(recorder.call(1).took, 2ms);
    EXPECT_EQ(recorder.call(1).begin, SimWorld::start + 1ms);
    EXPECT_EQ(recorder.call(2).kind, CallKind::timeout);
    EXPECT_EQ(recorder.call(2).took, 3ms);
    EXPECT_EQ(recorder.call(2).late, 3ms) << "it was due at the beginning";
}

TEST_F(Recording, a_turn_is_recorded_with_its_phases_and_why_it_woke) {
    loop.set_observer(&recorder);
    loop.call_later(5s, [&] { world.advance(3ms); });
    loop.run_once(forever);
    ASSERT_EQ(recorder.turn_count(), 1U);
    const TurnRecord& turn = recorder.turn(0);
    EXPECT_EQ(turn.begin, SimWorld::start);
    EXPECT_EQ(turn.end, SimWorld::start + 5s + 3ms);
    EXPECT_EQ(turn.waited, 5s);
    EXPECT_EQ(turn.timeouts_took, 3ms);
    EXPECT_EQ(turn.timeouts, 1U);
    EXPECT_EQ(turn.reason, WakeReason::deadline);
}

TEST_F(Recording, the_reason_of_a_wake_is_told) {
    Recorder::Options options;
    options.keep_empty_turns = true;
    Recorder all(options);
    loop.set_observer(&all);
    loop.run_once();
    loop.run_once(1s);
    loop.add_callback([] {});
    loop.run_once(1s);
    loop.add_handler(
        pair.a, [&](Fd fd, Events) { loop.remove_handler(fd); }, Events::write);
    loop.run_once(1s);
    world.on_wait = [&] { loop.wake(); };
    loop.run_once(1s);
    std::vector<WakeReason> reasons;
    for (std::size_t i = 0; i < all.turn_count(); ++i) reasons.push_back(all.turn(i).reason);
    EXPECT_THAT(reasons, ElementsAre(WakeReason::polled, WakeReason::timeout, WakeReason::callbacks,
                                     WakeReason::descriptor, WakeReason::woken));
}

TEST_F(Recording, a_turn_in_pieces_is_one_record) {
    loop.set_observer(&recorder);
    for (int i = 0; i < 3; ++i) loop.add_callback([] {});
    for (int i = 0; i < 3; ++i) loop.run_once(no_wait, Budget{forever, 1});
    ASSERT_EQ(recorder.turn_count(), 1U);
    EXPECT_EQ(recorder.turn(0).pieces, 3U);
    EXPECT_EQ(recorder.turn(0).callbacks, 3U);
}

TEST_F(Recording, a_call_that_threw_is_marked) {
    loop.set_observer(&recorder);
    loop.set_error_hook([](std::exception_ptr, const Origin&, CallKind) {});
    loop.add_callback([] { throw 1; });
    loop.run_once();
    EXPECT_TRUE(recorder.call(0).threw);
}

TEST_F(Recording, nested_calls_are_recorded_with_their_depth) {
    loop.set_observer(&recorder);
    loop.add_callback([&] {
        loop.add_callback([&] { world.advance(1ms); });
        loop.run_ready();
    });
    loop.run_once();
    ASSERT_EQ(recorder.call_count(), 2U);
    EXPECT_EQ(recorder.call(0).depth, 2);
    EXPECT_EQ(recorder.call(1).depth, 1);
    EXPECT_EQ(recorder.call(1).took, 1ms);
}

TEST_F(Recording, the_lateness_of_a_callback_counts_from_its_post) {
    loop.set_observer(&recorder);
    loop.add_callback([] {});
    world.advance(7ms);
    loop.run_once();
    EXPECT_EQ(recorder.call(0).late, 7ms);
}

TEST_F(Recording, a_deadline_before_all_time_is_late_and_overflows_nothing) {
    loop.set_observer(&recorder);
    loop.call_at(TimePoint::min(), [] {});
    loop.run_once();
    EXPECT_GT(recorder.call(0).late, 0s);
}

TEST_F(Recording, the_rings_keep_the_last_and_count_all) {
    Recorder::Options options;
    options.calls = 3;
    options.turns = 2;
    Recorder small(options);
    loop.set_observer(&small);
    for (int turn = 0; turn < 5; ++turn) {
        loop.add_callback([] {});
        loop.run_once();
    }
    EXPECT_EQ(small.call_count(), 3U);
    EXPECT_EQ(small.calls_seen(), 5U);
    EXPECT_EQ(small.call(0).turn, 3U);
    EXPECT_EQ(small.call(2).turn, 5U);
    EXPECT_EQ(small.turn_count(), 2U);
    EXPECT_EQ(small.turn(1).turn, 5U);
}

TEST_F(Recording, empty_turns_are_counted_and_not_kept) {
    loop.set_observer(&recorder);
    for (int turn = 0; turn < 5; ++turn) loop.run_once();
    EXPECT_EQ(recorder.turn_count(), 0U);
    EXPECT_EQ(recorder.turns_seen(), 5U);
    EXPECT_EQ(recorder.empty_turns_seen(), 5U);
}

TEST_F(Recording, it_can_be_held_and_cleared) {
    loop.set_observer(&recorder);
    recorder.set_recording(false);
    loop.add_callback([] {});
    loop.run_once();
    EXPECT_EQ(recorder.call_count(), 0U);
    recorder.set_recording(true);
    loop.add_callback([] {});
    loop.run_once();
    EXPECT_EQ(recorder.call_count(), 1U);
    recorder.clear();
    EXPECT_EQ(recorder.call_count(), 0U);
    EXPECT_EQ(recorder.turn_count(), 0U);
}

// ---- observers that come and go inside a call ---------------------------------------------------

TEST_F(Recording, an_observer_set_inside_a_call_sees_the_next_call_from_its_beginning) {
    loop.add_callback([&] {
        world.advance(5ms);
        loop.set_observer(&recorder);
    });
    loop.add_callback([&] { world.advance(1ms); });
    loop.run_once();
    ASSERT_EQ(recorder.call_count(), 1U) << "the call that set it is not seen by half";
    EXPECT_EQ(recorder.call(0).begin, SimWorld::start + 5ms);
    EXPECT_EQ(recorder.call(0).took, 1ms);
}

TEST_F(Recording, an_observer_set_inside_a_turn_is_not_told_of_half_a_turn) {
    loop.add_callback([&] { loop.set_observer(&recorder); });
    loop.run_once();
    EXPECT_EQ(recorder.turns_seen(), 0U);
    loop.run_once();
    EXPECT_EQ(recorder.turns_seen(), 1U);
}

TEST_F(Recording, an_observer_may_be_cleared_and_destroyed_inside_a_call) {
    auto brief = std::make_unique<Recorder>();
    loop.set_observer(brief.get());
    loop.add_callback([&] {
        loop.set_observer(nullptr);
        brief.reset();
    });
    loop.add_callback([] {});
    loop.run_once();
    EXPECT_EQ(loop.observer(), nullptr);
}

TEST_F(Recording, an_observer_may_be_replaced_inside_a_call) {
    Recorder second;
    loop.set_observer(&recorder);
    loop.add_callback([&] { loop.set_observer(&second); });
    loop.add_callback([] {});
    loop.run_once();
    EXPECT_EQ(recorder.call_count(), 0U);
    EXPECT_EQ(second.call_count(), 1U);
}

} // namespace
