// SPDX-License-Identifier: MIT
// A program runs out of memory at its first allocation, in the next run at its second, and so on. Each time the one who asked is told;
// what he asked for has not happened, and happens if he asks again; everything else goes on; and in the end nothing is left.
#include "support/failing_new.hpp"
#include "support/os.hpp"
#include "support/short_poller.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/inspect/recorder.hpp>
#include <ioloop/ioloop.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

/// Everything that a program does with a loop, in one thread and in simulated time, so that each run allocates alike.
class Script {
public:
    Script() {
        retry([this] {
            auto options = world_.options();
            options.on_error = [this](std::exception_ptr, const Origin&, CallKind) { ++told; };
            loop_.emplace(std::move(options));
        });
    }
    Script(const Script&) = delete;
    Script& operator=(const Script&) = delete;
    ~Script() = default;

    void run() {
        for (int round = 0; round < rounds; ++round) {
            if (round % 4 == 3) retry([this] { observe(); });
            post();
            arm();
            watch();
            use_scope();
            promise();
            spawn_tasks();
            look();
            for (int turn = 0; turn < 6; ++turn) {
                world_.advance(2ms);
                retry([this] { loop_->run_once(); });
            }
            loop_->set_observer(nullptr);
        }
        for (int turn = 0; turn < 6; ++turn) { // what a failure has put off
            world_.advance(10ms);
            retry([this] { loop_->run_once(); });
        }
        retry([this] { loop_->close(); });
    }

    static constexpr int rounds = 64;

    // What came of it, in all rounds.
    int told = 0; ///< exceptions that reached who asked, or the error hook
    int callbacks = 0;
    int timeouts = 0;
    int handled = 0;
    int scoped = 0;
    int promised = 0;
    int tasks = 0;   ///< that ended well
    int failed = 0;  ///< tasks that were told
    int removed = 0; ///< timeouts
    std::size_t looked = 0;

private:
    template <class F> void retry(F f) {
        for (;;) {
            try {
                return f();
            } catch (const std::bad_alloc&) {
                ++told;
            }
        }
    }
    /// A closure that finds no room in a Function.
    template <class F> static auto large(F f) {
        return [f, ballast = std::array<char, 80>{}] {
            static_cast<void>(ballast);
            f();
        };
    }

    void post() {
        for (int i = 0; i < 40; ++i) {
            retry([this] { loop_->add_callback([this] { ++callbacks; }, "small"); });
            retry([this] { loop_->add_callback(large([this] { ++callbacks; }), "large"); });
        }
        // (From inside, and told of there: what throws in a callable goes to the hook.)
        retry([this] {
            loop_->add_callback(
                [this] {
                    retry([this] { loop_->spawn_callback(large([this] { ++callbacks; }), "spawned"); });
                    retry([this] { loop_->add_callback([this] { ++callbacks; }, "from inside"); });
                },
                "posts");
        });
    }

    void arm() {
        std::vector<Timeout> armed;
        retry([&] { armed.reserve(80); });
        for (int i = 0; i < 60; ++i) {
            const Duration delay = (i % 7) * 1ms;
            retry(
                [&] { armed.push_back(loop_->call_later(delay, large([this] { ++timeouts; }), "timeout")); });
            if (i % 5 == 4) loop_->update_timeout(armed.back(), world_.now() + 3ms);
        }
        for (int i = 0; i < 20; ++i) {
            retry([&] {
                armed.push_back(loop_->call_later(
                    1h, [this] { ++timeouts; }, "far"));
            });
            if (loop_->remove_timeout(armed.back())) ++removed;
        }
    }

    void watch() {
        pairs_.clear();
        retry([this] { pairs_.reserve(20); });
        for (int i = 0; i < 20; ++i) {
            retry([this] { pairs_.emplace_back(); });
            SocketPair& pair = pairs_.back();
            const auto handler = [this, fd = pair.a, ballast = std::array<char, 80>{}](Fd, Events) {
                static_cast<void>(ballast);
                ++handled;
                loop_->remove_handler(fd);
            };
            retry([&] { loop_->add_handler(pair.a, handler, Events::read | Events::write, "peer"); });
            retry([&] { loop_->update_handler(pair.a, Events::none); });
            retry([&] { loop_->update_handler(pair.a, Events::read); });
            os::send(pair.b, "x");
        }
    }

    void use_scope() {
        std::optional<Scope> scope;
        retry([&] { scope.emplace(*loop_, "a connection with a long name"); });
        retry([&] { scope->add_callback(large([this] { ++scoped; }), "kept"); });
        retry([&] { scope->call_later(0s, large([this] { ++scoped; }), "kept"); });
        retry([&] { loop_->run_once(); });
        retry([&] { scope->add_callback([this] { scoped += 1000; }, "dropped with its scope"); });
        retry([&] {
            scope->call_later(
                1ms, [this] { scoped += 1000; }, "dropped with its scope");
        });
    }

    void promise() {
        std::optional<Promise<std::string>> made;
        retry([&] { made.emplace(*loop_); });
        const Future<std::string> future = made->future();
        retry([&] {
            loop_->add_future(
                future, [this](const Future<std::string>&) { ++promised; }, "awaits");
        });
        retry([&] { made->set_value("a result that is longer than a small string"); });
    }

    Task<int> wait_a_little(int rounds_left) {
        co_await sleep_for(1ms);
        if (rounds_left == 0) co_return 1;
        co_return 1 + co_await wait_a_little(rounds_left - 1);
    }
    void spawn_tasks() {
        for (int i = 0; i < 4; ++i) {
            retry([&, i] {
                Future<int> done = spawn(*loop_, wait_a_little(i), "task");
                // A task that was spawned runs, whether somebody waits for it or not.
                retry([&] {
                    loop_->add_future(
                        done,
                        [this](const Future<int>& f) {
                            if (f.exception() == nullptr) {
                                ++tasks;
                            } else {
                                ++failed;
                                ++told;
                            }
                        },
                        "task");
                });
            });
        }
    }

    void look() {
        retry([this] {
            Snapshot snapshot;
            loop_->snapshot(snapshot);
            looked = snapshot.handlers.size();
        });
    }

    void observe() {
        if (!recorder_)
            recorder_.emplace(
                Recorder::Options{.calls = 64, .turns = 16, .changes = 64, .errors = 4, .sites = 16});
        loop_->set_observer(&*recorder_);
    }

    SimWorld world_;
    std::vector<SocketPair> pairs_; // outlive their handlers
    std::optional<Recorder> recorder_;
    std::optional<IOLoop> loop_;
};

/// Runs the script, with its n-th allocation failing.
class MemoryFaults : public testing::Test {
protected:
    void SetUp() override {
#if !CAN_FAIL_NEW
        GTEST_SKIP() << "this sanitizer has an operator new of its own";
#endif
        run_script(0); // call sites get their numbers, and locals their first values
        live_ = failing_new.live;
        run_script(0);
        total_ = failing_new.made;
        ASSERT_EQ(failing_new.live, live_);
    }

    /// Null: it could not be made.
    void run_script(std::uint64_t failing) {
        failing_new.rewind(failing);
        {
            Script script;
            script.run();
            failing_new.failing = 0;
            callbacks = script.callbacks;
            timeouts = script.timeouts;
            handled = script.handled;
            scoped = script.scoped;
            promised = script.promised;
            tasks = script.tasks;
            failed = script.failed;
            removed = script.removed;
            told = script.told;
        }
    }

    std::uint64_t total_ = 0;
    std::int64_t live_ = 0;
    int callbacks = 0, timeouts = 0, handled = 0, scoped = 0, promised = 0, tasks = 0, failed = 0,
        removed = 0, told = 0;
};

/// Every allocation, or as many as IOLOOP_FAULT_STRIDE leaves: it takes minutes, and they are much alike.
std::uint64_t stride() {
    const char* given = std::getenv("IOLOOP_FAULT_STRIDE");
    return given != nullptr ? std::max(1ULL, std::strtoull(given, nullptr, 10)) : 101;
}

TEST_F(MemoryFaults, whichever_allocation_fails_who_asked_is_told_and_everything_else_goes_on) {
    EXPECT_GE(total_, 10'000U);
    EXPECT_EQ(told, 0);
    EXPECT_EQ(failed, 0);
    const auto expected = std::array{callbacks, timeouts, handled, scoped, promised, removed};
    const int expected_tasks = tasks;
    for (const int count : expected) EXPECT_GT(count, 0);
    EXPECT_GT(expected_tasks, 0);
    int failures = 0;
    for (std::uint64_t which = 1; which <= 10'000 && !HasFailure(); which += stride()) {
        run_script(which);
        ++failures;
        EXPECT_TRUE(failing_new.failed) << which;
        EXPECT_EQ((std::array{callbacks, timeouts, handled, scoped, promised, removed}), expected) << which;
        EXPECT_EQ(tasks + failed, expected_tasks) << which;
        EXPECT_EQ(failing_new.live, live_) << which << ": a leak";
        EXPECT_GE(told, 1) << which << ": nobody was told";
    }
    std::printf("%d of %llu allocations failed, each in a run of its own\n", failures,
                static_cast<unsigned long long>(total_));
}

/// Where it lacks memory, the next allocation fails, too.
class PoorPoller final : public ShortPoller {
public:
    using ShortPoller::ShortPoller;
    std::error_code add(Fd fd, Events events, Key key) override {
        const auto error = ShortPoller::add(fd, events, key);
        if (error) failing_new.rewind(1);
        return error;
    }
};

TEST(MemoryOfReports, that_a_descriptor_is_adrift_is_told_though_there_is_no_memory_to_say_it) {
#if !CAN_FAIL_NEW
    GTEST_SKIP() << "this sanitizer has an operator new of its own";
#endif
    Shortage shortage;
    std::string told;
    SimWorld world;
    IOLoop::Options options = world.options(std::make_unique<PoorPoller>(shortage, world));
    options.on_error = [&](const std::exception_ptr& error, const Origin&, CallKind) {
        try {
            std::rethrow_exception(error);
        } catch (const std::bad_alloc&) {
            told += "no memory;";
        }
    };
    IOLoop loop(std::move(options));
    SocketPair pair;
    loop.add_handler(
        pair.a,
        [&](Fd, Events) {
            loop.run_once(); // it is not watched in there
            shortage.of_adding = std::errc::not_enough_memory;
        },
        Events::read);
    pair.send_to_a();
    loop.run_once();
    loop.run_once();
    EXPECT_TRUE(failing_new.failed);
    EXPECT_EQ(told, "no memory;");
    EXPECT_EQ(loop.statistics().handlers, 1U);
    loop.remove_handler(pair.a);
}

} // namespace
