// SPDX-License-Identifier: MIT
/// The contract, where it is hard to keep: numbers that are closed, shared and taken again, descriptors that nobody
/// drains, many of everything. Another part of contract.cpp.
#include "support/os.hpp"
#include "support/poller_contract.hpp"
#include "support/poller_traits.hpp"

#include <atomic>
#include <cerrno>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#if !defined(_WIN32)
#include <fcntl.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

using namespace ioloop;
using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::SizeIs;

namespace {

class PollerClosed : public PollerContract {
protected:
    PollerTraits traits = traits_of(GetParam());
};
class PollerLevel : public PollerContract {};
class PollerStorm : public PollerContract {};
class PollerWakes : public PollerTime {};

INSTANTIATE_TEST_SUITE_P(All, PollerClosed, testing::ValuesIn(pollers_with_descriptors()), poller_title);
INSTANTIATE_TEST_SUITE_P(All, PollerLevel, testing::ValuesIn(pollers_with_descriptors()), poller_title);
INSTANTIATE_TEST_SUITE_P(All, PollerStorm, testing::ValuesIn(pollers_with_descriptors()), poller_title);
INSTANTIATE_TEST_SUITE_P(All, PollerWakes, testing::ValuesIn(available_pollers()), poller_title);

#if !defined(_WIN32)
struct Pipe {
    Pipe() { EXPECT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0); }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close(0);
        close(1);
    }
    void close(int end) {
        if (ends[end] >= 0) ::close(std::exchange(ends[end], -1));
    }
    int ends[2];
};
#endif

} // namespace

// ---- numbers that are closed, shared and taken again ------------------------------------------------------

TEST_P(PollerClosed, one_that_is_closed_while_a_duplicate_lives_is_no_longer_what_was_added) {
    ASSERT_FALSE(poller->add(pair.a, Events::read, 1));
    pair.send_to_a();
    ASSERT_THAT(wait(*poller), SizeIs(1));
    const Fd duplicate = os::duplicate(pair.a);
    const Fd number = pair.a;
    pair.close_a();
    // Whether the poller can tell by itself differs, and the loop copes with each; asked, all of them know.
    for (const Ready& ready : wait(*poller)) {
        EXPECT_EQ(ready.gone, traits.closed_descriptors == PollerTraits::Closed::gone);
        EXPECT_NE(traits.closed_descriptors, PollerTraits::Closed::forgotten);
    }
    const auto error = poller->modify(number, Events::read, 1);
    EXPECT_TRUE(error == std::errc::bad_file_descriptor || error == std::errc::no_such_file_or_directory)
        << error.message();
    poller->remove(number);
    ASSERT_FALSE(poller->reset()); // which is what the loop does then
    EXPECT_THAT(wait(*poller), IsEmpty());
    os::close(duplicate);
}

TEST_P(PollerClosed, a_number_that_is_another_file_reports_nothing_of_the_first) {
    SocketPair other;
    ASSERT_FALSE(poller->add(pair.a, Events::read, 1));
    pair.send_to_a();
    os::replace(pair.a, other.a);
    EXPECT_THAT(wait(*poller), IsEmpty());
    ASSERT_FALSE(poller->add(pair.a, Events::read, 2));
    EXPECT_THAT(wait(*poller), IsEmpty());
    other.send_to_a();
    EXPECT_EQ(only(wait(*poller), 2), Events::read);
    EXPECT_EQ(poller->add(pair.a, Events::read, 3), std::errc::file_exists);
}

TEST_P(PollerClosed, a_number_can_be_closed_opened_and_added_a_thousand_times) {
    std::set<Fd> numbers;
    for (Poller::Key key = 1; key <= 1000; ++key) {
        SocketPair fresh;
        numbers.insert(fresh.a);
        fresh.send_to_a();
        ASSERT_FALSE(poller->add(fresh.a, Events::read, key));
        ASSERT_EQ(only(wait(*poller), key), Events::read);
        if (key % 2 == 0) { // every other one is forgotten to be removed
            ASSERT_FALSE(poller->remove(fresh.a));
        }
    }
#if !defined(_WIN32) // which gives handles out as it pleases
    EXPECT_THAT(numbers, SizeIs(1));
#endif
}

TEST_P(PollerClosed, the_dead_do_not_keep_the_living_from_being_reported) {
    std::vector<SocketPair> dead(3);
    for (SocketPair& each : dead) {
        ASSERT_FALSE(poller->add(each.a, Events::read | Events::write, 7));
    }
    ASSERT_FALSE(poller->add(pair.a, Events::read, 1));
    pair.send_to_a();
    for (SocketPair& each : dead) each.close_a();
    for (int i = 0; i < 3; ++i) {
        std::size_t living = 0;
        for (const Ready& ready : wait(*poller)) {
            EXPECT_EQ(ready.gone, ready.key == 7);
            if (ready.key == 1) ++living;
        }
        EXPECT_EQ(living, 1U);
    }
}

TEST_P(PollerClosed, numbers_beyond_FD_SETSIZE_are_watched_or_refused) {
#if defined(_WIN32)
    GTEST_SKIP() << "the numbers of Windows are handles, and have no such bound";
#else
    os::allow_many_descriptors();
    const int large = ::fcntl(pair.a, F_DUPFD_CLOEXEC, FD_SETSIZE);
    ASSERT_GE(large, FD_SETSIZE);
    if (traits.bounded_by_fd_setsize) {
        EXPECT_EQ(poller->add(large, Events::read, 1), std::errc::too_many_files_open);
        EXPECT_EQ(poller->modify(large, Events::read, 1), std::errc::no_such_file_or_directory);
        EXPECT_EQ(poller->remove(large), std::errc::no_such_file_or_directory);
    } else {
        EXPECT_FALSE(poller->add(large, Events::read, 1));
    }
    pair.send_to_a();
    EXPECT_THAT(wait(*poller), SizeIs(traits.bounded_by_fd_setsize ? 0 : 1));
    poller->remove(large);
    ::close(large);
    ASSERT_FALSE(poller->add(pair.a, Events::read, 2)); // nothing has changed
    EXPECT_EQ(only(wait(*poller), 2), Events::read);
#endif
}

TEST_P(PollerClosed, what_cannot_be_waited_for_is_refused_and_not_watched) {
    const os::Directory directory;
    for (const Events interest : {Events::none, Events::read, Events::read | Events::write}) {
        EXPECT_EQ(poller->add(directory.fd, interest, 1), std::errc::operation_not_permitted);
    }
    EXPECT_TRUE(poller->modify(directory.fd, Events::read, 1));
    EXPECT_THAT(wait(*poller), IsEmpty());
}

TEST_P(PollerClosed, one_that_is_watched_for_nothing_is_watched) {
    ASSERT_FALSE(poller->add(pair.a, Events::none, 1));
    EXPECT_EQ(poller->add(pair.a, Events::read, 2), std::errc::file_exists);
    ASSERT_FALSE(poller->modify(pair.a, Events::read, 3));
    pair.send_to_a();
    EXPECT_EQ(only(wait(*poller), 3), Events::read);
    ASSERT_FALSE(poller->modify(pair.a, Events::none, 4));
    EXPECT_THAT(wait(*poller), IsEmpty());
    EXPECT_FALSE(poller->remove(pair.a));
}

TEST_P(PollerClosed, a_child_of_fork_that_gives_its_copy_up_disturbs_nobody) {
#if defined(_WIN32)
    GTEST_SKIP() << "Windows has no fork()";
#else
    ASSERT_FALSE(poller->add(pair.a, Events::read, 1));
    for (int i = 0; i < 20; ++i)
        EXPECT_THAT(wait(*poller), IsEmpty()); // quiet enough to be armed, if it arms
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        std::vector<Ready> ready(4);
        std::size_t count = 0;
        poller->wait(ready, no_wait, count); // not that it should; over kqueue it cannot
        poller.reset();
        ::_exit(0);
    }
    int status = -1;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    EXPECT_EQ(status, 0);
    EXPECT_THAT(wait(*poller), IsEmpty());
    pair.send_to_a();
    EXPECT_EQ(only(wait(*poller), 1), Events::read);
    poller->wake();
    wait(*poller, 60s);
    ASSERT_FALSE(poller->remove(pair.a));
#endif
}

// ---- level-triggered, whatever happens between two waits --------------------------------------------------

TEST_P(PollerLevel, what_is_drained_a_little_at_a_time_is_reported_until_it_is_empty) {
    ASSERT_FALSE(poller->add(pair.a, Events::read, 1));
    pair.send_to_a(std::string(100, 'x'));
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(only(wait(*poller, i % 2 == 0 ? no_wait : Duration(1ms)), 1), Events::read) << i;
        char byte = 0;
        ASSERT_EQ(os::receive(pair.a, &byte, 1), 1);
    }
    EXPECT_THAT(wait(*poller), IsEmpty());
    pair.send_to_a();
    EXPECT_EQ(only(wait(*poller, 60s), 1), Events::read);
}

TEST_P(PollerLevel, interest_may_change_between_any_two_waits) {
    const Events all[] = {Events::none, Events::read, Events::write, Events::read | Events::write};
    ASSERT_FALSE(poller->add(pair.a, Events::none, 1));
    pair.send_to_a();
    for (const Events from : all) {
        for (const Events to : all) {
            ASSERT_FALSE(poller->modify(pair.a, from, 1));
            EXPECT_EQ(only(wait(*poller), 1), from);
            ASSERT_FALSE(poller->modify(pair.a, to, 1));
            EXPECT_EQ(only(wait(*poller), 1), to);
        }
    }
}

TEST_P(PollerLevel, one_that_is_removed_and_added_again_between_two_waits_is_reported_under_the_new_key) {
    ASSERT_FALSE(poller->add(pair.a, Events::read, 1));
    pair.send_to_a();
    for (Poller::Key key = 2; key < 100; ++key) {
        ASSERT_FALSE(poller->remove(pair.a));
        ASSERT_FALSE(poller->add(pair.a, Events::read, key));
        if (key % 3 == 0) {
            EXPECT_EQ(only(wait(*poller), key), Events::read);
        }
    }
    EXPECT_EQ(only(wait(*poller), 99), Events::read);
}

TEST_P(PollerLevel, a_pipe_whose_writer_is_gone_is_readable_until_it_is_removed) {
#if defined(_WIN32)
    GTEST_SKIP() << "only sockets can be watched on Windows";
#else
    Pipe pipe;
    ASSERT_FALSE(poller->add(pipe.ends[0], Events::read, 1));
    ASSERT_EQ(::write(pipe.ends[1], "xy", 2), 2);
    pipe.close(1);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(any(only(wait(*poller), 1) & Events::read)) << "unread data";
    EXPECT_EQ(SocketPair::read_all(pipe.ends[0]), "xy");
    // Now it is at its end. Linux calls that a hang-up and not readable; a read would not block in any case.
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(any(only(wait(*poller), 1)));
    ASSERT_FALSE(poller->remove(pipe.ends[0]));
    EXPECT_THAT(wait(*poller), IsEmpty());
#endif
}

TEST_P(PollerLevel, a_pipe_whose_reader_is_gone_is_writable_or_an_error) {
#if defined(_WIN32)
    GTEST_SKIP() << "only sockets can be watched on Windows";
#else
    Pipe pipe;
    while (::write(pipe.ends[1], "0123456789abcdef", 16) > 0) {}
    ASSERT_FALSE(poller->add(pipe.ends[1], Events::write, 1));
    EXPECT_THAT(wait(*poller), IsEmpty());
    pipe.close(0);
    const Events events = only(wait(*poller, 60s), 1);
    EXPECT_TRUE(any(events));
    EXPECT_EQ(any(events & Events::error), traits_of(GetParam()).tells_errors);
#endif
}

TEST_P(PollerLevel, a_reader_is_told_of_a_peer_that_closed) {
    ASSERT_FALSE(poller->add(pair.a, Events::read, 1));
    pair.send_to_a();
    pair.close_b();
    const bool told = traits_of(GetParam()).tells_hang_up_to_reader;
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(only(wait(*poller), 1), told ? Events::read | Events::error : Events::read);
        pair.read_a(); // its end can be read for ever
    }
}

// ---- many of everything -----------------------------------------------------------------------------------

TEST_P(PollerStorm, ten_thousand_are_added_ready_and_removed_without_a_wait) {
    for (Poller::Key key = 0; key < 10'000; ++key) {
        ASSERT_FALSE(poller->add(pair.a, Events::read | Events::write, key));
        pair.send_to_a();
        if (key % 2 == 0) pair.read_a();
        ASSERT_FALSE(poller->remove(pair.a));
    }
    EXPECT_THAT(wait(*poller), IsEmpty());
    ASSERT_FALSE(poller->add(pair.a, Events::write, 1));
    EXPECT_EQ(only(wait(*poller), 1), Events::write);
}

TEST_P(PollerStorm, more_are_ready_than_anybody_has_room_for) {
    os::allow_many_descriptors();
    const std::size_t many = traits_of(GetParam()).bounded_by_fd_setsize ? 900 : 6000;
    std::vector<Fd> duplicates;
    pair.send_to_a();
    for (Poller::Key key = 0; key < many; ++key) {
        duplicates.push_back(os::duplicate(pair.a));
        ASSERT_GE(duplicates.back(), 0);
        ASSERT_FALSE(poller->add(duplicates.back(), Events::read, key));
    }
    std::set<Poller::Key> seen;
    for (int i = 0; i < 500 && seen.size() < many; ++i) {
        for (const Ready& ready : wait(*poller, no_wait, 128)) seen.insert(ready.key);
    }
    EXPECT_EQ(seen.size(), many);
    pair.read_a();
    EXPECT_THAT(wait(*poller), IsEmpty()) << "and none is reported that is not ready any more";
    for (const Fd fd : duplicates) {
        ASSERT_FALSE(poller->remove(fd));
        os::close(fd);
    }
}

TEST_P(PollerStorm, readiness_comes_and_goes_ten_thousand_times_between_two_waits) {
    ASSERT_FALSE(poller->add(pair.a, Events::read, 1));
    for (int i = 0; i < 10'000; ++i) {
        pair.send_to_a();
        pair.read_a();
    }
    EXPECT_THAT(wait(*poller), IsEmpty());
    pair.send_to_a();
    EXPECT_EQ(only(wait(*poller, 60s), 1), Events::read);
}

TEST_P(PollerWakes, a_storm_from_several_threads_is_never_lost) {
    constexpr int threads = 3;
    constexpr int rounds = 2000;
    std::atomic<int> posted{0};
    std::vector<std::thread> others;
    for (int t = 0; t < threads; ++t) {
        others.emplace_back([&] {
            for (int i = 0; i < rounds; ++i) {
                ++posted;
                poller->wake();
                if (i % 64 == 0) std::this_thread::yield();
            }
        });
    }
    // Each post comes before its wake: whoever sleeps for ever with one unseen has lost it.
    int seen = 0;
    while (seen < threads * rounds) {
        wait(*poller, seen % 3 == 0 ? no_wait : forever);
        seen = posted;
    }
    for (std::thread& other : others) other.join();
    wait(*poller); // the last ones
    const auto begin = steady_clock().now();
    wait(*poller, 2ms);
    EXPECT_GE(steady_clock().now() - begin, 2ms) << "and none is left over";
}

TEST_P(PollerWakes, one_that_races_with_the_beginning_of_the_wait_is_not_lost) {
    for (int i = 0; i < 200; ++i) {
        std::thread other([this] { poller->wake(); });
        EXPECT_THAT(wait(*poller, forever), IsEmpty());
        other.join();
        wait(*poller);
    }
}

TEST_P(PollerWakes, nanoseconds_are_not_rounded_down) {
    for (const Duration timeout : {Duration(1), Duration(999), Duration(1001), Duration(999'999),
                                   Duration(1'000'001), Duration(1'999'999)}) {
        for (int i = 0; i < 10; ++i) {
            const auto begin = steady_clock().now();
            wait(*poller, timeout);
            ASSERT_GE(steady_clock().now() - begin, timeout) << timeout.count();
        }
    }
}

TEST_P(PollerWakes, a_timeout_of_years_is_no_error) {
    poller->wake();
    EXPECT_THAT(wait(*poller, std::chrono::hours(24 * 365 * 100)), IsEmpty());
    poller->wake();
    EXPECT_THAT(wait(*poller, forever - Duration(1)), IsEmpty());
}
