// SPDX-License-Identifier: MIT
// What the poller is told when the events that a handler asks for change: of more at once, of fewer when it matters.
#include "support/forwarding_poller.hpp"
#include "support/os.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <exception>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Counts how often it is told of another interest.
class CountingPoller final : public ForwardingPoller {
public:
    explicit CountingPoller(int& told) : told_(told) {}
    std::error_code modify(Fd fd, Events events, Key key) override {
        ++told_;
        return ForwardingPoller::modify(fd, events, key);
    }

private:
    int& told_;
};

class Interests : public testing::Test {
protected:
    SimWorld world;
    SocketPair pair;
    int told = 0;
    std::vector<std::string> errors;
    IOLoop counted{options()};

private:
    IOLoop::Options options() {
        IOLoop::Options options = world.options();
        options.custom_poller = std::make_unique<CountingPoller>(told);
        options.on_error = [this](const std::exception_ptr& error, const Origin&, CallKind) {
            try {
                std::rethrow_exception(error);
            } catch (const std::exception& e) {
                errors.emplace_back(e.what());
            }
        };
        return options;
    }
};

TEST_F(Interests, that_grow_and_shrink_within_a_turn_are_told_once_and_back_once) {
    std::vector<Events> seen;
    counted.add_handler(
        pair.a, [&](Fd, Events events) { seen.push_back(events); }, Events::read);
    for (int i = 0; i < 100; ++i) {
        counted.update_handler(pair.a, Events::read | Events::write);
        counted.update_handler(pair.a, Events::read);
    }
    EXPECT_EQ(told, 1) << "of more at once";
    counted.run_once();
    EXPECT_EQ(told, 2) << "of fewer before the wait";
    EXPECT_THAT(seen, ElementsAre()) << "it is writable, and nobody wants to know";
    counted.run_once();
    EXPECT_EQ(told, 2);
}

TEST_F(Interests, that_shrink_and_grow_again_are_not_told_at_all) {
    counted.add_handler(
        pair.a, [](Fd, Events) {}, Events::read | Events::write);
    counted.update_handler(pair.a, Events::none);
    counted.update_handler(pair.a, Events::write);
    counted.update_handler(pair.a, Events::read | Events::write);
    counted.run_once();
    EXPECT_EQ(told, 0);
}

TEST_F(Interests, that_shrink_between_turns_are_told_at_once_if_a_host_waits_for_the_handle) {
    if (counted.native_handle() == invalid_fd) GTEST_SKIP() << "this poller has none";
    counted.add_handler(
        pair.a, [&](Fd, Events) { counted.update_handler(pair.a, Events::none); }, Events::write);
    counted.run_once();
    EXPECT_EQ(told, 1) << "at the end of the run_ call";
    counted.update_handler(pair.a, Events::write);
    counted.update_handler(pair.a, Events::none);
    EXPECT_EQ(told, 3);
    EXPECT_FALSE(os::readable(counted.native_handle()));
}

TEST_F(Interests, that_shrink_of_a_descriptor_which_was_closed_end_its_registration) {
    counted.add_handler(
        pair.a, [](Fd, Events) { FAIL() << "it was closed"; }, Events::read | Events::write, "stale");
    counted.update_handler(pair.a, Events::read);
    const Fd number = pair.a;
    pair.close_a();
    counted.run_once();
    EXPECT_THAT(errors, ElementsAre(HasSubstr("fd " + std::to_string(number) + " was closed")));
    EXPECT_EQ(counted.statistics().handlers, 0U);
    EXPECT_FALSE(counted.remove_handler(number));
}

TEST_F(Interests, that_shrink_are_told_though_the_error_hook_throws_in_the_middle) {
    SocketPair other;
    for (const Fd fd : {other.a, pair.a}) {
        counted.add_handler(
            fd, [](Fd, Events) { FAIL() << "nothing is to be read"; }, Events::read | Events::write);
    }
    for (const Fd fd : {other.a, pair.a}) counted.update_handler(fd, Events::read);
    pair.close_a();
    counted.set_error_hook([](const std::exception_ptr&, const Origin&, CallKind) { throw 1; });
    EXPECT_THROW(counted.run_once(), int);
    EXPECT_EQ(told, 1) << "of the later first";
    counted.run_once();
    EXPECT_EQ(told, 2);
}

} // namespace
