// SPDX-License-Identifier: MIT
// Descriptors and their handlers.
#include "support/os.hpp"
#include "support/poller_traits.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"
#include "support/thrown.hpp"

#include <ioloop/ioloop.hpp>

#include <cstdio>
#include <exception>
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

class Handlers : public testing::Test {
protected:
    SimWorld world;
    IOLoop loop{world.options()};
    SocketPair pair;
    SocketPair other;

    /// A handler that counts.
    Handler counter(int& calls) {
        return [&calls](Fd, Events) { ++calls; };
    }
    std::size_t registered() const {
        Snapshot snapshot;
        loop.snapshot(snapshot);
        return snapshot.handlers.size();
    }
};

// ---- events -------------------------------------------------------------------------------------

TEST_F(Handlers, E2_the_events_have_the_values_of_Tornado) {
    EXPECT_EQ(static_cast<int>(Events::none), 0);
    EXPECT_EQ(static_cast<int>(Events::read), 1);
    EXPECT_EQ(static_cast<int>(Events::write), 4);
    EXPECT_EQ(static_cast<int>(Events::error), 0x18);
}

TEST_F(Handlers, E3_a_hang_up_is_reported_to_a_handler_that_asked_for_nothing) {
    Events seen = Events::none;
    loop.add_handler(
        pair.a, [&](Fd, Events events) { seen = events; }, Events::none);
    loop.run_once();
    EXPECT_EQ(seen, Events::none);
    pair.hang_up_b();
    loop.run_once();
    EXPECT_EQ(seen, traits().tells_hang_up_unasked ? Events::error : Events::none);
}

TEST_F(Handlers, E3_a_hang_up_is_reported_after_an_update_to_nothing) {
    Events seen = Events::none;
    loop.add_handler(
        pair.a, [&](Fd, Events events) { seen = events; }, Events::read);
    loop.update_handler(pair.a, Events::none);
    pair.hang_up_b();
    loop.run_once();
    EXPECT_EQ(seen, traits().tells_hang_up_unasked ? Events::error : Events::none);
}

TEST_F(Handlers, E4_what_is_not_read_is_reported_again_every_turn) {
    int calls = 0;
    loop.add_handler(pair.a, counter(calls), Events::read);
    pair.send_to_a();
    for (int turn = 0; turn < 3; ++turn) loop.run_once();
    EXPECT_EQ(calls, 3);
    pair.read_a();
    loop.run_once();
    EXPECT_EQ(calls, 3);
}

TEST_F(Handlers, E4_interest_in_reading_that_comes_late_finds_what_came_early) {
    int calls = 0;
    loop.add_handler(pair.a, counter(calls), Events::none);
    pair.send_to_a();
    loop.run_once();
    EXPECT_EQ(calls, 0);
    loop.update_handler(pair.a, Events::read);
    loop.run_once();
    EXPECT_EQ(calls, 1);
}

TEST_F(Handlers, E5_read_and_write_are_reported_in_one_call) {
    std::vector<Events> seen;
    loop.add_handler(
        pair.a, [&](Fd, Events events) { seen.push_back(events); }, Events::read | Events::write);
    pair.send_to_a();
    loop.run_once();
    EXPECT_THAT(seen, ElementsAre(Events::read | Events::write));
}

TEST_F(Handlers, E6_a_refused_connection_is_writable_and_an_error) {
    const os::RefusedConnection connection;
    IOLoop real; // the refusal takes its time on Windows
    Events seen = Events::none;
    real.add_handler(
        connection.fd, [&](Fd, Events events) { seen = events; }, Events::write);
    real.run_once(60s);
    EXPECT_EQ(seen, traits().tells_errors ? Events::write | Events::error : Events::write);
}

TEST_F(Handlers, a_handler_that_reads_is_not_told_that_it_could_write) {
    std::vector<Events> seen;
    loop.add_handler(
        pair.a, [&](Fd, Events events) { seen.push_back(events); }, Events::read);
    pair.send_to_a();
    loop.run_once();
    EXPECT_THAT(seen, ElementsAre(Events::read));
}

// ---- add ----------------------------------------------------------------------------------------

TEST_F(Handlers, H1_a_second_handler_for_a_descriptor_is_refused_and_the_first_stays) {
    int first = 0;
    int second = 0;
    loop.add_handler(pair.a, counter(first), Events::read);
    const std::string error = thrown<std::system_error>(
        [&] { loop.add_handler(pair.a, counter(second), Events::read, "the second"); });
    EXPECT_THAT(error, HasSubstr("add_handler: fd " + std::to_string(pair.a)));
    EXPECT_THAT(error, HasSubstr("'the second' at"));
    EXPECT_THAT(error, HasSubstr("handlers.cpp"));
    pair.send_to_a();
    loop.run_once();
    EXPECT_EQ(first, 1);
    EXPECT_EQ(second, 0);
}

TEST_F(Handlers, H1_a_duplicate_is_file_exists) {
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read);
    std::error_code error;
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::write, error);
    EXPECT_EQ(error, std::errc::file_exists);
    EXPECT_EQ(registered(), 1U);
}

TEST_F(Handlers, H1_a_failed_add_leaves_no_trace) {
    std::FILE* const stream = std::tmpfile();
    ASSERT_NE(stream, nullptr);
    const Fd file = os::number_of(stream);
    std::error_code error;
    auto alive = std::make_shared<int>();
    loop.add_handler(
        file, [alive](Fd, Events) {}, Events::read, error);
    EXPECT_EQ(error, std::errc::operation_not_permitted) << "a regular file cannot be waited for";
    EXPECT_EQ(alive.use_count(), 1) << "the handler was kept";
    EXPECT_EQ(registered(), 0U);
    EXPECT_EQ(loop.statistics().handlers, 0U);
    EXPECT_FALSE(loop.remove_handler(file));
    std::fclose(stream);
}

TEST_F(Handlers, H2_the_handler_receives_its_descriptor) {
    Fd seen = invalid_fd;
    loop.add_handler(
        pair.a, [&](Fd fd, Events) { seen = fd; }, Events::read);
    pair.send_to_a();
    loop.run_once();
    EXPECT_EQ(seen, pair.a);
}

// ---- update -------------------------------------------------------------------------------------

TEST_F(Handlers, H3_an_update_replaces_the_events) {
    std::vector<Events> seen;
    loop.add_handler(
        pair.a, [&](Fd, Events events) { seen.push_back(events); }, Events::read);
    pair.send_to_a();
    loop.update_handler(pair.a, Events::write);
    loop.run_once();
    EXPECT_THAT(seen, ElementsAre(Events::write));
}

TEST_F(Handlers, H3_an_update_of_an_unknown_descriptor_is_an_error_that_names_it) {
    std::error_code error;
    loop.update_handler(pair.a, Events::read, error);
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    EXPECT_THAT(thrown<std::system_error>([&] { loop.update_handler(pair.a, Events::read); }),
                HasSubstr("update_handler: fd " + std::to_string(pair.a)));
}

TEST_F(Handlers, H3_an_update_counts_for_readiness_that_waits_in_this_turn) {
    int calls = 0;
    const auto silence_the_other = [&](Fd fd, Events) {
        ++calls;
        loop.update_handler(fd == pair.a ? other.a : pair.a, Events::none);
    };
    loop.add_handler(pair.a, silence_the_other, Events::read);
    loop.add_handler(other.a, silence_the_other, Events::read);
    pair.send_to_a();
    other.send_to_a();
    loop.run_once();
    EXPECT_EQ(calls, 1);
}

// ---- remove -------------------------------------------------------------------------------------

TEST_F(Handlers, H4_removing_says_whether_there_was_a_handler) {
    EXPECT_FALSE(loop.remove_handler(pair.a));
    EXPECT_FALSE(loop.remove_handler(invalid_fd));
    EXPECT_FALSE(loop.remove_handler(1 << 20));
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read);
    EXPECT_TRUE(loop.remove_handler(pair.a));
    EXPECT_FALSE(loop.remove_handler(pair.a));
}

TEST_F(Handlers, H4_a_descriptor_that_was_closed_first_can_still_be_removed) {
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read);
    const Fd fd = pair.a;
    pair.close_a();
    EXPECT_TRUE(loop.remove_handler(fd));
    EXPECT_EQ(registered(), 0U);
}

TEST_F(Handlers, H5_a_handler_removed_by_another_is_not_called) {
    int calls = 0;
    const auto remove_the_other = [&](Fd fd, Events) {
        ++calls;
        loop.remove_handler(fd == pair.a ? other.a : pair.a);
    };
    loop.add_handler(pair.a, remove_the_other, Events::read);
    loop.add_handler(other.a, remove_the_other, Events::read);
    pair.send_to_a();
    other.send_to_a();
    loop.run_once();
    EXPECT_EQ(calls, 1);
}

TEST_F(Handlers, H5_a_new_owner_of_a_number_does_not_get_the_event_of_the_old_one) {
    // Whichever is called first removes and closes the other, and puts a quiet socket under its number.
    SocketPair quiet;
    int old_calls = 0;
    int new_calls = 0;
    const auto replace_the_other = [&](Fd fd, Events) {
        ++old_calls;
        const Fd victim = fd == pair.a ? other.a : pair.a;
        loop.remove_handler(victim);
        os::replace(victim, quiet.a);
        loop.add_handler(victim, counter(new_calls), Events::read);
    };
    loop.add_handler(pair.a, replace_the_other, Events::read);
    loop.add_handler(other.a, replace_the_other, Events::read);
    pair.send_to_a();
    other.send_to_a();
    loop.run_once();
    EXPECT_EQ(old_calls, 1);
    EXPECT_EQ(new_calls, 0);
}

TEST_F(Handlers, H5_nor_does_it_if_the_old_one_was_closed_without_being_removed) {
    SocketPair quiet;
    int old_calls = 0;
    int new_calls = 0;
    const auto replace_the_other = [&](Fd fd, Events) {
        ++old_calls;
        const Fd victim = fd == pair.a ? other.a : pair.a;
        os::replace(victim, quiet.a); // closes the old file
        loop.add_handler(victim, counter(new_calls), Events::read);
    };
    loop.add_handler(pair.a, replace_the_other, Events::read);
    loop.add_handler(other.a, replace_the_other, Events::read);
    pair.send_to_a();
    other.send_to_a();
    loop.run_once();
    EXPECT_EQ(old_calls, 1);
    EXPECT_EQ(new_calls, 0);
    EXPECT_EQ(registered(), 2U);
    EXPECT_EQ(loop.statistics().dead_handlers, 1U);
}

TEST_F(Handlers, H6_every_ready_descriptor_is_served_once_a_turn) {
    std::vector<SocketPair> pairs(20);
    std::vector<int> calls(20);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        loop.add_handler(pairs[i].a, counter(calls[i]), Events::read);
        pairs[i].send_to_a();
    }
    EXPECT_EQ(loop.run_once().handlers, 20U);
    EXPECT_THAT(calls, testing::Each(1));
}

TEST_F(Handlers, H7_a_handler_added_by_a_handler_sees_events_from_the_next_turn_on) {
    std::vector<std::string> order;
    other.send_to_a();
    loop.add_handler(
        pair.a,
        [&](Fd fd, Events) {
            loop.remove_handler(fd);
            loop.add_handler(
                other.a, [&](Fd, Events) { order.emplace_back("new handler"); }, Events::read);
            loop.add_callback([&] { order.emplace_back("callback"); });
        },
        Events::read);
    pair.send_to_a();
    loop.run_once();
    loop.run_once();
    EXPECT_THAT(order, ElementsAre("callback", "new handler"));
}

TEST_F(Handlers, H8_a_handler_that_removed_itself_may_go_on_using_its_captures) {
    std::string seen;
    auto text = std::make_unique<std::string>("still here");
    std::weak_ptr<int> watch;
    auto life = std::make_shared<int>();
    watch = life;
    loop.add_handler(
        pair.a,
        [this, &seen, &watch, text = std::move(text), life = std::move(life)](Fd fd, Events) {
            loop.remove_handler(fd);
            seen = watch.expired() ? "gone" : *text;
        },
        Events::read);
    pair.send_to_a();
    loop.run_once();
    EXPECT_EQ(seen, "still here");
    EXPECT_TRUE(watch.expired()) << "destroyed right after the call";
}

TEST_F(Handlers, H8_a_handler_may_replace_itself) {
    std::vector<std::string> order;
    loop.add_handler(
        pair.a,
        [&, keep = std::make_unique<int>(7)](Fd fd, Events) {
            loop.remove_handler(fd);
            loop.add_handler(
                fd, [&](Fd, Events) { order.emplace_back("second"); }, Events::read);
            order.emplace_back("first " + std::to_string(*keep));
        },
        Events::read);
    pair.send_to_a();
    loop.run_once();
    loop.run_once();
    EXPECT_THAT(order, ElementsAre("first 7", "second"));
}

// ---- exceptions ---------------------------------------------------------------------------------

TEST_F(Handlers, H9_a_handler_that_throws_stays_and_does_not_stop_the_others) {
    int errors = 0;
    int calls = 0;
    loop.set_error_hook([&](std::exception_ptr, const Origin&, CallKind kind) {
        ++errors;
        EXPECT_EQ(kind, CallKind::handler);
    });
    const auto fail = [&](Fd, Events) {
        ++calls;
        throw std::runtime_error("no");
    };
    loop.add_handler(pair.a, fail, Events::read);
    loop.add_handler(other.a, fail, Events::read);
    pair.send_to_a();
    other.send_to_a();
    loop.run_once();
    loop.run_once();
    EXPECT_EQ(calls, 4);
    EXPECT_EQ(errors, 4);
}

TEST_F(Handlers, H9_broken_pipe_from_a_handler_is_no_news) {
    int errors = 0;
    loop.set_error_hook([&](std::exception_ptr, const Origin&, CallKind) { ++errors; });
    loop.add_handler(
        pair.a, [](Fd, Events) { throw std::system_error(os::broken_pipe, std::system_category()); },
        Events::read);
    pair.send_to_a();
    loop.run_once();
    EXPECT_EQ(errors, 0);
}

TEST_F(Handlers, H9_broken_pipe_from_a_callback_or_a_timeout_is_reported) {
    std::vector<CallKind> errors;
    loop.set_error_hook([&](std::exception_ptr, const Origin&, CallKind kind) { errors.push_back(kind); });
    const auto fail = [] { throw std::system_error(EPIPE, std::generic_category()); };
    loop.add_callback(fail);
    loop.call_later(0s, fail);
    loop.run_once();
    EXPECT_THAT(errors, ElementsAre(CallKind::callback, CallKind::timeout));
}

TEST_F(Handlers, H9_a_handler_that_throws_after_removing_itself_is_reported_with_its_origin) {
    std::string name;
    loop.set_error_hook([&](std::exception_ptr, const Origin& origin, CallKind) { name = origin.name; });
    loop.add_handler(
        pair.a,
        [&](Fd fd, Events) {
            loop.remove_handler(fd);
            throw 1;
        },
        Events::read, "the culprit");
    pair.send_to_a();
    loop.run_once();
    EXPECT_EQ(name, "the culprit");
}

} // namespace
