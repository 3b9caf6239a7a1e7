// SPDX-License-Identifier: MIT
/// What a task waits for: time, descriptors, futures.
#include "support/os.hpp"
#include "support/tasks.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

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

TEST_F(Tasks, after_readable_next_turn_is_the_end_of_this_turn) { // all that is ready has run by then
    spawn(loop, [](Tasks& t) -> Task<> {
        co_await readable(t.pair.a);
        t.loop.add_callback([&t] { t.log.emplace_back("callback"); });
        co_await next_turn();
        t.log.emplace_back("task");
        co_await next_turn();
        t.log.emplace_back("next turn");
    }(*this));
    loop.run_once();
    pair.send_to_a();
    loop.run_once();
    EXPECT_THAT(log, ElementsAre("callback", "task"));
    loop.run_once();
    EXPECT_THAT(log, ElementsAre("callback", "task", "next turn"));
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
