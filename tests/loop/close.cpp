// SPDX-License-Identifier: MIT
// close() and the destructor; the life and death of callables.
#include "support/os.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"
#include "support/thrown.hpp"

#include <ioloop/ioloop.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#if !defined(_WIN32)
#include <sys/wait.h>
#endif

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Calls a function when it is destroyed.
class AtExit {
public:
    explicit AtExit(Callback f) : f_(std::move(f)) {}
    AtExit(AtExit&& other) noexcept : f_(std::exchange(other.f_, nullptr)) {}
    AtExit& operator=(AtExit&&) = delete;
    ~AtExit() {
        if (f_) f_();
    }

private:
    Callback f_;
};

class Close : public testing::Test {
protected:
    SimWorld world;
    std::optional<IOLoop> loop{world.options()};
    SocketPair pair;
    std::vector<std::string> order;

    Callback note(const char* what) {
        return [this, what] { order.emplace_back(what); };
    }
};

// ---- close --------------------------------------------------------------------------------------

TEST_F(Close, R9_closing_twice_is_closing_once) {
    loop->close();
    loop->close();
    loop->close(true);
}

TEST_F(Close, R9_descriptors_stay_open_unless_asked_otherwise) {
    loop->add_handler(
        pair.a, [](Fd, Events) {}, Events::read);
    loop->close();
    EXPECT_TRUE(os::is_open(pair.a));
}

TEST_F(Close, R9_with_all_fds_the_registered_descriptors_are_closed_and_no_others) {
    SocketPair removed;
    loop->add_handler(
        pair.a, [](Fd, Events) {}, Events::read);
    loop->add_handler(
        removed.a, [](Fd, Events) {}, Events::read);
    loop->remove_handler(removed.a);
    loop->close(true);
    EXPECT_FALSE(os::is_open(pair.a));
    EXPECT_TRUE(os::is_open(pair.b));
    EXPECT_TRUE(os::is_open(removed.a));
    pair.a = -1;
}

TEST_F(Close, R9_close_inside_a_run_call_is_an_error_and_the_loop_goes_on) {
    std::vector<std::string> errors;
    const auto try_to_close = [&] { errors.push_back(thrown<std::logic_error>([&] { loop->close(); })); };
    loop->add_callback(try_to_close);
    loop->call_later(0s, try_to_close);
    loop->add_handler(
        pair.a, [&](Fd, Events) { try_to_close(); }, Events::read);
    pair.send_to_a();
    loop->run_once();
    EXPECT_THAT(errors, testing::SizeIs(3));
    EXPECT_THAT(errors, testing::Each(HasSubstr("close: called while the loop is inside a run_ call")));
    loop->add_callback(note("goes on"));
    loop->run_once();
    EXPECT_THAT(order, ElementsAre("goes on"));
}

TEST_F(Close, R9_after_close_every_use_is_an_error_that_names_the_member) {
    loop->close();
    const std::vector<std::pair<const char*, std::function<void()>>> uses = {
        {"start", [&] { loop->start(); }},
        {"run_once", [&] { loop->run_once(); }},
        {"run_ready", [&] { loop->run_ready(); }},
        {"run_until", [&] { loop->run_until(world.now()); }},
        {"add_handler",
         [&] {
             loop->add_handler(
                 pair.a, [](Fd, Events) {}, Events::read);
         }},
        {"update_handler", [&] { loop->update_handler(pair.a, Events::read); }},
        {"call_at", [&] { loop->call_at(world.now(), [] {}); }},
        {"call_later", [&] { loop->call_later(1s, [] {}); }},
        {"add_timeout", [&] { loop->add_timeout(1s, [] {}); }},
        {"native_handle", [&] { loop->native_handle(); }},
        {"set_host_waker", [&] { loop->set_host_waker([] {}); }},
        {"set_paused", [&] { loop->set_paused(true); }},
    };
    for (const auto& [member, use] : uses) {
        EXPECT_THAT(thrown<std::logic_error>(use), HasSubstr(std::string(member) + ": the loop is closed"));
    }
}

TEST_F(Close, R9_after_close_what_only_asks_or_takes_away_is_harmless) {
    const Timeout timeout = loop->call_later(1s, [] {});
    loop->add_handler(
        pair.a, [](Fd, Events) {}, Events::read);
    loop->close();
    EXPECT_FALSE(loop->remove_handler(pair.a));
    EXPECT_FALSE(loop->remove_timeout(timeout));
    EXPECT_FALSE(loop->update_timeout(timeout, world.now()));
    EXPECT_FALSE(loop->note_period(timeout, 1s));
    EXPECT_EQ(loop->next_deadline(), never);
    EXPECT_FALSE(loop->running());
    loop->stop();
    loop->wake();
    Snapshot snapshot;
    loop->snapshot(snapshot);
    EXPECT_TRUE(snapshot.handlers.empty());
    EXPECT_TRUE(snapshot.timeouts.empty());
    EXPECT_EQ(loop->statistics().handlers, 0U);
    EXPECT_EQ(loop->statistics().timeouts, 0U);
}

TEST_F(Close, R9_close_destroys_every_callable_exactly_once_and_calls_none) {
    int destroyed = 0;
    const auto callable = [&] {
        return [&, guard = AtExit([&] { ++destroyed; })](auto&&...) { note("called")(); };
    };
    loop->add_handler(pair.a, callable(), Events::read);
    loop->add_callback(callable());
    loop->call_later(0s, callable());
    pair.send_to_a();
    loop->close();
    EXPECT_EQ(destroyed, 3);
    EXPECT_TRUE(order.empty());
    loop.reset();
    EXPECT_EQ(destroyed, 3);
}

TEST_F(Close, the_rest_of_a_turn_that_a_budget_cut_short_is_dropped) {
    loop->add_callback(note("first"));
    loop->add_callback(note("second"));
    loop->call_later(0s, note("third"));
    loop->run_once(no_wait, Budget{forever, 1});
    loop->close();
    EXPECT_THAT(order, ElementsAre("first"));
}

// ---- destructors of callables -------------------------------------------------------------------

TEST_F(Close, the_destructor_of_a_callable_may_remove_and_post_while_the_loop_closes) {
    SocketPair other;
    std::vector<bool> results;
    Timeout timeout;
    const auto busy_destructor = [&] {
        return AtExit([&] {
            results.push_back(loop->remove_handler(pair.a));
            results.push_back(loop->remove_handler(other.a));
            results.push_back(loop->remove_timeout(timeout));
            results.push_back(loop->add_callback([] {}));
        });
    };
    loop->add_handler(
        pair.a, [guard = busy_destructor()](Fd, Events) {}, Events::read);
    loop->add_handler(
        other.a, [guard = busy_destructor()](Fd, Events) {}, Events::read);
    timeout = loop->call_later(1s, [guard = busy_destructor()] {});
    loop->add_callback([guard = busy_destructor()] {});
    loop->close();
    EXPECT_EQ(results.size(), 16U);
    EXPECT_THAT(results, testing::Each(false)) << "everything had lost its name before";
}

TEST_F(Close, the_destructor_of_a_removed_handler_may_use_the_loop) {
    loop->add_handler(
        pair.a, [guard = AtExit([&] {
                     EXPECT_FALSE(loop->remove_handler(pair.a));
                     loop->add_handler(
                         pair.a, [&](Fd, Events) { note("new")(); }, Events::read);
                 })](Fd, Events) {},
        Events::read);
    EXPECT_TRUE(loop->remove_handler(pair.a));
    pair.send_to_a();
    loop->run_once();
    EXPECT_THAT(order, ElementsAre("new"));
    EXPECT_EQ(loop->statistics().handlers, 1U);
}

TEST_F(Close, the_destructor_of_a_timeout_that_ran_may_arm_another) {
    loop->call_later(0s, [guard = AtExit([&] { loop->call_later(0s, note("next")); })] {});
    loop->run_once();
    loop->run_once();
    EXPECT_THAT(order, ElementsAre("next"));
}

TEST_F(Close, captures_of_a_running_callable_are_destroyed_right_after_it) {
    loop->call_later(0s, [&, guard = AtExit(note("timeout destroyed"))] { note("timeout ran")(); });
    loop->call_later(0s, note("next"));
    loop->run_once();
    EXPECT_THAT(order, ElementsAre("timeout ran", "timeout destroyed", "next"));
}

// ---- the loop destroyed from inside -------------------------------------------------------------

TEST_F(Close, a_callback_may_destroy_the_loop_and_nothing_more_is_called) {
    loop->add_callback([&] { loop.reset(); });
    loop->add_callback(note("callback"));
    loop->call_later(0s, note("timeout"));
    EXPECT_EQ(loop->run_once().ended, Ended::stopped);
    EXPECT_TRUE(order.empty());
}

TEST_F(Close, a_handler_may_destroy_the_loop) {
    SocketPair other;
    const auto destroy = [&](Fd, Events) {
        note("handler")();
        loop.reset();
    };
    loop->add_handler(pair.a, destroy, Events::read);
    loop->add_handler(other.a, destroy, Events::read);
    pair.send_to_a();
    other.send_to_a();
    EXPECT_EQ(loop->run_once().ended, Ended::stopped);
    EXPECT_THAT(order, ElementsAre("handler"));
}

TEST_F(Close, a_timeout_may_destroy_the_loop_even_if_it_has_rearmed_itself) {
    Timeout self;
    self = loop->call_later(0s, [&] {
        loop->update_timeout(self, world.now() + 1s);
        loop.reset();
        note("timeout")();
    });
    loop->call_later(0s, note("other"));
    EXPECT_EQ(loop->run_once().ended, Ended::stopped);
    EXPECT_THAT(order, ElementsAre("timeout"));
}

TEST_F(Close, start_run_ready_and_run_until_return_at_once_when_the_loop_is_destroyed) {
    loop->add_callback([&] { loop.reset(); });
    loop->start();
    loop.emplace(world.options());
    loop->add_callback([&] { loop.reset(); });
    EXPECT_EQ(loop->run_ready().ended, Ended::stopped);
    loop.emplace(world.options());
    loop->add_callback([&] { loop.reset(); });
    EXPECT_EQ(loop->run_until(world.now() + 1h).ended, Ended::stopped);
    EXPECT_EQ(world.elapsed(), 0s);
}

TEST_F(Close, a_nested_turn_may_destroy_the_loop) {
    loop->add_callback([&] {
        loop->add_callback([&] { loop.reset(); });
        EXPECT_EQ(loop->run_ready().ended, Ended::stopped);
        note("outer")();
    });
    EXPECT_EQ(loop->run_once().ended, Ended::stopped);
    EXPECT_THAT(order, ElementsAre("outer"));
}

TEST_F(Close, the_destructor_of_a_callable_may_destroy_the_loop) {
    loop->add_callback([guard = AtExit([&] { loop.reset(); })] {});
    loop->add_callback(note("callback"));
    EXPECT_EQ(loop->run_once().ended, Ended::stopped);
    loop.emplace(world.options());
    loop->call_later(0s, [guard = AtExit([&] { loop.reset(); })] {});
    loop->call_later(0s, note("timeout"));
    EXPECT_EQ(loop->run_once().ended, Ended::stopped);
    EXPECT_TRUE(order.empty());
}

TEST_F(Close, an_error_hook_may_destroy_the_loop) {
    loop->set_error_hook([&](std::exception_ptr, const Origin&, CallKind) { loop.reset(); });
    loop->add_callback([] { throw 1; });
    loop->add_callback(note("callback"));
    EXPECT_EQ(loop->run_once().ended, Ended::stopped);
    EXPECT_TRUE(order.empty());
}

TEST_F(Close, when_the_destructor_returns_every_callable_but_those_on_the_stack_is_destroyed) {
    // They may hold references to what the owner destroys next.
    auto owned = std::make_unique<std::string>("owned");
    const auto look = [&] {
        return AtExit([&, p = owned.get()] { order.push_back(owned ? *p : "dangling"); });
    };
    loop->add_callback([&] {
        loop.reset();
        owned.reset();
    });
    loop->add_callback([guard = look()] {});
    loop->call_later(0s, [guard = look()] {});
    loop->call_later(1h, [guard = look()] {});
    loop->add_handler(
        pair.a, [guard = look()](Fd, Events) {}, Events::read);
    loop->run_once();
    EXPECT_THAT(order, ElementsAre("owned", "owned", "owned", "owned"));
}

TEST_F(Close, a_callable_that_destroys_the_loop_may_destroy_clock_observer_and_hook_with_it) {
    struct Game {
        SimWorld world;
        Recorder recorder;
        int errors = 0;
        IOLoop loop{world.options()};
    };
    auto game = std::make_unique<Game>();
    game->loop.set_observer(&game->recorder);
    game->loop.set_error_hook([g = game.get()](std::exception_ptr, const Origin&, CallKind) { ++g->errors; });
    game->loop.add_callback([&] {
        game.reset();
        throw std::runtime_error("nobody is left to tell but stderr");
    });
    testing::internal::CaptureStderr();
    EXPECT_EQ(game->loop.run_until(game->world.now() + 1s, Budget{1s}).ended, Ended::stopped);
    EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("nobody is left"));
}

TEST_F(Close, a_handler_whose_number_has_got_another_owner_may_close_the_loop_as_it_goes) {
    loop->add_handler(
        pair.a, [last = AtExit([&] { loop->close(); })](Fd, Events) {}, Events::read);
    SocketPair quiet;
    os::replace(pair.a, quiet.a); // closes the old file
    loop->add_handler(
        pair.a, [&](Fd, Events) { note("handler")(); }, Events::read);
    EXPECT_THROW(loop->run_once(), std::logic_error) << "it is closed";
    EXPECT_THAT(order, testing::IsEmpty());
}

// ---- and from outside ---------------------------------------------------------------------------

TEST_F(Close, B36_a_forked_child_that_closes_its_copy_does_not_deafen_the_parent) {
#if defined(_WIN32)
    GTEST_SKIP() << "Windows has no fork()";
#else
    loop->add_handler(
        pair.a, [&](Fd, Events) { note("handler")(); }, Events::read);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        loop->close();
        ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    pair.send_to_a();
    loop->run_once();
    EXPECT_THAT(order, ElementsAre("handler"));
#endif
}

} // namespace
