// SPDX-License-Identifier: MIT
// What the kernel believes is in a loop's set, beside what the loop believes: KernelSet, over Linux itself.
#include "os/epoll_listing.hpp"
#include "support/counting_new.hpp"
#include "support/os.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::Each;
using testing::IsEmpty;
using testing::SizeIs;

namespace ioloop {

void PrintTo(KernelTruth truth, std::ostream* out) { *out << name_of(truth); }

} // namespace ioloop

namespace {

IOLoop::Options over(PollerKind kind) {
    IOLoop::Options options;
    options.poller = kind;
    return options;
}

/// A loop over a poller that has a list, a pair of sockets, and somebody who looks.
class Looking : public testing::TestWithParam<PollerKind> {
protected:
    IOLoop loop{over(GetParam())};
    SocketPair pair;
    Snapshot snapshot;
    KernelSet kernel;
    std::vector<RegisteredFile> files;
    std::span<const KernelTruth> truths;

    void watch(Fd fd, Events interest = Events::read) {
        loop.add_handler(
            fd, [](Fd, Events) {}, interest);
    }
    void look() {
        loop.snapshot(snapshot);
        ASSERT_TRUE(kernel.read(loop.native_handle()));
        truths = kernel.compare(snapshot.handlers, files);
        ASSERT_EQ(truths.size(), snapshot.handlers.size());
    }
    /// The verdict on the only handler.
    KernelTruth truth() {
        look();
        EXPECT_EQ(truths.size(), 1U);
        return truths.empty() ? KernelTruth::unknown : truths[0];
    }
    /// What a recorder would have kept of the handlers that there are now.
    void note_files() {
        loop.snapshot(snapshot);
        files.clear();
        for (const HandlerInfo& handler : snapshot.handlers)
            files.push_back({handler.id, file_of(handler.fd)});
        std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    }
    /// epoll_ctl() behind the loop's back.
    void control(int operation, Fd fd, std::uint32_t events, std::uint64_t data) {
        epoll_event event{};
        event.events = events;
        event.data.u64 = data;
        ASSERT_EQ(::epoll_ctl(loop.native_handle(), operation, fd, &event), 0);
    }
    std::uint64_t only_id() {
        loop.snapshot(snapshot);
        return snapshot.handlers.at(0).id;
    }
};

std::vector<PollerKind> kinds_with_a_list() {
    std::vector<PollerKind> kinds;
    for (const PollerKind kind : available_pollers()) {
        if (kind == PollerKind::epoll || kind == PollerKind::io_uring) kinds.push_back(kind);
    }
    return kinds;
}

INSTANTIATE_TEST_SUITE_P(KernelSet, Looking, testing::ValuesIn(kinds_with_a_list()),
                         [](const auto& test) { return std::string(name_of(test.param)); });

// ---- the verdicts -------------------------------------------------------------------------------

TEST_P(Looking, what_is_as_the_loop_believes_is_in_step_for_every_interest) {
    for (const Events interest :
         {Events::none, Events::read, Events::write, Events::read | Events::write, Events::error}) {
        watch(pair.a, interest);
        EXPECT_EQ(truth(), KernelTruth::in_step) << static_cast<unsigned>(interest);
        loop.update_handler(pair.a, Events::write);
        EXPECT_EQ(truth(), KernelTruth::in_step);
        loop.remove_handler(pair.a);
    }
}

TEST_P(Looking, the_loops_own_wake_event_and_alarm_are_listed_and_left_over_by_nobody) {
    loop.call_later(1h, [] {});
    loop.native_handle(Deadlines::included);
    look();
    EXPECT_THAT(kernel.entries(), SizeIs(2));
    EXPECT_THAT(kernel.leftovers(), IsEmpty());
}

TEST_P(Looking, closed_while_a_duplicate_lives_is_a_ghost) {
    watch(pair.a);
    const Fd twin = os::duplicate(pair.a);
    pair.close_a();
    EXPECT_EQ(truth(), KernelTruth::ghost);
    EXPECT_THAT(kernel.leftovers(), IsEmpty()) << "its handler claims it";
    os::close(twin);
    EXPECT_EQ(truth(), KernelTruth::lost);
}

TEST_P(Looking, closed_while_a_duplicate_lives_is_a_ghost_although_its_number_is_another_file) {
    watch(pair.a);
    const Fd twin = os::duplicate(pair.a);
    os::replace(pair.a, pair.b);
    EXPECT_EQ(truth(), KernelTruth::ghost);
    os::close(twin);
}

TEST_P(Looking, closed_without_a_duplicate_is_lost) {
    watch(pair.a);
    pair.close_a();
    EXPECT_EQ(truth(), KernelTruth::lost);
}

TEST_P(Looking, taken_out_of_the_set_behind_the_loops_back_is_lost) {
    watch(pair.a);
    note_files();
    control(EPOLL_CTL_DEL, pair.a, 0, 0);
    EXPECT_EQ(truth(), KernelTruth::lost) << "the number is the file that it was";
}

TEST_P(Looking, closed_and_another_file_by_now_is_reused_if_it_is_known_what_it_was) {
    watch(pair.a);
    os::replace(pair.a, pair.b);
    EXPECT_EQ(truth(), KernelTruth::lost);
    loop.snapshot(snapshot);
    files = {{only_id(), FileIdentity{1, 2}}};
    EXPECT_EQ(truth(), KernelTruth::reused);
    files[0].file = {};
    EXPECT_EQ(truth(), KernelTruth::lost) << "nobody knows";
}

TEST_P(Looking, of_many_each_gets_its_own_verdict) {
    SocketPair other;
    SocketPair third;
    for (const Fd fd : {pair.a, pair.b, other.a, other.b, third.a}) watch(fd);
    note_files();
    const Fd twin = os::duplicate(pair.b);
    pair.close_b();
    os::close(std::exchange(other.a, invalid_fd));
    os::replace(other.b, third.b);
    control(EPOLL_CTL_MOD, third.a, EPOLLIN | EPOLLOUT, files.back().id);
    look();
    const std::vector<KernelTruth> expected{KernelTruth::in_step, KernelTruth::ghost, KernelTruth::lost,
                                            KernelTruth::reused, KernelTruth::mask_differs};
    EXPECT_EQ(std::vector<KernelTruth>(truths.begin(), truths.end()), expected);
    os::close(twin);
}

TEST_P(Looking, a_mask_that_was_changed_behind_the_loops_back_differs) {
    watch(pair.a);
    const std::uint64_t id = only_id();
    for (const std::uint32_t events :
         std::initializer_list<std::uint32_t>{0, EPOLLOUT, EPOLLIN | EPOLLOUT, EPOLLIN | EPOLLET,
                                              EPOLLIN | EPOLLONESHOT, EPOLLIN | EPOLLRDHUP}) {
        control(EPOLL_CTL_MOD, pair.a, events, id);
        EXPECT_EQ(truth(), KernelTruth::mask_differs) << events;
    }
    control(EPOLL_CTL_MOD, pair.a, EPOLLIN, id);
    EXPECT_EQ(truth(), KernelTruth::in_step);
}

TEST_P(Looking, a_handler_on_the_stack_of_a_nested_turn_is_in_step_though_the_kernel_does_not_have_it) {
    KernelTruth seen = KernelTruth::unknown;
    std::size_t listed = 0;
    loop.add_handler(
        pair.a,
        [&](Fd, Events) {
            loop.run_once(); // the rest of this turn: no wait yet
            loop.add_callback([&] {
                seen = truth();
                listed = kernel.entries().size();
            });
            loop.run_once();
            pair.read_a();
        },
        Events::read);
    pair.send_to_a();
    loop.run_once(1s);
    EXPECT_EQ(seen, KernelTruth::in_step);
    EXPECT_EQ(listed, 1U) << "the wake event alone";
    EXPECT_EQ(truth(), KernelTruth::in_step);
    EXPECT_EQ(kernel.entries().size(), 2U);
}

// ---- what nobody claims -------------------------------------------------------------------------

TEST_P(Looking, removed_after_it_was_closed_while_a_duplicate_lives_is_left_over_until_it_is_ready) {
    const Fd number = pair.a;
    watch(number);
    watch(pair.b);
    const Fd twin = os::duplicate(pair.a);
    pair.close_a();
    loop.remove_handler(number);
    EXPECT_EQ(truth(), KernelTruth::in_step) << "of the other end";
    ASSERT_THAT(kernel.leftovers(), SizeIs(1));
    EXPECT_EQ(kernel.leftovers()[0].fd, number);
    EXPECT_TRUE(kernel.leftovers()[0].ghost);
    EXPECT_EQ(kernel.leftovers()[0].file, file_of(twin));

    os::send(pair.b, "x");
    for (int turn = 0; turn < 3; ++turn) loop.run_once();
    EXPECT_EQ(truth(), KernelTruth::in_step);
    EXPECT_THAT(kernel.leftovers(), IsEmpty()) << "the loop has made a new set";
    os::close(twin);
}

TEST_P(Looking, a_new_registration_under_the_number_of_a_ghost_is_in_step_beside_what_is_left_over) {
    watch(pair.a);
    const Fd twin = os::duplicate(pair.a);
    os::replace(pair.a, pair.b);
    loop.remove_handler(pair.a);
    watch(pair.a, Events::write);
    EXPECT_EQ(truth(), KernelTruth::in_step);
    ASSERT_THAT(kernel.leftovers(), SizeIs(1));
    EXPECT_EQ(kernel.leftovers()[0].fd, pair.a);
    EXPECT_EQ(kernel.leftovers()[0].file, file_of(twin));
    os::close(twin);
}

TEST_P(Looking, what_the_program_added_itself_is_left_over_even_under_the_id_of_a_handler) {
    watch(pair.a);
    control(EPOLL_CTL_ADD, pair.b, EPOLLIN, only_id());
    EXPECT_EQ(truth(), KernelTruth::in_step);
    ASSERT_THAT(kernel.leftovers(), SizeIs(1));
    EXPECT_EQ(kernel.leftovers()[0].fd, pair.b);
    EXPECT_FALSE(kernel.leftovers()[0].ghost);
}

// ---- many ---------------------------------------------------------------------------------------

TEST_P(Looking, a_thousand_sockets_are_in_step_and_looking_again_allocates_nothing) {
    os::allow_many_descriptors();
    std::vector<SocketPair> pairs(500);
    for (const SocketPair& each : pairs) {
        watch(each.a, Events::read);
        watch(each.b, Events::write);
    }
    note_files();
    look();
    EXPECT_THAT(truths, SizeIs(1000));
    EXPECT_THAT(truths, Each(KernelTruth::in_step));
    EXPECT_THAT(kernel.leftovers(), IsEmpty());

    const auto before = heap_allocations.load();
    look();
    EXPECT_EQ(heap_allocations.load(), before);
    EXPECT_THAT(truths, Each(KernelTruth::in_step));
}

// ---- no list ------------------------------------------------------------------------------------

TEST(NoList, of_a_poller_that_keeps_its_set_itself_everything_is_unknown) {
    for (const PollerKind kind : {PollerKind::poll, PollerKind::select}) {
        IOLoop loop(over(kind));
        const SocketPair pair;
        loop.add_handler(
            pair.a, [](Fd, Events) {}, Events::read);
        Snapshot snapshot;
        loop.snapshot(snapshot);
        KernelSet kernel;
        EXPECT_FALSE(kernel.read(loop.native_handle()));
        const auto truths = kernel.compare(snapshot.handlers);
        ASSERT_THAT(truths, SizeIs(1));
        EXPECT_EQ(truths[0], KernelTruth::unknown);
        EXPECT_THAT(kernel.leftovers(), IsEmpty());
    }
}

TEST(NoList, a_descriptor_that_is_no_set_of_a_loop_makes_nothing_lost) {
    const SocketPair pair;
    const Fd foreign = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{};
    event.data.u64 = 7;
    ASSERT_EQ(::epoll_ctl(foreign, EPOLL_CTL_ADD, pair.a, &event), 0);
    HandlerInfo handler;
    handler.id = 1;
    handler.fd = pair.a;
    KernelSet kernel;
    for (const Fd fd : {pair.a, foreign, invalid_fd, 1'000'000}) {
        EXPECT_FALSE(kernel.read(fd)) << fd;
        EXPECT_THAT(kernel.entries(), IsEmpty()) << fd;
        const auto truths = kernel.compare({&handler, 1});
        ASSERT_THAT(truths, SizeIs(1));
        EXPECT_EQ(truths[0], KernelTruth::unknown) << fd;
    }
    os::close(foreign);
}

TEST(NoList, what_an_earlier_reading_found_is_gone_after_one_that_failed) {
    IOLoop loop(over(PollerKind::epoll));
    KernelSet kernel;
    EXPECT_THAT(kernel.compare({}), IsEmpty()) << "before any reading";
    ASSERT_TRUE(kernel.read(loop.native_handle()));
    EXPECT_FALSE(kernel.read(invalid_fd));
    EXPECT_THAT(kernel.entries(), IsEmpty());
}

TEST(KernelTruthName, every_verdict_has_one) {
    EXPECT_STREQ(name_of(KernelTruth::unknown), "unknown");
    EXPECT_STREQ(name_of(KernelTruth::ghost), "ghost");
    EXPECT_STREQ(name_of(KernelTruth::mask_differs), "mask differs");
}

// ---- the text -----------------------------------------------------------------------------------

constexpr std::string_view listing =
    "pos:\t0\n"
    "flags:\t02000002\n"
    "mnt_id:\t17\n"
    "ino:\t1038\n"
    "tfd:        5 events: c0000019 data:        100000002  pos:0 ino:328951 sdev:9\n"
    "tfd:     1024 events:       1d data: fffffffffffffff0  pos:-1 ino:40e sdev:800010\n";

std::vector<KernelSet::Entry> parsed(std::string_view text) {
    std::vector<KernelSet::Entry> entries;
    EXPECT_TRUE(parse_epoll_listing(text, entries)) << text;
    return entries;
}

TEST(Listing, a_line_tells_number_events_id_and_file) {
    const auto entries = parsed(listing);
    ASSERT_THAT(entries, SizeIs(2));
    EXPECT_EQ(entries[0].fd, 5);
    EXPECT_EQ(entries[0].events, EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLET | EPOLLONESHOT);
    EXPECT_EQ(entries[0].id, 0x1'0000'0002U);
    EXPECT_EQ(entries[0].file, (FileIdentity{9, 0x328951}));
    EXPECT_EQ(entries[1].fd, 1024);
    EXPECT_EQ(entries[1].id, Poller::own_keys);
    EXPECT_EQ(entries[1].file, (FileIdentity{0x810, 0x40e})) << "8:16 as stat(2) puts it";
}

TEST(Listing, an_older_kernel_tells_no_file_and_a_newer_one_may_tell_more) {
    auto entries = parsed("tfd:        5 events:       19 data:                7\n");
    ASSERT_THAT(entries, SizeIs(1));
    EXPECT_EQ(entries[0].id, 7U);
    EXPECT_FALSE(entries[0].file);
    entries = parsed("tfd: 5 events: 19 data: 7 pos:0 ino:1 sdev:2 napi:3\n");
    ASSERT_THAT(entries, SizeIs(1));
    EXPECT_EQ(entries[0].file, (FileIdentity{2, 1}));
}

TEST(Listing, text_that_holds_no_registration_is_an_empty_list) {
    EXPECT_THAT(parsed(""), IsEmpty());
    EXPECT_THAT(parsed("pos:\t0\n\n\nsome: thing\n"), IsEmpty());
}

TEST(Listing, that_ends_within_a_line_is_none_wherever_it_ends) {
    for (std::size_t size = 1; size < listing.size(); ++size) {
        const std::string_view text = listing.substr(0, size);
        std::vector<KernelSet::Entry> entries;
        EXPECT_EQ(parse_epoll_listing(text, entries), text.ends_with('\n')) << text;
    }
}

TEST(Listing, that_is_not_understood_is_none) {
    for (const std::string_view line : {
             "tfd:\n",
             "tfd: x events: 19 data: 7\n",
             "tfd: -1 events: 19 data: 7\n",
             "tfd: 99999999999 events: 19 data: 7\n",
             "tfd: 5 events: 1ffffffff data: 7\n",
             "tfd: 5 events: 19 data: 1ffffffffffffffff\n",
             "tfd: 5 events: 19 data: 7g\n",
             "tfd: 5 events: -1 data: 7\n",
             "tfd: 5 events: 19\n",
             "tfd: 5 events: 19 data:\n",
             "tfd: 5 data: 7 events: 19\n",
             "tfd: 5 events: 19 data: 7 something else\n",
             "tfd: 5 events: 19 data: 7 pos:0 ino:1\n",
             "tfd: 5 events: 19 data: 7 pos:0 ino: sdev:1\n",
         }) {
        std::vector<KernelSet::Entry> entries;
        EXPECT_FALSE(parse_epoll_listing(line, entries)) << line;
        EXPECT_THAT(entries, IsEmpty()) << line;
    }
}

TEST(Listing, is_read_to_its_end_however_long_it_is) {
    const Fd epoll = ::epoll_create1(EPOLL_CLOEXEC);
    const Fd event = ::eventfd(0, EFD_CLOEXEC);
    std::vector<Fd> twins;
    for (std::uint64_t id = 0; id < 700; ++id) {
        twins.push_back(os::duplicate(event));
        epoll_event wanted{};
        wanted.data.u64 = id << (id % 48U); // lines of one length, but numbers of many
        ASSERT_EQ(::epoll_ctl(epoll, EPOLL_CTL_ADD, twins.back(), &wanted), 0);
        std::vector<KernelSet::Entry> entries;
        ASSERT_TRUE(list_epoll_set(epoll, entries)) << id;
        ASSERT_EQ(entries.size(), id + 1);
    }
    std::vector<KernelSet::Entry> entries;
    ASSERT_TRUE(list_epoll_set(epoll, entries));
    for (const KernelSet::Entry& entry : entries) {
        EXPECT_FALSE(entry.ghost);
        EXPECT_TRUE(entry.file);
        const auto place = std::find(twins.begin(), twins.end(), entry.fd);
        ASSERT_NE(place, twins.end());
        const auto id = static_cast<std::uint64_t>(place - twins.begin());
        EXPECT_EQ(entry.id, id << (id % 48U));
    }
    for (const Fd twin : twins) os::close(twin);
    os::close(event);
    os::close(epoll);
}

} // namespace
