// SPDX-License-Identifier: MIT
// What the system refuses is reported, and has changed nothing: neither the loop, nor how many descriptors are open.
#include "support/faults.hpp"
#include "support/os.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using testing::HasSubstr;

struct Refusal {
    PollerKind poller;
    const char* call;
    int error;
};

std::vector<Refusal> refusals_of_making() {
    std::vector<Refusal> all;
    for (const PollerKind poller : available_pollers()) {
        if (poller == PollerKind::null || poller == PollerKind::kqueue)
            continue; // the kqueue here is an emulation
        for (const int error : {EMFILE, ENFILE, ENOMEM}) all.push_back({poller, "eventfd", error});
        if (poller != PollerKind::epoll && poller != PollerKind::io_uring) continue;
        for (const int error : {EMFILE, ENFILE, ENOMEM}) all.push_back({poller, "epoll_create1", error});
        for (const int error : {ENOSPC, ENOMEM}) all.push_back({poller, "epoll_ctl", error});
    }
    return all;
}

std::string name_of_refusal(const testing::TestParamInfo<Refusal>& info) {
    return std::string(name_of(info.param.poller)) + "_" + info.param.call + "_" +
           std::to_string(info.param.error);
}

class LoopsThatAreRefused : public testing::TestWithParam<Refusal> {};

TEST_P(LoopsThatAreRefused, a_loop_that_can_not_be_made_says_what_was_refused_and_leaves_nothing_open) {
    const auto [poller, call, error] = GetParam();
    const auto before = os::open_descriptors();
    IOLoop::Options options;
    options.poller = poller;
    options.make_current = MakeCurrent::never;
    try {
        const Faults faults{{.call = call, .error = error}};
        IOLoop loop(std::move(options));
        FAIL() << "it was made";
    } catch (const std::system_error& refused) {
        EXPECT_EQ(refused.code(), std::error_code(error, std::system_category()));
        EXPECT_THAT(refused.what(), HasSubstr(call));
    }
    EXPECT_EQ(os::open_descriptors(), before);
}

INSTANTIATE_TEST_SUITE_P(All, LoopsThatAreRefused, testing::ValuesIn(refusals_of_making()), name_of_refusal);

// ---- epoll's changes ----------------------------------------------------------------------------

/// Those that keep their set in the kernel.
std::vector<PollerKind> kernel_sets() {
    std::vector<PollerKind> kinds = available_pollers();
    std::erase_if(kinds,
                  [](PollerKind kind) { return kind != PollerKind::epoll && kind != PollerKind::io_uring; });
    return kinds;
}

class RefusedChanges : public testing::TestWithParam<PollerKind> {
protected:
    SimWorld world;
    IOLoop loop{world.options(GetParam())};
    SocketPair pair;
    int calls = 0;

    Snapshot now() const {
        Snapshot snapshot;
        loop.snapshot(snapshot);
        return snapshot;
    }
    void add(Events events = Events::read) {
        loop.add_handler(
            pair.a, [this](Fd, Events) { ++calls; }, events, "peer");
    }
    int run() {
        calls = 0;
        loop.run_once();
        return calls;
    }
};

TEST_P(RefusedChanges, a_descriptor_that_is_not_taken_is_reported_and_has_no_handler) {
    for (const int refused : {ENOSPC, ENOMEM}) {
        std::error_code error;
        {
            const Faults faults{{.call = "epoll_ctl", .error = refused}};
            loop.add_handler(
                pair.a, [this](Fd, Events) { ++calls; }, Events::read, error, "peer");
        }
        EXPECT_EQ(error, std::error_code(refused, std::system_category()));
        EXPECT_TRUE(now().handlers.empty());
        EXPECT_EQ(loop.statistics().handlers, 0U);
        EXPECT_FALSE(loop.remove_handler(pair.a));
    }
    add(); // nothing of it is left in the way
    pair.send_to_a();
    EXPECT_EQ(run(), 1);
}

TEST_P(RefusedChanges, the_handler_that_was_not_taken_is_destroyed) {
    const auto kept = std::make_shared<int>();
    {
        const Faults faults{{.call = "epoll_ctl", .error = ENOSPC}};
        EXPECT_THROW(loop.add_handler(
                         pair.a, [kept](Fd, Events) {}, Events::read),
                     std::system_error);
    }
    EXPECT_EQ(kept.use_count(), 1);
}

TEST_P(RefusedChanges, a_larger_interest_that_is_refused_leaves_the_one_that_there_was) {
    add();
    {
        const Faults faults{{.call = "epoll_ctl", .error = ENOMEM}};
        std::error_code error;
        loop.update_handler(pair.a, Events::read | Events::write, error);
        EXPECT_EQ(error, std::errc::not_enough_memory);
    }
    EXPECT_EQ(now().handlers.at(0).interest, Events::read);
    EXPECT_EQ(run(), 0); // it is writable
    pair.send_to_a();
    EXPECT_EQ(run(), 1);
}

TEST_P(RefusedChanges, a_descriptor_that_the_kernel_does_not_let_go_of_is_removed_all_the_same) {
    add();
    pair.send_to_a();
    {
        const Faults faults{{.call = "epoll_ctl", .error = ENOMEM}};
        EXPECT_TRUE(loop.remove_handler(pair.a));
    }
    EXPECT_EQ(run(), 0); // what comes is nobody's, and the set is made anew
    EXPECT_EQ(loop.statistics().orphan_events, 1U);
    EXPECT_EQ(run(), 0);
    EXPECT_EQ(loop.statistics().orphan_events, 1U);
    add();
    EXPECT_EQ(run(), 1);
}

TEST_P(RefusedChanges, a_descriptor_that_the_kernel_did_not_let_go_of_can_be_added_again_at_once) {
    add();
    {
        const Faults faults{{.call = "epoll_ctl", .error = ENOMEM}};
        EXPECT_TRUE(loop.remove_handler(pair.a));
    }
    add();
    pair.send_to_a();
    EXPECT_EQ(run(), 1);
    EXPECT_EQ(loop.statistics().orphan_events, 0U);
}

TEST_P(RefusedChanges, a_handler_that_waits_in_a_nested_turn_survives_what_the_kernel_refuses_meanwhile) {
    int reported = 0;
    loop.set_error_hook([&](const std::exception_ptr&, const Origin&, CallKind) { ++reported; });
    // After which epoll_ctl(): the handler's descriptor is taken out, then put in again.
    for (const int after : {0, 1}) {
        for (const int refused : {ENOSPC, ENOMEM}) {
            loop.add_handler(
                pair.a,
                [&](Fd, Events) {
                    pair.read_a();
                    if (++calls == 1) loop.run_once();
                },
                Events::read);
            pair.send_to_a();
            {
                const Faults faults{{.call = "epoll_ctl", .error = refused, .after = after}};
                EXPECT_EQ(run(), 1);
                EXPECT_GT(faults.met("epoll_ctl"), after);
            }
            pair.send_to_a();
            EXPECT_EQ(run(), 1);
            EXPECT_EQ(loop.statistics().dead_handlers, 0U);
            EXPECT_TRUE(loop.remove_handler(pair.a));
        }
    }
    EXPECT_EQ(reported, 0) << "it had passed before the next wait";
}

TEST_P(RefusedChanges, a_set_that_can_not_be_made_anew_is_tried_again_and_serves_the_living_meanwhile) {
    for (const char* call : {"epoll_create1", "epoll_ctl", "dup3"}) {
        SocketPair closed;
        loop.add_handler(
            closed.a, [](Fd, Events) { FAIL() << "it is closed"; }, Events::read);
        const Fd number = closed.a;
        const Fd duplicate = ::dup(number);
        closed.close_a(); // it haunts the set now, as it has a duplicate
        closed.stop_sending_b();
        add();
        pair.send_to_a();
        const auto orphans = loop.statistics().orphan_events;
        loop.remove_handler(number);
        {
            const Faults faults{{.call = call, .error = EMFILE, .after = 0, .times = 3}};
            for (int turn = 0; turn < 3; ++turn) EXPECT_EQ(run(), 1) << call;
            EXPECT_GE(faults.met(call), 1) << call;
        }
        EXPECT_EQ(run(), 1);
        const auto all = loop.statistics().orphan_events;
        EXPECT_GT(all, orphans);
        EXPECT_EQ(run(), 1);
        EXPECT_EQ(loop.statistics().orphan_events, all) << "it still haunts the set";
        os::close(duplicate);
        loop.remove_handler(pair.a);
        pair.read_a();
    }
}

TEST_P(RefusedChanges, without_a_timer_there_is_no_handle_that_tells_of_deadlines_and_nothing_has_changed) {
    const auto before = os::open_descriptors();
    {
        const Faults faults{{.call = "timerfd_create", .error = EMFILE}};
        EXPECT_EQ(loop.native_handle(Deadlines::included), invalid_fd);
    }
    {
        const Faults faults{{.call = "epoll_ctl", .error = ENOSPC}};
        EXPECT_EQ(loop.native_handle(Deadlines::included), invalid_fd);
    }
    EXPECT_EQ(os::open_descriptors(), before);
    EXPECT_NE(loop.native_handle(Deadlines::included), invalid_fd);
}

TEST_P(RefusedChanges, an_alarm_that_can_not_be_set_makes_the_host_come_rather_than_miss_it) {
    const Fd handle = loop.native_handle(Deadlines::included);
    loop.run_once();
    EXPECT_FALSE(os::readable(handle));
    {
        const Faults faults{{.call = "timerfd_settime", .error = ENOMEM}};
        loop.call_later(1h, [] {});
        EXPECT_TRUE(os::readable(handle));
    }
    loop.run_once(); // sets it once more
    EXPECT_FALSE(os::readable(handle));
}

INSTANTIATE_TEST_SUITE_P(All, RefusedChanges, testing::ValuesIn(kernel_sets()),
                         [](const testing::TestParamInfo<PollerKind>& tested) {
                             return std::string(name_of(tested.param));
                         });

} // namespace
