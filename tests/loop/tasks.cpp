// SPDX-License-Identifier: MIT
/// Tasks: coroutines that live on the loop; how they begin and end, and who owns them.
#include "support/tasks.hpp"

#include "support/scarce_memory.hpp"
#include "support/thrown.hpp"

#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

std::exception_ptr foreign_error; ///< what left a coroutine of somebody else

Task<int> sum_to(int n) {
    int sum = 0;
    for (int i = 1; i <= n; ++i) sum += co_await Tasks::immediately(i);
    co_return sum;
}
Task<int> depth(int n) {
    if (n == 0) co_return 0;
    co_return 1 + co_await depth(n - 1);
}

} // namespace

TEST_F(Tasks, are_lazy) {
    {
        auto task = after(1s, 1);
        EXPECT_TRUE(task.valid());
    }
    EXPECT_THAT(log, IsEmpty());
}

TEST_F(Tasks, a_spawned_task_begins_in_the_next_turn_and_gives_its_future_the_result) {
    auto future = spawn(loop, after(2s, 7));
    EXPECT_THAT(log, IsEmpty());
    loop.run_once();
    EXPECT_THAT(log, ElementsAre("+7"));
    run();
    EXPECT_EQ(future.result(), 7);
    EXPECT_EQ(world.elapsed() >= 2s, true);
}

TEST_F(Tasks, a_task_that_awaits_a_million_does_not_use_up_the_stack) {
    auto many = spawn(loop, sum_to(1'000'000 / 50));
    auto deep = spawn(loop, depth(20'000));
    loop.run_ready();
    EXPECT_EQ(many.result(), 20'000 / 2 * 20'001);
    EXPECT_EQ(deep.result(), 20'000);
}

TEST_F(Tasks, exceptions_leave_the_co_await) {
    auto caught = spawn(loop, [](Task<int> task) -> Task<std::string> {
        try {
            co_await std::move(task);
        } catch (const std::exception& e) {
            co_return e.what();
        }
        co_return "none";
    }(failing(1s, "deep")));
    run();
    EXPECT_EQ(caught.result(), "deep");
    EXPECT_THAT(reported, IsEmpty());
}

TEST_F(Tasks,
       F21_an_error_of_a_detached_task_is_reported_under_its_name) { // test_exception_logging_native_coro
    spawn(loop, failing(1s, "lost"), "background");
    run();
    EXPECT_THAT(reported, ElementsAre("background: lost"));
}

TEST_F(Tasks, F5_a_callable_that_returns_a_task_starts_it) {
    loop.add_callback([this]() -> Task<> {
        co_await sleep_for(1s);
        log.emplace_back("callback");
    });
    loop.call_later(3s, [this]() -> Task<int> {
        co_await next_turn();
        log.emplace_back("timeout");
        co_return 1;
    });
    loop.add_callback([]() -> Task<> { throw std::runtime_error("x"); }, "bad");
    run();
    EXPECT_THAT(log, ElementsAre("callback", "timeout"));
    EXPECT_THAT(reported, ElementsAre("bad: x"));
}

TEST_F(Tasks, F5_the_captures_of_such_a_callable_live_as_long_as_its_task) {
    auto captured = std::make_shared<std::string>("captured");
    loop.add_callback([this, captured]() -> Task<> {
        co_await sleep_for(1s);
        log.push_back(*captured);
    });
    loop.run_ready();
    EXPECT_EQ(captured.use_count(), 2);
    run();
    EXPECT_THAT(log, ElementsAre("captured"));
    EXPECT_EQ(captured.use_count(), 1);
}

TEST_F(Tasks,
       F5_a_callback_that_returns_a_failed_future_has_its_error_reported) { // test_exception_logging_future
    loop.add_callback([this]() -> Future<int> {
        Promise<int> promise(loop, "made here");
        promise.set_exception(std::make_exception_ptr(std::runtime_error("failed")));
        return promise.future();
    });
    loop.run_ready();
    EXPECT_THAT(reported, ElementsAre("made here: failed"));
}

TEST_F(Tasks, values_of_all_kinds_are_returned) {
    int object = 5;
    auto reference = [](int& o) -> Task<int&> { co_return o; };
    auto unique = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(6); };
    auto both = spawn(loop, [&]() -> Task<int> {
        int& r = co_await reference(object);
        r = 10;
        auto p = co_await unique();
        co_return r + *p;
    });
    loop.run_ready();
    EXPECT_EQ(both.result(), 16);
    EXPECT_EQ(object, 10);
}

TEST_F(Tasks, a_result_that_cannot_be_moved_is_an_error_of_the_task_and_does_not_end_the_program) {
    struct Heavy {
        explicit Heavy(int m) : moves_left(m) {}
        Heavy& operator=(const Heavy&) = default;
        Heavy(const Heavy& other) : moves_left(other.moves_left - 1) {
            if (moves_left < 0) throw std::runtime_error("too heavy");
        }
        int moves_left;
    };
    for (int moves = 0; moves < 6; ++moves) {
        auto lift = [](int m) -> Task<Heavy> { co_return Heavy(m); };
        auto future = spawn(loop, lift(moves));
        auto both = spawn(loop, all(lift(moves)));
        run(1s);
        ASSERT_TRUE(future.done());
        ASSERT_TRUE(both.done());
        if (future.exception() == nullptr) continue;
        EXPECT_EQ(thrown<std::runtime_error>([&] { future.result(); }), "too heavy");
        EXPECT_EQ(thrown<std::runtime_error>([&] { both.result(); }), "too heavy");
    }
}

TEST_F(Tasks, to_spawn_from_another_thread_is_an_error) {
    static_cast<void>(spawn(loop, after(1s, 1)));
    std::thread([&] {
        EXPECT_THAT(thrown<std::logic_error>([&] { static_cast<void>(spawn(loop, after(1s, 2))); }),
                    HasSubstr("spawn: called from another thread"));
    }).join();
    run();
    EXPECT_THAT(log, ElementsAre("+1", "-1"));
}

TEST_F(Tasks, an_empty_task_cannot_be_awaited_or_spawned) {
    Task<int> empty;
    EXPECT_THROW(spawn(loop, std::move(empty)), std::logic_error);
}

TEST_F(Tasks, a_null_function_is_not_spawned) {
    const auto refusal = AllOf(HasSubstr("spawn: null function"), HasSubstr("'name' at "));
    const auto spawned = [&](auto f) {
        return thrown<std::invalid_argument>([&] { static_cast<void>(spawn(loop, std::move(f), "name")); });
    };
    EXPECT_THAT(spawned(static_cast<Task<> (*)()>(nullptr)), refusal);
    EXPECT_THAT(spawned(Function<Task<>()>()), refusal);
    EXPECT_THAT(spawned(std::function<Task<>()>()), refusal);
    EXPECT_EQ(loop.run_ready().callbacks, 0U);
}

TEST_F(Tasks, who_awaits_a_task_owns_it_though_it_has_a_name_elsewhere) {
    Task<int> named = after(1s, 1);
    auto waiting =
        spawn(loop, [](Task<int>& task) -> Task<int> { co_return co_await std::move(task); }(named));
    loop.run_once();
    EXPECT_FALSE(named.valid());
    waiting.cancel();
    EXPECT_THAT(log, ElementsAre("+1", "-1"));
    run();
}

TEST_F(Tasks, a_task_that_was_awaited_is_empty) {
    auto twice = spawn(loop, [](Task<int> task) -> Task<int> {
        co_await std::move(task);
        co_return co_await std::move(task);
    }(after(1s, 1)));
    run();
    EXPECT_THAT(thrown<std::logic_error>([&] { twice.result(); }), HasSubstr("moved from"));
}

TEST_F(Tasks, without_a_loop_nothing_can_be_awaited) {
    IOLoop::clear_current();
    struct Driver { // a coroutine type of somebody else
        struct promise_type {
            Driver get_return_object() { return {}; }
            std::suspend_never initial_suspend() { return {}; }
            std::suspend_never final_suspend() noexcept { return {}; }
            void return_void() {}
            void unhandled_exception() { foreign_error = std::current_exception(); }
        };
    };
    [this]() -> Driver {
        log.emplace_back("before");
        co_await sleep_for(1s);
        log.emplace_back("after");
    }();
    EXPECT_THAT(log, ElementsAre("before"));
    EXPECT_THROW(std::rethrow_exception(foreign_error), std::logic_error);
}

TEST_F(Tasks, coroutines_of_other_libraries_can_wait_on_the_loop_too) {
    auto foreign = [](Tasks& test) -> Foreign {
        co_await sleep_for(1s);
        test.log.push_back(std::to_string(co_await sum_to(3)));
        co_await sleep_for(1s);
        test.log.emplace_back("end");
    };
    loop.add_callback([&] { foreign(*this); });
    run();
    EXPECT_THAT(log, ElementsAre("6", "end"));
}

TEST_F(Tasks, for_which_the_loop_has_no_room_are_not_its_own) {
    ScarceMemory memory;
    auto options = world.options();
    options.memory = &memory;
    IOLoop full(std::move(options));
    memory.granted = 0;
    const auto work = [](std::shared_ptr<int>) -> Task<> { co_return; };
    const auto argument = std::make_shared<int>();
    EXPECT_THROW(spawn(full, work(argument)), std::bad_alloc);
    EXPECT_EQ(argument.use_count(), 1);
    Snapshot snapshot;
    full.snapshot(snapshot);
    EXPECT_THAT(snapshot.tasks, IsEmpty());
}
