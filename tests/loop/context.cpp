// SPDX-License-Identifier: MIT
/// Contexts: Tornado's stack_context, its tests and its bugs.
#include "support/contexts.hpp"
#include "support/socket_pair.hpp"
#include "support/thrown.hpp"

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

std::string what(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return e.what();
    }
}

} // namespace

TEST_F(Contexts, S1_every_stored_callable_runs_in_the_context_in_which_it_was_stored) {
    SocketPair pair;
    pair.send_to_a();
    Context outside = Context::current();
    {
        StackContext request(named("request"));
        EXPECT_THAT(active, ElementsAre("request")); // the block itself is in it too
        loop.add_callback(note_active());
        loop.call_later(0s, note_active());
        loop.add_handler(
            pair.a,
            [&](Fd, Events) {
                seen.push_back(active);
                loop.remove_handler(pair.a);
            },
            Events::read);
    }
    EXPECT_THAT(active, IsEmpty());
    EXPECT_TRUE(Context::current() == outside);
    loop.run_once();
    EXPECT_THAT(seen, ElementsAre(Names{"request"}, Names{"request"}, Names{"request"}));
    EXPECT_THAT(active, IsEmpty());
}

TEST_F(Contexts, S1_it_goes_with_whatever_a_callable_schedules_in_turn) {
    {
        StackContext request(named("request"));
        loop.add_callback([&] { loop.call_later(1s, [&] { loop.add_callback(note_active()); }); });
    }
    for (int i = 0; i < 4; ++i) loop.run_once(1s);
    EXPECT_THAT(seen, ElementsAre(Names{"request"}));
}

TEST_F(Contexts, S1_nested_contexts_are_entered_outermost_first_and_left_in_reverse) {
    {
        StackContext a(named("a"));
        StackContext b(named("b"));
        StackContext c(named("c"));
        loop.add_callback(note_active());
    }
    loop.run_once();
    EXPECT_THAT(seen, ElementsAre(Names{"a", "b", "c"}));
}

TEST_F(Contexts, S1_a_post_from_another_thread_carries_the_context_of_that_thread) {
    int entered = 0;
    const auto note = [&] { seen.push_back(Context::current() ? Names{"some"} : Names{}); };
    std::thread([&] {
        StackContext of_worker([&] { ++entered; });
        loop.add_callback(note);
    }).join();
    loop.add_callback(note);
    entered = 0;
    loop.run_once();
    EXPECT_THAT(seen, ElementsAre(Names{"some"}, Names{}));
    EXPECT_EQ(entered, 1);
}

TEST_F(Contexts, S2_a_callable_stored_in_no_context_runs_in_none_whoever_runs_the_loop) { // bug 69e44920
    auto expect_none = [&] {
        seen.emplace_back();
        EXPECT_FALSE(Context::current());
    };
    loop.add_callback(expect_none);
    StackContext host(named("host"));
    loop.run_once();
    loop.spawn_callback([&] { // the same within a context, by a nested run
        loop.spawn_callback(expect_none);
        StackContext modal(named("modal dialog"));
        loop.run_once();
        EXPECT_TRUE(Context::current());
    });
    loop.run_once();
    EXPECT_EQ(seen.size(), 2U);
    EXPECT_TRUE(Context::current());
}

TEST_F(Contexts, S3_exceptions_meet_the_innermost_handler_first) {
    {
        ExceptionStackContext outer(swallow("outer"));
        ExceptionStackContext middle(pass_on("middle"));
        ExceptionStackContext inner(pass_on("inner"));
        loop.add_callback([] { throw std::runtime_error("x"); });
    }
    loop.run_once();
    EXPECT_THAT(caught, ElementsAre("inner", "middle", "outer"));
    EXPECT_THAT(reported, IsEmpty());
}

TEST_F(Contexts, S3_what_a_handler_has_dealt_with_goes_no_further) {
    {
        ExceptionStackContext outer(swallow("outer"));
        ExceptionStackContext inner(swallow("inner"));
        loop.add_callback([] { throw std::runtime_error("x"); });
    }
    loop.run_once();
    EXPECT_THAT(caught, ElementsAre("inner"));
}

TEST_F(Contexts, S3_a_handler_that_throws_replaces_the_exception) { // [P72] [P73]
    {
        ExceptionStackContext outer([&](std::exception_ptr e) {
            caught.push_back(what(e));
            return false;
        });
        ExceptionStackContext inner([](std::exception_ptr) -> bool { throw std::runtime_error("second"); });
        loop.add_callback([] { throw std::runtime_error("first"); });
    }
    loop.run_once();
    EXPECT_THAT(caught, ElementsAre("second"));
    EXPECT_THAT(reported, ElementsAre("second"));
}

TEST_F(Contexts, S3_what_nobody_deals_with_goes_to_the_error_hook) {
    {
        ExceptionStackContext context(pass_on("context"));
        loop.add_callback([] { throw std::runtime_error("x"); });
    }
    loop.run_once();
    EXPECT_THAT(caught, ElementsAre("context"));
    EXPECT_THAT(reported, ElementsAre("x"));
}

TEST_F(Contexts, S4_a_callable_is_entered_through_its_whole_stack_even_from_inside_the_same) {
    int entered = 0;
    StackContext context([&] { ++entered; });
    auto inner = wrap([] {});
    loop.add_callback([&] { inner(); });
    entered = 0;
    loop.run_once();
    EXPECT_EQ(entered, 2);
}

TEST_F(Contexts, S5_if_a_context_cannot_be_entered_the_callable_does_not_run) { // [P70] [P71]
    int entered = 0;
    {
        StackContext outer(named("outer"));
        StackContext broken([&, first = true]() mutable {
            if (!std::exchange(first, false)) throw std::runtime_error("cannot enter");
        });
        StackContext inner([&] { ++entered; });
        entered = 0;
        loop.add_callback(note_active());
        loop.add_callback(wrap([] {}));
    }
    loop.run_once();
    EXPECT_THAT(seen, IsEmpty());
    EXPECT_EQ(entered, 0);
    EXPECT_THAT(active, IsEmpty()); // and what was entered is left
    EXPECT_THAT(reported, ElementsAre("cannot enter", "cannot enter"));
}

TEST_F(Contexts, S7_spawn_callback_runs_outside_the_current_context) { // test_spawn_callback
    {
        ExceptionStackContext context(swallow("context"));
        loop.add_callback([] { throw std::runtime_error("added"); });
        loop.spawn_callback([] { throw std::runtime_error("spawned"); });
    }
    loop.run_once();
    EXPECT_THAT(caught, ElementsAre("context"));
    EXPECT_THAT(reported, ElementsAre("spawned"));
}

TEST_F(Contexts, S7_a_post_out_of_a_signal_handler_runs_outside_the_current_context) {
    {
        StackContext context(named("context"));
        loop.add_callback_from_signal([this] { seen.push_back(active); });
    }
    loop.run_once();
    EXPECT_THAT(seen, ElementsAre(Names{}));
}

TEST_F(Contexts, T12_a_timeout_runs_in_the_context_in_which_it_was_armed) {
    Timeout timeout;
    {
        StackContext armed(named("armed"));
        timeout = loop.call_later(1s, note_active());
    }
    {
        StackContext moved(named("moved"));
        loop.update_timeout(timeout, world.now() + 2s);
    }
    loop.run_once(2s);
    EXPECT_THAT(seen, ElementsAre(Names{"armed"}));
}

TEST_F(Contexts, S3_null_context_hides_what_is_around_it) {
    StackContext request(named("request"));
    {
        NullContext shared;
        EXPECT_FALSE(Context::current());
        loop.add_callback([&] { EXPECT_FALSE(Context::current()); });
    }
    EXPECT_TRUE(Context::current());
    loop.run_once();
}

TEST_F(Contexts, test_stack_context_an_exception_three_callbacks_deep_reaches_the_handler) {
    {
        ExceptionStackContext request(swallow("request"));
        loop.add_callback(
            [&] { loop.add_callback([&] { loop.add_callback([] { throw std::runtime_error("deep"); }); }); });
    }
    for (int i = 0; i < 3; ++i) loop.run_once();
    EXPECT_THAT(caught, ElementsAre("request"));
}

TEST_F(Contexts, a_context_is_destroyed_with_the_last_callable_that_carries_it) {
    auto alive = std::make_shared<int>();
    {
        StackContext context([alive] {});
        loop.call_later(1h, [] {});
        loop.add_callback([] {});
    }
    loop.run_once();
    EXPECT_EQ(alive.use_count(), 2);
    loop.close();
    EXPECT_EQ(alive.use_count(), 1);
}

TEST_F(Contexts, a_null_factory_or_exception_handler_is_refused) {
    EXPECT_EQ(thrown<std::invalid_argument>([] { StackContext(static_cast<void (*)()>(nullptr)); }),
              "StackContext: null factory");
    EXPECT_EQ(thrown<std::invalid_argument>([] { StackContext(Function<void()>()); }),
              "StackContext: null factory");
    EXPECT_EQ(thrown<std::invalid_argument>([] { ExceptionStackContext(nullptr); }),
              "ExceptionStackContext: null handler");
    EXPECT_FALSE(Context::current());
}

TEST_F(Contexts, blocks_that_end_out_of_order_are_told_and_leave_the_others_sound) {
    auto first = std::make_unique<StackContext>(named("first"));
    auto second = std::make_unique<StackContext>(named("second"));
    testing::internal::CaptureStderr();
    first.reset();
    EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("out of order"));
    second.reset();
    EXPECT_FALSE(Context::current());
}

TEST_F(Contexts, the_chain_of_origins_names_who_scheduled_whom_four_deep) {
    Snapshot snapshot;
    loop.add_callback(
        [&] {
            loop.add_callback(
                [&] {
                    loop.add_callback(
                        [&] {
                            loop.add_callback([] {}, "fourth");
                            loop.snapshot(snapshot);
                        },
                        "third");
                },
                "second");
        },
        "first");
    for (int i = 0; i < 3; ++i) loop.run_once();
    std::vector<std::string> names;
    for (const SiteId site : snapshot.callbacks.at(0).chain.sites) names.emplace_back(origin_of(site).name);
    EXPECT_THAT(names, ElementsAre("fourth", "third", "second", "first"));
}
