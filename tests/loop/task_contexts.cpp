// SPDX-License-Identifier: MIT
/// Contexts of tasks: what is current after a co_await, and what is open across one.
#include "support/tasks.hpp"

#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(Tasks, S6_the_context_of_the_spawn_is_there_after_every_co_await) {
    int entered = 0;
    {
        StackContext context([&] { ++entered; });
        entered = 0;
        spawn(loop, [](Tasks& t) -> Task<> {
            for (int i = 0; i < 3; ++i) {
                t.log.emplace_back(Context::current() ? "in" : "out");
                co_await sleep_for(1s);
            }
            co_await all(sleep_for(1s), next_turn());
            t.log.emplace_back(Context::current() ? "in" : "out");
        }(*this));
    }
    run();
    EXPECT_THAT(log, ElementsAre("in", "in", "in", "in"));
    EXPECT_GE(entered, 5);
    EXPECT_FALSE(Context::current());
}

TEST_F(Tasks, S6_a_context_may_be_open_across_co_await_and_goes_while_the_task_waits) { // test_yield_in_with
    std::vector<std::string> active;
    struct Guard {
        explicit Guard(std::vector<std::string>& a) : list(a) { list.emplace_back("guard"); }
        Guard(const Guard&) = delete;
        Guard& operator=(const Guard&) = delete;
        ~Guard() { list.pop_back(); }
        std::vector<std::string>& list;
    };
    spawn(loop, [](Tasks& t, std::vector<std::string>& a) -> Task<> {
        {
            StackContext context([&a] { return Guard(a); });
            co_await sleep_for(1s);
            EXPECT_THAT(a, ElementsAre("guard"));
            t.loop.add_callback([&a] { EXPECT_THAT(a, ElementsAre("guard")); });
            co_await sleep_for(1s);
        }
        EXPECT_THAT(a, IsEmpty());
        EXPECT_FALSE(Context::current());
        co_await sleep_for(1s);
        t.log.emplace_back("end");
    }(*this, active));
    loop.run_once();
    EXPECT_THAT(active, IsEmpty()); // while it waits
    loop.add_callback([&] { EXPECT_THAT(active, IsEmpty()); });
    run();
    EXPECT_THAT(log, ElementsAre("end"));
}

TEST_F(
    Tasks,
    S6_an_exception_handler_open_across_co_await_sees_what_is_scheduled_in_it) { // test_yield_in_with_exception_stack_context
    static_cast<void>(spawn(loop, [](Tasks& t) -> Task<> {
        {
            ExceptionStackContext context([&t](const std::exception_ptr&) {
                t.log.emplace_back("handled");
                return true;
            });
            co_await sleep_for(1s);
            t.loop.add_callback([] { throw std::runtime_error("inside"); });
            co_await sleep_for(1s);
        }
        t.loop.add_callback([] { throw std::runtime_error("outside"); });
        co_await sleep_for(1s);
        t.log.emplace_back("end");
    }(*this)));
    run();
    EXPECT_THAT(log, ElementsAre("handled", "end"));
    EXPECT_THAT(reported, testing::Contains(HasSubstr("outside")));
    EXPECT_THAT(reported, testing::Not(testing::Contains(HasSubstr("inside"))));
}

TEST_F(Tasks, S6_a_task_whose_context_cannot_be_entered_is_cancelled) {
    bool entry = true;
    Future<void> resumed;
    Future<void> begun;
    {
        StackContext context([&] {
            if (!entry) throw std::runtime_error("no entry");
        });
        resumed = spawn(loop, [](Tasks& t) -> Task<> {
            const Witness witness(t.log, "task");
            co_await all(sleep_for(1s));
        }(*this));
        loop.run_once();
        begun = spawn(loop, [](Tasks& t) -> Task<> {
            t.log.emplace_back("never");
            co_return;
        }(*this));
    }
    entry = false;
    run();
    EXPECT_THAT(log, ElementsAre("+task", "-task"));
    EXPECT_THAT(reported, ElementsAre(HasSubstr("no entry"), HasSubstr("no entry")));
    EXPECT_THROW(resumed.result(), CancelledError);
    EXPECT_THROW(begun.result(), CancelledError);
}

TEST_F(Tasks, S6_a_task_that_its_context_s_factory_cancels_does_not_go_on_and_is_destroyed_in_the_context) {
    Future<void> future;
    bool cancels = false;
    auto spawn_in_context = [&](auto task) {
        StackContext context([&] {
            if (std::exchange(cancels, false)) future.cancel();
        });
        future = spawn(loop, task(*this));
    };
    auto in_it = [](Tasks& t) -> Task<> {
        const Witness witness(t.log, Context::current() ? "task" : "task without its context");
        co_await sleep_for(1s);
        t.log.emplace_back("never");
    };
    auto opens_another = [](Tasks& t) -> Task<> {
        const Witness witness(t.log, "task");
        StackContext context([] {});
        co_await all(sleep_for(1s));
        t.log.emplace_back("never");
    };
    spawn_in_context(in_it);
    loop.run_once();
    cancels = true;
    run();
    spawn_in_context(opens_another);
    loop.run_once();
    cancels = true;
    run();
    spawn_in_context(in_it);
    cancels = true; // before it begins
    run();
    EXPECT_FALSE(cancels);
    EXPECT_THAT(log, ElementsAre("+task", "-task", "+task", "-task"));
    EXPECT_EQ(loop.statistics().timeouts, 0U);
    EXPECT_FALSE(Context::current());
}

TEST_F(Tasks, S6_a_task_that_its_context_s_guard_cancels_as_it_goes_is_destroyed_then) {
    Future<void> future;
    bool cancels = false;
    struct Guard {
        explicit Guard(std::function<void()> f) : at_end(std::move(f)) {}
        Guard(const Guard&) = delete;
        Guard& operator=(const Guard&) = delete;
        ~Guard() { at_end(); }
        std::function<void()> at_end;
    };
    {
        StackContext context([&] {
            return Guard([&] {
                if (std::exchange(cancels, false)) future.cancel();
            });
        });
        future = spawn(loop, [](Tasks& t) -> Task<> {
            const Witness witness(t.log, "task");
            for (;;) co_await sleep_for(1s);
        }(*this));
    }
    loop.run_once();
    cancels = true;
    loop.run_once(1s);
    EXPECT_FALSE(cancels);
    EXPECT_THAT(log, ElementsAre("+task", "-task"));
    EXPECT_EQ(loop.statistics().timeouts, 0U);
}

TEST_F(Tasks, S6_a_coroutine_of_another_library_leaves_the_contexts_of_the_task_that_begins_it_alone) {
    auto foreign = [](Tasks& t) -> Foreign {
        co_await sleep_for(1s);
        t.log.emplace_back(Context::current() ? "in" : "out");
    };
    spawn(loop, [](Tasks& t, auto begin) -> Task<> {
        {
            StackContext context([] {});
            begin(t);
            EXPECT_TRUE(Context::current());
            co_await sleep_for(2s);
            EXPECT_TRUE(Context::current());
        }
        EXPECT_FALSE(Context::current());
        t.log.emplace_back("end");
    }(*this, foreign));
    run();
    EXPECT_THAT(log, ElementsAre("in", "end"));
    EXPECT_FALSE(Context::current());
}

TEST_F(Tasks, S6_a_context_open_across_the_co_await_of_another_library_s_coroutine_goes_while_that_waits) {
    struct Lazy { // the least of such libraries
        struct promise_type {
            Lazy get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
            std::suspend_always initial_suspend() { return {}; }
            auto final_suspend() noexcept {
                struct Finish {
                    bool await_ready() noexcept { return false; }
                    std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> self) noexcept {
                        return self.promise().continuation;
                    }
                    void await_resume() noexcept {}
                };
                return Finish{};
            }
            void return_void() {}
            void unhandled_exception() { std::terminate(); }
            std::coroutine_handle<> continuation;
        };
        bool await_ready() { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) {
            handle.promise().continuation = awaiting;
            return handle;
        }
        void await_resume() { handle.destroy(); }
        std::coroutine_handle<promise_type> handle;
    };
    auto foreign = [](Tasks& t) -> Lazy {
        for (int i = 0; i < 2; ++i) {
            co_await sleep_for(1s);
            t.log.emplace_back(Context::current() ? "in" : "out");
        }
    };
    int open = 0;
    struct Guard {
        explicit Guard(int& o) : count(o) { ++count; }
        Guard(const Guard&) = delete;
        Guard& operator=(const Guard&) = delete;
        ~Guard() { --count; }
        int& count;
    };
    spawn(loop, [](Tasks& t, auto wait, int& count) -> Task<> {
        {
            StackContext context([&] { return Guard(count); });
            co_await wait(t);
            EXPECT_TRUE(Context::current());
            EXPECT_EQ(count, 1);
        }
        EXPECT_FALSE(Context::current());
        t.log.emplace_back("end");
    }(*this, foreign, open));
    loop.run_once();
    EXPECT_EQ(open, 0);
    run();
    EXPECT_EQ(open, 0);
    EXPECT_THAT(log, ElementsAre("in", "in", "end"));
}

TEST_F(Tasks, S6_a_task_destroyed_with_a_context_open_leaves_none_behind) {
    auto future = spawn(loop, []() -> Task<> {
        StackContext context([] {});
        co_await sleep_for(1h);
    }());
    loop.run_once();
    future.cancel();
    EXPECT_FALSE(Context::current());
    loop.add_callback([] { EXPECT_FALSE(Context::current()); });
    loop.run_once();
}

TEST_F(
    Tasks,
    S6_an_error_of_a_detached_task_meets_the_handlers_of_where_it_was_spawned) { // test_run_with_stack_context
    {
        ExceptionStackContext context([this](const std::exception_ptr&) {
            log.emplace_back("handled");
            return true;
        });
        spawn(loop, failing(1s, "x"));
    }
    run();
    EXPECT_THAT(log, ElementsAre("handled"));
    EXPECT_THAT(reported, IsEmpty());
}
