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

TEST(Clock, until_is_forever_where_the_difference_does_not_fit) {
    EXPECT_EQ(until(never - 1ns, TimePoint(-1h)), forever);
    EXPECT_EQ(until(TimePoint::min(), never - 1ns), 0s);
    EXPECT_EQ(until(TimePoint(1h), TimePoint(-1h)), 2h);
}

TEST(Clock, the_steady_one_does_not_go_back) {
    const TimePoint a = steady_clock().now();
    EXPECT_GE(steady_clock().now(), a);
}

TEST(Clock, the_steady_one_tells_cheaply_what_is_not_over_yet) {
    int kept = 0;
    for (int i = 0; i < 1000; ++i) {
        const TimePoint now = steady_clock().now();
        const TimePoint bound = steady_clock().not_after();
        if (now <= bound) ++kept;
        EXPECT_LE(bound, steady_clock().now() + 1s);
    }
    EXPECT_GT(kept, 900) << "not where the hypervisor stops the machine for a while";
}

TEST(Clock, of_somebody_is_exact_unless_it_says_otherwise) {
    struct Fixed final : Clock {
        TimePoint now() const noexcept override { return TimePoint(7s); }
    } const clock;
    EXPECT_EQ(clock.not_after(), TimePoint(7s));
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
