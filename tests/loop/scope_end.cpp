// SPDX-License-Identifier: MIT
/// Scope: what belongs together ends together.
#include "support/scopes.hpp"
#include "support/socket_pair.hpp"
#include "support/thrown.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::ElementsAre;

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

TEST_F(Scopes, the_destructor_of_a_callable_can_add_nothing_to_a_scope_that_is_being_destroyed) {
    struct Adds {
        Adds(Scope& s, std::string& w) : scope(&s), why(w) {}
        Adds(Adds&& o) noexcept : scope(std::exchange(o.scope, nullptr)), why(o.why) {}
        Adds& operator=(Adds&&) = delete;
        ~Adds() {
            if (scope != nullptr)
                why = thrown<std::logic_error>([&] {
                    scope->call_later(
                        1s, [] {}, "too late");
                });
        }
        void operator()() const {}
        Scope* scope;
        std::string& why;
    };
    std::string why;
    scope->call_later(1s, Adds(*scope, why));
    scope.reset();
    EXPECT_THAT(why, testing::AllOf(testing::HasSubstr("the scope is being destroyed"),
                                    testing::HasSubstr("too late")));
    EXPECT_EQ(loop.next_deadline(), never);
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

TEST_F(Scopes, nor_is_one_that_was_taken_from_it_through_the_loop_and_has_another_handler_by_then) {
    int calls = 0;
    scope->add_handler(
        pair.a,
        [&](Fd fd, Events) {
            loop.remove_handler(fd);
            loop.add_handler(
                fd, [&](Fd, Events) { ++calls; }, Events::write);
            std::error_code error;
            scope->update_handler(fd, Events::none, error);
            EXPECT_EQ(error, std::errc::no_such_file_or_directory);
            EXPECT_FALSE(scope->remove_handler(fd));
            scope->clear();
        },
        Events::write);
    loop.run_once();
    loop.run_once();
    EXPECT_EQ(calls, 1);
}

TEST_F(Scopes, nor_one_that_got_another_handler_after_a_loop_within_the_loop_had_ended_the_scope) {
    IOLoop inner(world.options());
    int calls = 0;
    scope->add_handler(
        pair.a,
        [&](Fd fd, Events) {
            inner.add_callback([&] { scope->clear(); });
            inner.run_once();
            loop.remove_handler(fd);
            loop.add_handler(
                fd, [&](Fd, Events) { ++calls; }, Events::write);
        },
        Events::write);
    loop.run_once();
    loop.run_once();
    EXPECT_EQ(calls, 1);
}

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

TEST_F(Scopes, a_poster_is_refused_when_the_loop_is_gone_and_the_scope_is_not) {
    for (int round = 0; round < 50; ++round) {
        auto doomed = std::make_unique<IOLoop>(world.options());
        auto level = std::make_unique<Scope>(*doomed, "level");
        std::atomic<bool> gone{false};
        std::thread late([&gone, poster = level->poster()]() mutable {
            while (!gone) poster.add_callback([] {});
            EXPECT_FALSE(poster.add_callback([] {}));
        });
        doomed->run_once();
        doomed.reset(); // while somebody posts
        gone = true;
        late.join();
        EXPECT_EQ(level->size(), 0U);
        level.reset();
    }
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

TEST_F(Scopes, a_poster_that_is_refused_may_destroy_the_scope_that_its_callable_owns) {
    auto object = std::make_shared<Scope>(loop, "object");
    Scope::Poster back = object->poster();
    const std::weak_ptr<Scope> watch = object;
    loop.close();
    EXPECT_FALSE(back.add_callback([self = std::move(object)] {}));
    EXPECT_TRUE(watch.expired());
}

TEST_F(Scopes, a_callable_of_a_poster_may_be_the_last_that_owns_the_scope) {
    auto object = std::make_shared<Scope>(loop, "object");
    Scope::Poster back = object->poster();
    const std::weak_ptr<Scope> watch = object;
    EXPECT_TRUE(back.add_callback([self = std::move(object)] {}));
    loop.run_ready();
    EXPECT_TRUE(watch.expired());
}

TEST_F(Scopes, its_end_waits_for_no_host_that_a_late_post_rings) {
    std::mutex host;
    std::atomic<bool> rung{false};
    loop.set_host_waker([&] {
        rung = true;
        const std::lock_guard lock(host);
    });
    loop.run_once();
    std::unique_lock held(host);
    std::thread late([poster = scope->poster()]() mutable { poster.add_callback([] {}); });
    while (!rung) std::this_thread::yield();
    scope.reset(); // by a host that holds its lock
    held.unlock();
    late.join();
}
