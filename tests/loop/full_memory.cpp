// SPDX-License-Identifier: MIT
/// Options::memory is used up: who asks for more is told, and what is on its way to somebody who waits arrives all the same.
#include "support/scarce_memory.hpp"
#include "support/sim_world.hpp"
#include "support/thrown.hpp"

#include <ioloop/ioloop.hpp>
#include <ioloop/net.hpp>

#include <exception>
#include <new>
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
using testing::IsEmpty;

namespace {

class FullMemory : public testing::Test {
protected:
    /// From now on there is room for nothing. Called from within the loop, whose callbacks have the last of it.
    void fill() {
        memory.granted = 0;
        EXPECT_THROW(until_it_throws([this] { loop.add_callback([] {}); }), std::bad_alloc);
        // These are smaller.
        EXPECT_THROW(until_it_throws([this] { loop.spawn_callback([] {}); }), std::bad_alloc);
        EXPECT_THROW(until_it_throws([this] { loop.call_later(1h, [] {}); }), std::bad_alloc);
    }

    SimWorld world;
    ScarceMemory memory;
    std::vector<int> log;
    IOLoop loop{[this] {
        auto options = world.options();
        options.memory = &memory;
        return options;
    }()};

private:
    template <class F> static void until_it_throws(F ask) {
        for (int i = 0; i < 100'000; ++i) ask();
    }
};

} // namespace

TEST_F(FullMemory, a_result_comes_to_all_who_wait_for_it) {
    Promise<int> promise;
    for (int i : {1, 2})
        loop.add_future(promise.future(), [this, i](const Future<int>& f) { log.push_back(i * f.result()); });
    spawn(loop, [&]() -> Task<> { log.push_back(3 * co_await promise.future()); });
    loop.run_once();
    loop.add_callback([&] {
        fill();
        promise.set_value(10);
    });
    loop.run_once();
    loop.run_once();
    EXPECT_THAT(log, ElementsAre(10, 20, 30));
}

TEST_F(FullMemory, a_task_ends_and_who_waits_for_it_goes_on) {
    auto work = spawn(loop, [this]() -> Task<int> {
        co_await next_turn();
        fill();
        co_return 1;
    });
    spawn(loop, [&]() -> Task<> { log.push_back(co_await work); });
    for (int i = 0; i < 4; ++i) loop.run_once();
    EXPECT_THAT(log, ElementsAre(1));
}

TEST_F(FullMemory, a_cancelled_result_is_told) {
    Promise<> promise;
    loop.add_future(promise.future(), [this](const Future<>& f) { log.push_back(f.exception() != nullptr); });
    loop.add_callback([&] {
        fill();
        promise.future().cancel();
    });
    loop.run_once();
    loop.run_once();
    EXPECT_THAT(log, ElementsAre(1));
}

TEST_F(FullMemory, who_waits_for_several_tasks_goes_on_when_the_last_has_ended) {
    const auto branch = [this](int number) -> Task<int> {
        co_await next_turn();
        if (number == 2) fill();
        co_return number;
    };
    spawn(loop, [&]() -> Task<> {
        const auto [a, b] = co_await all(branch(1), branch(2));
        log.push_back(a + b);
    });
    for (int i = 0; i < 6; ++i) loop.run_once();
    EXPECT_THAT(log, ElementsAre(3));
}

TEST_F(FullMemory, a_task_that_is_cancelled_is_not_woken_by_its_branches) {
    Future<> whole = spawn(loop, [this]() -> Task<> {
        const auto branch = [this]() -> Task<> {
            co_await sleep_for(1ms);
            fill();
        };
        co_await all(branch());
        log.push_back(0);
    });
    loop.run_once();
    loop.call_later(1ms, [&] { whole.cancel(); }); // in the turn in which the branch ends
    for (int i = 0; i < 4; ++i) loop.run_once(1ms);
    EXPECT_THAT(log, IsEmpty());
    EXPECT_TRUE(whole.done());
}

TEST_F(FullMemory, a_task_that_is_cancelled_is_not_woken_while_it_is_destroyed) {
    Future<> whole = spawn(loop, [this]() -> Task<> {
        struct RunsTheLoop {
            ~RunsTheLoop() { loop.run_once(); }
            IOLoop& loop;
        };
        const auto first = [this]() -> Task<> {
            co_await sleep_for(1ms);
            fill();
        };
        const auto other = [this]() -> Task<> {
            const RunsTheLoop at_the_end{loop};
            co_await sleep_for(1h);
        };
        co_await any(first(), other());
        log.push_back(0);
    });
    loop.run_once();
    loop.call_later(1ms, [&] { whole.cancel(); });
    for (int i = 0; i < 4; ++i) loop.run_once(1ms);
    EXPECT_THAT(log, IsEmpty());
    EXPECT_TRUE(whole.done());
}

TEST_F(FullMemory, of_several_errors_the_first_is_thrown_and_the_others_are_reported) {
    std::vector<std::string> errors;
    const auto note = [&](const std::exception_ptr& error) {
        errors.push_back(thrown<std::runtime_error>([&] { std::rethrow_exception(error); }));
    };
    loop.set_error_hook([&](const std::exception_ptr& error, const Origin&, CallKind) { note(error); });
    const auto failing = [this](const char* text) -> Task<> {
        co_await next_turn();
        if (memory.granted > 0) fill();
        throw std::runtime_error(text);
    };
    spawn(loop, [&]() -> Task<> {
        try {
            co_await all(failing("one"), failing("two"));
        } catch (...) {
            note(std::current_exception());
        }
    });
    for (int i = 0; i < 4; ++i) loop.run_once();
    EXPECT_THAT(errors, ElementsAre("one", "two"));
}

TEST_F(FullMemory, what_is_delivered_keeps_its_place_in_the_order) {
    Promise<> promise;
    loop.add_future(promise.future(), [this](const Future<>&) { log.push_back(1); });
    loop.add_callback([&] {
        fill();
        promise.set_value();
        std::thread([&] { loop.add_callback([this] { log.push_back(2); }); }).join();
    });
    for (int i = 0; i < 2; ++i) loop.run_once();
    EXPECT_THAT(log, ElementsAre(1, 2));
}

TEST_F(FullMemory, the_end_of_a_stream_is_told) {
    auto pair = Socket::pair();
    TcpStream stream(loop, std::move(pair[0]));
    stream.set_on_close([this] { log.push_back(1); });
    loop.add_callback([&] {
        fill();
        stream.close();
    });
    for (int i = 0; i < 2; ++i) loop.run_once();
    EXPECT_THAT(log, ElementsAre(1));
}

TEST_F(FullMemory, an_error_that_nobody_asks_for_is_reported) {
    std::vector<std::string> errors;
    loop.set_error_hook([&](const std::exception_ptr& error, const Origin&, CallKind) {
        errors.push_back(thrown<std::runtime_error>([&] { std::rethrow_exception(error); }));
    });
    loop.add_callback([&] {
        Promise<> promise;
        fill();
        promise.set_exception(std::make_exception_ptr(std::runtime_error("lost?")));
    });
    loop.run_once();
    loop.run_once();
    EXPECT_THAT(errors, ElementsAre("lost?"));
}
