// SPDX-License-Identifier: MIT
#include <ioloop/clock.hpp>
#include <ioloop/events.hpp>

#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

TEST(Clock, adding_forever_gives_never) {
    constexpr TimePoint now{1000s};
    EXPECT_EQ(after(now, forever), never);
    EXPECT_EQ(after(now, 1s), now + 1s);
    EXPECT_EQ(after(now, -1s), now - 1s);
    EXPECT_EQ(after(TimePoint(-1s), Duration::min()), TimePoint::min());
}

TEST(Clock, until_is_never_negative_and_forever_for_never) {
    constexpr TimePoint now{1000s};
    EXPECT_EQ(until(now + 1s, now), 1s);
    EXPECT_EQ(until(now - 1s, now), 0s);
    EXPECT_EQ(until(never, now), forever);
}

TEST(Clock, the_steady_one_does_not_go_back) {
    const TimePoint a = steady_clock().now();
    EXPECT_GE(steady_clock().now(), a);
}

TEST(Events, have_tornados_values) {
    EXPECT_EQ(static_cast<unsigned>(Events::none), 0U);
    EXPECT_EQ(static_cast<unsigned>(Events::read), 0x01U);
    EXPECT_EQ(static_cast<unsigned>(Events::write), 0x04U);
    EXPECT_EQ(static_cast<unsigned>(Events::error), 0x18U);
}

TEST(Events, are_a_set) {
    EXPECT_TRUE(any((Events::read | Events::error) & Events::error));
    EXPECT_FALSE(any(Events::read & Events::write));
    EXPECT_EQ(~Events::read, Events::write | Events::error);
    EXPECT_EQ(~~Events::read, Events::read);
}
