// SPDX-License-Identifier: MIT
// A descriptor that the loop has to add to its poller once more, and the system lacks what that takes: its handler is kept, and that
// is tried until it works.
#include "support/os.hpp"
#include "support/short_loop.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Shortages : public ShortLoop {};

TEST_F(Shortages, after_a_nested_turn_are_reported_and_the_handler_is_called_again_when_they_have_passed) {
    add_that_nests();
    run();
    EXPECT_THAT(errors, IsEmpty()) << "it may have passed before the next wait";
    run();
    const std::string lack = make_error_code(std::errc::not_enough_memory).message();
    EXPECT_THAT(errors, ElementsAre(AllOf(HasSubstr("nester: "), HasSubstr(std::to_string(pair.a)),
                                          HasSubstr("its handler is kept"), HasSubstr(lack))));
    EXPECT_EQ(loop.statistics().handlers, 1U);
    EXPECT_EQ(loop.statistics().dead_handlers, 0U);

    shortage.of_adding.reset();
    world.advance(10ms);
    pair.send_to_a();
    EXPECT_EQ(run(), 1);
    EXPECT_THAT(errors, SizeIs(1));
}

TEST_F(Shortages, that_have_passed_before_the_next_wait_are_no_news) {
    add_that_nests();
    run();
    shortage.of_adding.reset();
    pair.send_to_a();
    EXPECT_EQ(run(), 1);
    EXPECT_THAT(errors, IsEmpty());
}

TEST_F(Shortages, are_told_from_what_says_that_a_descriptor_was_closed) {
    using enum std::errc;
    for (const std::errc lack :
         {not_enough_memory, no_space_on_device, no_buffer_space, too_many_files_open,
          too_many_files_open_in_system, resource_unavailable_try_again, interrupted}) {
        shortage.of_adding.reset();
        add(pair);
        haunt();
        shortage.of_adding = lack;
        run();
        EXPECT_TRUE(loop.remove_handler(pair.a)) << make_error_code(lack).message();
        EXPECT_THAT(std::exchange(errors, {}), ElementsAre(HasSubstr("its handler is kept")));
    }
    for (const std::errc gone : {bad_file_descriptor, operation_not_permitted, invalid_argument}) {
        shortage.of_adding.reset();
        add(pair);
        haunt();
        shortage.of_adding = gone;
        run();
        EXPECT_FALSE(loop.remove_handler(pair.a)) << make_error_code(gone).message();
        EXPECT_THAT(std::exchange(errors, {}), ElementsAre(HasSubstr("its handler is dropped")));
    }
}

TEST_F(Shortages, that_last_are_met_again_every_ten_milliseconds_and_told_once) {
    add_that_nests();
    run();
    pair.send_to_a();
    const TimePoint begin = world.now();
    shortage.adds = 0;
    world.on_wait = [&] {
        if (world.now() - begin == 990ms) shortage.of_adding.reset();
    };
    calls = 0;
    while (calls == 0 && world.now() - begin < 1h) loop.run_once(forever);
    EXPECT_EQ(world.now() - begin, 1s);
    EXPECT_EQ(shortage.adds, 101);
    EXPECT_THAT(errors, SizeIs(1));
}

TEST_F(Shortages, are_tried_less_often_where_that_takes_long) {
    add_that_nests();
    run();
    shortage.adding_takes = 100ms;
    run();
    EXPECT_EQ(loop.next_deadline(), world.now() + 1s) << "no more than a tenth of the time";
}

TEST_F(Shortages, are_met_again_while_the_time_of_the_loop_stands_still) {
    add_that_nests();
    run();
    loop.suspend();
    run();
    EXPECT_EQ(loop.time_to_deadline(), 10ms);
    shortage.of_adding.reset();
    pair.send_to_a();
    calls = 0;
    loop.run_once(1h); // until it is tried
    loop.run_once();
    EXPECT_EQ(calls, 1);
    loop.resume();
}

TEST_F(Shortages, do_not_make_a_busy_loop_try_in_every_turn) {
    add_that_nests();
    run();
    shortage.adds = 0;
    for (int turn = 0; turn < 1000; ++turn) run();
    EXPECT_EQ(shortage.adds, 1);
}

TEST_F(Shortages, that_come_a_second_time_are_told_a_second_time) {
    add(pair);
    for (std::size_t times : {1U, 2U}) {
        haunt();
        shortage.of_adding = std::errc::not_enough_memory;
        run();
        EXPECT_THAT(errors, SizeIs(times));
        shortage.of_adding.reset();
        world.advance(10ms);
        run();
    }
    pair.send_to_a();
    EXPECT_EQ(run(), 1);
}

TEST_F(Shortages, of_the_pollers_own_memory_are_no_different) {
    add_that_nests(true);
    EXPECT_EQ(run(), 1);
    run();
    EXPECT_THAT(errors, ElementsAre(HasSubstr("its handler is kept")));
    shortage.throws = false;
    world.advance(10ms);
    pair.send_to_a();
    EXPECT_EQ(run(), 1);
}

TEST_F(Shortages, while_the_poller_is_told_anew_of_all_lose_none_of_them) {
    os::allow_many_descriptors();
    std::vector<SocketPair> peers(200); // more than are told of at a time
    for (const SocketPair& peer : peers) add(peer);
    haunt();
    shortage.of_adding = std::errc::no_space_on_device;
    run();
    EXPECT_THAT(errors, SizeIs(200));
    EXPECT_EQ(loop.statistics().handlers, 200U);

    shortage.of_adding.reset();
    for (const SocketPair& peer : peers) peer.send_to_a();
    world.advance(10ms);
    EXPECT_EQ(run(), 200);
    EXPECT_THAT(errors, SizeIs(200));
}

TEST_F(Shortages, do_not_hide_that_a_descriptor_was_closed) {
    os::allow_many_descriptors();
    std::vector<SocketPair> peers(150);
    for (const SocketPair& peer : peers) add(peer);
    haunt();
    for (SocketPair& peer : peers) {
        if (&peer != &peers[75]) peer.close_a();
    }
    run();
    EXPECT_EQ(loop.statistics().dead_handlers, 149U);
    EXPECT_THAT(errors, SizeIs(149));
    EXPECT_THAT(errors, testing::Each(HasSubstr("was closed without remove_handler()")));
    EXPECT_EQ(loop.next_deadline(), never);
    peers[75].send_to_a();
    EXPECT_EQ(run(), 1);
}

TEST_F(Shortages, of_a_descriptor_that_is_closed_meanwhile_end_with_its_handler) {
    add_that_nests();
    run();
    run();
    pair.close_a();
    shortage.of_adding.reset();
    world.advance(10ms);
    run();
    EXPECT_THAT(errors, ElementsAre(HasSubstr("its handler is kept"), HasSubstr("its handler is dropped")));
    EXPECT_EQ(loop.statistics().handlers, 0U);
    EXPECT_EQ(loop.next_deadline(), never);
}

TEST_F(Shortages, of_a_descriptor_that_is_removed_meanwhile_are_over) {
    add_that_nests();
    run();
    run();
    EXPECT_TRUE(loop.remove_handler(pair.a));
    world.advance(10ms);
    run();
    EXPECT_EQ(loop.next_deadline(), never);
    shortage.of_adding.reset();
    add(pair);
    pair.send_to_a();
    EXPECT_EQ(run(), 1);
    EXPECT_THAT(errors, SizeIs(1));
}

TEST_F(Shortages, leave_a_handler_that_is_a_duplicate_to_be_refused_and_one_that_is_updated_updated) {
    add_that_nests();
    run();
    std::error_code error;
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read, error);
    EXPECT_EQ(error, std::errc::file_exists);
    loop.update_handler(pair.a, Events::write);
    shortage.of_adding.reset();
    EXPECT_EQ(run(), 1) << "it is writable";
}

TEST_F(Shortages, are_shown) {
    add_that_nests();
    run();
    Snapshot snapshot;
    loop.snapshot(snapshot);
    EXPECT_TRUE(snapshot.handlers.at(0).adrift);
    std::ostringstream text;
    dump_text(loop, text);
    EXPECT_THAT(text.str(), HasSubstr("not watched"));
    shortage.of_adding.reset();
    run();
    loop.snapshot(snapshot);
    EXPECT_FALSE(snapshot.handlers.at(0).adrift);
}

TEST_F(Shortages, do_not_make_the_handler_suspect_if_readiness_is_injected) {
    add_that_nests();
    run();
    int all = 0;
    for (int turn = 0; turn < 200; ++turn) {
        loop.inject_readiness(pair.a, Events::read);
        all += run();
    }
    EXPECT_EQ(all, 200);
    EXPECT_THAT(errors, ElementsAre(HasSubstr("its handler is kept")));
}

TEST_F(Shortages, of_an_interest_that_has_become_smaller_leave_nothing_to_spin_on) {
    add(pair, Events::read | Events::write);
    loop.update_handler(pair.a, Events::read);
    shortage.of_modifying = shortage.of_adding = std::errc::not_enough_memory;
    const TimePoint begin = world.now();
    EXPECT_EQ(run(1s), 0);
    EXPECT_EQ(world.now() - begin, 10ms) << "it is writable, and nobody wants to know";
    EXPECT_THAT(errors, ElementsAre(HasSubstr("its handler is kept")));
    shortage.of_adding.reset();
    pair.send_to_a();
    EXPECT_EQ(run(), 1);
}

TEST_F(Shortages, are_no_reason_to_drop_a_handler_that_is_ready_all_the_time) {
    loop.add_handler(
        pair.a, [&](Fd, Events) { ++calls; }, Events::read);
    pair.send_to_a();
    shortage.of_modifying = std::errc::not_enough_memory;
    int all = 0;
    for (int turn = 0; turn < 200; ++turn) all += run();
    EXPECT_EQ(all, 200);
    EXPECT_THAT(errors, IsEmpty());
}

TEST_F(Shortages, that_are_many_do_not_keep_the_others_waiting) {
    os::allow_many_descriptors();
    std::vector<SocketPair> peers(200);
    for (const SocketPair& peer : peers) add(peer);
    haunt();
    shortage.of_adding = std::errc::bad_file_descriptor;
    shortage.spared = peers.back().a;
    on_error = [] { throw std::runtime_error("the hook has had enough"); };
    EXPECT_THROW(run(), std::runtime_error);
    Snapshot snapshot;
    loop.snapshot(snapshot);
    EXPECT_EQ(snapshot.handlers.size(), 199U);
    EXPECT_EQ(std::count_if(snapshot.handlers.begin(), snapshot.handlers.end(),
                            [](const HandlerInfo& info) { return info.adrift; }),
              198);
}

TEST_F(Shortages, are_nothing_to_a_loop_that_is_closed) {
    add_that_nests();
    run();
    run();
    loop.close();
    EXPECT_EQ(loop.next_deadline(), never);
    EXPECT_THAT(errors, SizeIs(1));
}

} // namespace
