// SPDX-License-Identifier: MIT
// Scope: what belongs together in the loop, and ends together.
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"
#include "support/thrown.hpp"

#include <ioloop/ioloop.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class Scopes : public testing::Test {
protected:
    SimWorld world;
    IOLoop loop{world.options()};
    std::vector<int> order;
    std::optional<Scope> scope{std::in_place, loop, "level 3"};
    SocketPair pair;

    Callback note(int value) {
        return [this, value] { order.push_back(value); };
    }
    /// A callable's way of saying that it was destroyed.
    static std::shared_ptr<void> life(bool& over) {
        return {nullptr, [&over](void*) { over = true; }};
    }
};

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

// ---- the end ------------------------------------------------------------------------------------

TEST_F(Scopes, after_the_destructor_nothing_runs_that_came_through_it) {
    scope->add_callback(note(1));
    scope->call_later(0s, note(2));
    scope->add_handler(
        pair.a, [&](Fd, Events) { order.push_back(3); }, Events::write);
    loop.add_callback(note(4));
    scope.reset();
    loop.run_ready(Budget{forever, 10});
    EXPECT_THAT(order, ElementsAre(4));
    EXPECT_FALSE(loop.remove_handler(pair.a));
    EXPECT_EQ(loop.next_deadline(), never);
}

TEST_F(Scopes, the_callables_are_destroyed_at_once_also_those_in_the_queue) {
    bool dead[3] = {};
    scope->add_callback([life = life(dead[0])] {});
    scope->call_later(1s, [life = life(dead[1])] {});
    scope->add_handler(
        pair.a, [life = life(dead[2])](Fd, Events) {}, Events::read);
    scope->clear();
    EXPECT_THAT(dead, testing::Each(true));
    EXPECT_EQ(scope->size(), 0U);
    scope->add_callback(note(1));
    loop.run_ready();
    EXPECT_THAT(order, ElementsAre(1)) << "a scope that was cleared is as good as new";
}

TEST_F(Scopes, what_is_queued_in_this_very_turn_does_not_run) {
    SocketPair other;
    // Both are ready in the same turn; whichever comes first ends the other.
    Scope others(loop, "others");
    scope->add_handler(
        pair.a,
        [&](Fd, Events) {
            others.clear();
            order.push_back(1);
            scope->clear();
        },
        Events::write);
    others.add_handler(
        other.a,
        [&](Fd, Events) {
            scope->clear();
            order.push_back(1);
            others.clear();
        },
        Events::write);
    for (Scope* each : {&*scope, &others}) {
        each->add_callback(note(2));
        each->call_later(0s, note(3));
    }
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1));
}

TEST_F(Scopes, it_may_be_destroyed_inside_its_own_callback) {
    bool dead = false;
    scope->add_callback([&, life = life(dead)] {
        scope.reset();
        EXPECT_FALSE(dead) << "it is running";
        order.push_back(1);
    });
    scope->add_callback(note(2));
    loop.run_ready();
    EXPECT_TRUE(dead);
    EXPECT_THAT(order, ElementsAre(1));
}

TEST_F(Scopes, it_may_be_destroyed_inside_its_own_timeout_also_one_that_rearmed_itself) {
    bool dead = false;
    Timeout timeout;
    timeout = scope->call_later(1s, [&, life = life(dead)] {
        loop.update_timeout(timeout, world.now() + 1s);
        scope.reset();
        EXPECT_FALSE(dead);
        order.push_back(1);
    });
    loop.run_once(forever);
    EXPECT_TRUE(dead);
    EXPECT_EQ(loop.next_deadline(), never);
    EXPECT_THAT(order, ElementsAre(1));
}

TEST_F(Scopes, it_may_be_destroyed_inside_its_own_handler) {
    bool dead = false;
    scope->add_handler(
        pair.a,
        [&, life = life(dead)](Fd, Events) {
            scope.reset();
            EXPECT_FALSE(dead);
            order.push_back(1);
        },
        Events::write);
    loop.run_once();
    loop.run_once();
    EXPECT_TRUE(dead);
    EXPECT_THAT(order, ElementsAre(1));
    EXPECT_FALSE(loop.remove_handler(pair.a));
}

TEST_F(Scopes, cleared_inside_its_own_callables_it_goes_on) {
    scope->call_later(1s, [&] {
        scope->clear();
        scope->clear();
        scope->add_callback(note(1));
    });
    scope->call_later(2s, note(2));
    loop.run_once(forever);
    loop.run_ready();
    EXPECT_THAT(order, ElementsAre(1));
    EXPECT_EQ(loop.next_deadline(), never);
}

TEST_F(Scopes, a_nested_turn_may_end_the_scope_of_the_call_below_it) {
    scope->add_handler(
        pair.a,
        [&](Fd, Events) {
            loop.add_callback([&] { scope.reset(); });
            loop.run_once();
            EXPECT_FALSE(scope);
            order.push_back(1);
        },
        Events::write);
    loop.run_once();
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1));
}

TEST_F(Scopes, another_loops_turn_may_end_the_scope_of_the_call_below_it) {
    IOLoop other(world.options());
    scope->add_handler(
        pair.a,
        [&](Fd, Events) {
            other.add_callback([&] { scope.reset(); });
            other.run_once();
            order.push_back(1);
        },
        Events::write);
    loop.run_once();
    EXPECT_EQ(loop.run_once().handlers, 0U) << "the descriptor is not watched any more";
    EXPECT_FALSE(loop.remove_handler(pair.a));
    EXPECT_THAT(order, ElementsAre(1));
}

TEST_F(Scopes, the_destructor_of_a_callable_may_use_or_end_the_scope) {
    struct Uses {
        Uses(std::optional<Scope>& s, bool e) : scope(&s), ends(e) {}
        Uses(Uses&& o) noexcept : scope(std::exchange(o.scope, nullptr)), ends(o.ends) {}
        Uses& operator=(Uses&&) = delete;
        ~Uses() {
            if (scope == nullptr || !*scope) return;
            (*scope)->add_callback([] {});
            if (ends) (*scope)->clear();
        }
        void operator()() const {}
        std::optional<Scope>* scope;
        bool ends;
    };
    scope->add_callback(Uses(scope, false));
    scope->add_callback(Uses(scope, true));
    scope->call_later(1s, Uses(scope, true));
    scope->clear();
    scope->call_later(0s, Uses(scope, true));
    loop.run_ready(Budget{forever, 20});
    scope->call_later(1s, Uses(scope, false));
    scope.reset();
    loop.run_ready();
}

TEST_F(Scopes, a_descriptor_that_its_handler_handed_on_is_not_taken_back) {
    Scope heir(loop, "heir");
    scope->add_handler(
        pair.a,
        [&](Fd fd, Events) {
            scope->remove_handler(fd);
            heir.add_handler(
                fd, [&](Fd, Events) { order.push_back(2); }, Events::write);
            scope.reset();
            order.push_back(1);
        },
        Events::write);
    loop.run_once();
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1, 2));
}

// ---- the loop goes first ------------------------------------------------------------------------

TEST_F(Scopes, closing_the_loop_empties_it_and_it_may_outlive_both) {
    bool dead = false;
    std::optional<IOLoop> doomed(world.options());
    Scope outlives(*doomed, "outlives");
    outlives.add_callback([life = life(dead)] {});
    outlives.call_later(1s, [] {});
    outlives.add_handler(
        pair.a, [](Fd, Events) {}, Events::read);
    doomed->close();
    EXPECT_TRUE(dead);
    EXPECT_EQ(outlives.size(), 0U);
    EXPECT_FALSE(outlives.add_callback([] {}));
    EXPECT_EQ(outlives.size(), 0U);
    doomed.reset();
    outlives.clear();
}

TEST_F(Scopes, a_callable_may_destroy_the_loop_and_then_the_scope) {
    std::optional<IOLoop> doomed(world.options());
    scope.emplace(*doomed, "doomed");
    scope->add_handler(
        pair.a,
        [&](Fd, Events) {
            doomed.reset();
            scope.reset();
            order.push_back(1);
        },
        Events::write);
    scope->call_later(0s, note(2));
    EXPECT_EQ(doomed->run_once().ended, Ended::stopped);
    EXPECT_THAT(order, ElementsAre(1));
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

// ---- threads ------------------------------------------------------------------------------------

TEST_F(Scopes, posts_of_other_threads_race_with_clear_and_run_or_are_destroyed) {
    std::atomic<int> alive{0};
    std::atomic<int> at_work{4};
    long ran = 0;
    std::vector<std::thread> posters;
    for (int t = 0; t < 4; ++t) {
        posters.emplace_back([&] {
            for (int i = 0; i < 2000; ++i) {
                ++alive;
                scope->add_callback(
                    [&ran, life = std::shared_ptr<void>(nullptr, [&](void*) { --alive; })] { ++ran; });
            }
            --at_work;
        });
    }
    while (at_work > 0) {
        loop.run_once();
        scope->clear();
    }
    for (std::thread& poster : posters) poster.join();
    scope.reset();
    EXPECT_EQ(alive, 0);
    const long before = ran;
    loop.run_ready();
    EXPECT_EQ(ran, before);
}

TEST_F(Scopes, a_poster_may_outlive_scope_and_loop_and_its_posts_run_before_the_destructor_returns_or_never) {
    for (int round = 0; round < 100; ++round) {
        auto doomed = std::make_unique<IOLoop>(world.options());
        auto level = std::make_unique<Scope>(*doomed, "level");
        auto target = std::make_unique<long>(0); // a use after its end is an error that the sanitizers see
        std::atomic<int> begun{0};
        std::vector<std::thread> posters;
        for (int t = 0; t < 4; ++t) {
            posters.emplace_back([&begun, poster = level->poster(), raw = target.get()]() mutable {
                ++begun;
                for (int i = 0; i < 200; ++i) poster.add_callback([raw] { ++*raw; });
            });
        }
        while (begun == 0) std::this_thread::yield();
        for (int i = 0; i < round % 4; ++i) doomed->run_once();
        level.reset();
        target.reset();
        doomed->run_once();
        doomed.reset();
        for (std::thread& poster : posters) poster.join();
    }
}

} // namespace
