// SPDX-License-Identifier: MIT
/// WatchSet: what a library that does its own I/O may say of its sockets, and when.
#include "support/os.hpp"
#include "support/sim_loop.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/net/watch_set.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <system_error>
#include <vector>

#include <gmock/gmock.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

struct WatchSets : SimLoop {
    std::unique_ptr<WatchSet> make() {
        return std::make_unique<WatchSet>(
            loop, "library",
            [this](Fd fd, Events events) {
                ready.emplace_back(fd, events);
                if (on_ready) on_ready();
            },
            [this] {
                timers.push_back(world.elapsed());
                if (on_timer) on_timer();
            });
    }

    using Ready = std::vector<std::pair<Fd, Events>>;
    Ready ready;
    std::vector<Duration> timers;
    std::function<void()> on_ready;
    std::function<void()> on_timer;
    SocketPair pair;
    std::unique_ptr<WatchSet> watches = make();
};

TEST_F(WatchSets, a_descriptor_is_told_to_be_ready_for_what_was_asked_for) {
    watches->set(pair.a, Events::read);
    loop.run_once();
    EXPECT_THAT(ready, IsEmpty());
    pair.send_to_a();
    loop.run_once();
    EXPECT_EQ(ready, (Ready{{pair.a, Events::read}}));
}

TEST_F(WatchSets, what_is_set_takes_the_place_of_what_was_set_before) {
    pair.send_to_a();
    watches->set(pair.a, Events::read);
    watches->set(pair.a, Events::write);
    loop.run_once();
    EXPECT_EQ(ready, (Ready{{pair.a, Events::write}}));
    EXPECT_EQ(watches->size(), 1U);
    watches->set(pair.a, Events::none);
    watches->set(pair.a, Events::none);
    loop.run_once();
    EXPECT_EQ(ready.size(), 1U);
    EXPECT_EQ(watches->size(), 0U);
    EXPECT_EQ(loop.statistics().handlers, 0U);
}

TEST_F(WatchSets, to_say_the_same_twice_changes_nothing) {
    pair.send_to_a();
    for (int n = 0; n < 3; ++n) watches->set(pair.a, Events::read);
    EXPECT_EQ(loop.statistics().handlers, 1U);
    loop.run_once();
    EXPECT_EQ(ready, (Ready{{pair.a, Events::read}}));
}

TEST_F(WatchSets, a_number_that_is_another_file_now_is_watched_as_that_file) {
    for (const Events again : {Events::read, Events::read | Events::write}) {
        ready.clear();
        SocketPair first;
        SocketPair second;
        watches->set(first.a, Events::read);
        os::replace(first.a, second.a); // closed behind the back of all
        watches->set(first.a, again);
        second.send_to_a();
        loop.run_once();
        EXPECT_EQ(ready, (Ready{{first.a, again}}));
        watches->set(first.a, Events::none);
    }
    EXPECT_THAT(reported, IsEmpty());
}

TEST_F(WatchSets, what_cannot_be_watched_is_an_error_and_is_not_there) {
    std::error_code error;
    watches->set(invalid_fd, Events::read, error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
    EXPECT_THROW(watches->set(invalid_fd, Events::read), std::system_error);
    EXPECT_EQ(watches->size(), 0U);
}

TEST_F(WatchSets, a_descriptor_may_be_taken_out_within_its_own_call) {
    watches->set(pair.a, Events::write);
    on_ready = [&] { watches->set(pair.a, Events::none); };
    loop.run_once();
    loop.run_once();
    EXPECT_EQ(ready.size(), 1U);
}

TEST_F(WatchSets, a_descriptor_may_be_closed_and_another_opened_within_its_own_call) {
    SocketPair old;
    SocketPair other;
    watches->set(old.a, Events::write);
    on_ready = [&] {
        if (ready.size() > 1) return;
        watches->set(old.a, Events::none);
        os::replace(old.a, other.a);
        watches->set(old.a, Events::read);
    };
    loop.run_once();
    other.send_to_a();
    ready.clear();
    loop.run_once();
    loop.run_once();
    ASSERT_FALSE(ready.empty());
    EXPECT_EQ(ready.front(), (std::pair{old.a, Events::read}));
}

TEST_F(WatchSets, there_is_one_timer_and_the_last_word_counts) {
    watches->set_timer(5s);
    watches->set_timer(1s);
    watches->set_timer(2s);
    EXPECT_EQ(loop.statistics().timeouts, 1U);
    loop.run_once(10s);
    loop.run_once(10s);
    EXPECT_THAT(timers, ElementsAre(2s));
    EXPECT_EQ(loop.statistics().timeouts, 0U);
}

TEST_F(WatchSets, forever_takes_the_timer_away) {
    watches->set_timer(1s);
    watches->set_timer(forever);
    watches->set_timer(forever);
    EXPECT_EQ(loop.statistics().timeouts, 0U);
    loop.run_once(10s);
    EXPECT_THAT(timers, IsEmpty());
}

TEST_F(WatchSets, a_timer_of_zero_is_called_soon_but_not_at_once_nor_twice_in_a_turn) {
    on_timer = [&] { watches->set_timer(0s); };
    watches->set_timer(0s);
    EXPECT_THAT(timers, IsEmpty());
    loop.run_once();
    EXPECT_THAT(timers, ElementsAre(0s));
    loop.run_once();
    EXPECT_THAT(timers, ElementsAre(0s, 0s));
}

TEST_F(WatchSets, a_timer_of_zero_that_is_set_again_in_each_turn_comes_nevertheless) {
    std::function<void()> again = [&] {
        watches->set_timer(0s);
        world.advance(1ms);
        loop.add_callback([&] { again(); });
    };
    again();
    for (int n = 0; n < 10 && timers.empty(); ++n) loop.run_once();
    EXPECT_FALSE(timers.empty());
}

TEST_F(WatchSets, it_may_be_destroyed_within_its_own_calls) {
    SocketPair other;
    watches->set(pair.a, Events::write);
    watches->set(other.a, Events::write);
    watches->set_timer(0s);
    on_ready = [&] { watches.reset(); };
    loop.run_once();
    EXPECT_EQ(ready.size(), 1U);
    EXPECT_THAT(timers, IsEmpty());
    EXPECT_EQ(loop.statistics().handlers, 0U);
    EXPECT_EQ(loop.statistics().timeouts, 0U);

    watches = make();
    watches->set_timer(0s);
    on_timer = [&] { watches.reset(); };
    loop.run_once();
    EXPECT_EQ(timers.size(), 1U);
}

TEST_F(WatchSets, after_the_loop_nothing_has_an_effect) {
    watches->set(pair.a, Events::read);
    watches->set_timer(1s);
    loop.close();
    watches->set(pair.a, Events::write);
    watches->set(pair.a, Events::none);
    watches->set_timer(1s);
    watches->set_timer(forever);
    watches.reset();
}

TEST(WatchSetOfNothing, null_callables_are_refused) {
    IOLoop loop;
    EXPECT_THROW(WatchSet(loop, "library", nullptr, [] {}), std::invalid_argument);
    EXPECT_THROW(WatchSet(
                     loop, "library", [](Fd, Events) {}, nullptr),
                 std::invalid_argument);
}
