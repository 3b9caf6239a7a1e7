// SPDX-License-Identifier: MIT
// Making a loop. The ids (C1, B37, ...) are those of the rules and bugs in Tornado's history that a test pins.
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"
#include "support/thrown.hpp"

#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using testing::HasSubstr;

std::string poller_of(const IOLoop& loop) {
    Snapshot snapshot;
    loop.snapshot(snapshot);
    return std::string(snapshot.poller);
}

/// Sets a variable of the environment and puts the old value back.
class Environment {
public:
    Environment(const char* name, const char* value) : name_(name) {
        if (const char* old = std::getenv(name)) old_ = old;
        os::set_variable(name, value);
    }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;
    ~Environment() { os::set_variable(name_, old_.empty() ? nullptr : old_.c_str()); }

private:
    const char* name_;
    std::string old_;
};

TEST(Construction, C1_any_poller_can_be_injected) {
    SimWorld world;
    const IOLoop loop(world.options());
    EXPECT_EQ(poller_of(loop), "simulated");
}

TEST(Construction, C2_the_environment_chooses_the_poller) {
    for (const PollerKind kind : available_pollers()) {
        const Environment environment("IOLOOP_POLLER", std::string(name_of(kind)).c_str());
        EXPECT_EQ(poller_of(IOLoop()), name_of(kind));
    }
}

TEST(Construction, C2_without_a_wish_the_best_poller_of_the_platform_is_taken) {
    const Environment environment("IOLOOP_POLLER", "");
    EXPECT_EQ(poller_of(IOLoop()), name_of(available_pollers().front()));
}

TEST(Construction, C2_the_options_choose_the_poller_over_the_environment) {
    const Environment environment("IOLOOP_POLLER", std::string(name_of(available_pollers().front())).c_str());
    IOLoop::Options options;
    options.poller = PollerKind::null;
    EXPECT_EQ(poller_of(IOLoop(std::move(options))), "null");
}

TEST(Construction, C2_an_unknown_poller_in_the_environment_is_an_error_that_names_it_and_those_there_are) {
    const Environment environment("IOLOOP_POLLER", "abacus");
    EXPECT_THAT(thrown<std::invalid_argument>([] { const IOLoop loop; }),
                testing::AllOf(HasSubstr("abacus"), HasSubstr(name_of(available_pollers().front())),
                               HasSubstr("poll")));
}

TEST(Construction, C2_a_poller_of_another_platform_is_an_error_that_names_it) {
    const auto available = available_pollers();
    int others = 0;
    for (const PollerKind kind : {PollerKind::epoll, PollerKind::kqueue, PollerKind::wsapoll}) {
        if (std::find(available.begin(), available.end(), kind) != available.end()) continue;
        ++others;
        EXPECT_THAT(thrown<std::system_error>([&] { make_poller(kind); }), HasSubstr(name_of(kind)));
    }
    EXPECT_GT(others, 0) << "no platform has all";
    EXPECT_EQ(name_of(PollerKind::automatic), "automatic");
}

TEST(Construction, C2_the_simulated_world_gets_its_readiness_from_the_poller_in_the_environment) {
    for (const PollerKind kind : available_pollers()) {
        const Environment environment("IOLOOP_POLLER", std::string(name_of(kind)).c_str());
        SimWorld world;
        const IOLoop loop(world.options());
        EXPECT_EQ(world.readiness_from, name_of(kind));
    }
}

TEST(Construction, C3_no_descriptor_of_a_loop_is_inherited_by_a_program_that_is_executed) {
    const std::set<Fd> before = os::open_descriptors();
    const IOLoop loop;
    for (const Fd fd : os::open_descriptors()) {
        if (before.contains(fd) || !os::is_open(fd))
            continue; // (the directory that was read is closed by now)
        EXPECT_FALSE(os::inheritable(fd)) << fd;
    }
}

TEST(Construction, C4_a_new_loop_is_empty_and_rests) {
    SimWorld world;
    IOLoop loop(world.options());
    Snapshot snapshot;
    loop.snapshot(snapshot);
    EXPECT_TRUE(snapshot.handlers.empty());
    EXPECT_TRUE(snapshot.timeouts.empty());
    EXPECT_TRUE(snapshot.callbacks.empty());
    EXPECT_FALSE(loop.running());
    EXPECT_FALSE(loop.paused());
    EXPECT_FALSE(loop.in_call());
    EXPECT_EQ(loop.next_deadline(), never);
    EXPECT_EQ(loop.run_once().ended, Ended::idle);
}

TEST(Construction, a_loop_bears_the_name_of_its_options) {
    IOLoop::Options options;
    options.name = "network";
    const IOLoop loop(std::move(options));
    EXPECT_STREQ(loop.name(), "network");
}

TEST(Construction, the_error_hook_of_the_options_is_in_force) {
    SimWorld world;
    int errors = 0;
    IOLoop::Options options = world.options();
    options.on_error = [&](std::exception_ptr, const Origin&, CallKind) { ++errors; };
    IOLoop loop(std::move(options));
    loop.add_callback([] { throw 1; });
    loop.run_once();
    EXPECT_EQ(errors, 1);
}

TEST(Construction, a_loop_without_descriptors_serves_callbacks_and_timeouts_and_refuses_descriptors) {
    IOLoop::Options options;
    options.poller = PollerKind::null;
    IOLoop loop(std::move(options));
    const SocketPair pair;
    int calls = 0;
    loop.add_callback([&] { ++calls; });
    loop.call_later(1ms, [&] {
        ++calls;
        loop.stop();
    });
    loop.start();
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(loop.native_handle(), invalid_fd);
    std::error_code error;
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read, error);
    EXPECT_TRUE(error);
}

TEST(Bugs, B37_loops_may_be_made_and_closed_on_many_threads_at_once) {
    const auto make_and_close = [] {
        for (int i = 0; i < 200; ++i) {
            IOLoop loop;
            loop.make_current();
            loop.add_callback([] {});
            loop.run_once();
            loop.close(i % 2 == 0);
        }
    };
    std::thread other(make_and_close);
    make_and_close();
    other.join();
}

TEST(Bugs, B3_no_descriptor_is_lost_by_making_and_destroying_loops) {
    const std::size_t before = os::open_descriptors().size();
    for (int i = 0; i < 10; ++i) {
        IOLoop loop;
        loop.run_once();
    }
    EXPECT_EQ(os::open_descriptors().size(), before);
}

} // namespace
