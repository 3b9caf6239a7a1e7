// SPDX-License-Identifier: MIT
// Recorder: profiles of call sites, changes, errors, health, and the trigger that makes it a flight recorder.
#include "support/counting_new.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

class Profiles : public testing::Test {
protected:
    Profiles() {
        loop.set_observer(&recorder);
        loop.set_error_hook([](std::exception_ptr, const Origin&, CallKind) {});
    }

    const SiteProfile& profile_of(const std::string& name) {
        for (const SiteProfile& profile : recorder.profiles()) {
            const char* known = origin_of(profile.site).name;
            if (known != nullptr && name == known) return profile;
        }
        throw std::out_of_range("no profile of " + name);
    }

    SimWorld world;
    Recorder recorder;
    IOLoop loop{world.options()};
    SocketPair pair;
};

} // namespace

TEST_F(Profiles, calls_of_one_site_add_up_whatever_object_they_are_of) {
    for (int i = 1; i <= 3; ++i) {
        loop.add_callback([this, i] { world.advance(i * 1ms); }, "work");
    }
    loop.run_once();
    const SiteProfile& work = profile_of("work");
    EXPECT_EQ(work.kind, CallKind::callback);
    EXPECT_EQ(work.calls, 3U);
    EXPECT_EQ(work.added, 3U);
    EXPECT_EQ(work.busy, 6ms);
    EXPECT_EQ(work.took.longest(), 3ms);
    EXPECT_EQ(work.late.longest(), 3ms) << "the third waited for the two before it";
}

TEST_F(Profiles, a_site_knows_how_many_of_its_timeouts_were_armed_moved_and_removed) {
    Timeout last;
    for (int i = 0; i < 5; ++i)
        last = loop.call_later(
            Duration(1s), [] {}, "idle");
    loop.update_timeout(last, SimWorld::start + 5s);
    loop.remove_timeout(last);
    EXPECT_EQ(profile_of("idle").added, 5U);
    EXPECT_EQ(profile_of("idle").moved, 1U);
    EXPECT_EQ(profile_of("idle").removed, 1U);
    EXPECT_EQ(profile_of("idle").calls, 0U);
}

TEST_F(Profiles, a_callback_that_posts_itself_turn_after_turn_has_a_streak) {
    std::function<void()> again = [&] { loop.add_callback([&] { again(); }, "again"); };
    again();
    for (int i = 0; i < 10; ++i) loop.run_once();
    EXPECT_EQ(profile_of("again").self_streak, 9U) << "the first was posted by somebody else";
}

TEST_F(Profiles, the_streak_ends_with_a_turn_without_it) {
    std::function<void()> again = [&] { loop.add_callback([&] { again(); }, "again"); };
    again();
    for (int i = 0; i < 10; ++i) loop.run_once();
    loop.set_observer(nullptr);
    loop.run_once();
    loop.set_observer(&recorder);
    loop.run_once();
    EXPECT_EQ(profile_of("again").self_streak, 1U);
}

TEST_F(Profiles, sites_beyond_those_that_there_is_room_for_are_counted) {
    Recorder small({.sites = 2});
    loop.set_observer(&small);
    loop.add_callback([] {}, "a");
    loop.add_callback([] {}, "b");
    loop.add_callback([] {}, "c");
    loop.run_once();
    EXPECT_EQ(small.profiles().size(), 2U);
    EXPECT_EQ(small.unprofiled(), 1U);
    EXPECT_EQ(small.health().calls.count(), 3U);
    EXPECT_EQ(small.health().queueing.count(), 3U);
    EXPECT_EQ(small.profile(site_of(Origin()), CallKind::handler), nullptr);
}

TEST_F(Profiles, a_handler_and_a_timeout_of_one_place_are_two_profiles) {
    const Origin here("both");
    pair.send_to_a();
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read, here);
    loop.call_later(
        0s, [] {}, here);
    loop.run_once();
    EXPECT_EQ(recorder.profile(site_of(here), CallKind::handler)->calls, 1U);
    EXPECT_EQ(recorder.profile(site_of(here), CallKind::timeout)->calls, 1U);
    EXPECT_EQ(recorder.profile(site_of(here), CallKind::callback), nullptr);
}

TEST_F(Profiles, errors_are_kept_with_what_they_say) {
    loop.add_callback([] { throw std::runtime_error("no such level"); }, "load");
    loop.add_callback([] { throw std::runtime_error(std::string(1000, 'x')); }, "long");
    loop.run_once();
    ASSERT_EQ(recorder.error_count(), 2U);
    EXPECT_STREQ(recorder.error(0).what.data(), "no such level");
    EXPECT_STREQ(recorder.error(0).call.chain.origin().name, "load");
    EXPECT_EQ(std::string(recorder.error(1).what.data()).size(), recorder.error(1).what.size() - 1);
    EXPECT_EQ(profile_of("load").threw, 1U);
}

TEST_F(Profiles, health_tells_lateness_queueing_and_what_the_loop_takes_of_a_frame) {
    for (int frame = 0; frame < 3; ++frame) {
        loop.call_later(
            0s, [&] { world.advance(1ms); }, "tick");
        loop.run_once();
        loop.add_callback([&] { world.advance(2ms); }, "work");
        loop.run_once();
        recorder.begin_frame();
    }
    EXPECT_EQ(recorder.health().frames.count(), 3U);
    EXPECT_EQ(recorder.health().frames.longest(), 3ms);
    EXPECT_EQ(recorder.health().lateness.count(), 3U);
    EXPECT_EQ(recorder.health().queueing.count(), 3U);
    EXPECT_EQ(recorder.health().turns.longest(), 2ms);
}

TEST_F(Profiles, recording_allocates_nothing) {
    std::function<void()> again = [&] { loop.add_callback([&again] { again(); }, "again"); };
    again();
    loop.run_once();
    const std::uint64_t before = heap_allocations;
    for (int i = 0; i < 100; ++i) {
        loop.run_once();
        recorder.begin_frame();
    }
    EXPECT_EQ(heap_allocations - before, 0U);
}

TEST_F(Profiles, a_trigger_stops_the_recording_some_turns_after_it_was_met_so_that_what_led_to_it_is_kept) {
    recorder.set_trigger({.slow_call = 10ms, .more_turns = 2});
    const auto run = [&](Duration took) {
        loop.add_callback([this, took] { world.advance(took); }, "work");
        loop.run_once();
    };
    for (int i = 0; i < 5; ++i) run(1ms);
    EXPECT_FALSE(recorder.triggered());
    run(20ms);
    EXPECT_TRUE(recorder.triggered());
    EXPECT_TRUE(recorder.recording()) << "two more turns";
    for (int i = 0; i < 5; ++i) run(1ms);
    EXPECT_FALSE(recorder.recording());
    EXPECT_EQ(recorder.triggered_by().took, 20ms);
    EXPECT_EQ(recorder.turn_count(), 5U + 1U + 2U);
    EXPECT_EQ(recorder.call_count(), 5U + 1U + 2U);
    recorder.set_recording(true);
    EXPECT_FALSE(recorder.triggered()) << "it goes on, without a trigger";
}

TEST_F(Profiles, an_error_and_lateness_can_be_triggers) {
    recorder.set_trigger({.error = true, .more_turns = 0});
    loop.add_callback([] { throw 1; });
    loop.run_once();
    EXPECT_FALSE(recorder.recording());
    recorder.set_trigger({.late = 50ms, .more_turns = 0});
    EXPECT_TRUE(recorder.recording());
    loop.call_later(1ms, [] {});
    world.advance(100ms);
    loop.run_once();
    EXPECT_FALSE(recorder.recording());
    EXPECT_EQ(recorder.triggered_by().late, 99ms);
}

TEST_F(Profiles, clear_forgets_everything) {
    loop.add_callback([] { throw 1; }, "work");
    loop.call_later(1s, [] {});
    loop.run_once();
    recorder.clear();
    EXPECT_EQ(
        recorder.call_count() + recorder.turn_count() + recorder.change_count() + recorder.error_count(), 0U);
    EXPECT_TRUE(recorder.profiles().empty());
    EXPECT_EQ(recorder.health().calls.count(), 0U);
    loop.add_callback([] {}, "work");
    loop.run_once();
    EXPECT_EQ(profile_of("work").calls, 1U);
}
