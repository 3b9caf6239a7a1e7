// SPDX-License-Identifier: MIT
/// The loop as a guest: everything runs on the host's thread, and the waiter sleeps in its place.
#include "support/os.hpp"
#include "support/queue_host.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

class Guests : public testing::Test {
protected:
    SocketPair pair; // outlives the loop: over some pollers the waiter watches it
    QueueHost host;
    IOLoop loop;
    Guest guest{loop, host.poster(), Budget{10s}}; // no turn is cut because a machine is slow

    static void on_another_thread(const std::function<void()>& f) { std::thread(f).join(); }

    /// The waiter sleeps, and nothing is posted.
    void settle() {
        ASSERT_TRUE(host.run_until([&] { return host.posted() == 0 && guest.statistics().turns > 0; }));
        while (guest.statistics().sleeps < sleeps_ + 1) std::this_thread::yield();
        sleeps_ = guest.statistics().sleeps;
    }

    std::uint64_t sleeps_ = 0;
};

// ---- what a guest is for ------------------------------------------------------------------------

TEST_F(Guests, nothing_runs_before_the_host_calls_what_is_posted) {
    int calls = 0;
    loop.add_callback([&] { ++calls; });
    guest.start();
    EXPECT_EQ(calls, 0);
    EXPECT_EQ(host.run_posted(), 1);
    EXPECT_EQ(calls, 1);
}

TEST_F(Guests, handlers_callbacks_and_timeouts_run_on_the_thread_of_the_host) {
    std::vector<std::thread::id> where;
    const auto note = [&] { where.push_back(std::this_thread::get_id()); };
    guest.start();
    settle();
    loop.add_handler(
        pair.a,
        [&](Fd, Events) {
            pair.read_a();
            note();
        },
        Events::read);
    loop.call_later(1ms, note);
    on_another_thread([&] {
        loop.add_callback(note);
        pair.send_to_a();
    });
    EXPECT_TRUE(host.run_until([&] { return where.size() == 3; }));
    EXPECT_THAT(where, testing::Each(std::this_thread::get_id()));
}

TEST_F(Guests, a_timeout_is_not_early) {
    guest.start();
    const TimePoint begin = loop.time();
    bool fired = false;
    loop.call_later(20ms, [&] { fired = true; });
    EXPECT_TRUE(host.run_until([&] { return fired; }));
    EXPECT_GE(loop.time(), begin + 20ms);
}

TEST_F(Guests, a_descriptor_added_while_the_waiter_sleeps_is_waited_for) {
    guest.start();
    settle();
    bool ready = false;
    loop.add_handler(
        pair.a,
        [&](Fd, Events) {
            pair.read_a();
            ready = true;
        },
        Events::read);
    on_another_thread([&] { pair.send_to_a(); });
    EXPECT_TRUE(host.run_until([&] { return ready; }));
}

TEST_F(Guests, interest_that_changes_while_the_waiter_sleeps_counts) {
    bool writable = false;
    loop.add_handler(
        pair.a,
        [&](Fd fd, Events) {
            writable = true;
            loop.remove_handler(fd);
        },
        Events::none);
    guest.start();
    settle();
    loop.update_handler(pair.a, Events::write);
    EXPECT_TRUE(host.run_until([&] { return writable; }));
}

TEST_F(Guests, a_stream_of_posts_by_other_threads_arrives_completely) {
    constexpr int posts = 2000;
    int calls = 0;
    guest.start();
    std::thread poster([&] {
        for (int i = 0; i < posts; ++i) {
            loop.add_callback([&] { ++calls; });
            if (i % 8 == 0) std::this_thread::yield();
        }
    });
    EXPECT_TRUE(host.run_until([&] { return calls == posts; }));
    poster.join();
}

TEST_F(Guests, question_and_answer_over_a_socket_go_on) {
    constexpr int rounds = 300;
    int received = 0;
    loop.add_handler(
        pair.a,
        [&](Fd, Events) {
            pair.read_a();
            if (++received < rounds) os::send(pair.a, "?");
        },
        Events::read);
    guest.start();
    std::thread peer([&] {
        for (int i = 0; i < rounds; ++i) {
            os::send(pair.b, "!");
            while (i + 1 < rounds && SocketPair::read_all(pair.b).empty()) std::this_thread::yield();
        }
    });
    EXPECT_TRUE(host.run_until([&] { return received == rounds; }));
    peer.join();
}

// ---- who wakes whom -----------------------------------------------------------------------------

TEST_F(Guests, an_earlier_timeout_of_the_host_interrupts_the_waiter_and_a_later_one_does_not) {
    loop.call_later(1h, [] {});
    guest.start();
    settle();
    EXPECT_EQ(guest.statistics().interrupts, 0U);
    loop.call_later(2h, [] {});
    EXPECT_EQ(guest.statistics().interrupts, 0U);
    bool fired = false;
    loop.call_later(1ms, [&] { fired = true; });
    EXPECT_EQ(guest.statistics().interrupts, 1U);
    EXPECT_TRUE(host.run_until([&] { return fired; }));
}

TEST_F(Guests, what_is_armed_inside_a_turn_interrupts_nothing) {
    int fired = 0;
    std::function<void()> again = [&] {
        if (++fired < 50) loop.call_later(100us, again);
        loop.call_later(1h, [] {});
    };
    loop.call_later(0ms, again);
    guest.start();
    EXPECT_TRUE(host.run_until([&] { return fired == 50; }));
    EXPECT_EQ(guest.statistics().interrupts, 0U);
}

TEST_F(Guests, what_a_run_call_of_the_host_itself_leaves_behind_is_waited_for) {
    guest.start();
    settle();
    bool fired = false;
    loop.add_callback([&] { loop.call_later(1ms, [&] { fired = true; }); });
    loop.run_once(); // and not the guest
    EXPECT_TRUE(host.run_until([&] { return fired; }));
}

TEST_F(Guests, at_most_one_turn_is_posted) {
    guest.start();
    settle();
    for (int i = 0; i < 100; ++i) {
        loop.add_callback([] {});
        on_another_thread([&] { loop.add_callback([] {}); });
    }
    EXPECT_EQ(host.posted(), 1U);
}

TEST_F(Guests, a_callback_that_posts_itself_leaves_the_host_its_turn) {
    int calls = 0;
    std::function<void()> again = [&] {
        ++calls;
        loop.add_callback(again);
    };
    loop.add_callback(again);
    Guest brief(loop, host.poster(), Budget{5ms});
    brief.start();
    bool hosts_own = false;
    EXPECT_TRUE(host.run_until([&] { return calls > 0; }));
    host.post([&] { hosts_own = true; });
    EXPECT_TRUE(host.run_until([&] { return hosts_own; }));
}

TEST_F(Guests, a_turn_keeps_to_its_budget_and_the_rest_follows_behind_the_host) {
    Guest small(loop, host.poster(), Budget{forever, 10});
    int calls = 0;
    std::vector<int> calls_seen_by_host;
    for (int i = 0; i < 25; ++i) loop.add_callback([&] { ++calls; });
    small.start();
    for (int i = 0; i < 3; ++i) host.post([&] { calls_seen_by_host.push_back(calls); });
    host.run_posted();
    EXPECT_EQ(calls, 25);
    EXPECT_THAT(calls_seen_by_host, testing::ElementsAre(10, 10, 10));
}

// ---- pausing, suspending, stopping --------------------------------------------------------------

TEST_F(Guests, a_paused_loop_is_quiet_although_there_is_work_and_goes_on_afterwards) {
    guest.start();
    settle();
    loop.set_paused(true);
    int calls = 0;
    loop.add_callback([&] { ++calls; });
    pair.send_to_a();
    loop.add_handler(
        pair.a,
        [&](Fd, Events) {
            pair.read_a();
            ++calls;
        },
        Events::read);
    for (int i = 0; i < 10; ++i) host.run_posted();
    EXPECT_EQ(calls, 0);
    EXPECT_LE(guest.statistics().turns, 3U);
    on_another_thread([&] { loop.set_paused(false); });
    EXPECT_TRUE(host.run_until([&] { return calls == 2; }));
}

TEST_F(Guests, a_timeout_that_was_suspended_comes_after_resuming) {
    bool fired = false;
    loop.call_later(1ms, [&] { fired = true; });
    loop.suspend();
    guest.start();
    host.run_posted();
    loop.resume();
    EXPECT_TRUE(host.run_until([&] { return fired; }));
}

TEST_F(Guests, stop_of_the_loop_stops_the_guest_after_the_turn) {
    int calls = 0;
    loop.add_callback([&] {
        ++calls;
        loop.stop();
    });
    loop.add_callback([&] { ++calls; });
    guest.start();
    host.run_posted();
    EXPECT_EQ(calls, 2);
    EXPECT_FALSE(guest.running());
    on_another_thread([&] { loop.add_callback([&] { ++calls; }); });
    EXPECT_EQ(host.run_posted(), 0);
    guest.start();
    host.run_posted();
    EXPECT_EQ(calls, 3);
}

TEST_F(Guests, a_guest_that_is_stopped_and_started_again_misses_nothing) {
    int calls = 0;
    for (int i = 0; i < 20; ++i) {
        guest.start();
        if (i % 2 == 0) host.run_posted();
        on_another_thread([&] { loop.add_callback([&] { ++calls; }); });
        if (i % 3 == 0) host.run_posted();
        guest.stop();
    }
    guest.start();
    EXPECT_TRUE(host.run_until([&] { return calls == 20; }));
}

TEST_F(Guests, what_is_posted_when_the_guest_goes_does_nothing) {
    int calls = 0;
    loop.add_callback([&] { ++calls; });
    {
        Guest passing(loop, host.poster());
        passing.start();
    }
    EXPECT_EQ(host.run_posted(), 1);
    EXPECT_EQ(calls, 0);
    loop.run_once();
    EXPECT_EQ(calls, 1);
}

// ---- lifetimes ----------------------------------------------------------------------------------

TEST_F(Guests, the_host_quits_while_the_waiter_waits) {
    loop.call_later(1h, [] {});
    guest.start();
    settle();
    guest.stop(); // returns at once, or the test hangs
    EXPECT_FALSE(guest.running());
}

TEST_F(Guests, the_loop_is_closed_while_the_waiter_waits) {
    loop.call_later(1h, [] {});
    guest.start();
    settle();
    loop.close();
    EXPECT_FALSE(guest.running());
    EXPECT_THROW(guest.start(), std::logic_error);
    guest.stop();
}

TEST_F(Guests, the_loop_is_destroyed_before_the_guest) {
    auto mortal = std::make_unique<IOLoop>();
    Guest orphan(*mortal, host.poster());
    mortal->add_callback([] {});
    orphan.start();
    mortal.reset();
    EXPECT_FALSE(orphan.running());
    EXPECT_EQ(host.run_posted(), 1); // what was posted does nothing
}

TEST_F(Guests, no_descriptor_is_closed_before_the_waiter_is_gone) {
    // It sleeps on them, or on the poller's own: their numbers may be somebody else's the next moment.
    struct Watched {
        Fd fd;
        Guest& guest;
        bool& running;
        Fd fileno() const { return fd; }
        void close() const { running = guest.running(); }
    };
    IOLoop mortal;
    Guest orphan(mortal, host.poster());
    bool running = true;
    mortal.add_handler(
        Watched{pair.a, orphan, running}, [](Fd, Events) {}, Events::read);
    orphan.start();
    mortal.close(true);
    EXPECT_FALSE(running);
}

TEST_F(Guests, the_guest_is_destroyed_in_its_own_turn) {
    auto mortal = std::make_unique<Guest>(loop, host.poster());
    int calls = 0;
    loop.add_callback([&] {
        ++calls;
        mortal.reset();
    });
    loop.add_callback([&] { ++calls; });
    mortal->start();
    host.run_posted();
    loop.run_ready(Budget{1s}); // the rest, if to end the waiter has taken the guest's budget
    EXPECT_EQ(calls, 2);
}

TEST_F(Guests, the_loop_is_destroyed_in_a_turn_of_its_guest) {
    auto mortal = std::make_unique<IOLoop>();
    Guest orphan(*mortal, host.poster());
    mortal->add_callback([&] { mortal.reset(); });
    orphan.start();
    host.run_posted();
    EXPECT_FALSE(orphan.running());
}

TEST_F(Guests, loops_and_guests_come_and_go_while_other_threads_post) {
    for (int i = 0; i < 50; ++i) {
        auto mortal = std::make_unique<IOLoop>();
        auto passing = std::make_unique<Guest>(*mortal, host.poster());
        passing->start();
        std::thread poster([to = Poster(*mortal)] {
            while (to.add_callback([] {})) std::this_thread::yield();
        });
        for (int turns = 0; turns < 5; ++turns) host.run_posted();
        if (i % 2 == 0) passing.reset();
        mortal.reset();
        poster.join();
    }
    host.run_posted();
}

// ---- wrong use ----------------------------------------------------------------------------------

TEST_F(Guests, a_loop_is_the_guest_of_one_host) {
    Guest second(loop, host.poster());
    guest.start();
    guest.start(); // no news
    EXPECT_THROW(second.start(), std::logic_error);
    guest.stop();
    second.start();
    EXPECT_TRUE(second.running());
}

TEST_F(Guests, null_functions_and_budgets_without_limit_are_refused) {
    EXPECT_THROW(Guest(loop, nullptr), std::invalid_argument);
    EXPECT_THROW(Guest(loop, host.poster(), Budget{}), std::invalid_argument);
}

TEST_F(Guests, start_on_a_foreign_thread_is_refused) {
    on_another_thread([&] { EXPECT_THROW(guest.start(), std::logic_error); });
    EXPECT_FALSE(guest.running());
}

TEST_F(Guests, a_turn_on_a_foreign_thread_is_refused_and_runs_nothing) {
    int calls = 0;
    loop.add_callback([&] { ++calls; });
    guest.start();
    on_another_thread([&] { EXPECT_THROW(host.run_posted(), std::logic_error); });
    EXPECT_EQ(calls, 0);
}

TEST_F(Guests, an_error_hook_that_throws_reaches_the_host_and_the_guest_goes_on) {
    loop.set_error_hook(
        [](std::exception_ptr error, const Origin&, CallKind) { std::rethrow_exception(error); });
    loop.add_callback([] { throw std::runtime_error("for the host"); });
    guest.start();
    EXPECT_THROW(host.run_posted(), std::runtime_error);
    bool called = false;
    loop.add_callback([&] { called = true; });
    EXPECT_TRUE(host.run_until([&] { return called; }));
}

TEST_F(Guests, a_host_that_refuses_a_turn_is_asked_again_and_the_error_hook_hears_of_it) {
    std::atomic<int> refusals{3};
    Guest unwelcome(loop, [&](Function<void()> call) {
        if (refusals.fetch_sub(1) > 0) throw std::runtime_error("the queue is full");
        host.post(std::move(call));
    });
    std::vector<std::string> errors;
    loop.set_error_hook([&](std::exception_ptr error, const Origin& origin, CallKind) {
        try {
            std::rethrow_exception(error);
        } catch (const std::exception& e) {
            errors.push_back(std::string(origin.name) + ": " + e.what());
        }
    });
    bool called = false;
    loop.add_callback([&] { called = true; });
    unwelcome.start();
    EXPECT_TRUE(host.run_until([&] { return called && !errors.empty(); }));
    EXPECT_THAT(errors, testing::ElementsAre("posting a turn to the host: the queue is full"));
}

} // namespace
