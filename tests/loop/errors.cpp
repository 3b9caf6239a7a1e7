// SPDX-License-Identifier: MIT
// Wrong use and bad input: never a crash, always an error that says what was
// wrong and where; and errors of hooks.
#include "support/sanitizers.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"
#include "support/thrown.hpp"

#include <ioloop/ioloop.hpp>

#include <functional>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class Errors : public testing::Test {
protected:
    SimWorld world;
    IOLoop loop{world.options()};
    SocketPair pair;
    std::vector<std::string> order;

    Callback note(const char* what) {
        return [this, what] { order.emplace_back(what); };
    }
    static void on_another_thread(const std::function<void()>& f) { std::thread(f).join(); }
};

// ---- bad input ----------------------------------------------------------------------------------

TEST_F(Errors, a_null_handler_is_refused_by_name_and_place) {
    EXPECT_THAT(thrown<std::logic_error>([&] { loop.add_handler(pair.a, nullptr, Events::read, "server"); }),
                AllOf(HasSubstr("add_handler: null handler"), HasSubstr("fd " + std::to_string(pair.a)),
                      HasSubstr("'server' at"), HasSubstr("errors.cpp")));
    void (*function)(Fd, Events) = nullptr;
    EXPECT_THROW(loop.add_handler(pair.a, function, Events::read), std::logic_error);
    EXPECT_THROW(loop.add_handler(pair.a, std::function<void(Fd, Events)>(), Events::read), std::logic_error);
}

TEST_F(Errors, a_null_callback_is_refused_by_name_and_place) {
    EXPECT_THAT(
        thrown<std::logic_error>([&] { loop.add_callback(nullptr, "spawn"); }),
        AllOf(HasSubstr("add_callback: null callback"), HasSubstr("'spawn' at"), HasSubstr("errors.cpp")));
    EXPECT_THAT(thrown<std::logic_error>([&] { loop.spawn_callback(nullptr); }),
                AllOf(HasSubstr("spawn_callback: null callback"), HasSubstr("errors.cpp")));
    EXPECT_THAT(thrown<std::logic_error>([&] { loop.call_later(1s, nullptr, "expiry"); }),
                AllOf(HasSubstr("call_later: null callback"), HasSubstr("'expiry' at")));
    EXPECT_THAT(thrown<std::logic_error>([&] { loop.call_at(world.now(), std::function<void()>()); }),
                HasSubstr("call_at: null callback"));
    EXPECT_THAT(thrown<std::logic_error>([&] { loop.add_timeout(1s, nullptr); }),
                HasSubstr("add_timeout: null callback"));
    EXPECT_EQ(loop.run_once().ended, Ended::idle);
}

TEST_F(Errors, a_closed_descriptor_is_refused_by_number_and_place) {
    const Fd fd = pair.a;
    pair.close_a();
    EXPECT_THAT(thrown<std::system_error>([&] {
                    loop.add_handler(
                        fd, [](Fd, Events) {}, Events::read, "late");
                }),
                AllOf(HasSubstr("add_handler: fd " + std::to_string(fd)), HasSubstr("'late' at")));
    std::error_code error;
    loop.add_handler(
        fd, [](Fd, Events) {}, Events::read, error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
}

TEST_F(Errors, a_number_that_is_no_descriptor_is_refused_whatever_it_is) {
    for (const Fd fd :
         {Fd{-1}, Fd{-2}, std::numeric_limits<Fd>::min(), Fd{1 << 20}, std::numeric_limits<Fd>::max()}) {
        std::error_code error;
        loop.add_handler(
            fd, [](Fd, Events) {}, Events::read, error);
        EXPECT_EQ(error, std::errc::bad_file_descriptor) << fd;
        loop.update_handler(fd, Events::read, error);
        EXPECT_EQ(error, std::errc::no_such_file_or_directory) << fd;
        EXPECT_FALSE(loop.remove_handler(fd)) << fd;
    }
}

TEST_F(Errors, an_update_after_the_descriptor_was_closed_is_an_error) {
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read);
    const Fd fd = pair.a;
    pair.close_a();
    std::error_code error;
    loop.update_handler(fd, Events::write, error);
    EXPECT_TRUE(error);
    EXPECT_TRUE(loop.remove_handler(fd));
}

TEST_F(Errors, events_that_do_not_exist_are_ignored) {
    Events seen = Events::none;
    loop.add_handler(
        pair.a, [&](Fd, Events events) { seen = events; }, static_cast<Events>(0xffffffff));
    pair.send_to_a();
    loop.run_once();
    EXPECT_EQ(seen, Events::read | Events::write);
}

TEST_F(Errors, step_is_for_paused_loops) {
    EXPECT_THAT(thrown<std::logic_error>([&] { loop.step(StepKind::call); }),
                HasSubstr("step: the loop is not paused"));
}

// ---- the wrong thread ---------------------------------------------------------------------------

TEST_F(Errors, C13_a_foreign_thread_is_refused_by_the_name_of_the_member) {
    const std::vector<std::pair<const char*, std::function<void()>>> uses = {
        {"add_handler",
         [&] {
             loop.add_handler(
                 pair.a, [](Fd, Events) {}, Events::read);
         }},
        {"update_handler", [&] { loop.update_handler(pair.a, Events::read); }},
        {"call_at", [&] { loop.call_at(world.now(), [] {}); }},
        {"call_later", [&] { loop.call_later(1s, [] {}); }},
        {"add_timeout", [&] { loop.add_timeout(1s, [] {}); }},
        {"native_handle", [&] { loop.native_handle(); }},
        {"set_host_waker", [&] { loop.set_host_waker([] {}); }},
        {"set_paused", [&] { loop.set_paused(true); }},
    };
    on_another_thread([&] {
        for (const auto& [member, use] : uses) {
            EXPECT_THAT(thrown<std::logic_error>(use),
                        HasSubstr(std::string(member) + ": called from another thread than the loop's"));
        }
    });
    EXPECT_EQ(loop.run_once().ended, Ended::idle);
}

TEST_F(Errors, C13_what_cannot_throw_does_nothing_on_a_foreign_thread_and_says_so) {
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read);
    const Timeout timeout = loop.call_later(1s, note("timeout"));
    testing::internal::CaptureStderr();
    on_another_thread([&] {
        EXPECT_FALSE(loop.remove_handler(pair.a));
        EXPECT_FALSE(loop.remove_timeout(timeout));
        EXPECT_FALSE(loop.update_timeout(timeout, world.now()));
    });
    EXPECT_THAT(testing::internal::GetCapturedStderr(),
                AllOf(HasSubstr("remove_handler: called from another thread"), HasSubstr("remove_timeout"),
                      HasSubstr("update_timeout")));
    EXPECT_TRUE(loop.remove_handler(pair.a));
    EXPECT_TRUE(loop.remove_timeout(timeout));
}

TEST_F(Errors, C13_a_loop_that_runs_is_refused_to_another_thread) {
    loop.add_callback([&] {
        on_another_thread([&] {
            const auto running = HasSubstr("the loop is running");
            EXPECT_THAT(thrown<std::logic_error>([&] { loop.run_once(); }), running);
            EXPECT_THAT(thrown<std::logic_error>([&] { loop.run_ready(); }), running);
            EXPECT_THAT(thrown<std::logic_error>([&] { loop.run_until(world.now()); }), running);
            EXPECT_THAT(thrown<std::logic_error>([&] { loop.start(); }), running);
            EXPECT_THAT(thrown<std::logic_error>([&] { loop.close(); }), HasSubstr("inside a run_ call"));
        });
        note("goes on")();
    });
    loop.run_once();
    EXPECT_THAT(order, ElementsAre("goes on"));
}

TEST_F(Errors, C13_between_run_calls_a_loop_may_be_handed_to_another_thread) {
    on_another_thread([&] {
        loop.add_callback([&] { loop.call_later(0s, note("armed on the new thread")); });
        loop.run_ready();
        loop.call_later(0s, note("and after its first run call"));
        loop.run_ready();
    });
    EXPECT_THAT(order, ElementsAre("armed on the new thread", "and after its first run call"));
}

// ---- errors of hooks and observers --------------------------------------------------------------

TEST_F(Errors, B5_what_is_thrown_need_not_be_an_exception) {
    int caught = 0;
    loop.set_error_hook([&](std::exception_ptr error, const Origin&, CallKind) {
        try {
            std::rethrow_exception(error);
        } catch (int number) {
            caught += number;
        }
    });
    loop.add_handler(
        pair.a, [](Fd, Events) { throw 40; }, Events::read);
    loop.add_callback([] { throw 2; });
    pair.send_to_a();
    loop.run_once();
    EXPECT_EQ(caught, 42);
}

TEST_F(Errors, F13_the_hook_is_shown_what_leaves_callables_of_every_kind) { // test_handle_callback_exception
    std::vector<std::pair<std::string, CallKind>> seen;
    const ErrorHook before =
        loop.set_error_hook([&](const std::exception_ptr&, const Origin& origin, CallKind kind) {
            seen.emplace_back(origin.name, kind);
        });
    EXPECT_EQ(before, nullptr);
    pair.send_to_a();
    loop.add_handler(
        pair.a,
        [&](Fd fd, Events) {
            loop.remove_handler(fd);
            throw std::runtime_error("x");
        },
        Events::read, "handler");
    loop.add_callback([] { throw std::runtime_error("x"); }, "callback");
    loop.call_later(
        0s, [] { throw std::runtime_error("x"); }, "timeout");
    PeriodicCallback periodic(
        loop, 1s, [] { throw std::runtime_error("x"); }, "periodic");
    periodic.start();
    loop.run_once();
    loop.run_once(1s);
    EXPECT_THAT(seen, ElementsAre(testing::Pair("handler", CallKind::handler),
                                  testing::Pair("callback", CallKind::callback),
                                  testing::Pair("timeout", CallKind::timeout),
                                  testing::Pair("periodic", CallKind::timeout)));
}

TEST_F(Errors, an_error_hook_may_replace_itself) {
    loop.set_error_hook([&, text = std::string("first hook")](std::exception_ptr, const Origin&, CallKind) {
        loop.set_error_hook([&](std::exception_ptr, const Origin&, CallKind) { note("second hook")(); });
        order.push_back(text);
    });
    loop.add_callback([] { throw 1; });
    loop.add_callback([] { throw 2; });
    loop.run_once();
    EXPECT_THAT(order, ElementsAre("first hook", "second hook"));
}

TEST_F(Errors, an_error_hook_that_is_put_back_is_the_same_again) {
    EXPECT_EQ(loop.error_hook_id(), 0U);
    int errors = 0;
    loop.set_error_hook([&](std::exception_ptr, const Origin&, CallKind) { ++errors; });
    const auto mine = loop.error_hook_id();
    for (int i = 0; i < 3; ++i) {
        ErrorHook earlier = loop.set_error_hook([](std::exception_ptr, const Origin&, CallKind) {});
        EXPECT_NE(loop.error_hook_id(), mine);
        loop.set_error_hook(std::move(earlier));
        EXPECT_EQ(loop.error_hook_id(), mine);
    }
    loop.add_callback([] { throw 1; });
    loop.run_once();
    EXPECT_EQ(errors, 1);
    EXPECT_TRUE(static_cast<bool>(loop.set_error_hook(nullptr)));
    EXPECT_EQ(loop.error_hook_id(), 0U);
}

TEST_F(Errors, an_error_hook_may_run_the_loop) {
    loop.set_error_hook([&](std::exception_ptr, const Origin&, CallKind) {
        note("hook begins")();
        loop.run_once();
        note("hook ends")();
    });
    loop.add_callback([] { throw 1; });
    loop.add_callback(note("rest of the batch"));
    loop.run_once();
    EXPECT_THAT(order, ElementsAre("hook begins", "rest of the batch", "hook ends"));
}

TEST_F(Errors, a_failing_hook_of_a_handler_does_not_lose_the_other_handlers) {
    SocketPair other;
    loop.set_error_hook(
        [](std::exception_ptr error, const Origin&, CallKind) { std::rethrow_exception(error); });
    const auto fail = [&](Fd fd, Events) {
        note("handler")();
        SocketPair::read_all(fd);
        throw 1;
    };
    loop.add_handler(pair.a, fail, Events::read);
    loop.add_handler(other.a, fail, Events::read);
    pair.send_to_a();
    other.send_to_a();
    EXPECT_THROW(loop.run_once(), int);
    EXPECT_THROW(loop.run_once(), int);
    EXPECT_EQ(loop.run_once().ended, Ended::idle);
    EXPECT_EQ(order.size(), 2U);
}

TEST_F(Errors, an_observer_that_throws_leaves_the_loop_sound) {
    struct Bomb : Observer {
        int fuse = 2;
        void before_call(const CallRecord&) override {
            if (--fuse == 0) throw std::runtime_error("before");
        }
        void after_call(const CallRecord&) override {
            if (--fuse == 0) throw std::runtime_error("after");
        }
        void after_turn(const TurnRecord&) override {
            if (--fuse == 0) throw std::runtime_error("turn");
        }
    } bomb;
    for (int fuse = 1; fuse < 14; ++fuse) {
        IOLoop victim(world.options());
        int calls = 0;
        victim.add_handler(
            pair.a, [&](Fd, Events) { ++calls; }, Events::write);
        for (int i = 0; i < 3; ++i) {
            victim.add_callback([&] { ++calls; });
            victim.call_later(0s, [&] { ++calls; });
        }
        bomb.fuse = fuse;
        victim.set_observer(&bomb);
        EXPECT_THROW(victim.run_once(), std::runtime_error) << fuse;
        victim.set_observer(nullptr);
        victim.remove_handler(pair.a);
        victim.run_ready();
        EXPECT_GE(calls, 6) << fuse;
        EXPECT_EQ(victim.statistics().depth, 0U);
        EXPECT_FALSE(victim.in_call());
    }
}

// UBSan, which comes with ASan here, takes the C library's unwinding for a null reference.
#if defined(__GLIBC__) && !UNDER_ADDRESS_SANITIZER
TEST_F(Errors, B4_a_thread_that_is_cancelled_inside_a_callable_is_not_held_back) {
    loop.add_callback([&] {
        note("before")();
        ::pthread_exit(nullptr);
    });
    loop.add_callback(note("after"));
    pthread_t thread{};
    const auto run = [](void* l) -> void* {
        static_cast<IOLoop*>(l)->run_once();
        ADD_FAILURE() << "pthread_exit() was swallowed";
        return nullptr;
    };
    ASSERT_EQ(::pthread_create(&thread, nullptr, run, &loop), 0);
    ASSERT_EQ(::pthread_join(thread, nullptr), 0);
    loop.run_once();
    EXPECT_THAT(order, ElementsAre("before", "after"));
}
#endif

} // namespace
