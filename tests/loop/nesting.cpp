// SPDX-License-Identifier: MIT
// Turns inside callables: modal dialogs, window drags, and loops inside loops.
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using testing::ElementsAre;

class Nesting : public testing::Test {
protected:
    SimWorld world;
    IOLoop loop{world.options()};
    SocketPair pair;
    std::vector<std::string> order;

    Callback note(const char* what) {
        return [this, what] { order.emplace_back(what); };
    }
    std::uint32_t registered() const { return loop.statistics().handlers; }
};

TEST_F(Nesting, run_once_in_a_callback_continues_the_batch_and_the_outer_call_has_nothing_left) {
    loop.add_callback([&] {
        note("outer begins")();
        EXPECT_EQ(loop.run_once().callbacks, 1U);
        note("outer ends")();
    });
    loop.add_callback(note("rest of the batch"));
    EXPECT_EQ(loop.run_once().callbacks, 1U) << "each call counts its own calls";
    EXPECT_THAT(order, ElementsAre("outer begins", "rest of the batch", "outer ends"));
}

TEST_F(Nesting, run_once_in_a_timeout_runs_the_timeouts_due_with_it) {
    loop.call_later(0s, [&] {
        loop.run_once();
        note("outer ends")();
    });
    loop.call_later(0s, note("due with it"));
    loop.run_once();
    EXPECT_THAT(order, ElementsAre("due with it", "outer ends"));
}

TEST_F(Nesting, run_once_in_a_handler_serves_the_other_handlers) {
    SocketPair other;
    int depth = 0;
    int deepest = 0;
    const auto handler = [&](Fd fd, Events) {
        deepest = std::max(deepest, ++depth);
        loop.run_once();
        SocketPair::read_all(fd);
        --depth;
    };
    loop.add_handler(pair.a, handler, Events::read);
    loop.add_handler(other.a, handler, Events::read);
    pair.send_to_a();
    other.send_to_a();
    loop.run_once();
    EXPECT_EQ(deepest, 2);
    EXPECT_EQ(loop.statistics().handlers_run, 2U);
}

TEST_F(Nesting, a_handler_on_the_stack_is_not_entered_again_though_its_descriptor_is_ready) {
    int entered = 0;
    loop.add_handler(
        pair.a,
        [&](Fd, Events) {
            ++entered;
            for (int i = 0; i < 5; ++i) loop.run_once();
        },
        Events::read);
    pair.send_to_a();
    loop.run_once();
    EXPECT_EQ(entered, 1);
    loop.run_once();
    EXPECT_EQ(entered, 2) << "it is watched again";
}

TEST_F(Nesting, the_ready_descriptor_of_a_handler_on_the_stack_does_not_make_the_nested_wait_spin) {
    loop.add_handler(
        pair.a,
        [&](Fd, Events) {
            loop.run_once(1s);
            pair.read_a();
        },
        Events::read);
    pair.send_to_a();
    loop.run_once();
    EXPECT_EQ(world.elapsed(), 1s);
}

TEST_F(Nesting, a_timeout_on_the_stack_that_rearmed_itself_is_not_entered_again) {
    int depth = 0;
    int deepest = 0;
    int calls = 0;
    Timeout self;
    self = loop.call_later(0s, [&, text = std::make_unique<std::string>("alive")] {
        deepest = std::max(deepest, ++depth);
        if (++calls < 3) {
            loop.update_timeout(self, world.now());
            loop.run_once();
        }
        EXPECT_EQ(*text, "alive");
        --depth;
    });
    for (int turn = 0; turn < 5; ++turn) loop.run_once();
    EXPECT_EQ(deepest, 1);
    EXPECT_EQ(calls, 3);
}

TEST_F(Nesting, nor_does_it_make_the_nested_wait_spin) {
    Timeout self;
    bool first = true;
    self = loop.call_later(0s, [&] {
        if (!std::exchange(first, false)) return;
        loop.update_timeout(self, world.now());
        loop.run_once(1s);
        EXPECT_EQ(world.elapsed(), 1s);
    });
    loop.run_once();
    EXPECT_EQ(loop.run_once().timeouts, 1U);
}

TEST_F(Nesting, a_timeout_that_rearmed_itself_may_be_removed_in_a_nested_turn) {
    Timeout self;
    int calls = 0;
    self = loop.call_later(0s, [&, text = std::make_unique<std::string>("alive")] {
        ++calls;
        loop.update_timeout(self, world.now());
        loop.add_callback([&] { EXPECT_TRUE(loop.remove_timeout(self)); });
        loop.run_once();
        EXPECT_FALSE(loop.update_timeout(self, world.now()));
        EXPECT_EQ(*text, "alive");
    });
    for (int turn = 0; turn < 3; ++turn) loop.run_once();
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(loop.next_deadline(), never);
}

TEST_F(Nesting, a_timeout_on_the_stack_may_be_rearmed_by_a_nested_turn) {
    Timeout self;
    int calls = 0;
    self = loop.call_later(0s, [&] {
        if (++calls > 1) return;
        loop.add_callback([&] { EXPECT_TRUE(loop.update_timeout(self, world.now() + 1s)); });
        loop.run_once();
    });
    loop.run_once();
    loop.run_once(forever);
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(world.elapsed(), 1s);
}

TEST_F(Nesting, a_periodic_callback_that_opens_a_dialog_ticks_on_when_the_dialog_is_closed) {
    std::vector<Duration> ticks;
    bool dialog = false;
    PeriodicCallback periodic(loop, 1s, [&] {
        ticks.push_back(world.elapsed());
        if (ticks.size() != 1) return;
        dialog = true;
        loop.call_later(2500ms, [&] { dialog = false; });
        while (dialog) loop.run_once(forever);
    });
    periodic.start();
    loop.run_until(world.now() + 5500ms);
    EXPECT_THAT(ticks, ElementsAre(1s, 4s, 5s));
}

TEST_F(Nesting, a_nested_turn_with_a_budget_leaves_the_rest_to_the_outer_one) {
    loop.add_callback([&] {
        const Turn turn = loop.run_once(no_wait, Budget{forever, 1});
        EXPECT_EQ(turn.ended, Ended::budget);
        EXPECT_EQ(turn.left, 2U);
        note("outer ends")();
    });
    loop.add_callback(note("2"));
    loop.add_callback(note("3"));
    loop.call_later(0s, note("4"));
    EXPECT_EQ(loop.run_once().ended, Ended::ran);
    EXPECT_THAT(order, ElementsAre("2", "outer ends", "3", "4"));
}

TEST_F(Nesting, nested_turns_under_budgets_lose_and_repeat_nothing) {
    int calls = 0;
    for (int i = 0; i < 50; ++i) {
        loop.add_callback([&] {
            ++calls;
            loop.run_once(no_wait, Budget{forever, 2});
        });
        loop.call_later(0s, [&] {
            ++calls;
            loop.run_ready(Budget{forever, 3});
        });
    }
    while (loop.run_once(no_wait, Budget{forever, 5}).ended != Ended::idle) {}
    EXPECT_EQ(calls, 100);
    EXPECT_EQ(loop.statistics().depth, 0U);
}

TEST_F(Nesting, a_self_posting_callback_runs_once_in_each_nested_turn) {
    int calls = 0;
    std::function<void()> again = [&] {
        ++calls;
        loop.add_callback(again);
    };
    loop.call_later(0s, [&] {
        for (int i = 0; i < 3; ++i) loop.run_once();
    });
    loop.add_callback(again);
    loop.run_once();
    EXPECT_EQ(calls, 4);
}

TEST_F(Nesting, the_depth_is_reported) {
    std::uint32_t deepest = 0;
    loop.add_callback([&] {
        loop.add_callback([&] { deepest = loop.statistics().depth; });
        loop.run_ready();
    });
    loop.run_once();
    EXPECT_EQ(deepest, 2U);
    EXPECT_EQ(loop.statistics().depth, 0U);
    EXPECT_EQ(loop.statistics().depth_peak, 2U);
}

TEST_F(Nesting, time_in_nested_calls_is_counted_once) {
    loop.add_callback([&] {
        loop.add_callback([&] { world.advance(1ms); });
        loop.run_ready();
        world.advance(1ms);
    });
    loop.run_once();
    EXPECT_EQ(loop.statistics().busy, 2ms);
}

TEST_F(Nesting, the_rest_of_a_call_counts_also_if_an_observer_came_in_a_nested_one) {
    Recorder recorder;
    loop.add_callback([&] {
        loop.add_callback([&] { loop.set_observer(&recorder); });
        loop.add_callback([] {});
        loop.run_once();
        world.advance(1ms);
    });
    EXPECT_EQ(loop.run_once(no_wait, Budget{1s}).busy, 1ms);
    loop.set_observer(nullptr);
}

TEST_F(Nesting, an_exception_that_leaves_a_nested_call_is_the_callables_own) {
    loop.set_error_hook([&](std::exception_ptr error, const Origin& origin, CallKind) {
        order.emplace_back(origin.name);
        if (order.back() == "inner") std::rethrow_exception(error);
    });
    loop.add_callback(
        [&] {
            loop.add_callback([] { throw 1; }, "inner");
            loop.run_ready();
            note("not reached")();
        },
        "outer");
    loop.add_callback(note("rest"));
    loop.run_ready();
    EXPECT_THAT(order, ElementsAre("rest", "inner", "outer"));
    EXPECT_EQ(loop.statistics().depth, 0U);
}

// ---- registrations that change under a handler on the stack -------------------------------------

TEST_F(Nesting, the_descriptor_of_a_handler_on_the_stack_may_be_updated_in_a_nested_turn) {
    std::vector<Events> seen;
    loop.add_handler(
        pair.a,
        [&](Fd fd, Events events) {
            seen.push_back(events);
            if (seen.size() > 1) return;
            loop.run_once();
            loop.update_handler(fd, Events::write);
        },
        Events::read);
    pair.send_to_a();
    loop.run_once();
    loop.run_once();
    EXPECT_THAT(seen, ElementsAre(Events::read, Events::write));
}

TEST_F(Nesting, the_descriptor_of_a_handler_on_the_stack_is_a_duplicate_for_others) {
    std::error_code error;
    loop.add_handler(
        pair.a,
        [&](Fd fd, Events) {
            loop.run_once();
            loop.add_handler(
                fd, [](Fd, Events) {}, Events::read, error);
            loop.remove_handler(fd);
        },
        Events::read);
    pair.send_to_a();
    loop.run_once();
    EXPECT_EQ(error, std::errc::file_exists);
    EXPECT_EQ(registered(), 0U);
}

TEST_F(Nesting, a_handler_on_the_stack_may_be_removed_and_replaced_in_a_nested_turn) {
    loop.add_handler(
        pair.a,
        [&, text = std::make_unique<std::string>("old ends")](Fd fd, Events) {
            loop.add_callback([&, fd] {
                loop.remove_handler(fd);
                loop.add_handler(
                    fd,
                    [&](Fd, Events) {
                        pair.read_a();
                        note("new")();
                    },
                    Events::read);
            });
            loop.run_ready();
            order.push_back(*text);
        },
        Events::read);
    pair.send_to_a();
    loop.run_once();
    EXPECT_THAT(order, ElementsAre("new", "old ends"));
    EXPECT_EQ(registered(), 1U);
    pair.send_to_a();
    loop.run_once();
    EXPECT_THAT(order, ElementsAre("new", "old ends", "new"));
}

TEST_F(Nesting, a_descriptor_closed_without_removal_under_its_own_nested_turn_is_dropped_and_reported) {
    std::string error;
    loop.set_error_hook([&](std::exception_ptr e, const Origin& origin, CallKind) {
        try {
            std::rethrow_exception(e);
        } catch (const std::system_error& s) {
            error = std::string(origin.name) + ": " + s.what();
        }
    });
    loop.add_handler(
        pair.a,
        [&](Fd, Events) {
            loop.run_once();
            pair.close_a();
        },
        Events::read, "careless");
    pair.send_to_a();
    loop.run_once();
    EXPECT_THAT(error, testing::AllOf(testing::HasSubstr("careless"),
                                      testing::HasSubstr("closed without remove_handler")));
    EXPECT_EQ(registered(), 0U);
    EXPECT_EQ(loop.statistics().dead_handlers, 1U);
}

// ---- loops in loops -----------------------------------------------------------------------------

TEST_F(Nesting, C11_another_loop_may_run_inside_a_callable_and_each_is_current_while_it_runs) {
    IOLoop inner(world.options());
    inner.add_callback([&] {
        EXPECT_EQ(IOLoop::current(), &inner);
        loop.add_callback(note("posted to the outer loop"));
        inner.stop();
    });
    loop.add_callback([&] {
        inner.start();
        EXPECT_EQ(IOLoop::current(), &loop);
    });
    loop.run_once();
    EXPECT_EQ(IOLoop::current(false), nullptr);
    loop.run_once();
    EXPECT_THAT(order, ElementsAre("posted to the outer loop"));
}

TEST_F(Nesting, two_loops_may_nest_crosswise) {
    IOLoop other(world.options());
    loop.add_callback([&] {
        other.add_callback([&] {
            loop.add_callback(note("innermost"));
            EXPECT_EQ(loop.run_ready().callbacks, 1U);
            EXPECT_EQ(IOLoop::current(), &other);
        });
        other.run_once();
        EXPECT_EQ(IOLoop::current(), &loop);
    });
    loop.run_once();
    EXPECT_THAT(order, ElementsAre("innermost"));
}

TEST_F(Nesting, start_inside_run_once_serves_and_returns_to_it) {
    loop.add_callback([&] {
        loop.call_later(1s, [&] { loop.stop(); });
        loop.start();
        note("dialog closed")();
    });
    loop.add_callback(note("meanwhile"));
    loop.run_once();
    EXPECT_THAT(order, ElementsAre("meanwhile", "dialog closed"));
}

} // namespace
