// SPDX-License-Identifier: MIT
// Breakpoints: where the loop is paused, why, and that it goes on from there.
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using On = Breakpoint::On;

namespace {

class Breaking : public testing::Test {
protected:
    Breaking() {
        loop.set_observer(&recorder);
        loop.set_error_hook([](std::exception_ptr, const Origin&, CallKind) {});
    }
    Breakpoints& points() { return recorder.breakpoints(); }

    SimWorld world;
    Recorder recorder;
    IOLoop loop{world.options()};
    SocketPair pair;
    int ran = 0;
};

} // namespace

TEST_F(Breaking, on_a_site_the_loop_pauses_before_the_call_and_on_resuming_makes_it_once) {
    const Origin here("here");
    points().add({.on = On::site, .site = site_of(here)});
    loop.add_callback([&] { ++ran; }, here);
    EXPECT_EQ(loop.run_once().ended, Ended::paused);
    EXPECT_EQ(ran, 0);
    EXPECT_EQ(points().last_hit().number, 1U);
    EXPECT_STREQ(points().last_hit().call.chain.origin().name, "here");
    loop.set_paused(false);
    EXPECT_EQ(loop.run_once().ended, Ended::ran);
    EXPECT_EQ(ran, 1);
    loop.add_callback([&] { ++ran; }, here);
    EXPECT_EQ(loop.run_once().ended, Ended::paused) << "the next call of it is another";
}

TEST_F(Breaking, on_a_timeout_by_its_id_and_not_on_its_neighbour) {
    const Timeout chosen = loop.call_later(1s, [&] { ++ran; });
    loop.call_later(1s, [&] { ++ran; });
    points().add({.on = On::object, .kind = CallKind::timeout, .id = id_of(chosen)});
    world.advance(2s);
    EXPECT_EQ(loop.run_once().ended, Ended::paused);
    EXPECT_EQ(ran, 0);
    loop.set_paused(false);
    loop.run_once();
    EXPECT_EQ(ran, 2);
}

TEST_F(Breaking, on_a_handler_each_time_it_is_ready) {
    pair.send_to_a();
    loop.add_handler(
        pair.a, [&](Fd, Events) { ++ran; }, Events::read);
    Snapshot snapshot;
    loop.snapshot(snapshot);
    points().add({.on = On::object, .kind = CallKind::handler, .id = snapshot.handlers.at(0).id});
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(loop.run_once().ended, Ended::paused);
        EXPECT_EQ(ran, i);
        loop.set_paused(false);
        loop.run_once();
        EXPECT_EQ(ran, i + 1);
    }
}

TEST_F(Breaking, after_a_call_that_threw_before_the_next_one) {
    points().add({.on = On::error});
    loop.add_callback([] { throw 1; }, "culprit");
    loop.add_callback([&] { ++ran; });
    EXPECT_EQ(loop.run_once().ended, Ended::paused);
    EXPECT_EQ(ran, 0);
    EXPECT_STREQ(points().last_hit().call.chain.origin().name, "culprit");
}

TEST_F(Breaking, after_a_slow_call_before_the_next_one) {
    points().add({.on = On::slow, .longer_than = 10ms});
    loop.add_callback([&] { world.advance(9ms); });
    loop.add_callback([&] { world.advance(10ms); }, "culprit");
    loop.add_callback([&] { ++ran; });
    EXPECT_EQ(loop.run_once().ended, Ended::paused);
    EXPECT_EQ(ran, 0);
    EXPECT_STREQ(points().last_hit().call.chain.origin().name, "culprit");
    loop.set_paused(false);
    loop.run_once();
    EXPECT_EQ(ran, 1);
}

TEST_F(Breaking, on_a_lint_if_that_was_asked_for) {
    points().found({});
    loop.add_callback([&] { ++ran; });
    EXPECT_EQ(loop.run_once().ended, Ended::ran);
    points().add({.on = On::lint});
    points().found({});
    loop.add_callback([&] { ++ran; });
    EXPECT_EQ(loop.run_once().ended, Ended::paused);
}

TEST_F(Breaking, what_is_stepped_over_is_not_stopped_at_again) {
    const Origin here("here");
    points().add({.on = On::site, .site = site_of(here)});
    loop.add_callback([&] { ++ran; }, here);
    loop.run_once();
    loop.step(StepKind::call);
    EXPECT_EQ(ran, 1);
    loop.add_callback([&] { ++ran; }, here);
    loop.step(StepKind::turn);
    EXPECT_EQ(ran, 2) << "a step is not stopped";
}

TEST_F(Breaking, a_point_is_added_once_removed_once_and_there_are_so_many_at_most) {
    EXPECT_TRUE(points().add({.on = On::error}));
    EXPECT_FALSE(points().add({.on = On::error}));
    EXPECT_TRUE(points().remove({.on = On::error}));
    EXPECT_FALSE(points().remove({.on = On::error}));
    for (std::size_t i = 0; i < Breakpoints::capacity; ++i) {
        EXPECT_TRUE(points().add({.on = On::object, .id = i}));
    }
    EXPECT_FALSE(points().add({.on = On::error}));
    points().clear();
    EXPECT_TRUE(points().all().empty());
}
