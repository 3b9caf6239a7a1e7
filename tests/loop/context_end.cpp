// SPDX-License-Identifier: MIT
/// Contexts that end for good: deactivate().
#include "support/contexts.hpp"

#include <algorithm>
#include <functional>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::ElementsAre;

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
