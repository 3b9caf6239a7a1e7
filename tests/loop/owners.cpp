// SPDX-License-Identifier: MIT
/// What a snapshot tells of those who hold things in the loop: scopes and tasks.
#include "support/tasks.hpp"

#include <ioloop/inspect/format.hpp>
#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

struct Owners : Tasks {
    const Snapshot& look() {
        loop.snapshot(snapshot);
        return snapshot;
    }
    std::string_view file_of(SiteId site) { return base_name(origin_of(site).file); }

    Snapshot snapshot;
};

TEST_F(Owners, nothing_is_the_state_of_a_loop_that_nobody_uses) {
    look();
    EXPECT_TRUE(snapshot.scopes.empty());
    EXPECT_TRUE(snapshot.tasks.empty());
    EXPECT_TRUE(snapshot.waits.empty());
}

// ---- scopes -------------------------------------------------------------------------------------

TEST_F(Owners, a_scope_is_listed_with_its_name_its_place_and_its_size_while_it_lives) {
    {
        Scope level(loop, "level 3");
        const unsigned line = __LINE__ - 1;
        level.call_later(1s, [] {});
        level.add_callback([] {});
        look();
        ASSERT_EQ(snapshot.scopes.size(), 1U);
        const ScopeInfo& info = snapshot.scopes[0];
        EXPECT_STREQ(info.name.data(), "level 3");
        EXPECT_EQ(info.origin.line, line);
        EXPECT_EQ(base_name(info.origin.file), "owners.cpp");
        EXPECT_EQ(info.size, 2U);
        EXPECT_EQ(info.since, world.now());
    }
    EXPECT_TRUE(look().scopes.empty());
}

TEST_F(Owners, a_scopes_name_is_cut_to_what_fits) {
    const Scope scope(loop, std::string(200, 'x'));
    EXPECT_EQ(std::string_view(look().scopes.at(0).name.data()), std::string(47, 'x'));
}

TEST_F(Owners, what_came_through_a_scope_says_so_and_the_rest_does_not) {
    Scope one(loop, "one");
    Scope two(loop, "two");
    one.add_handler(
        pair.a, [](Fd, Events) {}, Events::read);
    loop.add_handler(
        pair.b, [](Fd, Events) {}, Events::read);
    two.call_later(1s, [] {});
    loop.call_later(2s, [] {});
    two.add_callback([big = std::array<char, 100>()] { (void)big; });
    loop.add_callback([] {});
    look();
    ASSERT_EQ(snapshot.scopes.size(), 2U); // the youngest first
    const std::uint64_t id_of_two = snapshot.scopes[0].id;
    const std::uint64_t id_of_one = snapshot.scopes[1].id;
    EXPECT_NE(id_of_one, id_of_two);
    for (const HandlerInfo& info : snapshot.handlers)
        EXPECT_EQ(info.scope, info.fd == pair.a ? id_of_one : 0);
    ASSERT_EQ(snapshot.timeouts.size(), 2U);
    for (const TimeoutInfo& info : snapshot.timeouts)
        EXPECT_EQ(info.scope, info.deadline == world.now() + 1s ? id_of_two : 0);
    ASSERT_EQ(snapshot.callbacks.size(), 2U);
    EXPECT_EQ(snapshot.callbacks[0].scope, id_of_two);
    EXPECT_EQ(snapshot.callbacks[1].scope, 0U);
    loop.remove_handler(pair.b);
}

TEST_F(Owners, a_scopes_chain_tells_what_was_running_when_it_was_made) {
    std::optional<Scope> made;
    loop.add_callback([&] { made.emplace(loop, "monster"); }, "spawner");
    loop.run_once();
    EXPECT_STREQ(origin_of(look().scopes.at(0).chain.sites[1]).name, "spawner");
}

TEST_F(Owners, a_scope_may_outlive_its_loop) {
    auto own = std::make_unique<IOLoop>(world.options());
    Scope scope(*own, "survivor");
    own->snapshot(snapshot);
    EXPECT_EQ(snapshot.scopes.size(), 1U);
    own->close();
    own->snapshot(snapshot);
    EXPECT_TRUE(snapshot.scopes.empty());
    own.reset();
}

TEST_F(Owners, a_scope_of_a_closed_loop_is_refused) {
    loop.close();
    EXPECT_THROW(Scope(loop, "late"), std::logic_error);
}

// ---- tasks --------------------------------------------------------------------------------------

TEST_F(Owners, a_task_is_queued_then_waits_then_is_gone) {
    const TimePoint begin = world.now();
    spawn(loop, after(1s, 1), "fetch");
    look();
    ASSERT_EQ(snapshot.tasks.size(), 1U);
    EXPECT_EQ(snapshot.tasks[0].state, TaskInfo::State::queued);
    EXPECT_STREQ(snapshot.tasks[0].origin.name, "fetch");
    EXPECT_EQ(snapshot.tasks[0].since, begin);
    EXPECT_TRUE(snapshot.waits.empty());
    loop.run_once();
    look();
    ASSERT_EQ(snapshot.tasks.size(), 1U);
    EXPECT_EQ(snapshot.tasks[0].state, TaskInfo::State::waiting);
    EXPECT_EQ(snapshot.waits.size(), 1U);
    run();
    EXPECT_TRUE(look().tasks.empty());
    EXPECT_TRUE(snapshot.waits.empty());
}

TEST_F(Owners, a_task_that_takes_the_snapshot_is_running) {
    auto work = [&]() -> Task<> {
        look();
        co_await next_turn();
        look();
    };
    spawn(loop, work);
    loop.run_once();
    ASSERT_EQ(snapshot.tasks.size(), 1U);
    EXPECT_EQ(snapshot.tasks[0].state, TaskInfo::State::running);
    run();
    ASSERT_EQ(snapshot.tasks.size(), 1U);
    EXPECT_EQ(snapshot.tasks[0].state, TaskInfo::State::running);
    EXPECT_TRUE(snapshot.waits.empty()) << "it waits no more";
}

TEST_F(Owners, a_wait_names_the_co_await_and_the_timeout_that_it_waits_for) {
    unsigned line = 0;
    auto work = [&]() -> Task<> {
        line = __LINE__ + 1;
        co_await sleep_for(1s, "breath");
    };
    spawn(loop, work);
    loop.run_once();
    look();
    ASSERT_EQ(snapshot.waits.size(), 1U);
    const WaitInfo& wait = snapshot.waits[0];
    EXPECT_EQ(wait.task, snapshot.tasks.at(0).id);
    EXPECT_EQ(wait.what, WaitFor::timeout);
    EXPECT_EQ(wait.id, id_of(snapshot.timeouts.at(0).id));
    EXPECT_EQ(origin_of(wait.at.site()).line, line);
    EXPECT_EQ(file_of(wait.at.site()), "owners.cpp");
    EXPECT_STREQ(origin_of(wait.of).name, "breath");
    EXPECT_EQ(wait.since, world.now());
    EXPECT_EQ(wait.at.sites[1], SiteId::none) << "spawn()'s own co_await is nobody's business";
}

TEST_F(Owners, a_wait_tells_the_co_awaits_around_it_the_innermost_first) {
    unsigned inner = 0;
    unsigned outer = 0;
    auto read = [&]() -> Task<int> {
        inner = __LINE__ + 1;
        co_await readable(pair.a);
        co_return 1;
    };
    auto serve = [&]() -> Task<> {
        outer = __LINE__ + 1;
        co_await read();
    };
    spawn(loop, serve);
    loop.run_once();
    look();
    ASSERT_EQ(snapshot.waits.size(), 1U);
    const WaitInfo& wait = snapshot.waits[0];
    EXPECT_EQ(wait.what, WaitFor::descriptor);
    EXPECT_EQ(wait.id, static_cast<std::uint64_t>(pair.a));
    EXPECT_EQ(origin_of(wait.at.sites[0]).line, inner);
    EXPECT_EQ(origin_of(wait.at.sites[1]).line, outer);
    EXPECT_EQ(wait.at.sites[2], SiteId::none);
}

TEST_F(Owners, a_task_that_awaits_another_names_it) {
    Future<int> answer = spawn(loop, after(1s, 1), "child");
    auto parent = [answer]() -> Task<> { co_await answer; };
    spawn(loop, parent, "parent");
    loop.run_once();
    look();
    ASSERT_EQ(snapshot.tasks.size(), 2U);
    ASSERT_EQ(snapshot.waits.size(), 2U);
    EXPECT_STREQ(snapshot.tasks[0].origin.name, "parent");
    EXPECT_EQ(snapshot.waits[0].task, snapshot.tasks[0].id);
    EXPECT_EQ(snapshot.waits[0].what, WaitFor::task);
    EXPECT_EQ(snapshot.waits[0].id, snapshot.tasks[1].id);
}

TEST_F(Owners, a_future_and_a_job_are_told_apart_and_name_their_place) {
    struct Never final : Executor {
        void execute(Function<void()> job) override { kept = std::move(job); }
        Function<void()> kept;
    } never_runs;
    const Promise<int> promise(loop, "handshake");
    auto one = [&]() -> Task<> { co_await promise.future(); };
    auto two = [&]() -> Task<> { co_await loop.run_in_executor([] {}, &never_runs, "decode"); };
    Future<> first = spawn(loop, one);
    Future<> second = spawn(loop, two);
    loop.run_once();
    look();
    ASSERT_EQ(snapshot.waits.size(), 2U);
    EXPECT_EQ(snapshot.waits[0].what, WaitFor::job);
    EXPECT_STREQ(origin_of(snapshot.waits[0].of).name, "decode");
    EXPECT_EQ(snapshot.waits[1].what, WaitFor::future);
    EXPECT_STREQ(origin_of(snapshot.waits[1].of).name, "handshake");
    first.cancel();
    second.cancel();
    EXPECT_TRUE(look().tasks.empty());
    EXPECT_TRUE(snapshot.waits.empty());
}

TEST_F(Owners, the_branches_of_all_are_waits_of_the_same_task_and_name_the_callers_place) {
    unsigned line = 0;
    auto work = [&]() -> Task<> {
        line = __LINE__ + 1;
        co_await with_timeout(1h, all(sleep_for(1s, "nap"), readable(pair.a)), "patience");
    };
    spawn(loop, work);
    loop.run_once();
    look();
    ASSERT_EQ(snapshot.tasks.size(), 1U);
    ASSERT_EQ(snapshot.waits.size(), 4U) << "with_timeout(), all(), and what that was given";
    for (const WaitInfo& wait : snapshot.waits) {
        EXPECT_EQ(wait.task, snapshot.tasks[0].id);
        EXPECT_EQ(origin_of(wait.at.site()).line, line) << name_of(wait.what);
        EXPECT_EQ(file_of(wait.at.site()), "owners.cpp");
    }
    const auto count = [&](WaitFor what) {
        return std::count_if(snapshot.waits.begin(), snapshot.waits.end(),
                             [&](const WaitInfo& wait) { return wait.what == what; });
    };
    EXPECT_EQ(count(WaitFor::branches), 2);
    EXPECT_EQ(count(WaitFor::timeout), 1);
    EXPECT_EQ(count(WaitFor::descriptor), 1);
    const auto limited = std::find_if(snapshot.waits.begin(), snapshot.waits.end(), [](const WaitInfo& wait) {
        return wait.what == WaitFor::branches && wait.id != 0;
    });
    ASSERT_NE(limited, snapshot.waits.end());
    const auto limit = std::find_if(snapshot.timeouts.begin(), snapshot.timeouts.end(),
                                    [&](const TimeoutInfo& info) { return id_of(info.id) == limited->id; });
    ASSERT_NE(limit, snapshot.timeouts.end());
    EXPECT_STREQ(limit->origin.name, "patience");
}

TEST_F(Owners, a_look_that_is_repeated_allocates_nothing) {
    Scope scope(loop, "scope");
    spawn(loop, after(1h, 1));
    loop.run_once();
    look();
    const auto* const tasks = snapshot.tasks.data();
    const auto* const waits = snapshot.waits.data();
    const auto* const scopes = snapshot.scopes.data();
    look();
    EXPECT_EQ(snapshot.tasks.data(), tasks);
    EXPECT_EQ(snapshot.waits.data(), waits);
    EXPECT_EQ(snapshot.scopes.data(), scopes);
}

} // namespace
