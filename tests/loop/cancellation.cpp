// SPDX-License-Identifier: MIT
/// Tasks that are cancelled: by their future, by themselves, or by the end of their loop.
#include "support/tasks.hpp"

#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

/// Sleeps, and says which thread it was destroyed on.
Task<> noted_end(std::shared_ptr<std::thread::id> destroyed_on) {
    const struct Note {
        ~Note() { *where = std::this_thread::get_id(); }
        std::shared_ptr<std::thread::id> where;
    } note{std::move(destroyed_on)};
    co_await sleep_for(1h);
}

} // namespace

TEST_F(Tasks, cancelling_destroys_the_coroutine_and_deregisters_what_it_waits_for) {
    auto sleeper = spawn(loop, after(1h, 1));
    auto reader = spawn(loop, [](Tasks& t) -> Task<> {
        const Witness witness(t.log, "reader");
        co_await readable(t.pair.a);
    }(*this));
    loop.run_once();
    EXPECT_EQ(loop.statistics().timeouts, 1U);
    EXPECT_EQ(loop.statistics().handlers, 1U);
    EXPECT_TRUE(sleeper.cancel());
    EXPECT_TRUE(reader.cancel());
    EXPECT_THAT(log, ElementsAre("+1", "+reader", "-1", "-reader"));
    EXPECT_EQ(loop.statistics().timeouts, 0U);
    EXPECT_EQ(loop.statistics().handlers, 0U);
    EXPECT_THROW(sleeper.result(), CancelledError);
    loop.run_ready();
    EXPECT_THAT(reported, IsEmpty());
}

TEST_F(Tasks, cancelled_from_another_thread_it_is_destroyed_on_its_own) {
    auto destroyed_on = std::make_shared<std::thread::id>();
    auto future = spawn(loop, noted_end(destroyed_on));
    loop.run_once();
    std::thread([&] { EXPECT_TRUE(future.cancel()); }).join();
    EXPECT_TRUE(future.done());
    EXPECT_EQ(*destroyed_on, std::thread::id());
    loop.run_once();
    EXPECT_EQ(*destroyed_on, std::this_thread::get_id());
    EXPECT_EQ(loop.statistics().timeouts, 0U);
}

TEST_F(Tasks, cancelled_by_the_thread_that_made_the_loop_it_is_destroyed_on_the_one_that_runs_it) {
    auto destroyed_on = std::make_shared<std::thread::id>();
    auto future = spawn(loop, noted_end(destroyed_on));
    const Poster poster(loop);
    EXPECT_TRUE(poster.on_loop_thread());
    std::thread::id worker;
    const auto run_elsewhere = [&] {
        std::thread([&] {
            worker = std::this_thread::get_id();
            loop.run_once();
        }).join();
    };
    run_elsewhere();
    EXPECT_FALSE(poster.on_loop_thread()) << "the other one may be about to run it again";
    EXPECT_TRUE(future.cancel());
    EXPECT_EQ(*destroyed_on, std::thread::id());
    run_elsewhere();
    EXPECT_EQ(*destroyed_on, worker);
}

TEST_F(Tasks, cancelled_before_it_began_it_never_begins) {
    auto future = spawn(loop, after(1s, 1));
    EXPECT_TRUE(future.cancel());
    run();
    EXPECT_THAT(log, IsEmpty());
}

TEST_F(Tasks, a_task_may_cancel_itself_and_is_destroyed_when_it_waits_next) {
    auto self = std::make_shared<Future<void>>();
    *self = spawn(loop, [](Tasks& t, std::shared_ptr<Future<void>> me) -> Task<> {
        const Witness witness(t.log, "task");
        me->cancel();
        t.log.emplace_back("still here");
        co_await sleep_for(1s);
        t.log.emplace_back("never");
    }(*this, self));
    run();
    EXPECT_THAT(log, ElementsAre("+task", "still here", "-task"));
    EXPECT_EQ(self.use_count(), 1);
}

TEST_F(Tasks, a_task_waiting_for_a_future_may_be_cancelled_when_the_result_is_on_its_way) {
    Promise<int> promise(loop);
    auto waiting = spawn(loop, [](Future<int> f) -> Task<int> { co_return co_await f; }(promise.future()));
    loop.run_once();
    promise.set_value(1);
    waiting.cancel();
    loop.run_ready();
    EXPECT_THROW(static_cast<void>(waiting.result()), CancelledError);
}

TEST_F(Tasks, F21_ten_thousand_tasks_suspended_at_close_are_destroyed) {
    int alive = 0;
    struct Count {
        explicit Count(int& c) : count(c) { ++count; }
        Count(const Count&) = delete;
        Count& operator=(const Count&) = delete;
        ~Count() { --count; }
        int& count;
    };
    auto wait = [](Tasks& t, int& count, int kind) -> Task<> {
        const Count counted(count);
        if (kind == 0) co_await sleep_for(1h);
        if (kind == 1) co_await readable(t.pair.a);
        if (kind == 2) co_await all(sleep_for(1h), readable(t.pair.a));
    };
    for (int i = 0; i < 10'000; ++i) spawn(loop, wait(*this, alive, i % 3));
    loop.run_once();
    EXPECT_EQ(alive, 10'000);
    loop.close();
    EXPECT_EQ(alive, 0);
    EXPECT_THAT(reported, IsEmpty());
}

TEST_F(Tasks, what_a_closing_loop_leaves_of_a_task_s_future_is_a_cancellation) {
    auto future = spawn(loop, after(1h, 1));
    loop.run_once();
    loop.close();
    EXPECT_THROW(static_cast<void>(future.result()), CancelledError);
    EXPECT_THROW(spawn(loop, after(1s, 2)), std::logic_error);
}

TEST_F(Tasks, a_task_may_destroy_the_loop_it_runs_on) {
    auto mortal = std::make_unique<IOLoop>(world.options());
    auto task = [](Tasks& t, std::unique_ptr<IOLoop>& l) -> Task<> {
        const Witness witness(t.log, "task");
        co_await sleep_for(1s);
        l.reset();
        t.log.emplace_back("goes on");
        co_await sleep_for(1s);
        t.log.emplace_back("never");
    };
    IOLoop& reference = *mortal;
    IOLoop::clear_current();
    auto future = spawn(reference, task(*this, mortal));
    EXPECT_EQ(reference.run_once().ended, Ended::ran);
    EXPECT_EQ(reference.run_once(1h).ended, Ended::stopped);
    EXPECT_THAT(log, ElementsAre("+task", "goes on", "-task"));
    EXPECT_TRUE(future.done());
}

TEST_F(Tasks, a_cancelled_task_that_tries_again_after_every_error_does_not_run_for_ever) {
    auto stubborn = [](Tasks& t, std::function<void()> cancel) -> Task<> {
        const Witness witness(t.log, "task");
        cancel();
        for (int i = 0; i < 3; ++i) {
            try {
                co_await with_timeout(1s, all(sleep_for(1s), readable(t.pair.a)));
            } catch (const std::exception& error) {
                t.log.emplace_back(error.what());
            }
        }
    };
    Future<void> self;
    self = spawn(loop, stubborn(*this, [&] { self.cancel(); }));
    run();
    auto mortal = std::make_unique<IOLoop>(world.options());
    IOLoop& reference = *mortal;
    static_cast<void>(spawn(reference, stubborn(*this, [&] { mortal.reset(); })));
    reference.run_once();
    EXPECT_THAT(log, ElementsAre("+task", "-task", "+task", "-task"));
}

TEST_F(Tasks, a_branch_may_destroy_the_loop_it_runs_on) {
    auto mortal = std::make_unique<IOLoop>(world.options());
    auto destroy = [](Tasks& t, std::unique_ptr<IOLoop>& l) -> Task<> {
        const Witness witness(t.log, "branch");
        co_await sleep_for(1s);
        l.reset();
    };
    IOLoop& reference = *mortal;
    auto future = spawn(reference, all(sleep_for(1h), with_timeout(1h, destroy(*this, mortal))));
    reference.run_once();
    EXPECT_EQ(reference.run_once(1h).ended, Ended::stopped);
    EXPECT_THAT(log, ElementsAre("+branch", "-branch"));
    EXPECT_THROW(static_cast<void>(future.result()), CancelledError);
}
