// SPDX-License-Identifier: MIT
// Observer: changes, errors, causes, and pausing before a call; and readiness that is injected.
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::ElementsAre;

namespace {

class Witness final : public Observer {
public:
    void after_change(const ChangeRecord& change) override {
        changes.push_back(change);
        told.push_back(std::string(name_of(change.kind)) + " " + name_of(change.change));
    }
    void on_error(const CallRecord& call, const std::exception_ptr& error) override {
        try {
            std::rethrow_exception(error);
        } catch (const std::exception& e) {
            told.push_back(std::string(call.chain.origin().name) + " threw " + e.what());
        }
    }
    void after_turn(const TurnRecord& turn) override { turns.push_back(turn); }
    bool pause_before(const CallRecord& call) override {
        const char* name = call.chain.origin().name;
        asked.push_back(call);
        return name != nullptr && stop_at == name;
    }

    std::vector<ChangeRecord> changes;
    std::vector<std::string> told;
    std::vector<TurnRecord> turns;
    std::vector<CallRecord> asked;
    std::string stop_at;
};

class Observed : public testing::Test {
protected:
    Observed() { loop.set_observer(&witness); }

    SimWorld world;
    Witness witness;
    IOLoop loop{world.options()};
    SocketPair pair;
};

} // namespace

TEST_F(Observed, the_observer_is_told_of_each_handler_that_comes_changes_and_goes) {
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read, "link");
    loop.update_handler(pair.a, Events::write);
    loop.update_handler(pair.a, Events::write); // no change
    loop.remove_handler(pair.a);
    loop.remove_handler(pair.a);
    EXPECT_THAT(witness.told, ElementsAre("handler added", "handler moved", "handler removed"));
    const ChangeRecord& moved = witness.changes.at(1);
    EXPECT_EQ(moved.fd, pair.a);
    EXPECT_EQ(moved.events, Events::write);
    EXPECT_STREQ(moved.chain.origin().name, "link");
    EXPECT_EQ(moved.id, witness.changes.at(0).id);
    EXPECT_EQ(moved.at, SimWorld::start);
}

TEST_F(Observed, and_of_each_timeout_but_not_of_its_firing_which_is_a_call) {
    const Timeout moved = loop.call_later(
        1s, [] {}, "moved");
    loop.update_timeout(moved, SimWorld::start + 2s);
    const Timeout removed = loop.call_later(
        1s, [] {}, "removed");
    loop.remove_timeout(removed);
    loop.remove_timeout(removed);
    world.advance(2s);
    loop.run_once();
    EXPECT_THAT(witness.told,
                ElementsAre("timeout added", "timeout moved", "timeout added", "timeout removed"));
    EXPECT_EQ(witness.changes.at(1).deadline, SimWorld::start + 2s);
}

TEST_F(Observed, a_change_names_the_callable_that_made_it) {
    loop.add_callback(
        [&] {
            loop.call_later(
                1s, [] {}, "retry");
        },
        "on_close");
    loop.run_once();
    ASSERT_EQ(witness.changes.size(), 1U);
    EXPECT_STREQ(origin_of(witness.changes.front().by).name, "on_close");
    EXPECT_STREQ(witness.changes.front().chain.origin().name, "retry");
}

TEST_F(Observed, a_task_goes_on_under_the_place_where_it_waited) {
    Promise<> promise;
    std::vector<std::uint32_t> waits;
    spawn(loop, [&]() -> Task<> {
        waits.push_back(__LINE__), co_await promise.future();
        waits.push_back(__LINE__), co_await all(next_turn(), next_turn());
        waits.push_back(__LINE__), co_await with_timeout(1s, promise.future());
    });
    loop.run_once();
    witness.asked.clear();
    promise.set_value();
    for (int i = 0; i < 6; ++i) loop.run_once();
    std::vector<std::uint32_t> lines;
    for (const CallRecord& call : witness.asked) {
        EXPECT_THAT(call.chain.origin().file, testing::EndsWith("observer.cpp"));
        lines.push_back(call.chain.origin().line);
    }
    // all() has two branches, and goes on by itself.
    EXPECT_THAT(lines, ElementsAre(waits.at(0), waits.at(1), waits.at(1), waits.at(1), waits.at(2)));
}

TEST_F(Observed, an_error_is_told_with_the_call_that_threw_it) {
    loop.set_error_hook([](std::exception_ptr, const Origin&, CallKind) {});
    loop.add_callback([] { throw std::runtime_error("no such level"); }, "load");
    loop.run_once();
    EXPECT_THAT(witness.told, ElementsAre("load threw no such level"));
}

TEST_F(Observed, a_turn_names_what_it_was_woken_for_and_how_long_it_might_have_slept) {
    loop.call_later(
        5s, [] {}, "expiry");
    loop.run_once(7s);
    pair.send_to_a();
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read, "link");
    loop.run_once(7s);
    ASSERT_EQ(witness.turns.size(), 2U);
    EXPECT_STREQ(witness.turns[0].cause.origin().name, "expiry");
    EXPECT_EQ(witness.turns[0].asked, 5s);
    EXPECT_STREQ(witness.turns[1].cause.origin().name, "link");
    EXPECT_EQ(witness.turns[1].cause_fd, pair.a);
    EXPECT_EQ(witness.turns[1].asked, 7s);
}

TEST_F(Observed, the_observer_can_pause_the_loop_before_a_call_of_any_kind) {
    std::vector<std::string> ran;
    pair.send_to_a();
    loop.add_handler(
        pair.a, [&](Fd, Events) { ran.emplace_back("handler"); }, Events::read, "handler");
    loop.add_callback([&] { ran.emplace_back("callback"); }, "callback");
    loop.call_later(
        0s, [&] { ran.emplace_back("timeout"); }, "timeout");
    for (const std::string name : {"handler", "callback", "timeout"}) {
        witness.stop_at = name;
        EXPECT_EQ(loop.run_once().ended, Ended::paused) << name;
        EXPECT_TRUE(loop.paused()) << name;
        EXPECT_STREQ(witness.asked.back().chain.origin().name, name.c_str());
        loop.set_paused(false);
    }
    EXPECT_THAT(ran, ElementsAre("handler", "callback"));
    witness.stop_at.clear();
    EXPECT_EQ(loop.run_once().ended, Ended::ran);
    EXPECT_THAT(ran, ElementsAre("handler", "callback", "timeout"))
        << "nothing is lost, and nothing runs twice";
}

TEST_F(Observed, a_call_in_which_the_observer_comes_or_changes_is_time_of_the_turn_as_any_other) {
    Witness other;
    for (Observer* next : {static_cast<Observer*>(nullptr), static_cast<Observer*>(&witness),
                           static_cast<Observer*>(&other)}) {
        loop.add_callback([&, next] {
            loop.set_observer(next);
            world.advance(5ms);
        });
        EXPECT_EQ(loop.run_once(no_wait).busy, 5ms);
    }
    loop.set_observer(nullptr);
}

TEST_F(Observed, a_step_is_not_asked_about) {
    bool ran = false;
    loop.add_callback([&] { ran = true; }, "here");
    witness.stop_at = "here";
    loop.run_once();
    ASSERT_FALSE(ran);
    EXPECT_EQ(loop.step(StepKind::call).callbacks, 1U);
    EXPECT_TRUE(ran);
}

TEST_F(Observed, a_started_loop_that_is_held_goes_on_when_it_is_resumed) {
    bool ran = false;
    loop.add_callback([&] { ran = true; }, "here");
    witness.stop_at = "here";
    loop.run_once();
    witness.stop_at.clear();
    std::thread resumer([&] { loop.set_paused(false); });
    loop.add_callback([&] { loop.stop(); });
    loop.start();
    resumer.join();
    EXPECT_TRUE(ran);
}

TEST_F(Observed, injected_readiness_calls_the_handler_in_the_next_turn_once) {
    std::vector<Events> seen;
    loop.add_handler(
        pair.a, [&](Fd, Events events) { seen.push_back(events); }, Events::read, "link");
    EXPECT_TRUE(loop.inject_readiness(pair.a, Events::read | Events::write));
    EXPECT_EQ(loop.next_deadline(), loop.now()) << "there is work";
    EXPECT_EQ(loop.run_once(forever).handlers, 1U);
    EXPECT_EQ(loop.run_once().handlers, 0U);
    EXPECT_THAT(seen, ElementsAre(Events::read)) << "what it did not ask for it does not get";
}

TEST_F(Observed, injected_and_real_readiness_are_one_call) {
    int calls = 0;
    pair.send_to_a();
    loop.add_handler(
        pair.a, [&](Fd, Events) { ++calls; }, Events::read);
    loop.inject_readiness(pair.a, Events::read);
    loop.run_once();
    EXPECT_EQ(calls, 1);
}

TEST_F(Observed, injected_readiness_never_reaches_a_later_owner_of_the_number) {
    loop.add_handler(
        pair.a, [](Fd, Events) { FAIL(); }, Events::read);
    loop.inject_readiness(pair.a, Events::read);
    loop.remove_handler(pair.a);
    loop.add_handler(
        pair.a, [](Fd, Events) { FAIL(); }, Events::read);
    EXPECT_EQ(loop.run_once().handlers, 0U);
    EXPECT_FALSE(loop.inject_readiness(pair.b, Events::read)) << "it has no handler";
}

TEST_F(Observed, a_call_from_another_thread_that_is_refused_is_counted_with_its_place) {
    std::thread stranger([&] {
        EXPECT_THROW(loop.call_later(
                         1s, [] {}, "from outside"),
                     std::logic_error);
        testing::internal::CaptureStderr();
        loop.remove_timeout({});
        testing::internal::GetCapturedStderr();
    });
    stranger.join();
    EXPECT_EQ(loop.statistics().foreign_calls, 2U);
    EXPECT_STREQ(loop.statistics().foreign_member, "remove_timeout");
}
