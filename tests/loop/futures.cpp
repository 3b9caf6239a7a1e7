// SPDX-License-Identifier: MIT
/// Futures and promises.
#include "support/restless.hpp"
#include "support/sim_loop.hpp"
#include "support/thrown.hpp"

#include <atomic>
#include <exception>
#include <functional>
#include <future>
#include <memory>
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
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

struct Futures : SimLoop {
    static std::exception_ptr error(const char* text) {
        return std::make_exception_ptr(std::runtime_error(text));
    }

    std::vector<std::string> log;
};

} // namespace

// ---- add_future ---------------------------------------------------------------------------------

TEST_F(Futures, B11_the_callback_runs_in_a_later_call_even_if_the_result_is_there) {
    Promise<int> promise(loop);
    promise.set_value(42);
    loop.add_future(promise.future(),
                    [&](const Future<int>& f) { log.push_back(std::to_string(f.result())); });
    EXPECT_THAT(log, IsEmpty());
    loop.run_once();
    EXPECT_THAT(log, ElementsAre("42"));
}

TEST_F(Futures, B11_set_value_calls_nobody) {
    Promise<void> promise(loop);
    loop.add_future(promise.future(), [&](const Future<void>&) { log.emplace_back("done"); });
    loop.add_callback([&] {
        promise.set_value();
        log.emplace_back("set");
    });
    loop.run_once();
    EXPECT_THAT(log, ElementsAre("set"));
    loop.run_once();
    EXPECT_THAT(log, ElementsAre("set", "done"));
}

TEST_F(Futures, many_may_wait_and_are_called_in_order) {
    Promise<std::string> promise(loop);
    for (const char* name : {"a", "b", "c"})
        loop.add_future(promise.future(),
                        [&, name](const Future<std::string>& f) { log.push_back(name + f.result()); });
    promise.set_value("!");
    loop.run_once();
    EXPECT_THAT(log, ElementsAre("a!", "b!", "c!"));
}

TEST_F(Futures, test_add_future_threads_a_result_of_another_thread_comes_to_the_loop_s) {
    IOLoop real;
    Promise<std::unique_ptr<int>> promise(real);
    const auto me = std::this_thread::get_id();
    real.add_future(promise.future(), [&](const Future<std::unique_ptr<int>>& f) {
        EXPECT_EQ(std::this_thread::get_id(), me);
        EXPECT_EQ(*f.result(), 7);
        real.stop();
    });
    std::thread worker([&promise] { promise.set_value(std::make_unique<int>(7)); });
    real.start();
    worker.join();
}

TEST_F(Futures, test_add_future_stack_context_the_callback_runs_in_the_context_of_add_future) {
    Promise<int> promise(loop);
    {
        ExceptionStackContext context([&](const std::exception_ptr&) {
            log.emplace_back("context");
            return true;
        });
        loop.add_future(promise.future(), [](const Future<int>&) { throw std::runtime_error("callback"); });
    }
    {
        ExceptionStackContext of_the_setter([&](const std::exception_ptr&) {
            log.emplace_back("setter");
            return true;
        });
        promise.set_value(1);
    }
    loop.run_once();
    EXPECT_THAT(log, ElementsAre("context"));
    EXPECT_THAT(reported, IsEmpty());
}

// ---- results ------------------------------------------------------------------------------------

TEST_F(Futures, G1_result_before_it_is_there_is_an_error) {
    Promise<int> promise(loop);
    EXPECT_FALSE(promise.future().done());
    EXPECT_THAT(thrown<std::logic_error>([&] { static_cast<void>(promise.future().result()); }),
                HasSubstr("not there yet"));
    EXPECT_THROW(promise.future().exception(), std::logic_error);
}

TEST_F(Futures, G1_a_second_result_is_an_error_and_the_first_stays) {
    Promise<int> promise(loop);
    EXPECT_TRUE(promise.set_value(1));
    EXPECT_THROW(promise.set_value(2), std::future_error);
    EXPECT_THROW(promise.set_exception(error("x")), std::future_error);
    EXPECT_EQ(promise.future().result(), 1);
}

TEST_F(Futures, G1_an_exception_is_kept_and_thrown_by_result) {
    Promise<int> promise(loop);
    promise.set_exception(error("broken"));
    EXPECT_THAT(thrown<std::runtime_error>([&] { static_cast<void>(promise.future().result()); }),
                HasSubstr("broken"));
    EXPECT_NE(promise.future().exception(), nullptr);
}

TEST_F(Futures, an_abandoned_promise_is_an_error) {
    Future<int> future;
    EXPECT_FALSE(future.valid());
    {
        Promise<int> promise(loop);
        future = promise.future();
    }
    EXPECT_TRUE(future.done());
    EXPECT_THROW(static_cast<void>(future.result()), std::future_error);
}

TEST_F(Futures, G1_an_error_that_nobody_asks_for_is_reported_with_the_place_of_its_promise) {
    {
        Promise<int> promise(loop, "download");
        promise.set_exception(error("no route"));
    }
    EXPECT_THAT(reported, IsEmpty());
    loop.run_once();
    EXPECT_THAT(reported, ElementsAre("download: no route"));
}

TEST_F(Futures, an_error_that_nobody_asks_for_is_printed_if_there_is_no_loop_to_report_it_to) {
    testing::internal::CaptureStderr();
    {
        IOLoop closed(world.options());
        Promise<int> promise(closed, "download");
        closed.close();
        promise.set_exception(error("no route"));
        Promise<int>("upload").set_exception(std::make_exception_ptr(42));
    }
    const std::string printed = testing::internal::GetCapturedStderr();
    EXPECT_THAT(printed, HasSubstr("no loop to report it to: 'download' at "));
    EXPECT_THAT(printed, HasSubstr(": no route"));
    EXPECT_THAT(printed, HasSubstr("no loop to report it to: 'upload' at "));
    EXPECT_THAT(printed, HasSubstr(": an exception that is no std::exception"));
    EXPECT_THAT(reported, IsEmpty());
}

TEST_F(Futures, an_error_that_somebody_asked_for_is_not_reported) {
    {
        Promise<int> promise(loop);
        promise.set_exception(error("x"));
        EXPECT_NE(promise.future().exception(), nullptr);
    }
    loop.run_once();
    EXPECT_THAT(reported, IsEmpty());
}

TEST_F(Futures, an_error_that_nobody_asks_for_meets_the_context_of_its_promise_first) {
    {
        ExceptionStackContext context([&](const std::exception_ptr&) {
            log.emplace_back("context");
            return true;
        });
        Promise<int> promise(loop);
        promise.set_exception(error("x"));
    }
    loop.run_once();
    EXPECT_THAT(log, ElementsAre("context"));
    EXPECT_THAT(reported, IsEmpty());
}

TEST_F(Futures, cancel_gives_a_result_and_tells_the_worker_once) {
    Promise<int> promise(loop);
    promise.on_cancel([&] { log.emplace_back("told"); });
    Future<int> future = promise.future();
    loop.add_future(future, [&](const Future<int>& f) {
        EXPECT_THROW(static_cast<void>(f.result()), CancelledError);
        log.emplace_back("called");
    });
    EXPECT_TRUE(future.cancel());
    EXPECT_FALSE(future.cancel());
    EXPECT_FALSE(promise.set_value(1)); // too late, and no error
    loop.run_once();
    EXPECT_THAT(log, ElementsAre("told", "called"));
    EXPECT_THAT(reported, IsEmpty());
}

TEST_F(Futures, a_value_that_uses_its_own_future_while_it_is_set_does_not_dead_lock) {
    struct Curious {
        explicit Curious(Future<Curious>* f) : future(f) {}
        Curious(Curious&& other) noexcept : future(other.future) {
            if (future == nullptr) return;
            EXPECT_FALSE(future->cancel()); // it is being given
        }
        Future<Curious>* future;
    };
    Promise<Curious> promise(loop);
    Future<Curious> future = promise.future();
    promise.set_value(Curious(&future));
    EXPECT_TRUE(future.done());
    future.result().future = nullptr;
}

TEST_F(Futures, a_value_that_cannot_be_moved_leaves_the_promise_unsettled) {
    struct Stubborn {
        Stubborn() = default;
        Stubborn(const Stubborn&) { throw std::runtime_error("no"); }
    };
    Promise<Stubborn> promise(loop);
    const Stubborn value;
    EXPECT_THROW(promise.set_value(value), std::runtime_error);
    EXPECT_FALSE(promise.done());
    EXPECT_TRUE(promise.set_value());
}

TEST_F(Futures, a_hook_for_cancelling_goes_when_there_is_a_result) {
    Promise<int> promise(loop);
    auto captured = std::make_shared<Future<int>>(promise.future()); // a cycle, if it stayed
    promise.on_cancel([captured] {});
    EXPECT_EQ(captured.use_count(), 2);
    promise.set_value(1);
    EXPECT_EQ(captured.use_count(), 1);
}

TEST_F(Futures, a_result_outlives_its_loop_and_the_callbacks_of_a_closed_loop_are_destroyed) {
    auto captured = std::make_shared<int>();
    Promise<int> promise;
    {
        IOLoop other(world.options());
        other.add_future(promise.future(), [captured](const Future<int>&) {});
    }
    EXPECT_EQ(captured.use_count(), 2); // the promise keeps who waits for it
    promise.set_value(3);
    EXPECT_EQ(captured.use_count(), 1);
    EXPECT_EQ(promise.future().result(), 3);
}

TEST_F(Futures, a_thousand_promises_settled_by_four_threads_reach_the_loop_once_each) {
    IOLoop real;
    std::vector<Promise<int>> promises(4000);
    int sum = 0;
    int calls = 0;
    for (auto& promise : promises) {
        real.add_future(promise.future(), [&](const Future<int>& f) {
            sum += f.result();
            if (++calls == 4000) real.stop();
        });
    }
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (std::size_t i = t; i < promises.size(); i += 4) promises[i].set_value(static_cast<int>(i));
        });
    }
    real.start();
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(sum, 4000 * 3999 / 2);
}

TEST_F(Futures, null_callables_and_empty_futures_are_refused) {
    Promise<int> promise(loop);
    EXPECT_THROW(loop.add_future(promise.future(), static_cast<void (*)(Future<int>)>(nullptr)),
                 std::invalid_argument);
    EXPECT_THROW(loop.add_future(Future<int>(), [](const Future<int>&) {}), std::invalid_argument);
    EXPECT_THROW(loop.run_in_executor(static_cast<int (*)()>(nullptr)), std::invalid_argument);
    EXPECT_THROW(loop.run_sync([]() -> Task<int> { co_return co_await Future<int>(); }),
                 std::invalid_argument);
}

TEST_F(Futures, an_empty_future_is_not_done_and_gives_nothing) {
    const Future<int> empty;
    EXPECT_FALSE(empty.done());
    EXPECT_EQ(thrown<std::logic_error>([&] { empty.result(); }), "Future::result: empty future");
    EXPECT_EQ(thrown<std::logic_error>([&] { empty.exception(); }), "Future::exception: empty future");
    EXPECT_EQ(thrown<std::logic_error>([&] { empty.cancel(); }), "Future::cancel: empty future");
}

TEST_F(Futures, a_promise_that_was_moved_from_gives_nothing) {
    Promise<int> moved(loop);
    Promise<int> promise(std::move(moved));
    const auto refusal = [](const char* member) {
        return std::string(member) + ": the promise was moved from";
    };
    // NOLINTBEGIN(bugprone-use-after-move)
    EXPECT_EQ(thrown<std::logic_error>([&] { moved.set_value(1); }), refusal("Promise::set_value"));
    EXPECT_EQ(thrown<std::logic_error>([&] { moved.set_exception(error("x")); }),
              refusal("Promise::set_exception"));
    EXPECT_EQ(thrown<std::logic_error>([&] { moved.set_outcome({}); }), refusal("Promise::set_outcome"));
    EXPECT_EQ(thrown<std::logic_error>([&] { moved.on_cancel([] {}); }), refusal("Promise::on_cancel"));
    EXPECT_EQ(thrown<std::logic_error>([&] { moved.future(); }), refusal("Promise::future"));
    EXPECT_TRUE(moved.done()); // nobody waits for it
    // NOLINTEND(bugprone-use-after-move)
    EXPECT_FALSE(promise.done());
    promise.set_value(2);
    EXPECT_EQ(promise.future().result(), 2);
}

TEST_F(Futures, a_promise_may_go_as_soon_as_another_thread_sees_its_result) {
    // A use after its end is an error that the sanitizers see.
    std::atomic<Promise<int>*> given{nullptr};
    std::atomic<bool> enough{false};
    std::thread worker([&] {
        while (!enough) {
            if (Promise<int>* const promise = given.exchange(nullptr)) promise->set_value(1);
            std::this_thread::yield();
        }
    });
    int sum = 0;
    for (int i = 0; i < 500; ++i) {
        Promise<int> promise(loop);
        const Future<int> future = promise.future();
        given = &promise;
        while (!future.done()) std::this_thread::yield();
        sum += future.result();
    }
    enough = true;
    worker.join();
    EXPECT_EQ(sum, 500);
}

TEST_F(Futures, no_exception_at_all_is_refused_as_a_result) {
    Promise<int> promise(loop);
    EXPECT_THROW(promise.set_exception(std::current_exception()),
                 std::invalid_argument); // not within a catch
    EXPECT_FALSE(promise.done());
    promise.set_value(1);
    EXPECT_EQ(promise.future().result(), 1);
}

TEST_F(Futures, a_hook_for_cancelling_may_use_its_promise_as_it_is_moved) {
    std::function<void()> deed;
    Promise<> promise(loop);
    Callback restless{Restless(deed)};
    int deeds = 0;
    deed = [&] {
        ++deeds;
        promise.on_cancel(nullptr);
    };
    promise.on_cancel(std::move(restless));
    promise.future().cancel();
    deed = nullptr;
    EXPECT_GT(deeds, 1);
}
