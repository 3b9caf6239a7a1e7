// SPDX-License-Identifier: MIT
// Bugs that event loops had, Tornado's foremost (the numbers are those of the
// project's list); each is easy to repeat. Those that are rules by now are tested with the rules: B1 R2, B6
// B1, B7 and B15 PC1 to PC6, B13 B6, B24 B5, B25 R6, B26 R1, B27 T5, B29 T8; B3, B4, B5, B12, B19, B21, B28,
// B32, B36 and B37 stand beside what they are about.
#include "support/poller_traits.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Bugs : public testing::Test {
protected:
    SimWorld world;
    IOLoop loop{world.options()};
    SocketPair pair;
    std::vector<std::string> errors;

    void SetUp() override {
        loop.set_error_hook([this](std::exception_ptr error, const Origin& origin, CallKind) {
            try {
                std::rethrow_exception(error);
            } catch (const std::exception& e) {
                errors.push_back(std::string(origin.name != nullptr ? origin.name : "?") + ": " + e.what());
            }
        });
    }
    std::uint32_t registered() const { return loop.statistics().handlers; }
};

// ---- turns and waits ----------------------------------------------------------------------------

TEST_F(Bugs, B2_a_wake_up_works_with_an_infinite_wait) {
    // Tornado's did not for two years: the waits were never longer than 0.2 s, and nobody noticed.
    IOLoop::Options options;
    options.make_current = MakeCurrent::never;
    IOLoop real(std::move(options));
    real.wake();
    EXPECT_EQ(real.run_once(forever).ended, Ended::idle);
}

TEST_F(Bugs, B13_a_callback_posted_by_a_timeout_does_not_wait_for_the_poll) {
    bool ran = false;
    loop.call_later(1s, [&] { loop.add_callback([&] { ran = true; }); });
    loop.call_later(1h, [] {});
    loop.run_once(forever);
    loop.run_once(forever);
    EXPECT_TRUE(ran);
    EXPECT_EQ(world.elapsed(), 1s);
}

TEST_F(Bugs, B19_a_signal_between_looking_and_sleeping_is_not_forgotten) {
    bool ran = false;
    world.interrupts = 1;
    world.on_wait = [&] { // the signal's handler
        world.on_wait = nullptr;
        loop.add_callback([&] { ran = true; });
    };
    loop.call_later(1h, [] {});
    loop.run_once(forever);
    EXPECT_TRUE(ran);
    EXPECT_EQ(world.elapsed(), 0s);
}

TEST_F(Bugs, W1_a_wait_that_a_signal_interrupts_is_taken_up_again_with_what_is_left_of_it) {
    world.interrupts = 3;
    loop.call_later(1s, [] {});
    EXPECT_EQ(loop.run_once(forever).timeouts, 1U);
    EXPECT_EQ(loop.statistics().interrupts, 3U);
    EXPECT_EQ(world.elapsed(), 1s);
}

TEST_F(Bugs, W1_a_signal_whose_handler_stops_the_loop_ends_the_wait) {
    world.interrupts = 1;
    world.on_wait = [&] { loop.stop(); };
    loop.call_later(1h, [] {});
    loop.start();
    EXPECT_EQ(world.elapsed(), 0s);
}

TEST_F(Bugs, B24_no_callable_of_the_last_turn_is_alive_while_the_loop_sleeps) {
    auto life = std::make_shared<int>();
    loop.add_callback([life] {});
    loop.call_later(0s, [life] {});
    loop.add_handler(
        pair.a, [this, life](Fd fd, Events) { loop.remove_handler(fd); }, Events::write);
    loop.run_once();
    long alive = -1;
    world.on_wait = [&] { alive = life.use_count(); };
    loop.run_once(1s);
    EXPECT_EQ(alive, 1);
}

TEST_F(Bugs, B23_removed_timeouts_take_up_no_room_until_their_deadline) {
    for (int i = 0; i < 2000; ++i) loop.remove_timeout(loop.call_later(1h, [] {}));
    EXPECT_EQ(loop.statistics().timeouts, 0U);
    EXPECT_EQ(loop.next_deadline(), never);
    loop.run_once();
    EXPECT_EQ(loop.statistics().timeouts_peak, 1U);
}

TEST_F(Bugs, B30_every_way_to_arm_a_timeout_returns_an_id_that_removes_it) {
    const std::vector<Timeout> timeouts = {
        loop.add_timeout(world.now(), [] { FAIL(); }),
        loop.add_timeout(0s, [] { FAIL(); }),
        loop.call_at(world.now(), [] { FAIL(); }),
        loop.call_later(0s, [] { FAIL(); }),
    };
    for (const Timeout timeout : timeouts) {
        EXPECT_TRUE(timeout);
        EXPECT_TRUE(loop.remove_timeout(timeout));
    }
    loop.run_once();
}

TEST_F(Bugs, B38_a_post_on_the_loops_thread_does_not_pay_for_a_wake_up) {
    loop.add_handler(
        pair.a,
        [&](Fd fd, Events) {
            loop.add_callback([&] { loop.call_later(0s, [&] { loop.add_callback([] {}); }); });
            loop.remove_handler(fd);
        },
        Events::write);
    loop.run_ready();
    EXPECT_EQ(world.wakes, 0);
}

TEST_F(Bugs, an_idle_loop_wakes_for_nothing) {
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read);
    loop.run_until(world.now() + 10h);
    EXPECT_EQ(world.sleeps, 1);
}

// ---- what a descriptor is ready for -------------------------------------------------------------

TEST_F(Bugs, B9_nobody_reads_for_who_only_writes) {
    std::vector<Events> seen;
    loop.add_handler(
        pair.a, [&](Fd, Events events) { seen.push_back(events); }, Events::write);
    pair.send_to_a();
    loop.run_once();
    EXPECT_THAT(seen, ElementsAre(Events::write));
}

TEST_F(Bugs, B16_a_peer_that_only_stopped_writing_is_no_error_and_its_last_words_can_be_read) {
    Events seen = Events::none;
    std::string text;
    loop.add_handler(
        pair.a,
        [&](Fd, Events events) {
            seen |= events;
            text += pair.read_a();
        },
        Events::read);
    pair.send_to_a("last words");
    pair.stop_sending_b();
    loop.run_once();
    EXPECT_EQ(seen, Events::read);
    EXPECT_EQ(text, "last words");
}

TEST_F(Bugs, B16_what_a_peer_wrote_before_it_closed_is_readable_beside_the_hang_up) {
    Events seen = Events::none;
    loop.add_handler(
        pair.a, [&](Fd, Events events) { seen = events; }, Events::read);
    pair.send_to_a("last words");
    pair.close_b();
    loop.run_once();
    EXPECT_TRUE(any(seen & Events::read));
    EXPECT_EQ(pair.read_a(), "last words");
}

TEST_F(Bugs, B16_the_same_of_a_pipe) {
#if defined(_WIN32)
    GTEST_SKIP() << "WSAPoll() knows sockets only";
#else
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    Events seen = Events::none;
    loop.add_handler(
        ends[0], [&](Fd, Events events) { seen = events; }, Events::read);
    ASSERT_EQ(::write(ends[1], "x", 1), 1);
    ::close(ends[1]);
    loop.run_once();
    EXPECT_TRUE(any(seen & Events::read));
    loop.remove_handler(ends[0]);
    ::close(ends[0]);
#endif
}

// ---- registrations ------------------------------------------------------------------------------

TEST_F(Bugs, B18_a_second_handler_is_the_same_error_over_every_poller) {
    std::error_code error;
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read);
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read, error);
    EXPECT_EQ(error, std::errc::file_exists);
}

TEST_F(Bugs, B22_removing_what_was_never_added_is_no_error_over_any_poller) {
    EXPECT_FALSE(loop.remove_handler(pair.a));
    EXPECT_FALSE(loop.remove_handler(12345));
}

TEST_F(Bugs, B20_a_destructor_that_posts_does_not_deadlock_wherever_it_runs) {
    int destroyed = 0;
    const auto poster = [&] {
        return std::shared_ptr<void>(nullptr, [&](void*) {
            ++destroyed;
            loop.add_callback([] {});
        });
    };
    loop.add_callback([life = poster()] {});
    loop.run_once();
    loop.remove_timeout(loop.call_later(1s, [life = poster()] {}));
    loop.add_handler(
        pair.a, [life = poster()](Fd, Events) {}, Events::read);
    loop.remove_handler(pair.a);
    loop.add_callback([life = poster()] {});
    loop.close();
    EXPECT_EQ(destroyed, 4);
}

TEST_F(Bugs, B34_close_may_be_changed_under_by_what_it_destroys) {
    std::vector<SocketPair> pairs(10);
    const auto remove_all = [&] {
        return std::shared_ptr<void>(nullptr, [&](void*) {
            for (const SocketPair& p : pairs) loop.remove_handler(p.a);
        });
    };
    for (const SocketPair& p : pairs)
        loop.add_handler(
            p.a, [life = remove_all()](Fd, Events) {}, Events::read);
    loop.close();
}

// ---- descriptors that were closed behind the loop's back ----------------------------------------

TEST_F(Bugs, W11_a_closed_descriptor_does_not_kill_the_loop) {
    SocketPair other;
    int calls = 0;
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read);
    loop.add_handler(
        other.a, [&](Fd, Events) { ++calls; }, Events::read);
    pair.close_a();
    other.send_to_a();
    for (int turn = 0; turn < 3; ++turn) loop.run_once();
    EXPECT_EQ(calls, 3);
}

/// Until the loop has dropped every registration, or for so many turns.
int turns_until_empty(IOLoop& loop, int limit = 1000) {
    int turns = 0;
    while (loop.statistics().handlers > 0 && turns < limit) {
        loop.run_once();
        ++turns;
    }
    return turns;
}

TEST_F(Bugs, a_descriptor_closed_while_a_duplicate_lives_does_not_spin_it_is_found_removed_and_reported) {
    int calls = 0;
    loop.add_handler(
        pair.a, [&](Fd, Events) { ++calls; }, Events::read, "careless");
    pair.send_to_a();
    const Fd duplicate = os::duplicate(pair.a);
    pair.close_a(); // the file lives, is ready, and cannot be named
    if (traits().closed_descriptors == PollerTraits::Closed::forgotten) {
        for (int turn = 0; turn < 100; ++turn) loop.run_once();
        EXPECT_EQ(calls, 0) << "the system took it out: nothing to find";
        loop.run_once(1s);
        EXPECT_EQ(world.elapsed(), 1s);
        os::close(duplicate);
        return;
    }
    EXPECT_LT(turns_until_empty(loop), 100);
    EXPECT_EQ(loop.statistics().dead_handlers, 1U);
    EXPECT_THAT(errors,
                ElementsAre(testing::AllOf(HasSubstr("careless"), HasSubstr("without remove_handler"))));
    EXPECT_EQ(loop.run_once(1s).ended, Ended::idle);
    EXPECT_EQ(world.elapsed(), 1s) << "and the loop can sleep again";
    os::close(duplicate);
}

TEST_F(Bugs, nor_does_one_that_was_removed_too_late) {
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read);
    pair.send_to_a();
    const Fd duplicate = os::duplicate(pair.a);
    const Fd fd = pair.a;
    pair.close_a();
    EXPECT_TRUE(loop.remove_handler(fd));
    for (int turn = 0; turn < 3; ++turn) loop.run_once();
    loop.run_once(1s);
    EXPECT_EQ(world.elapsed(), 1s);
    os::close(duplicate);
}

TEST_F(Bugs, nor_does_one_whose_number_is_somebody_elses_by_now) {
    SocketPair stranger;
    int strangers_calls = 0;
    int old_calls = 0;
    loop.add_handler(
        pair.a, [&](Fd, Events) { ++old_calls; }, Events::read);
    pair.send_to_a();
    const Fd duplicate = os::duplicate(pair.a);
    os::replace(pair.a, stranger.a);
    loop.add_handler(
        pair.a, [&](Fd, Events) { ++strangers_calls; }, Events::read);
    for (int turn = 0; turn < 3; ++turn) loop.run_once();
    EXPECT_EQ(old_calls, 0);
    EXPECT_EQ(strangers_calls, 0);
    loop.run_once(1s);
    EXPECT_EQ(world.elapsed(), 1s);
    stranger.send_to_a();
    loop.run_once();
    EXPECT_EQ(strangers_calls, 1) << "it survived the cure";
    os::close(duplicate);
}

TEST_F(Bugs, an_error_hook_that_runs_the_loop_or_throws_does_not_disturb_the_cure) {
    if (traits().closed_descriptors == PollerTraits::Closed::forgotten) {
        GTEST_SKIP() << "over a poller that forgets what is closed, there is nothing to cure";
    }
    std::vector<SocketPair> pairs(3);
    std::vector<Fd> duplicates;
    int reports = 0;
    loop.set_error_hook([&](std::exception_ptr error, const Origin&, CallKind) {
        ++reports;
        loop.run_once();
        if (reports == 1) std::rethrow_exception(error);
    });
    for (SocketPair& p : pairs) {
        loop.add_handler(
            p.a, [](Fd, Events) {}, Events::read);
        p.send_to_a();
        duplicates.push_back(os::duplicate(p.a));
    }
    for (SocketPair& p : pairs) p.close_a();
    for (int turn = 0; turn < 200 && registered() > 0; ++turn) {
        try {
            loop.run_once();
        } catch (const std::system_error&) {}
    }
    EXPECT_EQ(registered(), 0U);
    EXPECT_EQ(reports, 3);
    loop.run_once();
    loop.run_once(1s);
    EXPECT_EQ(world.elapsed(), 1s);
    for (const Fd fd : duplicates) os::close(fd);
}

} // namespace
