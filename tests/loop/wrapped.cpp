// SPDX-License-Identifier: MIT
/// wrap: a callable that brings its context along.
#include "support/contexts.hpp"

#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::ElementsAre;

TEST_F(Contexts, S1_wrapping_is_idempotent_and_wrapping_nothing_is_nothing) { // [P74]
    int entered = 0;
    auto once = [&] {
        StackContext context([&] { ++entered; });
        entered = 0;
        return wrap(wrap([] {}));
    }();
    once();
    EXPECT_EQ(entered, 1);
    EXPECT_EQ(wrap(nullptr), nullptr);
    EXPECT_THROW(loop.add_callback(wrap(Callback())), std::invalid_argument);
}

TEST_F(Contexts, S1_a_wrapped_callable_forwards_arguments_and_result) {
    auto twice = wrap([](int x, std::unique_ptr<int> y) { return 2 * x + *y; });
    EXPECT_EQ(twice(20, std::make_unique<int>(2)), 42);
}

TEST_F(Contexts, test_exit_library_context_a_callback_wrapped_by_a_library_runs_as_the_application_s) {
    Callback library_callback;
    auto library_function = [&](Callback callback) {
        library_callback = wrap(std::move(callback));
        StackContext library(named("library"));
        loop.add_callback([&] { library_callback(); });
    };
    {
        StackContext application(named("application"));
        library_function(note_active());
    }
    loop.run_once();
    // Entered are library and, within it, application alone: the library's is not around what it schedules.
    EXPECT_THAT(seen.at(0).back(), "application");
}

TEST_F(Contexts, a_task_that_a_wrapped_callable_returns_runs_in_the_context_of_the_wrapping) {
    std::vector<bool> in;
    const auto task = [&](auto&&...) -> Task<> {
        in.push_back(static_cast<bool>(Context::current()));
        co_await next_turn();
        in.push_back(static_cast<bool>(Context::current()));
    };
    Promise<int> promise(loop);
    Callback wrapped;
    {
        StackContext context([] {});
        wrapped = wrap(task);
        loop.add_future(promise.future(), task);
    }
    promise.set_value(1);
    loop.add_callback(std::move(wrapped));
    loop.run_ready();
    EXPECT_THAT(in, ElementsAre(true, true, true, true));
}

TEST_F(Contexts, test_pre_wrap_a_wrapped_callback_keeps_its_own_context_only) {
    Callback wrapped = [&] {
        StackContext here(named("where wrapped"));
        return wrap(note_active());
    }();
    {
        StackContext there(named("where added"));
        loop.add_callback(std::move(wrapped));
    }
    loop.run_once();
    EXPECT_THAT(seen, ElementsAre(Names{"where wrapped"}));
}

TEST_F(Contexts, test_isolation_what_a_callable_schedules_is_not_of_its_caller_s_context) {
    for (const bool empty : {false, true}) {
        seen.clear();
        Callback f2;
        auto make = [&] { f2 = wrap([&] { loop.add_callback(note_active()); }); };
        if (empty) {
            make();
        } else {
            StackContext c1(named("c1"));
            make();
        }
        {
            StackContext c2(named("c2"));
            f2();
        }
        loop.run_ready();
        EXPECT_THAT(seen, ElementsAre(empty ? Names{} : Names{"c1"}));
    }
}
