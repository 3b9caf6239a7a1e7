// SPDX-License-Identifier: MIT
/// all, any, with_timeout: tasks that wait for several things at once.
#include "support/tasks.hpp"
#include "support/thrown.hpp"

#include <exception>
#include <memory>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(Tasks, G5_all_waits_for_all_and_gives_their_values_in_order) {
    auto both = spawn(loop, all(after(2s, 2), after(1s, 1), sleep_for(1s)));
    auto many = spawn(loop, [](Tasks& t) -> Task<std::vector<int>> {
        std::vector<Task<int>> tasks;
        for (int i = 9; i > 5; --i) tasks.push_back(t.after(i * 1s, i));
        co_return co_await all(std::move(tasks));
    }(*this));
    run();
    EXPECT_EQ(std::get<0>(both.result()), 2);
    EXPECT_EQ(std::get<1>(both.result()), 1);
    EXPECT_THAT(many.result(), ElementsAre(9, 8, 7, 6));
}

TEST_F(Tasks, G5_all_throws_the_first_error_when_all_have_ended_and_reports_the_others) {
    auto work = spawn(loop, all(failing(3s, "first"), failing(1s, "second"), after(5s, 3)), "work");
    loop.run_once();
    run(4s);
    EXPECT_FALSE(work.done());
    run(2s);
    EXPECT_THAT(thrown<std::runtime_error>([&] { static_cast<void>(work.result()); }), HasSubstr("first"));
    ASSERT_EQ(reported.size(), 1U);
    EXPECT_THAT(reported[0], HasSubstr("second"));
}

TEST_F(Tasks, G5_all_of_nothing_is_done_at_once) {
    auto none = spawn(loop, all(std::vector<Task<int>>()));
    auto empty = spawn(loop, all());
    loop.run_once();
    EXPECT_THAT(none.result(), IsEmpty());
    EXPECT_TRUE(empty.done());
}

TEST_F(Tasks, any_gives_the_first_and_cancels_the_others) {
    auto first = spawn(loop, any(after(3s, 3), after(1s, 1), sleep_for(2s)));
    run(90min);
    EXPECT_EQ(first.result().index(), 1U);
    EXPECT_EQ(std::get<1>(first.result()), 1);
    EXPECT_THAT(log, testing::UnorderedElementsAre("+3", "+1", "-1", "-3"));
    EXPECT_EQ(loop.statistics().timeouts, 0U);
}

TEST_F(Tasks, references_are_kept_in_wrappers) {
    int one = 1;
    auto refer = [](int& o) -> Task<int&> { co_return o; };
    EXPECT_EQ(&std::get<0>(loop.run_sync([&] { return all(refer(one)); })).get(), &one);
    EXPECT_EQ(&std::get<0>(loop.run_sync([&] { return any(refer(one), sleep_for(1s)); })).get(), &one);
}

TEST_F(Tasks, any_takes_nothing_from_a_future_that_lost) {
    Promise<> fast(loop);
    Promise<std::unique_ptr<int>> slow(loop);
    auto first = spawn(loop, any(fast.future(), slow.future()));
    loop.run_once();
    fast.set_value();
    slow.set_value(std::make_unique<int>(7));
    loop.run_ready();
    EXPECT_EQ(first.result().index(), 0U);
    EXPECT_THAT(slow.future().result(), testing::Pointee(7));

    auto second = spawn(loop, any(sleep_for(1h), slow.future()));
    loop.run_ready();
    EXPECT_THAT(std::get<1>(second.result()), testing::Pointee(7));
}

TEST_F(Tasks, any_does_not_report_the_error_of_a_future_that_lost_and_is_asked_for) {
    Promise<> fast(loop);
    Promise<int> asked(loop, "asked");
    Promise<int> forgotten(loop, "forgotten");
    auto first = spawn(loop, any(fast.future(), asked.future(), forgotten.future()));
    loop.run_once();
    fast.set_value();
    asked.set_exception(std::make_exception_ptr(std::runtime_error("seen")));
    forgotten.set_exception(std::make_exception_ptr(std::runtime_error("not seen")));
    loop.run_ready();
    EXPECT_EQ(first.result().index(), 0U);
    EXPECT_THROW(static_cast<void>(asked.future().result()), std::runtime_error);
    asked = Promise<int>(loop);
    forgotten = Promise<int>(loop);
    loop.run_ready();
    EXPECT_THAT(reported, ElementsAre("forgotten: not seen"));
}

TEST_F(Tasks, any_begins_no_more_than_it_needs) {
    auto first = spawn(loop, any(immediately(1), after(1s, 2)));
    loop.run_ready();
    EXPECT_EQ(std::get<0>(first.result()), 1);
    EXPECT_THAT(log, IsEmpty());
}

TEST_F(Tasks, any_of_a_vector_tells_which) {
    std::vector<Task<int>> tasks;
    tasks.push_back(after(2s, 20));
    tasks.push_back(after(1s, 10));
    auto first = spawn(loop, any(std::move(tasks)));
    run();
    EXPECT_EQ(first.result(), (std::pair<std::size_t, int>(1, 10)));
    EXPECT_THROW(static_cast<void>(loop.run_sync([] { return any(std::vector<Task<int>>()); })),
                 std::invalid_argument);
}

TEST_F(Tasks, any_reports_the_error_of_another_that_ended_in_the_same_turn) {
    auto vector = [](Tasks& t) -> Task<std::size_t> {
        std::vector<Task<int>> two;
        two.push_back(t.after(1s, 1));
        two.push_back(t.failing(1s, "of a vector"));
        co_return (co_await any(std::move(two))).first;
    };
    auto pack = [](Tasks& t) -> Task<std::size_t> {
        co_return (co_await any(t.after(1s, 1), t.failing(1s, "of a pack"))).index();
    };
    auto of_vector = spawn(loop, vector(*this), "vector");
    auto of_pack = spawn(loop, pack(*this), "pack");
    run();
    EXPECT_EQ(of_vector.result(), 0U);
    EXPECT_EQ(of_pack.result(), 0U);
    EXPECT_THAT(reported, testing::UnorderedElementsAre(HasSubstr("of a vector"), HasSubstr("of a pack")));
}

TEST_F(Tasks, any_that_throws_reports_the_other_errors_too) {
    auto vector = [](Tasks& t) -> Task<> {
        std::vector<Task<int>> two;
        two.push_back(t.failing(1s, "first"));
        two.push_back(t.failing(1s, "second of a vector"));
        co_await any(std::move(two));
    };
    auto pack = [](Tasks& t) -> Task<> {
        co_await any(t.failing(1s, "first"), t.failing(1s, "second of a pack"));
    };
    auto of_vector = spawn(loop, vector(*this));
    auto of_pack = spawn(loop, pack(*this));
    run();
    EXPECT_EQ(thrown<std::runtime_error>([&] { of_vector.result(); }), "first");
    EXPECT_EQ(thrown<std::runtime_error>([&] { of_pack.result(); }), "first");
    EXPECT_THAT(reported, testing::UnorderedElementsAre(HasSubstr("second of a vector"),
                                                        HasSubstr("second of a pack")));
}

TEST_F(Tasks, any_throws_if_the_first_to_end_fails) {
    auto first = spawn(loop, any(failing(1s, "bad"), after(2s, 2)));
    run();
    EXPECT_THROW(static_cast<void>(first.result()), std::runtime_error);
}

TEST_F(Tasks, G3_with_timeout_throws_and_cancels_the_task) {
    auto late = spawn(loop, with_timeout(1s, after(1h, 1)));
    auto soon = spawn(loop, with_timeout(1h, after(1s, 2)));
    run(2s);
    EXPECT_THROW(static_cast<void>(late.result()), TimeoutError);
    EXPECT_EQ(soon.result(), 2);
    EXPECT_THAT(log, testing::UnorderedElementsAre("+1", "+2", "-1", "-2"));
    EXPECT_EQ(loop.statistics().timeouts, 0U); // the limit is disarmed when it is not needed
}

TEST_F(Tasks, G3_what_is_done_wins_over_a_deadline_that_is_past) {
    EXPECT_EQ(loop.run_sync([&] { return with_timeout(world.now() - 1s, immediately(1)); }), 1);
    EXPECT_THROW(
        static_cast<void>(loop.run_sync([&] { return with_timeout(world.now() - 1s, after(1s, 1)); })),
        TimeoutError);
    EXPECT_THROW(static_cast<void>(loop.run_sync([&] { return with_timeout(0s, after(1s, 1)); })),
                 TimeoutError);
}

TEST_F(Tasks, G3_with_timeout_does_not_cancel_a_future_and_its_later_error_is_reported) {
    auto promise = std::make_unique<Promise<int>>(loop, "slow query");
    auto waiting = spawn(loop, with_timeout(1s, promise->future()));
    run(2s);
    EXPECT_THROW(static_cast<void>(waiting.result()), TimeoutError);
    EXPECT_FALSE(promise->done());
    promise->set_exception(std::make_exception_ptr(std::runtime_error("at last")));
    promise.reset();
    loop.run_ready();
    EXPECT_THAT(reported, ElementsAre("slow query: at last"));
}

TEST_F(Tasks, they_nest) {
    auto result = spawn(loop, with_timeout(10s, any(all(after(3s, 3), after(1s, 1)), sleep_for(2s))));
    run();
    EXPECT_EQ(result.result().index(), 1U);
    EXPECT_THAT(log, testing::UnorderedElementsAre("+3", "+1", "-1", "-3"));
}

TEST_F(Tasks, a_branch_that_runs_the_loop_is_not_destroyed_under_itself) {
    auto modal = [](Tasks& t) -> Task<> {
        const Witness witness(t.log, "modal");
        co_await next_turn();
        for (int i = 0; i < 5; ++i) t.loop.run_once(1s); // the other branch ends meanwhile
        t.log.emplace_back("closed");
        co_await sleep_for(1h);
    };
    auto first = spawn(loop, any(modal(*this), sleep_for(2s)));
    run(1min);
    EXPECT_THAT(log, ElementsAre("+modal", "closed", "-modal"));
    EXPECT_EQ(first.result().index(), 1U);
}

TEST_F(Tasks, nor_is_one_that_a_coroutine_of_another_library_waits_for) {
    auto modal = [](Tasks& t) -> Task<> {
        const Witness witness(t.log, "modal");
        co_await next_turn();
        for (int i = 0; i < 5; ++i) t.loop.run_once(1s); // the other branch ends meanwhile
        t.log.emplace_back("closed");
        co_await sleep_for(1h);
    };
    auto foreign = [&](Tasks& t) -> Foreign {
        co_await with_timeout(1h, any(modal(t), sleep_for(2s)));
        t.log.emplace_back("goes on");
    };
    loop.add_callback([&] { foreign(*this); });
    run(1min);
    EXPECT_THAT(log, ElementsAre("+modal", "closed", "-modal", "goes on"));
    EXPECT_EQ(loop.statistics().timeouts, 0U);
}

TEST_F(Tasks, a_branch_that_runs_the_loop_until_the_time_is_up_and_then_ends_leaves_no_timeout_behind) {
    auto modal = [](Tasks& t) -> Task<> {
        t.loop.run_once(2s); // the time is up in here
        co_return;
    };
    auto timed = spawn(loop, with_timeout(1s, modal(*this)));
    run();
    EXPECT_TRUE(timed.done());
    EXPECT_EQ(loop.statistics().timeouts, 0U);
    timed.result(); // what is done wins
}

TEST_F(Tasks, an_empty_task_among_several_is_an_error_and_none_of_them_begins) {
    EXPECT_THROW(static_cast<void>(loop.run_sync([&] { return all(after(1s, 1), Task<int>()); })),
                 std::logic_error);
    EXPECT_THROW(static_cast<void>(loop.run_sync([&] { return any(after(1s, 1), Task<int>()); })),
                 std::logic_error);
    EXPECT_THROW(loop.run_sync([] { return with_timeout(1s, Task<>()); }), std::logic_error);
    EXPECT_THROW(static_cast<void>(loop.run_sync([&] {
                     std::vector<Task<int>> tasks;
                     tasks.push_back(after(1s, 1));
                     tasks.emplace_back();
                     return all(std::move(tasks));
                 })),
                 std::logic_error);
    EXPECT_THAT(log, IsEmpty());
}

TEST_F(Tasks, a_cancelled_wait_is_not_resumed_by_its_own_destructors) {
    struct Modal {
        ~Modal() {
            for (int i = 0; i < 3; ++i)
                t.loop.run_once(1s); // whatever would have ended the wait comes meanwhile
            t.log.emplace_back("closed");
        }
        Tasks& t;
    };
    auto modal = [](Tasks& t) -> Task<> {
        const Modal at_end{t};
        co_await sleep_for(1h);
    };
    auto pause = [](Duration delay) -> Task<> { co_await sleep_for(delay); };
    auto outer = [](Tasks& t, auto wait) -> Task<> {
        const Witness witness(t.log, "wait");
        co_await std::move(wait);
        t.log.emplace_back("never");
    };
    std::vector<Task<>> two;
    two.push_back(modal(*this));
    two.push_back(pause(2s));
    std::vector<Task<>> waits;
    waits.push_back(outer(*this, with_timeout(2s, modal(*this))));
    waits.push_back(outer(*this, any(modal(*this), pause(2s))));
    waits.push_back(outer(*this, any(std::move(two))));
    for (Task<>& wait : waits) {
        log.clear();
        const auto waiting = spawn(loop, std::move(wait));
        loop.run_once();
        waiting.cancel();
        run();
        EXPECT_THAT(log, ElementsAre("+wait", "closed", "-wait"));
        EXPECT_EQ(loop.statistics().timeouts, 0U);
    }
}

TEST_F(Tasks, a_wait_that_is_over_leaves_nothing_in_a_future_that_is_pending) {
    Promise<> end(loop);
    auto serve = spawn(loop, [](Future<> shutdown) -> Task<> {
        for (int i = 0; i < 3; ++i) {
            try {
                co_await with_timeout(1s, shutdown);
            } catch (const TimeoutError&) { // NOLINT(bugprone-empty-catch): the next round
            }
        }
    }(end.future()));
    run(10s);
    EXPECT_TRUE(serve.done());
    end.set_value();
    EXPECT_EQ(loop.run_once().callbacks, 0U) << "of waits that were over";
}
