// SPDX-License-Identifier: MIT
/// run_in_executor, thread pools: work that would block the loop. Over the operating system, as threads are its.
#include "support/os.hpp"
#include "support/restless.hpp"
#include "support/thrown.hpp"

#include <ioloop/ioloop.hpp>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::HasSubstr;

namespace {

/// Runs jobs when it is told to.
class ManualExecutor final : public Executor {
public:
    void execute(Function<void()> job) override { jobs.push_back(std::move(job)); }
    void run() {
        for (auto& job : jobs) job();
        jobs.clear();
    }
    std::vector<Function<void()>> jobs;
};

struct Executors : testing::Test {
    IOLoop loop;
};

} // namespace

TEST_F(Executors, F16_jobs_run_in_parallel_and_results_come_back) { // test_run_in_executor_gen, _native
    // Each waits for the other: one after the other they would never end.
    auto meet = std::make_shared<os::Latch>(2);
    auto job = [meet](int value) {
        return [meet, value] {
            meet->arrive_and_wait();
            return value;
        };
    };
    auto [a, b] =
        loop.run_sync([&] { return all(loop.run_in_executor(job(1)), loop.run_in_executor(job(2))); }, 60s);
    EXPECT_EQ(a + b, 3);
}

TEST_F(Executors, F16_the_result_comes_on_the_loop_s_thread_and_the_work_is_done_on_another) {
    const auto me = std::this_thread::get_id();
    loop.run_sync([&]() -> Task<> {
        const auto worker = co_await loop.run_in_executor([] { return std::this_thread::get_id(); });
        EXPECT_NE(worker, me);
        EXPECT_EQ(std::this_thread::get_id(), me);
    });
}

TEST_F(Executors, exceptions_come_back_too) {
    EXPECT_THROW(
        loop.run_sync([&] { return loop.run_in_executor([]() -> int { throw std::domain_error("x"); }); }),
        std::domain_error);
}

TEST_F(Executors, work_that_cannot_be_moved_comes_back_as_the_exception_of_that) {
    struct Work {
        Work() = default;
        Work(const Work& other) : armed(other.armed) {
            if (*armed) throw std::domain_error("not now");
        }
        int operator()() const { return 1; }
        std::shared_ptr<bool> armed = std::make_shared<bool>(false);
    };
    ManualExecutor manual;
    const Work work;
    auto result = loop.run_in_executor(work, &manual);
    *work.armed = true;
    manual.run();
    EXPECT_THROW(static_cast<void>(result.result()), std::domain_error);
}

TEST_F(Executors, values_that_can_only_be_moved_come_back) {
    auto job = [payload = std::make_unique<int>(5)]() mutable { return std::move(payload); };
    EXPECT_EQ(*loop.run_sync([&] { return loop.run_in_executor(std::move(job)); }), 5);
}

TEST_F(Executors, test_set_default_executor_it_is_used_once_for_each_call) {
    ManualExecutor engine;
    loop.set_default_executor(&engine);
    auto future = loop.run_in_executor([] { return 1; });
    EXPECT_EQ(engine.jobs.size(), 1U);
    engine.run();
    EXPECT_EQ(loop.run_sync([&] { return future; }), 1);
    loop.set_default_executor(nullptr);
    EXPECT_EQ(loop.run_sync([&] { return loop.run_in_executor([] { return 2; }); }), 2);
}

TEST_F(Executors, an_executor_may_be_given_for_one_call) {
    ManualExecutor engine;
    auto future = loop.run_in_executor([] { return 1; }, &engine);
    EXPECT_EQ(engine.jobs.size(), 1U);
    engine.jobs.clear(); // it drops the job
    EXPECT_THROW(static_cast<void>(loop.run_sync([&] { return future; })), std::future_error);
}

TEST_F(Executors, a_cancelled_job_that_has_not_begun_does_not_run) {
    ManualExecutor engine;
    bool ran = false;
    auto future = loop.run_in_executor([&] { ran = true; }, &engine);
    future.cancel();
    engine.run();
    EXPECT_FALSE(ran);
}

TEST_F(Executors, F16_close_does_not_wait_for_a_job_that_is_stuck) {
    auto release = std::make_shared<std::promise<void>>();
    auto done = std::make_shared<std::promise<void>>();
    auto begun = std::make_shared<std::promise<void>>();
    auto future = loop.run_in_executor([=] {
        begun->set_value();
        release->get_future().wait();
        done->set_value();
    });
    begun->get_future().wait();
    loop.close(); // would hang here
    EXPECT_FALSE(future.done());
    release->set_value();
    done->get_future().wait(); // the thread needs nothing of the loop
}

TEST_F(Executors, jobs_that_have_not_begun_when_a_pool_goes_are_dropped_and_their_futures_broken) {
    auto pool = std::make_unique<ThreadPool>(1);
    std::promise<void> begun;
    std::promise<void> release;
    auto first = loop.run_in_executor(
        [&] {
            begun.set_value();
            release.get_future().wait();
        },
        pool.get());
    auto second = loop.run_in_executor([] { ADD_FAILURE() << "it ran"; }, pool.get());
    begun.get_future().wait();
    pool.reset();
    EXPECT_THROW(loop.run_sync([&] { return second; }), std::future_error);
    release.set_value();
    loop.run_sync([&] { return first; });
}

TEST_F(Executors, a_pool_runs_many_jobs_of_many_threads) {
    ThreadPool pool(4);
    std::atomic<int> count{0};
    os::Latch all_done(4000);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 1000; ++i) {
                pool.execute([&] {
                    ++count;
                    all_done.count_down();
                });
            }
        });
    }
    all_done.wait();
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(count, 4000);
}

TEST_F(Executors, a_pool_of_one_thread_runs_jobs_in_the_order_in_which_they_came) {
    ThreadPool pool(1);
    std::vector<int> order;
    os::Latch all_done(100);
    for (int i = 0; i < 100; ++i) {
        pool.execute([&, i] {
            order.push_back(i);
            all_done.count_down();
        });
    }
    all_done.wait();
    for (int i = 0; i < 100; ++i) EXPECT_EQ(order.at(static_cast<std::size_t>(i)), i);
}

TEST_F(Executors, pools_come_and_go_with_idle_threads) {
    for (int i = 0; i < 50; ++i) {
        ThreadPool pool(3);
        os::Latch done(3);
        for (int j = 0; j < 3; ++j) pool.execute([&done] { done.count_down(); });
        done.wait();
    }
    EXPECT_THROW(ThreadPool(0), std::invalid_argument);
}

TEST_F(Executors, a_pool_refuses_a_null_job_and_goes_on) {
    ThreadPool pool(1);
    EXPECT_EQ(thrown<std::invalid_argument>([&] { pool.execute(nullptr); }), "ThreadPool::execute: null job");
    EXPECT_EQ(loop.run_sync([&] { return loop.run_in_executor([] { return 1; }, &pool); }), 1);
}

TEST_F(Executors, a_member_called_from_another_thread_is_refused_in_its_own_name) {
    std::thread([&] {
        EXPECT_THAT(thrown<std::logic_error>([&] { static_cast<void>(loop.run_in_executor([] {})); }),
                    HasSubstr("run_in_executor: called from another thread"));
        EXPECT_THAT(thrown<std::logic_error>([&] { loop.set_default_executor(nullptr); }),
                    HasSubstr("set_default_executor: called from another thread"));
    }).join();
}

TEST_F(Executors, a_closed_loop_runs_nothing_in_an_executor) {
    loop.close();
    EXPECT_THROW(static_cast<void>(loop.run_in_executor([] {})), std::logic_error);
}

TEST_F(Executors, a_job_may_use_its_pool_as_it_is_moved) {
    std::atomic<int> deeds{0};
    std::function<void()> deed;
    ThreadPool pool(1);
    Function<void()> restless{Restless(deed)};
    deed = [&] {
        if (++deeds < 10) pool.execute([] {});
    };
    pool.execute(std::move(restless));
    std::promise<void> last;
    pool.execute([&] { last.set_value(); });
    last.get_future().wait(); // and so it has gone, too
    EXPECT_GT(deeds, 1);
}
