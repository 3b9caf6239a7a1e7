// SPDX-License-Identifier: MIT
/// Scope: what belongs together in the loop.
#include "support/restless.hpp"
#include "support/scopes.hpp"
#include "support/thrown.hpp"

#include <exception>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// ---- the verbs ----------------------------------------------------------------------------------

TEST_F(Scopes, it_offers_the_verbs_of_the_loop) {
    scope->add_callback(note(1));
    scope->spawn_callback(note(2));
    scope->call_at(world.now() + 1s, note(3));
    scope->call_later(2s, note(4));
    scope->add_timeout(world.now() + 3s, note(5));
    scope->add_timeout(4s, note(6));
    scope->add_handler(
        pair.a,
        [&](Fd fd, Events events) {
            EXPECT_EQ(fd, pair.a);
            EXPECT_EQ(events, Events::read);
            pair.read_a();
            order.push_back(7);
        },
        Events::read);
    EXPECT_EQ(scope->size(), 7U);
    EXPECT_EQ(scope->name(), "level 3");
    EXPECT_EQ(&scope->loop(), &loop);
    for (int i = 0; i < 5; ++i) loop.run_once(1min);
    pair.send_to_a();
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1, 2, 3, 4, 5, 6, 7));
    EXPECT_EQ(scope->size(), 1U) << "what has run is forgotten";
}

TEST_F(Scopes, handlers_are_updated_and_removed_through_it) {
    scope->add_handler(
        pair.a, [&](Fd, Events) { order.push_back(1); }, Events::none);
    pair.send_to_a();
    loop.run_once();
    scope->update_handler(pair.a, Events::read);
    loop.run_once();
    EXPECT_TRUE(scope->remove_handler(pair.a));
    EXPECT_FALSE(scope->remove_handler(pair.a));
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1));
    EXPECT_EQ(scope->size(), 0U);
}

TEST_F(Scopes, timeouts_are_moved_and_removed_through_it_and_through_the_loop) {
    const Timeout moved = scope->call_later(1s, note(1));
    EXPECT_TRUE(scope->update_timeout(moved, world.now() + 5s));
    EXPECT_TRUE(scope->remove_timeout(scope->call_later(2s, note(2))));
    EXPECT_TRUE(loop.remove_timeout(scope->call_later(3s, note(3))));
    EXPECT_EQ(scope->size(), 1U);
    while (loop.next_deadline() != never) loop.run_once(forever);
    EXPECT_THAT(order, ElementsAre(1));
    EXPECT_EQ(world.elapsed(), 5s);
}

TEST_F(Scopes, a_timeout_may_rearm_itself_and_belongs_to_the_scope_still) {
    Timeout timeout;
    timeout = scope->call_later(1s, [&] {
        order.push_back(1);
        loop.update_timeout(timeout, world.now() + 1s);
    });
    loop.run_once(forever);
    loop.run_once(forever);
    EXPECT_EQ(scope->size(), 1U);
    scope.reset();
    EXPECT_EQ(loop.next_deadline(), never);
    EXPECT_THAT(order, ElementsAre(1, 1));
}

TEST_F(Scopes, the_inspector_sees_the_origin_of_the_caller) {
    scope->add_callback([] {}, "explosion");
    scope->call_later(
        1s, [] {}, "respawn");
    scope->add_handler(
        pair.a, [](Fd, Events) {}, Events::read);
    Snapshot snapshot;
    loop.snapshot(snapshot);
    EXPECT_STREQ(snapshot.callbacks.at(0).origin.name, "explosion");
    EXPECT_STREQ(snapshot.timeouts.at(0).origin.name, "respawn");
    EXPECT_THAT(snapshot.handlers.at(0).origin.file, testing::EndsWith("tests/loop/scope.cpp"));
}

TEST_F(Scopes, a_callable_that_throws_is_reported_and_forgotten) {
    int errors = 0;
    loop.set_error_hook([&](std::exception_ptr, const Origin&, CallKind) { ++errors; });
    scope->add_callback([] { throw std::runtime_error("bug"); });
    scope->call_later(0s, [] { throw std::runtime_error("bug"); });
    loop.run_ready();
    EXPECT_EQ(errors, 2);
    EXPECT_EQ(scope->size(), 0U);
}

// ---- errors -------------------------------------------------------------------------------------

TEST_F(Scopes, errors_name_the_scope_and_change_nothing) {
    const auto nothing = [](Fd, Events) {};
    scope->add_handler(pair.a, nothing, Events::read);
    EXPECT_THAT(thrown<std::system_error>([&] { scope->add_handler(pair.a, nothing, Events::read, "door"); }),
                AllOf(HasSubstr("add_handler: fd "), HasSubstr("scope 'level 3'"), HasSubstr("'door' at"),
                      HasSubstr("it has a handler already")));
    std::error_code error;
    scope->add_handler(-1, nothing, Events::read, error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
    scope->update_handler(pair.a, Events::write, error);
    EXPECT_FALSE(error);
    scope->update_handler(pair.b, Events::read, error);
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    EXPECT_THAT(thrown<std::system_error>([&] { scope->update_handler(pair.b, Events::read); }),
                HasSubstr("scope 'level 3'"));
    EXPECT_THAT(
        thrown<std::invalid_argument>([&] { scope->call_later(1s, nullptr, "respawn"); }),
        AllOf(HasSubstr("call_later: null"), HasSubstr("scope 'level 3'"), HasSubstr("'respawn' at")));
    EXPECT_THROW(scope->add_callback(nullptr), std::invalid_argument);
    EXPECT_THROW(scope->add_handler(pair.b, nullptr, Events::read), std::invalid_argument);
    EXPECT_EQ(scope->size(), 1U);
}

TEST_F(Scopes, a_descriptor_of_the_loop_or_of_another_scope_is_none_of_its_business) {
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read);
    EXPECT_FALSE(scope->remove_handler(pair.a));
    EXPECT_THROW(scope->update_handler(pair.a, Events::write), std::system_error);
    scope.reset();
    EXPECT_TRUE(loop.remove_handler(pair.a));
}

TEST_F(Scopes, a_closed_loop_is_an_error_and_nothing_is_kept) {
    loop.close();
    EXPECT_THROW(scope->call_later(1s, [] {}), std::logic_error);
    EXPECT_THROW(scope->add_handler(
                     pair.a, [](Fd, Events) {}, Events::read),
                 std::logic_error);
    EXPECT_EQ(scope->size(), 0U);
}

// ---- memory -------------------------------------------------------------------------------------

TEST_F(Scopes, a_scope_that_lives_long_does_not_grow) {
    for (int i = 0; i < 100'000; ++i) {
        scope->add_callback([] {});
        scope->call_later(0s, [] {});
        scope->remove_timeout(scope->call_later(1h, [] {}));
        loop.run_once();
        ASSERT_EQ(scope->size(), 0U);
    }
    EXPECT_EQ(loop.statistics().timeouts_peak, 2U);
}

TEST_F(Scopes, a_closure_may_use_the_scope_as_it_is_moved) {
    std::function<void()> deed;
    Callback restless{Restless(deed)};
    int deeds = 0;
    deed = [&] {
        ++deeds;
        scope->add_callback([] {});
    };
    scope->add_callback(std::move(restless));
    loop.run_ready();
    deed = nullptr;
    EXPECT_GT(deeds, 1);
    EXPECT_EQ(scope->size(), 0U);
}
