// SPDX-License-Identifier: MIT
// What the poller over kqueue takes for granted of kqueue(2), without the poller. On Linux it is the emulation that has
// to show these; on macOS and the BSDs it is the system.
#include "support/socket_pair.hpp"

#include <algorithm>
#include <cerrno>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/event.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace {

using testing::IsEmpty;
using testing::SizeIs;

class KqueueFacts : public testing::Test {
protected:
    ~KqueueFacts() override { ::close(kq); }

    static struct kevent change_of(int fd, int filter, int flags, void* udata = nullptr) {
        struct kevent change {};
        change.ident = static_cast<decltype(change.ident)>(fd);
        change.filter = static_cast<decltype(change.filter)>(filter);
        change.flags = static_cast<decltype(change.flags)>(flags);
        change.udata = udata;
        return change;
    }
    /// One change, with no room for an answer: 0 or the error.
    int change(int fd, int filter, int flags, void* udata = nullptr) const {
        const struct kevent wanted = change_of(fd, filter, flags, udata);
        return ::kevent(kq, &wanted, 1, nullptr, 0, nullptr) == 0 ? 0 : errno;
    }
    /// Milliseconds; -1 where it does not matter.
    int change_timer(int ident, int flags, int milliseconds = -1) const {
        struct kevent wanted = change_of(ident, EVFILT_TIMER, flags, nullptr);
        wanted.data = milliseconds;
        return ::kevent(kq, &wanted, 1, nullptr, 0, nullptr) == 0 ? 0 : errno;
    }
    /// Whether the kqueue becomes readable in the next ten seconds.
    bool fires() const {
        pollfd outer{kq, POLLIN, 0};
        return ::poll(&outer, 1, 10'000) == 1;
    }
    std::vector<struct kevent> events(std::size_t room = 16) const {
        std::vector<struct kevent> found(room);
        constexpr timespec at_once{};
        const int count = ::kevent(kq, nullptr, 0, found.data(), static_cast<int>(room), &at_once);
        EXPECT_GE(count, 0);
        found.resize(static_cast<std::size_t>(std::max(count, 0)));
        return found;
    }

    int kq = ::kqueue();
    SocketPair pair;
    int mark = 0;
};

TEST_F(KqueueFacts, what_was_never_added_is_ENOENT_and_a_closed_number_EBADF) {
    for (const int flags : {EV_DELETE, EV_ENABLE, EV_DISABLE}) {
        EXPECT_EQ(change(pair.a, EVFILT_READ, flags), ENOENT);
    }
    const int number = pair.a;
    pair.close_a();
    EXPECT_EQ(change(number, EVFILT_READ, EV_ADD), EBADF);
    EXPECT_EQ(change(number, EVFILT_READ, EV_DELETE), EBADF);
}

TEST_F(KqueueFacts, adding_again_is_a_change_and_no_error) {
    EXPECT_EQ(change(pair.a, EVFILT_READ, EV_ADD), 0);
    EXPECT_EQ(change(pair.a, EVFILT_READ, EV_ADD, &mark), 0);
    pair.send_to_a();
    ASSERT_THAT(events(), SizeIs(1));
    EXPECT_EQ(events()[0].udata, &mark);
    EXPECT_EQ(change(pair.a, EVFILT_READ, EV_DELETE), 0);
    EXPECT_EQ(change(pair.a, EVFILT_READ, EV_DELETE), ENOENT);
    EXPECT_THAT(events(), IsEmpty());
}

TEST_F(KqueueFacts, the_two_filters_are_two_events_and_data_says_how_much) {
    EXPECT_EQ(change(pair.a, EVFILT_READ, EV_ADD), 0);
    EXPECT_EQ(change(pair.a, EVFILT_WRITE, EV_ADD), 0);
    pair.send_to_a("abc");
    const auto found = events();
    ASSERT_THAT(found, SizeIs(2));
    for (const struct kevent& event : found) {
        EXPECT_EQ(event.ident, static_cast<decltype(event.ident)>(pair.a));
        EXPECT_EQ(event.flags & (EV_EOF | EV_ERROR), 0);
        if (event.filter == EVFILT_READ) {
            EXPECT_EQ(event.data, 3);
        }
    }
    bool seen[2] = {};
    for (int i = 0; i < 4; ++i) {
        const auto one = events(1);
        ASSERT_THAT(one, SizeIs(1));
        seen[one[0].filter == EVFILT_READ ? 0 : 1] = true;
    }
    EXPECT_TRUE(seen[0] && seen[1]) << "and with room for one, they take turns";
}

TEST_F(KqueueFacts, enabling_what_is_enabled_changes_nothing_and_disabling_silences) {
    EXPECT_EQ(change(pair.a, EVFILT_READ, EV_ADD, &mark), 0);
    pair.send_to_a();
    EXPECT_EQ(change(pair.a, EVFILT_READ, EV_ENABLE), 0);
    ASSERT_THAT(events(), SizeIs(1));
    EXPECT_EQ(change(pair.a, EVFILT_READ, EV_DISABLE), 0);
    EXPECT_THAT(events(), IsEmpty());
    EXPECT_EQ(change(pair.a, EVFILT_READ, EV_ENABLE), 0);
    EXPECT_THAT(events(), SizeIs(1));
}

TEST_F(KqueueFacts, a_receipt_answers_each_change_and_collects_nothing) {
    EXPECT_EQ(change(pair.b, EVFILT_WRITE, EV_ADD), 0); // is ready
    const struct kevent wanted[] = {change_of(pair.a, EVFILT_READ, EV_ADD | EV_RECEIPT),
                                    change_of(pair.a, EVFILT_WRITE, EV_DELETE | EV_RECEIPT),
                                    change_of(pair.a, EVFILT_WRITE, EV_ADD | EV_RECEIPT)};
    struct kevent receipts[3] = {};
    ASSERT_EQ(::kevent(kq, wanted, 3, receipts, 3, nullptr), 3);
    const int expected[] = {0, ENOENT, 0};
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(receipts[i].flags & EV_ERROR);
        EXPECT_EQ(receipts[i].data, expected[i]) << i;
        EXPECT_EQ(receipts[i].filter, wanted[i].filter);
    }
}

TEST_F(KqueueFacts, closing_a_number_removes_what_was_registered_whatever_duplicates_there_are) {
    EXPECT_EQ(change(pair.a, EVFILT_READ, EV_ADD), 0);
    pair.send_to_a();
    ASSERT_THAT(events(), SizeIs(1));
    const int number = pair.a;
    const int duplicate = ::dup(pair.a);
    pair.close_a();
    EXPECT_THAT(events(), IsEmpty());
    ASSERT_EQ(::dup2(duplicate, number), number);
    EXPECT_EQ(change(number, EVFILT_READ, EV_ENABLE), ENOENT);
    ::close(number);
    ::close(duplicate);
}

TEST_F(KqueueFacts, so_does_opening_another_file_in_its_place) {
    EXPECT_EQ(change(pair.a, EVFILT_READ, EV_ADD), 0);
    SocketPair other;
    ASSERT_EQ(::dup2(other.a, pair.a), pair.a);
    EXPECT_EQ(change(pair.a, EVFILT_READ, EV_ENABLE), ENOENT);
    other.send_to_a();
    EXPECT_THAT(events(), IsEmpty());
}

TEST_F(KqueueFacts, a_peer_that_stopped_writing_is_EOF_to_the_reader_alone) {
    EXPECT_EQ(change(pair.a, EVFILT_READ, EV_ADD), 0);
    EXPECT_EQ(change(pair.a, EVFILT_WRITE, EV_ADD), 0);
    pair.send_to_a("xy");
    ::shutdown(pair.b, SHUT_WR);
    for (const struct kevent& event : events()) {
        EXPECT_EQ((event.flags & EV_EOF) != 0, event.filter == EVFILT_READ);
        EXPECT_EQ(event.fflags, 0U);
        if (event.filter == EVFILT_READ) {
            EXPECT_EQ(event.data, 2) << "unread";
        }
    }
}

TEST_F(KqueueFacts, a_peer_that_closed_is_EOF_to_both) {
    EXPECT_EQ(change(pair.a, EVFILT_READ, EV_ADD), 0);
    EXPECT_EQ(change(pair.a, EVFILT_WRITE, EV_ADD), 0);
    pair.close_b();
    const auto found = events();
    EXPECT_THAT(found, SizeIs(2));
    for (const struct kevent& event : found) EXPECT_TRUE(event.flags & EV_EOF);
}

TEST_F(KqueueFacts, a_kqueue_can_be_polled) {
    pollfd outer{kq, POLLIN, 0};
    EXPECT_EQ(change(pair.a, EVFILT_READ, EV_ADD), 0);
    EXPECT_EQ(::poll(&outer, 1, 0), 0);
    pair.send_to_a();
    EXPECT_EQ(::poll(&outer, 1, 0), 1);
    pair.read_a();
    EXPECT_EQ(::poll(&outer, 1, 0), 0);
}

TEST_F(KqueueFacts, a_timer_that_fires_once_is_gone_then) {
    EXPECT_EQ(change_timer(1, EV_DELETE), ENOENT);
    EXPECT_EQ(change_timer(1, EV_ADD | EV_ONESHOT, 3'600'000), 0);
    EXPECT_THAT(events(), IsEmpty());
    EXPECT_EQ(change_timer(1, EV_DELETE), 0);
    EXPECT_EQ(change_timer(1, EV_ADD | EV_ONESHOT, 1), 0);
    ASSERT_TRUE(fires());
    const auto found = events();
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found[0].filter, EVFILT_TIMER);
    EXPECT_EQ(found[0].ident, 1U);
    EXPECT_EQ(found[0].data, 1) << "so often has it expired";
    EXPECT_THAT(events(), IsEmpty());
    EXPECT_EQ(change_timer(1, EV_DELETE), ENOENT);
}

TEST_F(KqueueFacts, a_timer_that_was_deleted_says_nothing_even_if_it_has_expired) {
    EXPECT_EQ(change_timer(1, EV_ADD | EV_ONESHOT, 1), 0);
    ASSERT_TRUE(fires());
    EXPECT_EQ(change_timer(1, EV_DELETE), 0);
    EXPECT_THAT(events(), IsEmpty());
}

TEST_F(KqueueFacts, a_timer_fires_every_so_often_unless_once_is_asked_for) {
    EXPECT_EQ(change_timer(1, EV_ADD, 1), 0);
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(fires());
        ASSERT_THAT(events(), SizeIs(1));
    }
    EXPECT_EQ(change_timer(1, EV_DELETE), 0);
}

TEST_F(KqueueFacts, the_ident_of_a_timer_is_no_descriptor) {
    EXPECT_EQ(change(pair.a, EVFILT_READ, EV_ADD), 0);
    EXPECT_EQ(change_timer(pair.a, EV_ADD | EV_ONESHOT, 3'600'000), 0);
    pair.send_to_a();
    ASSERT_THAT(events(), SizeIs(1));
    EXPECT_EQ(events()[0].filter, EVFILT_READ);
    pair.close_a();
    EXPECT_THAT(events(), IsEmpty());
    EXPECT_EQ(change_timer(12345, EV_ADD | EV_ONESHOT, 1), 0);
    EXPECT_TRUE(fires()) << "though that is nobody's number";
}

TEST_F(KqueueFacts, a_kqueue_is_not_inherited_by_a_child) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) ::_exit(::fcntl(kq, F_GETFD) < 0 ? 0 : 1);
    int status = -1;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    EXPECT_EQ(status, 0);
    EXPECT_EQ(change(pair.a, EVFILT_READ, EV_ADD), 0) << "and the parent's is as it was";
}

} // namespace
