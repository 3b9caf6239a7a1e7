// SPDX-License-Identifier: MIT
/// The contract that every poller keeps. A new backend shows up in available_pollers(), and so here.
#include "support/os.hpp"
#include "support/poller_contract.hpp"
#include "support/poller_traits.hpp"
#include "support/sim_world.hpp"

#include <ioloop/poller.hpp>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#if !defined(_WIN32)
#include <pthread.h>
#endif

using namespace ioloop;
using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::SizeIs;

namespace {

INSTANTIATE_TEST_SUITE_P(All, PollerTime, testing::ValuesIn(available_pollers()), poller_title);
INSTANTIATE_TEST_SUITE_P(All, PollerContract, testing::ValuesIn(pollers_with_descriptors()), poller_title);

} // namespace

TEST_P(PollerTime, says_its_name) { EXPECT_EQ(poller->name(), name_of(GetParam())); }

TEST_P(PollerTime, does_not_wait_when_asked_not_to) { EXPECT_THAT(wait(*poller), IsEmpty()); }

TEST_P(PollerTime, is_never_early) {
    for (const Duration timeout : {Duration(1us), Duration(300us), Duration(1500us), Duration(4200us)}) {
        for (int i = 0; i < 20; ++i) {
            const auto begin = steady_clock().now();
            wait(*poller, timeout);
            ASSERT_GE(steady_clock().now() - begin, timeout);
        }
    }
}

TEST_P(PollerTime, a_wake_before_the_wait_ends_it_at_once) {
    poller->wake();
    const auto begin = steady_clock().now();
    EXPECT_THAT(wait(*poller, 60s), IsEmpty());
    EXPECT_LT(steady_clock().now() - begin, 30s);
}

TEST_P(PollerTime, many_wakes_are_one) {
    for (int i = 0; i < 200'000; ++i) poller->wake(); // a pipe would be full long before
    wait(*poller, 60s);
    const auto begin = steady_clock().now();
    wait(*poller, 2ms);
    EXPECT_GE(steady_clock().now() - begin, 2ms);
}

TEST_P(PollerTime, a_wake_from_another_thread_ends_an_endless_wait) {
    // No cap on the wait to paper over a lost wake-up (tornado d2ca9ad6).
    std::thread other([this] {
        std::this_thread::sleep_for(2ms);
        poller->wake();
    });
    EXPECT_THAT(wait(*poller, forever), IsEmpty());
    other.join();
}

TEST_P(PollerTime, refuses_what_it_cannot_watch_and_goes_on) {
    EXPECT_TRUE(poller->add(-1, Events::read, 1));
    EXPECT_TRUE(poller->modify(0, Events::read, 1));
    EXPECT_TRUE(poller->remove(0));
    EXPECT_THAT(wait(*poller), IsEmpty());
}

TEST_P(PollerContract, reports_readiness_under_the_key_it_was_given) {
    ASSERT_FALSE(poller->add(pair.a, Events::read, 42));
    EXPECT_THAT(wait(*poller), IsEmpty());
    pair.send_to_a();
    const auto ready = wait(*poller, 60s);
    ASSERT_THAT(ready, SizeIs(1));
    EXPECT_EQ(ready[0].key, 42U);
    EXPECT_EQ(ready[0].events, Events::read);
    EXPECT_FALSE(ready[0].gone);
}

TEST_P(PollerContract, is_level_triggered) {
    ASSERT_FALSE(poller->add(pair.a, Events::read, 1));
    pair.send_to_a();
    for (int i = 0; i < 3; ++i) EXPECT_THAT(wait(*poller), SizeIs(1));
    pair.read_a();
    EXPECT_THAT(wait(*poller), IsEmpty());
}

TEST_P(PollerContract, reports_all_events_of_a_descriptor_at_once) {
    ASSERT_FALSE(poller->add(pair.a, Events::read | Events::write, 1));
    pair.send_to_a();
    const auto ready = wait(*poller);
    ASSERT_THAT(ready, SizeIs(1));
    EXPECT_EQ(ready[0].events, Events::read | Events::write);
}

TEST_P(PollerContract, reports_only_what_was_asked_for) {
    ASSERT_FALSE(poller->add(pair.a, Events::read, 1));
    EXPECT_THAT(wait(*poller), IsEmpty()); // it is writable
}

TEST_P(PollerContract, watching_for_nothing_reports_nothing_but_hang_up) {
    ASSERT_FALSE(poller->add(pair.a, Events::none, 1));
    pair.send_to_a();
    EXPECT_THAT(wait(*poller), IsEmpty());
    pair.hang_up_b();
    if (!traits_of(GetParam()).tells_hang_up_unasked) {
        EXPECT_THAT(wait(*poller), IsEmpty());
        return;
    }
    const auto ready = wait(*poller);
    ASSERT_THAT(ready, SizeIs(1));
    EXPECT_EQ(ready[0].events, Events::error);
}

TEST_P(PollerContract, a_half_closed_stream_is_readable_and_no_error) {
    ASSERT_FALSE(poller->add(pair.a, Events::read, 1));
    pair.stop_sending_b();
    const auto ready = wait(*poller);
    ASSERT_THAT(ready, SizeIs(1));
    EXPECT_EQ(ready[0].events, Events::read);
}

TEST_P(PollerContract, a_half_closed_stream_is_no_news_to_one_that_does_not_read) {
    ASSERT_FALSE(poller->add(pair.a, Events::write, 1));
    pair.stop_sending_b();
    EXPECT_EQ(wait(*poller).at(0).events, Events::write);
    ASSERT_FALSE(poller->modify(pair.a, Events::none, 1));
    const auto begin = steady_clock().now();
    EXPECT_THAT(wait(*poller, 20ms), IsEmpty());
    EXPECT_GE(steady_clock().now() - begin, 20ms);
    ASSERT_FALSE(poller->modify(pair.a, Events::read, 1));
    EXPECT_EQ(wait(*poller).at(0).events, Events::read);
}

TEST_P(PollerContract, a_half_closed_stream_that_is_full_is_writable_once_the_peer_has_read) {
    const std::string block(16384, 'x');
    const auto fill = [&] {
        while (os::send(pair.a, block) > 0) {}
    };
    pair.stop_sending_b();
    fill();
    ASSERT_FALSE(poller->add(pair.a, Events::write, 1));
    const auto begin = steady_clock().now();
    EXPECT_THAT(wait(*poller, 20ms), IsEmpty());
    EXPECT_GE(steady_clock().now() - begin, 20ms);
    std::thread peer([&] {
        std::this_thread::sleep_for(5ms);
        while (SocketPair::read_all(pair.b).size() > 0) {}
    });
    const auto ready = wait(*poller, 60s);
    peer.join();
    ASSERT_THAT(ready, SizeIs(1));
    EXPECT_EQ(ready[0].events, Events::write);
}

TEST_P(PollerContract, a_refused_connect_is_writable_and_an_error) {
    const os::RefusedConnection connection;
    ASSERT_FALSE(poller->add(connection.fd, Events::write, 1));
    const auto ready = wait(*poller, 60s);
    ASSERT_THAT(ready, SizeIs(1));
    EXPECT_EQ(ready[0].events,
              traits_of(GetParam()).tells_errors ? Events::write | Events::error : Events::write);
}

TEST_P(PollerContract, modify_replaces_interest_and_key) {
    ASSERT_FALSE(poller->add(pair.a, Events::read, 1));
    pair.send_to_a();
    ASSERT_FALSE(poller->modify(pair.a, Events::write, 2));
    const auto ready = wait(*poller);
    ASSERT_THAT(ready, SizeIs(1));
    EXPECT_EQ(ready[0].key, 2U);
    EXPECT_EQ(ready[0].events, Events::write);
    ASSERT_FALSE(poller->modify(pair.a, Events::read, 2));
    EXPECT_EQ(wait(*poller).at(0).events, Events::read); // what arrived before is reported: level
}

TEST_P(PollerContract, adding_twice_is_an_error_and_the_first_stays) {
    ASSERT_FALSE(poller->add(pair.a, Events::read, 1));
    EXPECT_EQ(poller->add(pair.a, Events::write, 2), std::errc::file_exists);
    pair.send_to_a();
    const auto ready = wait(*poller);
    ASSERT_THAT(ready, SizeIs(1));
    EXPECT_EQ(ready[0].key, 1U);
    EXPECT_EQ(ready[0].events, Events::read);
}

TEST_P(PollerContract, a_closed_number_is_refused) {
    const Fd number = pair.a;
    pair.close_a();
    EXPECT_EQ(poller->add(number, Events::read, 1), std::errc::bad_file_descriptor);
}

TEST_P(PollerContract, a_regular_file_is_refused) {
    std::FILE* file = std::tmpfile();
    ASSERT_NE(file, nullptr);
    EXPECT_EQ(poller->add(os::number_of(file), Events::read, 1), std::errc::operation_not_permitted);
    std::fclose(file);
}

TEST_P(PollerContract, what_is_not_watched_can_be_neither_modified_nor_removed) {
    EXPECT_EQ(poller->modify(pair.a, Events::read, 1), std::errc::no_such_file_or_directory);
    EXPECT_EQ(poller->remove(pair.a), std::errc::no_such_file_or_directory);
}

TEST_P(PollerContract, what_was_removed_is_reported_no_more_and_can_be_added_again) {
    ASSERT_FALSE(poller->add(pair.a, Events::read, 1));
    pair.send_to_a();
    ASSERT_FALSE(poller->remove(pair.a));
    EXPECT_THAT(wait(*poller), IsEmpty());
    ASSERT_FALSE(poller->add(pair.a, Events::read, 2));
    EXPECT_EQ(wait(*poller).at(0).key, 2U);
}

TEST_P(PollerContract, a_number_that_became_another_file_can_be_added) {
    ASSERT_FALSE(poller->add(pair.a, Events::read, 1));
    SocketPair other;
    os::replace(pair.a, other.a); // closes the one, opens the other under its number
    EXPECT_FALSE(poller->add(pair.a, Events::read, 2));
    other.send_to_a();
    const auto ready = wait(*poller);
    ASSERT_THAT(ready, SizeIs(1));
    EXPECT_EQ(ready[0].key, 2U);
}

TEST_P(PollerContract, a_descriptor_closed_without_remove_is_silent_or_gone_but_not_ready) {
    ASSERT_FALSE(poller->add(pair.a, Events::read, 1));
    pair.send_to_a();
    pair.close_a();
    for (const Ready& ready : wait(*poller)) EXPECT_TRUE(ready.gone);
}

TEST_P(PollerContract, reset_forgets_everything_even_what_cannot_be_named_any_more) {
    ASSERT_FALSE(poller->add(pair.a, Events::read, 1));
    const Fd duplicate = os::duplicate(pair.a);
    pair.send_to_a();
    pair.close_a(); // the file lives on, and epoll goes on about it
    ASSERT_FALSE(poller->reset());
    EXPECT_THAT(wait(*poller), IsEmpty());
    poller->wake();
    EXPECT_THAT(wait(*poller, 60s), IsEmpty()); // waking still works
    ASSERT_FALSE(poller->add(duplicate, Events::read, 2));
    EXPECT_EQ(wait(*poller).at(0).key, 2U);
    os::close(duplicate);
}

TEST_P(PollerContract, a_small_buffer_starves_nobody) {
    std::vector<SocketPair> pairs(50);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        ASSERT_FALSE(poller->add(pairs[i].a, Events::read, i));
        pairs[i].send_to_a();
    }
    std::set<Poller::Key> seen;
    for (int i = 0; i < 50; ++i) {
        for (const Ready& ready : wait(*poller, no_wait, 4)) seen.insert(ready.key);
    }
    EXPECT_EQ(seen.size(), pairs.size());
}

TEST_P(PollerContract, a_thousand_descriptors) {
    std::vector<SocketPair> pairs(500);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        ASSERT_FALSE(poller->add(pairs[i].a, Events::read, 2 * i));
        ASSERT_FALSE(poller->add(pairs[i].b, Events::read, 2 * i + 1));
    }
    pairs[123].send_to_a();
    EXPECT_EQ(wait(*poller).at(0).key, 246U);
    for (const SocketPair& p : pairs) {
        ASSERT_FALSE(poller->remove(p.a));
        ASSERT_FALSE(poller->remove(p.b));
    }
    EXPECT_THAT(wait(*poller), IsEmpty());
}

TEST_P(PollerContract, a_signal_interrupts) {
#if defined(_WIN32)
    GTEST_SKIP() << "Windows sends no signals: nothing interrupts WSAPoll()";
#else
    struct sigaction action {};
    action.sa_handler = [](int) {};
    struct sigaction before {};
    ::sigaction(SIGUSR1, &action, &before);
    const pthread_t me = ::pthread_self();
    std::atomic<bool> done{false};
    std::thread other([&] {
        while (!done) { // until it hits the wait
            std::this_thread::sleep_for(1ms);
            ::pthread_kill(me, SIGUSR1);
        }
    });
    std::vector<Ready> ready(4);
    std::size_t count = 0;
    EXPECT_EQ(poller->wait(ready, 60s, count), std::errc::interrupted);
    EXPECT_EQ(count, 0U);
    done = true;
    other.join();
    ::sigaction(SIGUSR1, &before, nullptr);
#endif
}

TEST_P(PollerContract, the_native_handle_is_readable_while_something_is_ready_or_woken) {
    const Fd handle = poller->native_handle();
    if (handle == invalid_fd) return; // the contract allows it, and says so by this value
    const auto outer = make_poller(PollerKind::poll);
    ASSERT_FALSE(outer->add(handle, Events::read, 7));
    ASSERT_FALSE(poller->add(pair.a, Events::read, 1));
    EXPECT_THAT(wait(*outer), IsEmpty());
    pair.send_to_a();
    EXPECT_THAT(wait(*outer), SizeIs(1));
    pair.read_a();
    EXPECT_THAT(wait(*outer), IsEmpty());
    poller->wake();
    EXPECT_THAT(wait(*outer), SizeIs(1));
    wait(*poller);
    EXPECT_THAT(wait(*outer), IsEmpty());
}

TEST(PollerChoice, the_environment_names_the_automatic_one) {
    const char* before = std::getenv("IOLOOP_POLLER");
    const std::string saved = before != nullptr ? before : "";
    for (const PollerKind kind : available_pollers()) {
        os::set_variable("IOLOOP_POLLER", std::string(name_of(kind)).c_str());
        EXPECT_EQ(make_poller()->name(), name_of(kind));
        EXPECT_EQ(make_poller(PollerKind::null)->name(),
                  "null"); // asked for by kind: the environment does not matter
    }
    os::set_variable("IOLOOP_POLLER", "kpoll");
    try {
        make_poller();
        FAIL();
    } catch (const std::invalid_argument& error) {
        EXPECT_THAT(error.what(), testing::HasSubstr("kpoll"));
        EXPECT_THAT(error.what(), testing::HasSubstr("poll, "));
    }
    os::set_variable("IOLOOP_POLLER", saved.empty() ? nullptr : saved.c_str());
}

TEST(SimWorld, keeps_the_contract_of_readiness_and_jumps_over_time) {
    SimWorld world;
    auto options = world.options();
    Poller& poller = *options.custom_poller;
    SocketPair pair;
    ASSERT_FALSE(poller.add(pair.a, Events::read, 1));
    EXPECT_THAT(wait(poller, 1h), IsEmpty());
    EXPECT_EQ(world.elapsed(), 1h);
    pair.send_to_a();
    EXPECT_THAT(wait(poller, 1h), SizeIs(1));
    EXPECT_EQ(world.elapsed(), 1h);
    pair.read_a();
    poller.wake();
    EXPECT_THAT(wait(poller, 1h), IsEmpty());
    EXPECT_EQ(world.elapsed(), 1h);
    EXPECT_THROW(wait(poller, forever), std::runtime_error); // a test that would hang, fails
}
