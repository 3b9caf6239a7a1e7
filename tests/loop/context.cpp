// SPDX-License-Identifier: MIT
/// Contexts: Tornado's stack_context, its tests and its bugs.
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"
#include "support/thrown.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

class Contexts : public testing::Test {
protected:
    /// A context that keeps its name in `active` while something runs in it.
    auto named(std::string name) {
        struct Guard {
            Guard(std::vector<std::string>& a, const std::string& n) : active(a) { active.push_back(n); }
            Guard(const Guard&) = delete;
            Guard& operator=(const Guard&) = delete;
            ~Guard() { active.pop_back(); }
            std::vector<std::string>& active;
        };
        return [this, name = std::move(name)] { return Guard(active, name); };
    }
    auto note_active() {
        return [this] { seen.push_back(active); };
    }
    auto swallow(std::string who) {
        return [this, who = std::move(who)](std::exception_ptr) {
            caught.push_back(who);
            return true;
        };
    }
    auto pass_on(std::string who) {
        return [this, who = std::move(who)](std::exception_ptr) {
            caught.push_back(who);
            return false;
        };
    }
    static std::string text(const std::exception_ptr& error) {
        try {
            std::rethrow_exception(error);
        } catch (const std::exception& e) {
            return e.what();
        }
    }
    IOLoop::Options options() {
        auto options = world.options();
        options.on_error = [this](std::exception_ptr error, const Origin&, CallKind) {
            reported.push_back(text(error));
        };
        return options;
    }

    SimWorld world;
    std::vector<std::string> active;
    std::vector<std::vector<std::string>> seen;
    std::vector<std::string> caught;
    std::vector<std::string> reported;
    IOLoop loop{options()};
};

using Names = std::vector<std::string>;

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
    std::thread([&] {
        int entered = 0;
        StackContext of_worker([&] { ++entered; });
        loop.add_callback([&] { seen.push_back(Context::current() ? Names{"some"} : Names{}); });
    }).join();
    loop.add_callback([&] { seen.push_back(Context::current() ? Names{"some"} : Names{}); });
}

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
            caught.push_back(text(e));
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

TEST_F(Contexts, test_deactivate_a_deactivated_context_is_gone_from_the_next_callback) {
    {
        StackContext a(named("a"));
        StackContext b(named("b"));
        StackContext c(named("c"));
        loop.add_callback([&, end = b.deactivator()] {
            end();
            seen.push_back(active); // under way: it goes on
            loop.add_callback(note_active());
        });
        loop.add_callback(note_active()); // stored before, called after
    }
    loop.run_ready();
    EXPECT_THAT(seen, ElementsAre(Names{"a", "b", "c"}, Names{"a", "c"}, Names{"a", "c"}));
}

TEST_F(Contexts, test_deactivate_order_any_of_them_may_be_deactivated) { // the outermost crashed: 46850a7b
    for (int which = 0; which < 3; ++which) {
        seen.clear();
        {
            StackContext a(named("a"));
            StackContext b(named("b"));
            StackContext c(named("c"));
            (which == 0 ? a : which == 1 ? b : c).deactivate();
            loop.add_callback([&] {
                seen.push_back(active);
                StackContext d(named("d"));
                loop.add_callback(note_active());
            });
        }
        loop.run_ready();
        const Names left = which == 0 ? Names{"b", "c"} : which == 1 ? Names{"a", "c"} : Names{"a", "b"};
        Names more = left;
        more.emplace_back("d");
        EXPECT_THAT(seen, ElementsAre(left, more));
    }
}

TEST_F(Contexts, contexts_that_each_end_the_one_before_do_not_add_up) { // tornado #507
    auto alive = std::make_shared<int>();
    Callback step;
    int left = 1000;
    long most = 0;
    std::function<void()> next = [&] {
        most = std::max(most, alive.use_count());
        if (--left == 0) return;
        StackContext context([alive] {});
        loop.add_callback([&, end = context.deactivator()] {
            end();
            next();
        });
    };
    next();
    loop.run_ready();
    EXPECT_EQ(left, 0);
    EXPECT_LT(most, 10);
    EXPECT_EQ(alive.use_count(), 1);
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
