// SPDX-License-Identifier: MIT
/// Tasks: coroutines that live on the loop.
#include "support/os.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"
#include "support/thrown.hpp"

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

struct Tasks : testing::Test {
    IOLoop::Options options() {
        auto options = world.options();
        options.on_error = [this](const std::exception_ptr& error, const Origin& origin, CallKind) {
            try {
                std::rethrow_exception(error);
            } catch (const std::exception& e) {
                reported.push_back((origin.name != nullptr ? std::string(origin.name) + ": " : "") +
                                   e.what());
            }
        };
        return options;
    }
    void run(Duration time = 1h) {
        loop.run_ready();
        const TimePoint end = world.now() + time;
        while (world.now() < end) loop.run_once(end - world.now());
        loop.run_ready();
    }
    /// Says what it lives through.
    struct Witness {
        Witness(std::vector<std::string>& l, std::string n) : log(l), name(std::move(n)) {
            log.push_back("+" + name);
        }
        Witness(const Witness&) = delete;
        Witness& operator=(const Witness&) = delete;
        ~Witness() { log.push_back("-" + name); }
        std::vector<std::string>& log;
        std::string name;
    };
    Task<int> after(Duration delay, int value) {
        const Witness witness(log, std::to_string(value));
        co_await sleep_for(delay);
        co_return value;
    }
    Task<int> failing(Duration delay, const char* text) {
        co_await sleep_for(delay);
        throw std::runtime_error(text);
    }

    SimWorld world;
    std::vector<std::string> reported;
    std::vector<std::string> log;
    SocketPair pair;
    IOLoop loop{options()};
};

std::exception_ptr foreign_error; ///< what left a coroutine of somebody else

Task<int> immediately(int value) { co_return value; }
Task<int> sum_to(int n) {
    int sum = 0;
    for (int i = 1; i <= n; ++i) sum += co_await immediately(i);
    co_return sum;
}
Task<int> depth(int n) {
    if (n == 0) co_return 0;
    co_return 1 + co_await depth(n - 1);
}

} // namespace

// ---- beginning, ending --------------------------------------------------------------------------

TEST_F(Tasks, are_lazy) {
    {
        auto task = after(1s, 1);
        EXPECT_TRUE(task.valid());
    }
    EXPECT_THAT(log, IsEmpty());
}

TEST_F(Tasks, a_spawned_task_begins_in_the_next_turn_and_gives_its_future_the_result) {
    auto future = spawn(loop, after(2s, 7));
    EXPECT_THAT(log, IsEmpty());
    loop.run_once();
    EXPECT_THAT(log, ElementsAre("+7"));
    run();
    EXPECT_EQ(future.result(), 7);
    EXPECT_EQ(world.elapsed() >= 2s, true);
}

TEST_F(Tasks, a_task_that_awaits_a_million_does_not_use_up_the_stack) {
    auto many = spawn(loop, sum_to(1'000'000 / 50));
    auto deep = spawn(loop, depth(20'000));
    loop.run_ready();
    EXPECT_EQ(many.result(), 20'000 / 2 * 20'001);
    EXPECT_EQ(deep.result(), 20'000);
}

TEST_F(Tasks, exceptions_leave_the_co_await) {
    auto caught = spawn(loop, [](Task<int> task) -> Task<std::string> {
        try {
            co_await std::move(task);
        } catch (const std::exception& e) {
            co_return e.what();
        }
        co_return "none";
    }(failing(1s, "deep")));
    run();
    EXPECT_EQ(caught.result(), "deep");
    EXPECT_THAT(reported, IsEmpty());
}

TEST_F(Tasks,
       F21_an_error_of_a_detached_task_is_reported_under_its_name) { // test_exception_logging_native_coro
    spawn(loop, failing(1s, "lost"), "background");
    run();
    EXPECT_THAT(reported, ElementsAre("background: lost"));
}

TEST_F(Tasks, F5_a_callable_that_returns_a_task_starts_it) {
    loop.add_callback([this]() -> Task<> {
        co_await sleep_for(1s);
        log.emplace_back("callback");
    });
    loop.call_later(3s, [this]() -> Task<int> {
        co_await next_turn();
        log.emplace_back("timeout");
        co_return 1;
    });
    loop.add_callback([]() -> Task<> { throw std::runtime_error("x"); }, "bad");
    run();
    EXPECT_THAT(log, ElementsAre("callback", "timeout"));
    EXPECT_THAT(reported, ElementsAre("bad: x"));
}

TEST_F(Tasks, F5_the_captures_of_such_a_callable_live_as_long_as_its_task) {
    auto captured = std::make_shared<std::string>("captured");
    loop.add_callback([this, captured]() -> Task<> {
        co_await sleep_for(1s);
        log.push_back(*captured);
    });
    loop.run_ready();
    EXPECT_EQ(captured.use_count(), 2);
    run();
    EXPECT_THAT(log, ElementsAre("captured"));
    EXPECT_EQ(captured.use_count(), 1);
}

TEST_F(Tasks,
       F5_a_callback_that_returns_a_failed_future_has_its_error_reported) { // test_exception_logging_future
    loop.add_callback([this]() -> Future<int> {
        Promise<int> promise(loop, "made here");
        promise.set_exception(std::make_exception_ptr(std::runtime_error("failed")));
        return promise.future();
    });
    loop.run_ready();
    EXPECT_THAT(reported, ElementsAre("made here: failed"));
}

TEST_F(Tasks, values_of_all_kinds_are_returned) {
    int object = 5;
    auto reference = [](int& o) -> Task<int&> { co_return o; };
    auto unique = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(6); };
    auto both = spawn(loop, [&]() -> Task<int> {
        int& r = co_await reference(object);
        r = 10;
        auto p = co_await unique();
        co_return r + *p;
    });
    loop.run_ready();
    EXPECT_EQ(both.result(), 16);
    EXPECT_EQ(object, 10);
}

TEST_F(Tasks, a_result_that_cannot_be_moved_is_an_error_of_the_task_and_does_not_end_the_program) {
    struct Heavy {
        explicit Heavy(int m) : moves_left(m) {}
        Heavy& operator=(const Heavy&) = default;
        Heavy(const Heavy& other) : moves_left(other.moves_left - 1) {
            if (moves_left < 0) throw std::runtime_error("too heavy");
        }
        int moves_left;
    };
    for (int moves = 0; moves < 6; ++moves) {
        auto lift = [](int m) -> Task<Heavy> { co_return Heavy(m); };
        auto future = spawn(loop, lift(moves));
        auto both = spawn(loop, all(lift(moves)));
        run(1s);
        ASSERT_TRUE(future.done());
        ASSERT_TRUE(both.done());
        if (future.exception() == nullptr) continue;
        EXPECT_EQ(thrown<std::runtime_error>([&] { future.result(); }), "too heavy");
        EXPECT_EQ(thrown<std::runtime_error>([&] { both.result(); }), "too heavy");
    }
}

TEST_F(Tasks, to_spawn_from_another_thread_is_an_error) {
    static_cast<void>(spawn(loop, after(1s, 1)));
    std::thread([&] {
        EXPECT_THAT(thrown<std::logic_error>([&] { static_cast<void>(spawn(loop, after(1s, 2))); }),
                    HasSubstr("spawn: called from another thread"));
    }).join();
    run();
    EXPECT_THAT(log, ElementsAre("+1", "-1"));
}

TEST_F(Tasks, an_empty_task_cannot_be_awaited_or_spawned) {
    Task<int> empty;
    EXPECT_THROW(spawn(loop, std::move(empty)), std::logic_error);
}

TEST_F(Tasks, a_null_function_is_not_spawned) {
    const auto refusal = AllOf(HasSubstr("spawn: null function"), HasSubstr("'name' at "));
    const auto spawned = [&](auto f) {
        return thrown<std::invalid_argument>([&] { static_cast<void>(spawn(loop, std::move(f), "name")); });
    };
    EXPECT_THAT(spawned(static_cast<Task<> (*)()>(nullptr)), refusal);
    EXPECT_THAT(spawned(Function<Task<>()>()), refusal);
    EXPECT_THAT(spawned(std::function<Task<>()>()), refusal);
    EXPECT_EQ(loop.run_ready().callbacks, 0U);
}

TEST_F(Tasks, who_awaits_a_task_owns_it_though_it_has_a_name_elsewhere) {
    Task<int> named = after(1s, 1);
    auto waiting =
        spawn(loop, [](Task<int>& task) -> Task<int> { co_return co_await std::move(task); }(named));
    loop.run_once();
    EXPECT_FALSE(named.valid());
    waiting.cancel();
    EXPECT_THAT(log, ElementsAre("+1", "-1"));
    run();
}

TEST_F(Tasks, a_task_that_was_awaited_is_empty) {
    auto twice = spawn(loop, [](Task<int> task) -> Task<int> {
        co_await std::move(task);
        co_return co_await std::move(task);
    }(after(1s, 1)));
    run();
    EXPECT_THAT(thrown<std::logic_error>([&] { twice.result(); }), HasSubstr("moved from"));
}

TEST_F(Tasks, without_a_loop_nothing_can_be_awaited) {
    IOLoop::clear_current();
    struct Driver { // a coroutine type of somebody else
        struct promise_type {
            Driver get_return_object() { return {}; }
            std::suspend_never initial_suspend() { return {}; }
            std::suspend_never final_suspend() noexcept { return {}; }
            void return_void() {}
            void unhandled_exception() { foreign_error = std::current_exception(); }
        };
    };
    [this]() -> Driver {
        log.emplace_back("before");
        co_await sleep_for(1s);
        log.emplace_back("after");
    }();
    EXPECT_THAT(log, ElementsAre("before"));
    EXPECT_THROW(std::rethrow_exception(foreign_error), std::logic_error);
}

TEST_F(Tasks, coroutines_of_other_libraries_can_wait_on_the_loop_too) {
    struct Foreign {
        struct promise_type {
            Foreign get_return_object() { return {}; }
            std::suspend_never initial_suspend() { return {}; }
            std::suspend_never final_suspend() noexcept { return {}; }
            void return_void() {}
            void unhandled_exception() { std::terminate(); }
        };
    };
    auto foreign = [](Tasks& test) -> Foreign {
        co_await sleep_for(1s);
        test.log.push_back(std::to_string(co_await sum_to(3)));
        co_await sleep_for(1s);
        test.log.emplace_back("end");
    };
    loop.add_callback([&] { foreign(*this); });
    run();
    EXPECT_THAT(log, ElementsAre("6", "end"));
}

// ---- waiting ------------------------------------------------------------------------------------

TEST_F(Tasks, G2_sleep_is_exact_and_never_early) {
    auto future = spawn(loop, [](SimWorld& w) -> Task<Duration> {
        const TimePoint begin = w.now();
        co_await sleep_for(1500ms);
        co_await sleep_until(begin + 2s);
        co_await sleep_until(begin); // past: the next turn
        co_return w.now() - begin;
    }(world));
    run();
    EXPECT_EQ(future.result(), 2s);
}

TEST_F(Tasks, G4_next_turn_lets_everything_else_run_once) {
    spawn(loop, [](Tasks& t) -> Task<> {
        for (int i = 0; i < 3; ++i) {
            t.log.push_back("task " + std::to_string(i));
            co_await next_turn();
        }
    }(*this));
    loop.run_once();
    EXPECT_THAT(log, ElementsAre("task 0"));
    loop.run_once();
    EXPECT_THAT(log, ElementsAre("task 0", "task 1"));
}

TEST_F(Tasks, a_task_reads_from_a_descriptor) {
    auto line = spawn(loop, [](const SocketPair& p) -> Task<std::string> {
        std::string text;
        while (text.size() < 5) {
            const Events events = co_await readable(p.a);
            EXPECT_EQ(events, Events::read);
            text += p.read_a();
        }
        co_return text;
    }(pair));
    loop.run_once();
    EXPECT_EQ(loop.statistics().handlers, 1U);
    pair.send_to_a("hel");
    loop.run_once();
    pair.send_to_a("lo");
    loop.run_once();
    EXPECT_EQ(line.result(), "hello");
    EXPECT_EQ(loop.statistics().handlers, 0U);
}

TEST_F(Tasks, several_tasks_may_wait_for_one_descriptor_in_either_direction) {
    auto wait = [](Tasks& t, Fd fd, bool read, std::string name) -> Task<> {
        co_await (read ? readable(fd) : writable(fd));
        t.log.push_back(name);
    };
    spawn(loop, wait(*this, pair.a, true, "reader 1"));
    spawn(loop, wait(*this, pair.a, true, "reader 2"));
    spawn(loop, wait(*this, pair.a, false, "writer"));
    loop.run_once();
    loop.run_once();
    EXPECT_THAT(log, ElementsAre("writer"));
    pair.send_to_a();
    loop.run_once();
    EXPECT_THAT(log, ElementsAre("writer", "reader 1", "reader 2"));
    EXPECT_EQ(loop.statistics().handlers, 0U);
}

TEST_F(Tasks, a_hang_up_wakes_readers_and_writers) {
    auto wait = [](Fd fd) -> Task<Events> { co_return co_await readable(fd); };
    auto events = spawn(loop, wait(pair.a));
    loop.run_once();
    pair.close_b();
    loop.run_once();
    EXPECT_TRUE(any(events.result() & Events::read) || any(events.result() & Events::error));
}

TEST_F(Tasks, a_descriptor_that_cannot_be_watched_throws_from_the_co_await) {
    auto wait = [](Fd fd) -> Task<> { co_await readable(fd); };
    auto closed = spawn(loop, wait(-1));
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::none);
    auto taken = spawn(loop, wait(pair.a));
    loop.run_once();
    EXPECT_THROW(closed.result(), std::system_error);
    EXPECT_THROW(taken.result(), std::system_error);
}

TEST_F(Tasks, whoever_waits_for_a_descriptor_that_is_closed_hears_of_it) {
    auto wait = [](Fd fd) -> Task<Events> { co_return co_await readable(fd); };
    auto events = spawn(loop, wait(pair.a));
    loop.run_once();
    const Fd number = pair.a;
    SocketPair other;
    os::replace(number, other.a); // closes the one, opens the other under its number
    pair.a = invalid_fd;
    loop.add_handler(
        number, [](Fd, Events) {}, Events::none);
    loop.run_ready();
    ASSERT_TRUE(events.done());
    EXPECT_EQ(events.result(), Events::error);
    loop.remove_handler(number);
    os::close(number);
}

TEST_F(Tasks, who_waited_for_a_closed_descriptor_does_not_take_the_handler_of_the_next_one_along) {
    auto wait = [](Fd fd) -> Task<Events> { co_return co_await readable(fd); };
    auto events = spawn(loop, wait(pair.a));
    loop.run_once();
    const Fd number = pair.a;
    SocketPair other;
    pair.close_a();
    os::replace(number, other.a);
    int called = 0;
    loop.add_handler(
        number, [&](Fd, Events) { ++called; }, Events::read);
    loop.run_ready();
    EXPECT_EQ(events.result(), Events::error);
    other.send_to_a();
    loop.run_once();
    EXPECT_EQ(called, 1);
    EXPECT_TRUE(loop.remove_handler(number));
    os::close(number);
}

TEST_F(Tasks, of_several_that_wait_for_a_descriptor_the_first_may_destroy_the_loop) {
    auto mortal = std::make_unique<IOLoop>(world.options());
    IOLoop& reference = *mortal;
    auto task = [](Tasks& t, std::unique_ptr<IOLoop>& l) -> Task<> {
        co_await readable(t.pair.a);
        t.log.emplace_back("first");
        l.reset();
    };
    for (int i = 0; i < 3; ++i) static_cast<void>(spawn(reference, task(*this, mortal)));
    reference.run_once();
    pair.send_to_a();
    EXPECT_EQ(reference.run_once().ended, Ended::stopped);
    EXPECT_THAT(log, ElementsAre("first"));
}

TEST_F(Tasks,
       of_several_that_wait_for_a_descriptor_one_whose_context_cannot_be_entered_does_not_stop_the_others) {
    bool entry = true;
    auto wait = [](Tasks& t) -> Task<> {
        co_await readable(t.pair.a);
        t.log.emplace_back("goes on");
    };
    {
        StackContext context([&] {
            if (!entry) throw std::runtime_error("no entry");
        });
        static_cast<void>(spawn(loop, wait(*this)));
    }
    static_cast<void>(spawn(loop, wait(*this)));
    loop.run_once();
    entry = false;
    pair.send_to_a();
    loop.run_once();
    EXPECT_THAT(log, ElementsAre("goes on"));
    EXPECT_THAT(reported, ElementsAre(HasSubstr("no entry")));
}

TEST_F(Tasks, futures_are_awaited_and_their_values_moved_out_of_temporaries) {
    auto promise = std::make_shared<Promise<std::unique_ptr<int>>>(loop);
    auto sum = spawn(loop, [](Future<std::unique_ptr<int>> f) -> Task<int> {
        const int looked = *co_await f;
        auto taken = co_await std::move(f);
        co_return looked + *taken;
    }(promise->future()));
    loop.run_once();
    promise->set_value(std::make_unique<int>(4));
    promise.reset();
    loop.run_ready();
    EXPECT_EQ(sum.result(), 8);
}

// ---- cancelling ---------------------------------------------------------------------------------

TEST_F(Tasks, cancelling_destroys_the_coroutine_and_deregisters_what_it_waits_for) {
    auto sleeper = spawn(loop, after(1h, 1));
    auto reader = spawn(loop, [](Tasks& t) -> Task<> {
        const Witness witness(t.log, "reader");
        co_await readable(t.pair.a);
    }(*this));
    loop.run_once();
    EXPECT_EQ(loop.statistics().timeouts, 1U);
    EXPECT_EQ(loop.statistics().handlers, 1U);
    EXPECT_TRUE(sleeper.cancel());
    EXPECT_TRUE(reader.cancel());
    EXPECT_THAT(log, ElementsAre("+1", "+reader", "-1", "-reader"));
    EXPECT_EQ(loop.statistics().timeouts, 0U);
    EXPECT_EQ(loop.statistics().handlers, 0U);
    EXPECT_THROW(sleeper.result(), CancelledError);
    loop.run_ready();
    EXPECT_THAT(reported, IsEmpty());
}

TEST_F(Tasks, cancelled_from_another_thread_it_is_destroyed_on_its_own) {
    auto destroyed_on = std::make_shared<std::thread::id>();
    auto future = spawn(loop, [](std::shared_ptr<std::thread::id> id) -> Task<> {
        const struct Note {
            ~Note() { *where = std::this_thread::get_id(); }
            std::shared_ptr<std::thread::id> where;
        } note{id};
        co_await sleep_for(1h);
    }(destroyed_on));
    loop.run_once();
    std::thread([&] { EXPECT_TRUE(future.cancel()); }).join();
    EXPECT_TRUE(future.done());
    EXPECT_EQ(*destroyed_on, std::thread::id());
    loop.run_once();
    EXPECT_EQ(*destroyed_on, std::this_thread::get_id());
    EXPECT_EQ(loop.statistics().timeouts, 0U);
}

TEST_F(Tasks, cancelled_before_it_began_it_never_begins) {
    auto future = spawn(loop, after(1s, 1));
    EXPECT_TRUE(future.cancel());
    run();
    EXPECT_THAT(log, IsEmpty());
}

TEST_F(Tasks, a_task_may_cancel_itself_and_is_destroyed_when_it_waits_next) {
    auto self = std::make_shared<Future<void>>();
    *self = spawn(loop, [](Tasks& t, std::shared_ptr<Future<void>> me) -> Task<> {
        const Witness witness(t.log, "task");
        me->cancel();
        t.log.emplace_back("still here");
        co_await sleep_for(1s);
        t.log.emplace_back("never");
    }(*this, self));
    run();
    EXPECT_THAT(log, ElementsAre("+task", "still here", "-task"));
    EXPECT_EQ(self.use_count(), 1);
}

TEST_F(Tasks, a_task_waiting_for_a_future_may_be_cancelled_when_the_result_is_on_its_way) {
    Promise<int> promise(loop);
    auto waiting = spawn(loop, [](Future<int> f) -> Task<int> { co_return co_await f; }(promise.future()));
    loop.run_once();
    promise.set_value(1);
    waiting.cancel();
    loop.run_ready();
    EXPECT_THROW(static_cast<void>(waiting.result()), CancelledError);
}

TEST_F(Tasks, F21_ten_thousand_tasks_suspended_at_close_are_destroyed) {
    int alive = 0;
    struct Count {
        explicit Count(int& c) : count(c) { ++count; }
        Count(const Count&) = delete;
        Count& operator=(const Count&) = delete;
        ~Count() { --count; }
        int& count;
    };
    auto wait = [](Tasks& t, int& count, int kind) -> Task<> {
        const Count counted(count);
        if (kind == 0) co_await sleep_for(1h);
        if (kind == 1) co_await readable(t.pair.a);
        if (kind == 2) co_await all(sleep_for(1h), readable(t.pair.a));
    };
    for (int i = 0; i < 10'000; ++i) spawn(loop, wait(*this, alive, i % 3));
    loop.run_once();
    EXPECT_EQ(alive, 10'000);
    loop.close();
    EXPECT_EQ(alive, 0);
    EXPECT_THAT(reported, IsEmpty());
}

TEST_F(Tasks, what_a_closing_loop_leaves_of_a_task_s_future_is_a_cancellation) {
    auto future = spawn(loop, after(1h, 1));
    loop.run_once();
    loop.close();
    EXPECT_THROW(static_cast<void>(future.result()), CancelledError);
    EXPECT_THROW(spawn(loop, after(1s, 2)), std::logic_error);
}

TEST_F(Tasks, a_task_may_destroy_the_loop_it_runs_on) {
    auto mortal = std::make_unique<IOLoop>(world.options());
    auto task = [](Tasks& t, std::unique_ptr<IOLoop>& l) -> Task<> {
        const Witness witness(t.log, "task");
        co_await sleep_for(1s);
        l.reset();
        t.log.emplace_back("goes on");
        co_await sleep_for(1s);
        t.log.emplace_back("never");
    };
    IOLoop& reference = *mortal;
    IOLoop::clear_current();
    auto future = spawn(reference, task(*this, mortal));
    EXPECT_EQ(reference.run_once().ended, Ended::ran);
    EXPECT_EQ(reference.run_once(1h).ended, Ended::stopped);
    EXPECT_THAT(log, ElementsAre("+task", "goes on", "-task"));
    EXPECT_TRUE(future.done());
}

TEST_F(Tasks, a_cancelled_task_that_tries_again_after_every_error_does_not_run_for_ever) {
    auto stubborn = [](Tasks& t, std::function<void()> cancel) -> Task<> {
        const Witness witness(t.log, "task");
        cancel();
        for (int i = 0; i < 3; ++i) {
            try {
                co_await with_timeout(1s, all(sleep_for(1s), readable(t.pair.a)));
            } catch (const std::exception& error) {
                t.log.emplace_back(error.what());
            }
        }
    };
    Future<void> self;
    self = spawn(loop, stubborn(*this, [&] { self.cancel(); }));
    run();
    auto mortal = std::make_unique<IOLoop>(world.options());
    IOLoop& reference = *mortal;
    static_cast<void>(spawn(reference, stubborn(*this, [&] { mortal.reset(); })));
    reference.run_once();
    EXPECT_THAT(log, ElementsAre("+task", "-task", "+task", "-task"));
}

TEST_F(Tasks, a_branch_may_destroy_the_loop_it_runs_on) {
    auto mortal = std::make_unique<IOLoop>(world.options());
    auto destroy = [](Tasks& t, std::unique_ptr<IOLoop>& l) -> Task<> {
        const Witness witness(t.log, "branch");
        co_await sleep_for(1s);
        l.reset();
    };
    IOLoop& reference = *mortal;
    auto future = spawn(reference, all(sleep_for(1h), with_timeout(1h, destroy(*this, mortal))));
    reference.run_once();
    EXPECT_EQ(reference.run_once(1h).ended, Ended::stopped);
    EXPECT_THAT(log, ElementsAre("+branch", "-branch"));
    EXPECT_THROW(static_cast<void>(future.result()), CancelledError);
}

// ---- several at once ----------------------------------------------------------------------------

TEST_F(Tasks, G5_all_waits_for_all_and_gives_their_values_in_order) {
    auto both = spawn(loop, all(after(2s, 2), after(1s, 1), sleep_for(1s)));
    auto many = spawn(loop, [](Tasks& t) -> Task<std::vector<int>> {
        std::vector<Task<int>> tasks;
        for (int i = 9; i > 5; --i) tasks.push_back(t.after(i * 1s, i));
        co_return co_await all(std::move(tasks));
    }(*this));
    run();
    EXPECT_EQ(std::get<0>(both.result()), 2);
    EXPECT_EQ(std::get<1>(both.result()), 1);
    EXPECT_THAT(many.result(), ElementsAre(9, 8, 7, 6));
}

TEST_F(Tasks, G5_all_throws_the_first_error_when_all_have_ended_and_reports_the_others) {
    auto work = spawn(loop, all(failing(3s, "first"), failing(1s, "second"), after(5s, 3)), "work");
    loop.run_once();
    run(4s);
    EXPECT_FALSE(work.done());
    run(2s);
    EXPECT_THAT(thrown<std::runtime_error>([&] { static_cast<void>(work.result()); }), HasSubstr("first"));
    ASSERT_EQ(reported.size(), 1U);
    EXPECT_THAT(reported[0], HasSubstr("second"));
}

TEST_F(Tasks, G5_all_of_nothing_is_done_at_once) {
    auto none = spawn(loop, all(std::vector<Task<int>>()));
    auto empty = spawn(loop, all());
    loop.run_once();
    EXPECT_THAT(none.result(), IsEmpty());
    EXPECT_TRUE(empty.done());
}

TEST_F(Tasks, any_gives_the_first_and_cancels_the_others) {
    auto first = spawn(loop, any(after(3s, 3), after(1s, 1), sleep_for(2s)));
    run(90min);
    EXPECT_EQ(first.result().index(), 1U);
    EXPECT_EQ(std::get<1>(first.result()), 1);
    EXPECT_THAT(log, testing::UnorderedElementsAre("+3", "+1", "-1", "-3"));
    EXPECT_EQ(loop.statistics().timeouts, 0U);
}

TEST_F(Tasks, references_are_kept_in_wrappers) {
    int one = 1;
    auto refer = [](int& o) -> Task<int&> { co_return o; };
    EXPECT_EQ(&std::get<0>(loop.run_sync([&] { return all(refer(one)); })).get(), &one);
    EXPECT_EQ(&std::get<0>(loop.run_sync([&] { return any(refer(one), sleep_for(1s)); })).get(), &one);
}

TEST_F(Tasks, any_begins_no_more_than_it_needs) {
    auto first = spawn(loop, any(immediately(1), after(1s, 2)));
    loop.run_ready();
    EXPECT_EQ(std::get<0>(first.result()), 1);
    EXPECT_THAT(log, IsEmpty());
}

TEST_F(Tasks, any_of_a_vector_tells_which) {
    std::vector<Task<int>> tasks;
    tasks.push_back(after(2s, 20));
    tasks.push_back(after(1s, 10));
    auto first = spawn(loop, any(std::move(tasks)));
    run();
    EXPECT_EQ(first.result(), (std::pair<std::size_t, int>(1, 10)));
    EXPECT_THROW(static_cast<void>(loop.run_sync([] { return any(std::vector<Task<int>>()); })),
                 std::invalid_argument);
}

TEST_F(Tasks, any_reports_the_error_of_another_that_ended_in_the_same_turn) {
    auto vector = [](Tasks& t) -> Task<std::size_t> {
        std::vector<Task<int>> two;
        two.push_back(t.after(1s, 1));
        two.push_back(t.failing(1s, "of a vector"));
        co_return (co_await any(std::move(two))).first;
    };
    auto pack = [](Tasks& t) -> Task<std::size_t> {
        co_return (co_await any(t.after(1s, 1), t.failing(1s, "of a pack"))).index();
    };
    auto of_vector = spawn(loop, vector(*this), "vector");
    auto of_pack = spawn(loop, pack(*this), "pack");
    run();
    EXPECT_EQ(of_vector.result(), 0U);
    EXPECT_EQ(of_pack.result(), 0U);
    EXPECT_THAT(reported, testing::UnorderedElementsAre(HasSubstr("of a vector"), HasSubstr("of a pack")));
}

TEST_F(Tasks, any_that_throws_reports_the_other_errors_too) {
    auto vector = [](Tasks& t) -> Task<> {
        std::vector<Task<int>> two;
        two.push_back(t.failing(1s, "first"));
        two.push_back(t.failing(1s, "second of a vector"));
        co_await any(std::move(two));
    };
    auto pack = [](Tasks& t) -> Task<> {
        co_await any(t.failing(1s, "first"), t.failing(1s, "second of a pack"));
    };
    auto of_vector = spawn(loop, vector(*this));
    auto of_pack = spawn(loop, pack(*this));
    run();
    EXPECT_EQ(thrown<std::runtime_error>([&] { of_vector.result(); }), "first");
    EXPECT_EQ(thrown<std::runtime_error>([&] { of_pack.result(); }), "first");
    EXPECT_THAT(reported, testing::UnorderedElementsAre(HasSubstr("second of a vector"),
                                                        HasSubstr("second of a pack")));
}

TEST_F(Tasks, any_throws_if_the_first_to_end_fails) {
    auto first = spawn(loop, any(failing(1s, "bad"), after(2s, 2)));
    run();
    EXPECT_THROW(static_cast<void>(first.result()), std::runtime_error);
}

TEST_F(Tasks, G3_with_timeout_throws_and_cancels_the_task) {
    auto late = spawn(loop, with_timeout(1s, after(1h, 1)));
    auto soon = spawn(loop, with_timeout(1h, after(1s, 2)));
    run(2s);
    EXPECT_THROW(static_cast<void>(late.result()), TimeoutError);
    EXPECT_EQ(soon.result(), 2);
    EXPECT_THAT(log, testing::UnorderedElementsAre("+1", "+2", "-1", "-2"));
    EXPECT_EQ(loop.statistics().timeouts, 0U); // the limit is disarmed when it is not needed
}

TEST_F(Tasks, G3_what_is_done_wins_over_a_deadline_that_is_past) {
    EXPECT_EQ(loop.run_sync([&] { return with_timeout(world.now() - 1s, immediately(1)); }), 1);
    EXPECT_THROW(
        static_cast<void>(loop.run_sync([&] { return with_timeout(world.now() - 1s, after(1s, 1)); })),
        TimeoutError);
    EXPECT_THROW(static_cast<void>(loop.run_sync([&] { return with_timeout(0s, after(1s, 1)); })),
                 TimeoutError);
}

TEST_F(Tasks, G3_with_timeout_does_not_cancel_a_future_and_its_later_error_is_reported) {
    auto promise = std::make_unique<Promise<int>>(loop, "slow query");
    auto waiting = spawn(loop, with_timeout(1s, promise->future()));
    run(2s);
    EXPECT_THROW(static_cast<void>(waiting.result()), TimeoutError);
    EXPECT_FALSE(promise->done());
    promise->set_exception(std::make_exception_ptr(std::runtime_error("at last")));
    promise.reset();
    loop.run_ready();
    EXPECT_THAT(reported, ElementsAre("slow query: at last"));
}

TEST_F(Tasks, they_nest) {
    auto result = spawn(loop, with_timeout(10s, any(all(after(3s, 3), after(1s, 1)), sleep_for(2s))));
    run();
    EXPECT_EQ(result.result().index(), 1U);
    EXPECT_THAT(log, testing::UnorderedElementsAre("+3", "+1", "-1", "-3"));
}

TEST_F(Tasks, a_branch_that_runs_the_loop_is_not_destroyed_under_itself) {
    auto modal = [](Tasks& t) -> Task<> {
        const Witness witness(t.log, "modal");
        co_await next_turn();
        for (int i = 0; i < 5; ++i) t.loop.run_once(1s); // the other branch ends meanwhile
        t.log.emplace_back("closed");
        co_await sleep_for(1h);
    };
    auto first = spawn(loop, any(modal(*this), sleep_for(2s)));
    run(1min);
    EXPECT_THAT(log, ElementsAre("+modal", "closed", "-modal"));
    EXPECT_EQ(first.result().index(), 1U);
}

TEST_F(Tasks, a_branch_that_runs_the_loop_until_the_time_is_up_and_then_ends_leaves_no_timeout_behind) {
    auto modal = [](Tasks& t) -> Task<> {
        t.loop.run_once(2s); // the time is up in here
        co_return;
    };
    auto timed = spawn(loop, with_timeout(1s, modal(*this)));
    run();
    EXPECT_TRUE(timed.done());
    EXPECT_EQ(loop.statistics().timeouts, 0U);
    timed.result(); // what is done wins
}

// ---- contexts -----------------------------------------------------------------------------------

TEST_F(Tasks, S6_the_context_of_the_spawn_is_there_after_every_co_await) {
    int entered = 0;
    {
        StackContext context([&] { ++entered; });
        entered = 0;
        spawn(loop, [](Tasks& t) -> Task<> {
            for (int i = 0; i < 3; ++i) {
                t.log.emplace_back(Context::current() ? "in" : "out");
                co_await sleep_for(1s);
            }
            co_await all(sleep_for(1s), next_turn());
            t.log.emplace_back(Context::current() ? "in" : "out");
        }(*this));
    }
    run();
    EXPECT_THAT(log, ElementsAre("in", "in", "in", "in"));
    EXPECT_GE(entered, 5);
    EXPECT_FALSE(Context::current());
}

TEST_F(Tasks, S6_a_context_may_be_open_across_co_await_and_goes_while_the_task_waits) { // test_yield_in_with
    std::vector<std::string> active;
    struct Guard {
        explicit Guard(std::vector<std::string>& a) : list(a) { list.emplace_back("guard"); }
        Guard(const Guard&) = delete;
        Guard& operator=(const Guard&) = delete;
        ~Guard() { list.pop_back(); }
        std::vector<std::string>& list;
    };
    spawn(loop, [](Tasks& t, std::vector<std::string>& a) -> Task<> {
        {
            StackContext context([&a] { return Guard(a); });
            co_await sleep_for(1s);
            EXPECT_THAT(a, ElementsAre("guard"));
            t.loop.add_callback([&a] { EXPECT_THAT(a, ElementsAre("guard")); });
            co_await sleep_for(1s);
        }
        EXPECT_THAT(a, IsEmpty());
        EXPECT_FALSE(Context::current());
        co_await sleep_for(1s);
        t.log.emplace_back("end");
    }(*this, active));
    loop.run_once();
    EXPECT_THAT(active, IsEmpty()); // while it waits
    loop.add_callback([&] { EXPECT_THAT(active, IsEmpty()); });
    run();
    EXPECT_THAT(log, ElementsAre("end"));
}

TEST_F(
    Tasks,
    S6_an_exception_handler_open_across_co_await_sees_what_is_scheduled_in_it) { // test_yield_in_with_exception_stack_context
    static_cast<void>(spawn(loop, [](Tasks& t) -> Task<> {
        {
            ExceptionStackContext context([&t](const std::exception_ptr&) {
                t.log.emplace_back("handled");
                return true;
            });
            co_await sleep_for(1s);
            t.loop.add_callback([] { throw std::runtime_error("inside"); });
            co_await sleep_for(1s);
        }
        t.loop.add_callback([] { throw std::runtime_error("outside"); });
        co_await sleep_for(1s);
        t.log.emplace_back("end");
    }(*this)));
    run();
    EXPECT_THAT(log, ElementsAre("handled", "end"));
    EXPECT_THAT(reported, testing::Contains(HasSubstr("outside")));
    EXPECT_THAT(reported, testing::Not(testing::Contains(HasSubstr("inside"))));
}

TEST_F(Tasks, S6_a_task_whose_context_cannot_be_entered_is_cancelled) {
    bool entry = true;
    Future<void> resumed;
    Future<void> begun;
    {
        StackContext context([&] {
            if (!entry) throw std::runtime_error("no entry");
        });
        resumed = spawn(loop, [](Tasks& t) -> Task<> {
            const Witness witness(t.log, "task");
            co_await all(sleep_for(1s));
        }(*this));
        loop.run_once();
        begun = spawn(loop, [](Tasks& t) -> Task<> {
            t.log.emplace_back("never");
            co_return;
        }(*this));
    }
    entry = false;
    run();
    EXPECT_THAT(log, ElementsAre("+task", "-task"));
    EXPECT_THAT(reported, ElementsAre(HasSubstr("no entry"), HasSubstr("no entry")));
    EXPECT_THROW(resumed.result(), CancelledError);
    EXPECT_THROW(begun.result(), CancelledError);
}

TEST_F(Tasks, S6_a_task_destroyed_with_a_context_open_leaves_none_behind) {
    auto future = spawn(loop, []() -> Task<> {
        StackContext context([] {});
        co_await sleep_for(1h);
    }());
    loop.run_once();
    future.cancel();
    EXPECT_FALSE(Context::current());
    loop.add_callback([] { EXPECT_FALSE(Context::current()); });
    loop.run_once();
}

TEST_F(
    Tasks,
    S6_an_error_of_a_detached_task_meets_the_handlers_of_where_it_was_spawned) { // test_run_with_stack_context
    {
        ExceptionStackContext context([this](const std::exception_ptr&) {
            log.emplace_back("handled");
            return true;
        });
        spawn(loop, failing(1s, "x"));
    }
    run();
    EXPECT_THAT(log, ElementsAre("handled"));
    EXPECT_THAT(reported, IsEmpty());
}
