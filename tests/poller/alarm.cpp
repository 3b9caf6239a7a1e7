// SPDX-License-Identifier: MIT
/// The contract's alarm: the handle of a poller becomes readable when a time has come. One more part of contract.cpp.
#include "support/os.hpp"
#include "support/poller_contract.hpp"

#include <chrono>
#include <vector>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::SizeIs;

namespace {

std::vector<PollerKind> pollers_with_handle() {
    std::vector<PollerKind> kinds;
    for (const PollerKind kind : available_pollers()) {
        if (make_poller(kind)->native_handle() != invalid_fd) kinds.push_back(kind);
    }
    return kinds;
}

/// Over every poller: one that has no alarm has to say so.
class PollerChoiceOfAlarm : public PollerTime {};

class PollerAlarm : public PollerContract {
protected:
    /// Whether it rings in the next ten seconds, which is as good as ever.
    bool rings() const { return os::readable(poller->native_handle(), 10'000); }
    bool ringing() const { return os::readable(poller->native_handle()); }
};

INSTANTIATE_TEST_SUITE_P(All, PollerChoiceOfAlarm, testing::ValuesIn(available_pollers()), poller_title);
INSTANTIATE_TEST_SUITE_P(All, PollerAlarm, testing::ValuesIn(pollers_with_handle()), poller_title);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(PollerAlarm); // a platform may have none

} // namespace

TEST_P(PollerChoiceOfAlarm, whoever_has_a_handle_has_an_alarm_and_the_others_say_that_they_have_none) {
    const bool has_handle = poller->native_handle() != invalid_fd;
    EXPECT_EQ(poller->set_alarm(1h), has_handle);
    EXPECT_EQ(poller->set_alarm(forever), has_handle);
    EXPECT_THAT(wait(*poller), IsEmpty());
}

TEST_P(PollerAlarm, is_made_when_it_is_asked_for_and_not_inherited) {
    const auto before = os::open_descriptors();
    ASSERT_TRUE(poller->set_alarm(1h));
    for (const Fd fd : os::open_descriptors()) {
        EXPECT_TRUE(before.contains(fd) || !os::is_open(fd) || !os::inheritable(fd));
    }
    const auto with_alarm = os::open_descriptors();
    ASSERT_TRUE(poller->set_alarm(2h));
    ASSERT_TRUE(poller->set_alarm(forever));
    EXPECT_LE(os::open_descriptors().size(), with_alarm.size()) << "and then kept";
}

TEST_P(PollerAlarm, rings_when_its_time_has_come_and_never_early) {
    for (const Duration in : {Duration(1us), Duration(300us), Duration(1500us), Duration(4200us)}) {
        for (int i = 0; i < 10; ++i) {
            const auto begin = steady_clock().now();
            ASSERT_TRUE(poller->set_alarm(in));
            ASSERT_TRUE(rings());
            ASSERT_GE(steady_clock().now() - begin, in);
            wait(*poller);
            ASSERT_FALSE(ringing());
        }
    }
}

TEST_P(PollerAlarm, rings_until_a_wait_takes_it_back_and_is_not_reported) {
    ASSERT_TRUE(poller->set_alarm(1ms));
    ASSERT_TRUE(rings());
    EXPECT_TRUE(ringing());
    EXPECT_THAT(wait(*poller), IsEmpty());
    EXPECT_FALSE(ringing());
    EXPECT_THAT(wait(*poller, 1ms), IsEmpty()) << "once, not every so often";
    EXPECT_FALSE(ringing());
}

TEST_P(PollerAlarm, of_zero_or_less_rings_now) {
    for (const Duration in : {Duration(0), Duration(-1), Duration::min()}) {
        ASSERT_TRUE(poller->set_alarm(in));
        EXPECT_TRUE(rings());
        wait(*poller);
        EXPECT_FALSE(ringing());
    }
}

TEST_P(PollerAlarm, far_away_is_no_error_and_does_not_ring) {
    for (const Duration in :
         {Duration(1h), Duration(24h * 365), Duration(24h * 36500), forever - 1ns, forever}) {
        ASSERT_TRUE(poller->set_alarm(in));
        EXPECT_FALSE(ringing());
    }
}

TEST_P(PollerAlarm, set_again_replaces_the_one_before) {
    ASSERT_TRUE(poller->set_alarm(1h));
    ASSERT_TRUE(poller->set_alarm(1ms));
    EXPECT_TRUE(rings()) << "earlier";
    ASSERT_TRUE(poller->set_alarm(1h));
    EXPECT_FALSE(ringing()) << "later, and what has rung is taken back";
    ASSERT_TRUE(poller->set_alarm(0ns));
    ASSERT_TRUE(rings());
    ASSERT_TRUE(poller->set_alarm(forever));
    EXPECT_FALSE(ringing()) << "never";
}

TEST_P(PollerAlarm, that_has_not_rung_survives_a_wait) {
    const auto begin = steady_clock().now();
    ASSERT_TRUE(poller->set_alarm(20ms));
    for (int i = 0; i < 20; ++i) EXPECT_THAT(wait(*poller), IsEmpty()); // some pollers get used to quiet
    EXPECT_TRUE(rings());
    EXPECT_GE(steady_clock().now() - begin, 20ms);
    EXPECT_THAT(wait(*poller), IsEmpty());
    EXPECT_FALSE(ringing()) << "also by a poller that took it for granted that nothing happens";
}

TEST_P(PollerAlarm, ends_a_wait) {
    const auto begin = steady_clock().now();
    ASSERT_TRUE(poller->set_alarm(2ms));
    EXPECT_THAT(wait(*poller, 60s), IsEmpty());
    EXPECT_LT(steady_clock().now() - begin, 30s);
    EXPECT_FALSE(ringing());
}

TEST_P(PollerAlarm, survives_a_reset_whether_it_has_rung_or_not) {
    ASSERT_TRUE(poller->set_alarm(5ms));
    ASSERT_FALSE(poller->reset());
    EXPECT_TRUE(rings());
    ASSERT_FALSE(poller->reset());
    EXPECT_TRUE(rings());
    wait(*poller);
    EXPECT_FALSE(ringing());
    poller->wake();
    EXPECT_TRUE(ringing()) << "and so does the rest";
    wait(*poller);
    ASSERT_TRUE(poller->set_alarm(0ns));
    EXPECT_TRUE(rings());
}

TEST_P(PollerAlarm, is_no_descriptors_business_nor_they_its) {
    ASSERT_FALSE(poller->add(pair.a, Events::read, 1));
    pair.send_to_a();
    ASSERT_TRUE(poller->set_alarm(0ns));
    ASSERT_TRUE(rings());
    EXPECT_THAT(wait(*poller), SizeIs(1)) << "the alarm is not among what is ready";
    EXPECT_TRUE(ringing()) << "for the descriptor";
    pair.read_a();
    EXPECT_FALSE(ringing());
    ASSERT_TRUE(poller->set_alarm(1ms));
    ASSERT_FALSE(poller->remove(pair.a));
    EXPECT_TRUE(rings());
}
