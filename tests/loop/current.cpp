// SPDX-License-Identifier: MIT
// Which loop is current, and which is the instance.
#include "support/sim_world.hpp"
#include "support/thrown.hpp"

#include <ioloop/ioloop.hpp>

#include <cstdlib>
#include <functional>
#include <optional>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

IOLoop::Options wish(MakeCurrent make_current) {
    IOLoop::Options options;
    options.make_current = make_current;
    return options;
}

class Current : public testing::Test {
protected:
    void SetUp() override { clear(); }
    void TearDown() override { clear(); }
    static void clear() {
        IOLoop::clear_current();
        IOLoop::clear_instance();
    }
    static void on_another_thread(const std::function<void()>& f) { std::thread(f).join(); }
};

// ---- the instance -------------------------------------------------------------------------------

TEST_F(Current, C5_the_instance_is_one_for_the_whole_process) {
    IOLoop& instance = IOLoop::instance();
    EXPECT_EQ(&IOLoop::instance(), &instance);
    on_another_thread([&] { EXPECT_EQ(&IOLoop::instance(), &instance); });
}

TEST_F(Current, C6_initialized_tells_whether_there_is_an_instance_and_makes_none) {
    EXPECT_FALSE(IOLoop::initialized());
    EXPECT_FALSE(IOLoop::initialized());
    IOLoop::instance();
    EXPECT_TRUE(IOLoop::initialized());
}

TEST_F(Current, C7_a_loop_can_be_installed_as_the_instance) {
    IOLoop loop(wish(MakeCurrent::never));
    loop.install();
    EXPECT_EQ(&IOLoop::instance(), &loop);
}

TEST_F(Current, C7_a_second_install_is_an_error) {
    IOLoop loop(wish(MakeCurrent::never));
    IOLoop other(wish(MakeCurrent::never));
    loop.install();
    EXPECT_THAT(thrown<std::logic_error>([&] { other.install(); }), testing::HasSubstr("install"));
    EXPECT_EQ(&IOLoop::instance(), &loop);
}

TEST_F(Current, C8_clearing_the_instance_forgets_it_and_does_not_close_it) {
    IOLoop loop(wish(MakeCurrent::never));
    loop.install();
    IOLoop::clear_instance();
    IOLoop::clear_instance();
    EXPECT_FALSE(IOLoop::initialized());
    EXPECT_TRUE(loop.add_callback([] {}));
}

TEST_F(Current, C8_a_loop_that_is_closed_or_destroyed_is_no_longer_the_instance) {
    std::optional<IOLoop> loop(wish(MakeCurrent::never));
    loop->install();
    loop->close();
    EXPECT_FALSE(IOLoop::initialized());
    loop.emplace(wish(MakeCurrent::never));
    loop->install();
    loop.reset();
    EXPECT_FALSE(IOLoop::initialized());
}

// ---- the current loop ---------------------------------------------------------------------------

TEST_F(Current, C9_without_a_current_loop_there_is_the_instance_or_on_request_none) {
    EXPECT_EQ(IOLoop::current(false), nullptr);
    EXPECT_FALSE(IOLoop::initialized()) << "asking made none";
    EXPECT_EQ(IOLoop::current(), &IOLoop::instance());
}

TEST_F(Current, C9_current_is_a_matter_of_the_thread) {
    IOLoop loop;
    EXPECT_EQ(IOLoop::current(false), &loop);
    on_another_thread([&] {
        EXPECT_EQ(IOLoop::current(false), nullptr);
        IOLoop theirs;
        EXPECT_EQ(IOLoop::current(false), &theirs);
    });
    EXPECT_EQ(IOLoop::current(false), &loop);
}

TEST_F(Current, C9_a_closed_loop_is_not_current) {
    IOLoop loop;
    loop.close();
    EXPECT_EQ(IOLoop::current(false), nullptr);
    loop.make_current();
    EXPECT_EQ(IOLoop::current(false), nullptr);
}

TEST_F(Current, C9_a_closed_loop_cannot_be_installed) {
    IOLoop::clear_instance();
    IOLoop loop;
    loop.close();
    EXPECT_THAT(thrown<std::logic_error>([&] { loop.install(); }), testing::HasSubstr("install"));
    EXPECT_FALSE(IOLoop::initialized());
}

TEST_F(Current, C9_a_destroyed_loop_is_not_current) {
    { const IOLoop loop; }
    EXPECT_EQ(IOLoop::current(false), nullptr);
}

TEST_F(Current, C9_a_loop_that_another_thread_closes_or_destroys_is_not_current_here) {
    std::optional<IOLoop> loop(std::in_place);
    EXPECT_EQ(IOLoop::current(false), &*loop);
    on_another_thread([&] { loop->close(); });
    EXPECT_EQ(IOLoop::current(false), nullptr);
    loop.emplace();
    on_another_thread([&] { loop.reset(); });
    EXPECT_EQ(IOLoop::current(false), nullptr);
}

TEST_F(Current, C9_a_loop_destroyed_by_its_callable_is_not_current_in_the_rest_of_it) {
    std::optional<IOLoop> loop(std::in_place);
    bool asked = false;
    loop->add_callback([&] {
        loop.reset();
        asked = true;
        EXPECT_EQ(IOLoop::current(false), nullptr);
    });
    loop->run_once();
    EXPECT_TRUE(asked);
}

TEST_F(Current, C10_the_first_loop_of_a_thread_becomes_current_and_the_second_does_not) {
    const IOLoop first;
    const IOLoop second;
    EXPECT_EQ(IOLoop::current(false), &first);
}

TEST_F(Current, C10_a_loop_may_be_made_without_becoming_current) {
    const IOLoop loop(wish(MakeCurrent::never));
    EXPECT_EQ(IOLoop::current(false), nullptr);
}

TEST_F(Current, B32_a_loop_that_must_become_current_does_if_there_is_none) {
    const IOLoop loop(wish(MakeCurrent::required));
    EXPECT_EQ(IOLoop::current(false), &loop);
}

TEST_F(Current, B32_and_is_an_error_that_changes_nothing_if_there_is_one) {
    const IOLoop loop;
    EXPECT_THAT(thrown<std::logic_error>([] { const IOLoop second(wish(MakeCurrent::required)); }),
                testing::HasSubstr("current loop already"));
    EXPECT_EQ(IOLoop::current(false), &loop);
}

TEST_F(Current, C10_make_current_replaces_and_clear_current_is_harmless_twice) {
    const IOLoop first;
    IOLoop second;
    second.make_current();
    EXPECT_EQ(IOLoop::current(false), &second);
    IOLoop::clear_current();
    IOLoop::clear_current();
    EXPECT_EQ(IOLoop::current(false), nullptr);
    on_another_thread([] { IOLoop::clear_current(); });
}

TEST_F(Current, C11_a_loop_is_current_while_it_runs_and_the_one_before_it_afterwards) {
    const IOLoop before;
    SimWorld world;
    IOLoop loop(world.options());
    for (int i = 0; i < 3; ++i) {
        loop.add_callback([&] {
            EXPECT_EQ(IOLoop::current(), &loop);
            loop.stop();
        });
        loop.start();
        EXPECT_EQ(IOLoop::current(), &before);
        loop.add_callback([&] { EXPECT_EQ(IOLoop::current(), &loop); });
        loop.run_once();
        EXPECT_EQ(IOLoop::current(), &before);
    }
}

TEST_F(Current, C11_the_one_before_it_is_current_again_also_after_an_exception) {
    const IOLoop before;
    SimWorld world;
    IOLoop loop(world.options());
    loop.set_error_hook(
        [](std::exception_ptr error, const Origin&, CallKind) { std::rethrow_exception(error); });
    loop.add_callback([] { throw 1; });
    EXPECT_THROW(loop.start(), int);
    EXPECT_EQ(IOLoop::current(), &before);
}

// ---- the end of the program ---------------------------------------------------------------------

TEST(CurrentDeathTest, a_static_loop_and_the_instance_may_be_current_when_the_program_ends) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const auto program = [](bool instance_first) {
        if (instance_first) IOLoop::instance();
        static IOLoop loop;
        loop.make_current();
        IOLoop::instance().add_callback([] {});
        std::exit(0);
    };
    EXPECT_EXIT(program(true), testing::ExitedWithCode(0), "");
    EXPECT_EXIT(program(false), testing::ExitedWithCode(0), "");
    const auto instance_is_current = [] {
        IOLoop::instance().make_current();
        std::exit(0);
    };
    EXPECT_EXIT(instance_is_current(), testing::ExitedWithCode(0), "");
}

} // namespace
