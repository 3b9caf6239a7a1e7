// SPDX-License-Identifier: MIT
// Signals as callbacks: asked for, coalesced, and given back.
#include "support/sanitizers.hpp"
#include "support/signals.hpp"
#include "support/sim_world.hpp"
#include "support/thrown.hpp"

#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using testing::AllOf;
using testing::HasSubstr;

using os::disposition_of;
using os::set_disposition;

int hits_of_the_host = 0;
void hosts_own(int signal) {
    os::stay(signal, &hosts_own);
    ++hits_of_the_host;
}

class SignalHandlers : public testing::Test {
protected:
    SignalHandlers() { set_disposition(SIGUSR1, &hosts_own); }
    ~SignalHandlers() override { set_disposition(SIGUSR1, SIG_DFL); }

    static IOLoop::Options on_its_own() {
        IOLoop::Options options;
        options.make_current = MakeCurrent::never;
        return options;
    }
    IOLoop loop{on_its_own()};
    int calls = 0;
    Callback count() {
        return [this] { ++calls; };
    }
};

TEST_F(SignalHandlers, a_raise_is_a_callback_of_the_loop) {
    loop.add_signal_handler(SIGUSR1, count(), "reload");
    ::raise(SIGUSR1);
    EXPECT_EQ(calls, 0) << "not in the handler of the system";
    Snapshot snapshot;
    loop.snapshot(snapshot);
    ASSERT_EQ(snapshot.callbacks.size(), 1U);
    EXPECT_STREQ(snapshot.callbacks[0].origin.name, "reload");
    loop.run_once(forever);
    EXPECT_EQ(calls, 1);
    ::raise(SIGUSR1);
    loop.run_once(forever);
    EXPECT_EQ(calls, 2);
}

TEST_F(SignalHandlers, it_ends_a_wait_without_end) {
    loop.add_signal_handler(SIGUSR1, [&] { loop.stop(); });
    for (int i = 0; i < 100; ++i) {
        std::thread other([] { ::raise(SIGUSR1); }); // on that thread's stack
        loop.start();
        other.join();
    }
}

TEST_F(SignalHandlers, raises_that_come_before_it_runs_are_one_call) {
    loop.add_signal_handler(SIGUSR1, count());
    for (int i = 0; i < 1000; ++i) ::raise(SIGUSR1);
    EXPECT_EQ(loop.run_ready().callbacks, 1U);
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(loop.statistics().signal_posts_refused, 0U);
}

TEST_F(SignalHandlers, one_that_comes_while_it_runs_is_one_more_call) {
    loop.add_signal_handler(SIGUSR1, [&] {
        if (++calls == 1) {
            ::raise(SIGUSR1);
            ::raise(SIGUSR1);
        }
    });
    ::raise(SIGUSR1);
    loop.run_ready();
    EXPECT_EQ(calls, 2);
}

TEST_F(SignalHandlers, one_that_comes_in_a_nested_turn_waits_until_the_call_has_returned) {
    int depth = 0;
    int deepest = 0;
    loop.add_signal_handler(SIGUSR1, [&] {
        deepest = std::max(deepest, ++depth);
        if (++calls == 1) {
            ::raise(SIGUSR1);
            loop.run_ready();
            EXPECT_EQ(calls, 1);
        }
        --depth;
    });
    ::raise(SIGUSR1);
    loop.run_ready();
    EXPECT_EQ(calls, 2) << "it is not lost";
    EXPECT_EQ(deepest, 1);
}

TEST_F(SignalHandlers, a_ring_full_of_other_posts_does_not_lose_a_raise) {
    loop.add_signal_handler(SIGUSR1, count());
    while (loop.add_callback_from_signal([] {})) {}
    ::raise(SIGUSR1);
    loop.run_ready();
    EXPECT_EQ(calls, 1);
}

TEST_F(SignalHandlers, two_signals_are_two_handlers) {
    int others = 0;
    loop.add_signal_handler(SIGUSR1, count());
    loop.add_signal_handler(SIGUSR2, [&] { ++others; });
    ::raise(SIGUSR2);
    loop.run_ready();
    EXPECT_EQ(calls, 0);
    EXPECT_EQ(others, 1);
}

TEST_F(SignalHandlers, an_exception_goes_to_the_error_hook_and_the_handler_stays) {
    int errors = 0;
    loop.set_error_hook([&](std::exception_ptr, const Origin& origin, CallKind kind) {
        ++errors;
        EXPECT_STREQ(origin.name, "reload");
        EXPECT_EQ(kind, CallKind::callback);
    });
    loop.add_signal_handler(
        SIGUSR1, [] { throw std::runtime_error("no such file"); }, "reload");
    for (int i = 0; i < 2; ++i) {
        ::raise(SIGUSR1);
        loop.run_ready();
    }
    EXPECT_EQ(errors, 2);
}

// ---- removal ------------------------------------------------------------------------------------

TEST_F(SignalHandlers,
       one_that_comes_while_the_loop_is_paused_is_called_at_once_and_once_and_the_rest_waits) {
    int others = 0;
    loop.add_signal_handler(SIGUSR1, count(), "reload");
    loop.add_callback([&] { ++others; });
    loop.set_paused(true);
    for (int raised = 1; raised <= 200; ++raised) { // more than the ring has room for
        ::raise(SIGUSR1);
        EXPECT_EQ(loop.run_once(no_wait).ended, Ended::paused);
        ASSERT_EQ(calls, raised);
    }
    EXPECT_EQ(others, 0);
    loop.set_paused(false);
    loop.run_ready();
    EXPECT_EQ(calls, 200) << "not once more for what it posted";
    EXPECT_EQ(others, 1);
    ::raise(SIGUSR1);
    loop.run_ready();
    EXPECT_EQ(calls, 201);
}

TEST_F(SignalHandlers, one_that_stops_the_loop_ends_a_paused_start) {
#if UNDER_THREAD_SANITIZER
    GTEST_SKIP() << "it keeps a handler back until the thread calls what it intercepts, which a futex is not";
#endif
    loop.add_signal_handler(
        SIGUSR1, [&] { loop.stop(); }, "quit");
    loop.set_paused(true);
    std::thread somebody([main = ::pthread_self()] {
        std::this_thread::sleep_for(20ms); // most likely it sleeps by then; if not, it must not begin to
        os::raise_on(main, SIGUSR1);
    });
    loop.start();
    somebody.join();
    EXPECT_TRUE(loop.paused());
}

TEST_F(SignalHandlers, one_may_destroy_the_loop_that_is_paused) {
    auto other = std::make_unique<IOLoop>(on_its_own());
    other->add_signal_handler(SIGUSR1, [&] { other.reset(); });
    other->set_paused(true);
    ::raise(SIGUSR1);
    other->run_once(no_wait);
    EXPECT_EQ(other, nullptr);
}

TEST_F(SignalHandlers, removal_restores_what_was_there_before) {
    loop.add_signal_handler(SIGUSR1, count());
    EXPECT_NE(disposition_of(SIGUSR1), &hosts_own);
    EXPECT_TRUE(loop.remove_signal_handler(SIGUSR1));
    EXPECT_EQ(disposition_of(SIGUSR1), &hosts_own);
    hits_of_the_host = 0;
    ::raise(SIGUSR1);
    EXPECT_EQ(hits_of_the_host, 1);
    EXPECT_EQ(loop.run_ready().ended, Ended::idle);
}

TEST_F(SignalHandlers, F12_the_hosts_SIGINT_is_its_own_again_after_removal_close_and_destruction) {
    const os::SignalHandler before = disposition_of(SIGINT);
    set_disposition(SIGINT, SIG_IGN);
    loop.add_signal_handler(SIGINT, count());
    loop.remove_signal_handler(SIGINT);
    EXPECT_EQ(disposition_of(SIGINT), SIG_IGN);
    loop.add_signal_handler(SIGINT, count());
    loop.close();
    EXPECT_EQ(disposition_of(SIGINT), SIG_IGN);
    {
        IOLoop other(on_its_own());
        other.add_signal_handler(SIGINT, count());
        EXPECT_NE(disposition_of(SIGINT), SIG_IGN);
    }
    EXPECT_EQ(disposition_of(SIGINT), SIG_IGN);
    set_disposition(SIGINT, before);
}

TEST_F(SignalHandlers, F12_a_loop_that_was_not_asked_touches_no_signal) {
    EXPECT_EQ(disposition_of(SIGUSR1), &hosts_own);
    EXPECT_EQ(disposition_of(SIGINT), SIG_DFL);
    EXPECT_EQ(disposition_of(SIGTERM), SIG_DFL);
}

TEST_F(SignalHandlers, a_handler_that_the_host_installed_meanwhile_stays) {
    loop.add_signal_handler(SIGUSR1, count());
    set_disposition(SIGUSR1, SIG_IGN);
    loop.remove_signal_handler(SIGUSR1);
    EXPECT_EQ(disposition_of(SIGUSR1), SIG_IGN);
}

TEST_F(SignalHandlers, a_handler_of_the_loop_that_the_host_puts_back_too_late_is_harmless) {
    loop.add_signal_handler(SIGUSR1, count());
    const os::SignalHandler ours = disposition_of(SIGUSR1);
    loop.remove_signal_handler(SIGUSR1);
    set_disposition(SIGUSR1, ours);
    ::raise(SIGUSR1);
    EXPECT_EQ(loop.run_ready().ended, Ended::idle);
    loop.add_signal_handler(SIGUSR1, count());
    loop.remove_signal_handler(SIGUSR1);
    EXPECT_EQ(disposition_of(SIGUSR1), &hosts_own);
}

TEST_F(SignalHandlers, after_removal_it_is_not_called_even_if_the_signal_came_before) {
    loop.add_signal_handler(SIGUSR1, count());
    ::raise(SIGUSR1);
    loop.remove_signal_handler(SIGUSR1);
    int others = 0;
    loop.add_signal_handler(SIGUSR1, [&] { ++others; });
    loop.run_ready();
    EXPECT_EQ(calls, 0);
    EXPECT_EQ(others, 0) << "the raise was the other's";
}

TEST_F(SignalHandlers, adding_and_removing_over_and_over_loses_no_raise) {
    for (int i = 0; i < 1000; ++i) {
        loop.add_signal_handler(SIGUSR1, count());
        ::raise(SIGUSR1);
        if (i < 999) loop.remove_signal_handler(SIGUSR1);
    }
    loop.run_ready();
    EXPECT_EQ(calls, 1);
}

TEST_F(SignalHandlers, it_may_remove_itself_and_its_callable_lives_until_it_returns) {
    loop.add_signal_handler(SIGUSR1, [&, value = std::make_unique<int>(7)] {
        loop.remove_signal_handler(SIGUSR1);
        calls += *value;
    });
    ::raise(SIGUSR1);
    loop.run_ready();
    EXPECT_EQ(calls, 7);
    EXPECT_EQ(disposition_of(SIGUSR1), &hosts_own);
}

TEST_F(SignalHandlers, it_may_destroy_the_loop) {
    auto doomed = std::make_unique<IOLoop>(on_its_own());
    doomed->add_signal_handler(SIGUSR1, [&, value = std::make_unique<int>(7)] {
        doomed.reset();
        calls += *value;
    });
    ::raise(SIGUSR1);
    EXPECT_EQ(doomed->run_once().ended, Ended::stopped);
    EXPECT_EQ(calls, 7);
    EXPECT_EQ(disposition_of(SIGUSR1), &hosts_own);
}

TEST_F(SignalHandlers, a_raise_without_end_on_another_thread_may_race_with_adding_and_removing) {
#if defined(_WIN32)
    GTEST_SKIP()
        << "a delivery takes the handler out for a moment on Windows: whoever looks then, finds the default";
#else
    std::atomic<bool> enough{false};
    std::thread other([&] {
        while (!enough) ::raise(SIGUSR1);
    });
    for (int i = 0; i < 2000; ++i) {
        loop.add_signal_handler(SIGUSR1, [&, alive = std::make_unique<int>(1)] { calls += *alive; });
        loop.run_once();
        loop.remove_signal_handler(SIGUSR1);
    }
    enough = true;
    other.join();
#endif
}

// ---- errors -------------------------------------------------------------------------------------

TEST_F(SignalHandlers, a_second_handler_for_a_signal_is_an_error_in_every_loop_and_the_first_stays) {
    IOLoop other(on_its_own());
    loop.add_signal_handler(SIGUSR1, count());
    for (IOLoop* second : {&loop, &other}) {
        std::error_code error;
        second->add_signal_handler(
            SIGUSR1, [] {}, error);
        EXPECT_EQ(error, std::errc::file_exists);
    }
    EXPECT_THAT(thrown<std::system_error>([&] {
                    other.add_signal_handler(
                        SIGUSR1, [] {}, "reload");
                }),
                AllOf(HasSubstr("'reload'"), HasSubstr("handles it already")));
    EXPECT_FALSE(other.remove_signal_handler(SIGUSR1)) << "it is not this loop's to remove";
    ::raise(SIGUSR1);
    loop.run_ready();
    EXPECT_EQ(calls, 1);
}

TEST_F(SignalHandlers, what_is_no_signal_or_cannot_be_caught_is_an_invalid_argument) {
    for (const int signal : {-1, 0, SIGKILL, SIGSTOP, NSIG, 1'000'000}) {
        std::error_code error;
        loop.add_signal_handler(
            signal, [] {}, error);
        EXPECT_EQ(error, std::errc::invalid_argument) << signal;
        EXPECT_FALSE(loop.remove_signal_handler(signal));
    }
    EXPECT_THROW(loop.add_signal_handler(SIGUSR1, nullptr), std::invalid_argument);
    EXPECT_EQ(disposition_of(SIGUSR1), &hosts_own);
}

TEST_F(SignalHandlers, a_closed_loop_and_a_foreign_thread_are_refused) {
    std::thread([&] { EXPECT_THROW(loop.add_signal_handler(SIGUSR1, [] {}), std::logic_error); }).join();
    loop.close();
    EXPECT_THROW(loop.add_signal_handler(SIGUSR1, [] {}), std::logic_error);
}

TEST_F(SignalHandlers, a_loop_on_another_than_the_main_thread_may_have_them) {
    std::thread([&] {
        IOLoop mine(on_its_own());
        mine.add_signal_handler(SIGUSR1, [&] { mine.stop(); });
        std::thread raiser([] { ::raise(SIGUSR1); });
        mine.start();
        raiser.join();
    }).join();
    EXPECT_EQ(disposition_of(SIGUSR1), &hosts_own);
}

} // namespace
