// SPDX-License-Identifier: MIT
/// The game's resolver: a look-up that takes for ever holds up nobody, whoever goes first.
#include "resolver.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include <gmock/gmock.h>

using namespace arena;
using namespace std::chrono_literals;

namespace {

/// A look-up that answers when it is told to. Shared with its thread, which may outlive the test.
class SlowLookUp {
public:
    Resolver::LookUp function() const {
        return [state = state_](const std::string&, std::uint16_t port, std::error_code&) {
            std::unique_lock lock(state->mutex);
            state->asked = true;
            state->changed.notify_all();
            state->changed.wait(lock, [&] { return state->released; });
            state->answered = true;
            state->changed.notify_all();
            return Resolver::Addresses{Address::numeric("192.0.2.1", port)};
        };
    }
    void wait_until_asked() {
        std::unique_lock lock(state_->mutex);
        state_->changed.wait(lock, [&] { return state_->asked; });
    }
    void release() {
        const std::lock_guard lock(state_->mutex);
        state_->released = true;
        state_->changed.notify_all();
    }
    /// Its thread has left the function; it has next to nothing left to do.
    void wait_until_answered() {
        std::unique_lock lock(state_->mutex);
        state_->changed.wait(lock, [&] { return state_->answered; });
    }

private:
    struct State {
        std::mutex mutex;
        std::condition_variable changed;
        bool asked = false;
        bool released = false;
        bool answered = false;
    };
    std::shared_ptr<State> state_ = std::make_shared<State>();
};

struct Answer {
    std::error_code error;
    Resolver::Addresses addresses;
};

Resolver::Done into(std::optional<Answer>& answer) {
    return [&](std::error_code error, Resolver::Addresses addresses) {
        answer = Answer{error, std::move(addresses)};
    };
}

} // namespace

TEST(ArenaResolver, a_numeric_address_needs_no_thread_but_a_turn) {
    ioloop::IOLoop loop;
    Resolver resolver(loop, [](const std::string&, std::uint16_t, std::error_code&) -> Resolver::Addresses {
        ADD_FAILURE() << "looked up";
        return {};
    });
    for (const char* host : {"127.0.0.1", "::1"}) {
        std::optional<Answer> answer;
        resolver.resolve(host, 42, 5s, into(answer));
        EXPECT_FALSE(answer) << "not from within resolve()";
        loop.run_once();
        ASSERT_TRUE(answer);
        EXPECT_FALSE(answer->error);
        EXPECT_THAT(answer->addresses, testing::ElementsAre(Address::numeric(host, 42)));
    }
    EXPECT_EQ(loop.next_deadline(), ioloop::never) << "no timeout is left";
}

TEST(ArenaResolver, the_loop_turns_while_a_name_is_looked_up) {
    SlowLookUp slow;
    ioloop::IOLoop loop;
    Resolver resolver(loop, slow.function());
    std::optional<Answer> answer;
    resolver.resolve("slow.example", 42, 1h, into(answer));
    slow.wait_until_asked();
    int calls = 0;
    for (int i = 0; i < 100; ++i) {
        loop.add_callback([&] { ++calls; });
        loop.run_once();
    }
    EXPECT_EQ(calls, 100);
    EXPECT_FALSE(answer);
    slow.release();
    while (!answer) loop.run_once(1s);
    EXPECT_THAT(answer->addresses, testing::ElementsAre(Address::numeric("192.0.2.1", 42)));
}

TEST(ArenaResolver, gives_up_after_its_timeout_and_the_late_answer_goes_nowhere) {
    SlowLookUp slow;
    ioloop::IOLoop loop;
    Resolver resolver(loop, slow.function());
    std::optional<Answer> answer;
    resolver.resolve("slow.example", 42, 1ms, into(answer));
    while (!answer) loop.run_once(1s);
    EXPECT_EQ(answer->error, std::errc::timed_out);
    answer.reset();
    slow.release();
    slow.wait_until_answered();
    loop.run_once(5ms);
    EXPECT_FALSE(answer);
}

TEST(ArenaResolver, may_be_cancelled_asked_again_and_destroyed_before_the_answer) {
    SlowLookUp slow;
    ioloop::IOLoop loop;
    std::optional<Answer> answer;
    {
        Resolver resolver(loop, slow.function());
        resolver.resolve("one.example", 1, 1h, into(answer));
        resolver.cancel();
        resolver.cancel();
        resolver.resolve("two.example", 2, 1h, into(answer));
        resolver.resolve("three.example", 3, 1h, into(answer));
    }
    slow.release();
    slow.wait_until_answered();
    loop.run_once(5ms);
    EXPECT_FALSE(answer);
    EXPECT_EQ(loop.next_deadline(), ioloop::never);
}

TEST(ArenaResolver, may_be_destroyed_by_its_answer) {
    ioloop::IOLoop loop;
    auto resolver = std::make_unique<Resolver>(loop);
    bool called = false;
    resolver->resolve("127.0.0.1", 1, 5s, [&](std::error_code, const Resolver::Addresses&) {
        resolver.reset();
        called = true;
    });
    loop.run_once();
    EXPECT_TRUE(called);
}

TEST(ArenaResolver, the_loop_may_be_closed_and_gone_before_the_answer) {
    SlowLookUp slow;
    std::optional<Answer> answer;
    auto loop = std::make_unique<ioloop::IOLoop>();
    Resolver resolver(*loop, slow.function());
    resolver.resolve("slow.example", 42, 1h, into(answer));
    slow.wait_until_asked();
    loop.reset();
    slow.release();
    slow.wait_until_answered();
    std::this_thread::yield();
    EXPECT_FALSE(answer);
}

TEST(ArenaResolver, an_error_of_the_system_arrives_in_its_words) {
    ioloop::IOLoop loop;
    Resolver resolver(loop,
                      [](const std::string&, std::uint16_t, std::error_code& error) -> Resolver::Addresses {
                          error.assign(-2, lookup_category());
                          return {};
                      });
    std::optional<Answer> answer;
    resolver.resolve("nobody.example", 42, 1h, into(answer));
    while (!answer) loop.run_once(1s);
    EXPECT_THAT(answer->error.message(), testing::Not(testing::IsEmpty()));
    EXPECT_THAT(answer->addresses, testing::IsEmpty());
}

TEST(ArenaResolver, knows_this_machine_by_name) {
    ioloop::IOLoop loop;
    Resolver resolver(loop);
    std::optional<Answer> answer;
    resolver.resolve("localhost", 42, 10s, into(answer));
    while (!answer) loop.run_once(1s);
    ASSERT_FALSE(answer->error) << answer->error.message();
    EXPECT_THAT(answer->addresses, testing::Contains(Address::numeric("127.0.0.1", 42)));
}
