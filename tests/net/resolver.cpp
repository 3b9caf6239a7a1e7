// SPDX-License-Identifier: MIT
/// Resolver: a question that takes for ever holds up nobody, whoever goes first.
#include "support/thrown.hpp"

#include <ioloop/ioloop.hpp>
#include <ioloop/net.hpp>

#include <algorithm>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace {

using Addresses = Resolver::Addresses;

/// EAI_NONAME
#if defined(_WIN32)
constexpr int no_such_name = 11001;
#else
constexpr int no_such_name = -2;
#endif

/// Runs jobs when it is told to.
class ManualExecutor final : public Executor {
public:
    void execute(Function<void()> job) override { jobs.push_back(std::move(job)); }
    void run() {
        for (auto& job : std::exchange(jobs, {})) job();
    }
    std::vector<Function<void()>> jobs;
};

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
            return Addresses{SocketAddress::numeric("192.0.2.1", port)};
        };
    }
    void wait_until_asked() const {
        std::unique_lock lock(state_->mutex);
        state_->changed.wait(lock, [&] { return state_->asked; });
    }
    void release() const {
        const std::lock_guard lock(state_->mutex);
        state_->released = true;
        state_->changed.notify_all();
    }
    void wait_until_answered() const {
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

struct Resolvers : testing::Test {
    Resolver::Options options() {
        Resolver::Options options;
        options.executor = &executor;
        options.look_up = [this](const std::string& host, std::uint16_t port, std::error_code& error) {
            asked.push_back(host);
            error = failure;
            return failure ? Addresses{} : Addresses{SocketAddress::numeric("192.0.2.1", port)};
        };
        return options;
    }
    /// Until it is done; a defect ends it, rather than hang.
    void run(const Future<Addresses>& future) {
        for (int i = 0; i < 100 && !future.done(); ++i) loop.run_once(100ms);
    }

    ManualExecutor executor;
    std::vector<std::string> asked;
    std::error_code failure;
    IOLoop loop;
};

} // namespace

TEST_F(Resolvers, what_needs_no_question_is_answered_at_once) {
    Resolver resolver(loop, options());
    for (const char* host : {"127.0.0.1", "::1", "fe80::1%2", "unix:/run/x.sock"}) {
        const auto future = resolver.resolve(host, 42);
        ASSERT_TRUE(future.done()) << host;
        ASSERT_EQ(future.result().size(), 1U);
        EXPECT_EQ(future.result()[0].port(), host[0] == 'u' ? 0 : 42);
    }
    EXPECT_THAT(resolver.resolve("unix:/run/x.sock", 0).result(),
                ElementsAre(SocketAddress::unix_path("/run/x.sock")));
    EXPECT_THAT(executor.jobs, IsEmpty());
}

TEST_F(Resolvers, test_localhost_is_this_machine_whoever_says_otherwise) {
    Resolver resolver(loop, options());
    EXPECT_THAT(
        resolver.resolve("localhost", 42).result(),
        ElementsAre(SocketAddress::loopback(42), SocketAddress::loopback(42, SocketAddress::Family::ipv6)));
}

TEST_F(Resolvers, a_name_is_asked_for_on_the_executor_and_answered_in_a_later_call) {
    Resolver resolver(loop, options());
    const auto future = resolver.resolve("example.com", 80);
    EXPECT_THAT(asked, IsEmpty()) << "not on this thread";
    executor.run();
    EXPECT_FALSE(future.done());
    run(future);
    EXPECT_THAT(future.result(), ElementsAre(SocketAddress::numeric("192.0.2.1", 80)));
    EXPECT_THAT(asked, ElementsAre("example.com"));
    EXPECT_EQ(loop.next_deadline(), never);
}

TEST_F(Resolvers, N4_no_name_and_a_name_with_a_zero_byte_are_errors_and_nobody_is_asked) {
    Resolver resolver(loop, options());
    for (const std::string& host : {std::string(), std::string("a\0b", 3), std::string("127.0.0.1\0x", 11)}) {
        const auto future = resolver.resolve(host, 80);
        ASSERT_TRUE(future.done());
        try {
            static_cast<void>(future.result());
            ADD_FAILURE() << host;
        } catch (const std::system_error& error) {
            EXPECT_EQ(error.code(), std::errc::invalid_argument);
            EXPECT_THAT(error.what(), HasSubstr("resolving"));
        }
    }
    EXPECT_THAT(executor.jobs, IsEmpty());
}

TEST_F(Resolvers, test_bad_host_the_error_of_the_system_arrives_in_its_words) {
    failure = {no_such_name, lookup_category()};
    Resolver resolver(loop, options());
    const auto future = resolver.resolve("nobody.example", 80);
    executor.run();
    run(future);
    try {
        static_cast<void>(future.result());
        FAIL();
    } catch (const std::system_error& error) {
        EXPECT_EQ(&error.code().category(), &lookup_category());
        EXPECT_THAT(error.what(), HasSubstr("resolving 'nobody.example'"));
        EXPECT_THAT(error.what(), HasSubstr(failure.message()));
    }
    EXPECT_THAT(failure.message(), Not(IsEmpty()));
}

TEST_F(Resolvers, an_answer_without_addresses_is_an_error) {
    auto how = options();
    how.look_up = [](const std::string&, std::uint16_t, std::error_code&) { return Addresses{}; };
    Resolver resolver(loop, std::move(how));
    const auto future = resolver.resolve("empty.example", 80);
    executor.run();
    run(future);
    EXPECT_THROW(static_cast<void>(future.result()), std::system_error);
}

TEST_F(Resolvers, a_look_up_that_throws_is_an_error_of_the_future) {
    auto how = options();
    how.look_up = [](const std::string&, std::uint16_t, std::error_code&) -> Addresses {
        throw std::domain_error("no such thing");
    };
    Resolver resolver(loop, std::move(how));
    const auto future = resolver.resolve("example.com", 80);
    executor.run();
    run(future);
    EXPECT_THROW(static_cast<void>(future.result()), std::domain_error);
}

TEST_F(Resolvers, overrides_come_first_and_bring_their_port_if_they_have_one) { // Tornado's OverrideResolver
    auto how = options();
    how.overrides = {{"here.example", SocketAddress::loopback(0)},
                     {"there.example", SocketAddress::numeric("192.0.2.7", 7)},
                     {"localhost", SocketAddress::unix_path("/run/x.sock")}};
    Resolver resolver(loop, std::move(how));
    EXPECT_THAT(resolver.resolve("here.example", 80).result(), ElementsAre(SocketAddress::loopback(80)));
    EXPECT_THAT(resolver.resolve("there.example", 80).result(),
                ElementsAre(SocketAddress::numeric("192.0.2.7", 7)));
    EXPECT_THAT(resolver.resolve("localhost", 80).result(),
                ElementsAre(SocketAddress::unix_path("/run/x.sock")));
    EXPECT_THAT(executor.jobs, IsEmpty());
}

TEST_F(Resolvers, gives_up_after_its_timeout_and_the_late_answer_goes_nowhere) {
    Resolver resolver(loop, options());
    const auto future = resolver.resolve("slow.example", 42, 1ms);
    run(future);
    EXPECT_EQ(thrown<TimeoutError>([&] { static_cast<void>(future.result()); }),
              "resolving 'slow.example': the time is up");
    executor.run();
    loop.run_ready();
    EXPECT_THAT(asked, IsEmpty()) << "a question that is not needed any more is not asked";
}

TEST_F(Resolvers, a_cancelled_question_is_not_asked_and_its_timeout_goes) {
    Resolver resolver(loop, options());
    const auto future = resolver.resolve("example.com", 42, 1h);
    EXPECT_NE(loop.next_deadline(), never);
    EXPECT_TRUE(future.cancel());
    loop.run_ready();
    EXPECT_EQ(loop.next_deadline(), never);
    executor.run();
    EXPECT_THAT(asked, IsEmpty());
    EXPECT_THROW(static_cast<void>(future.result()), CancelledError);
}

TEST_F(Resolvers, may_be_cancelled_by_another_thread) {
    Resolver resolver(loop, options());
    const auto future = resolver.resolve("example.com", 42, 1h);
    std::thread([&] { EXPECT_TRUE(future.cancel()); }).join();
    loop.run_ready();
    EXPECT_EQ(loop.next_deadline(), never);
}

TEST_F(Resolvers, an_executor_that_drops_the_question_breaks_the_promise) {
    Resolver resolver(loop, options());
    const auto future = resolver.resolve("example.com", 42);
    executor.jobs.clear();
    run(future);
    EXPECT_THROW(static_cast<void>(future.result()), std::future_error);
}

TEST_F(Resolvers, may_be_destroyed_before_the_answer_which_comes_still) {
    auto resolver = std::make_unique<Resolver>(loop, options());
    const auto future = resolver->resolve("example.com", 42);
    resolver.reset();
    executor.run();
    run(future);
    EXPECT_EQ(future.result().size(), 1U);
}

TEST_F(Resolvers, the_loop_turns_while_a_name_is_looked_up) {
    const SlowLookUp slow;
    Resolver::Options how;
    how.look_up = slow.function();
    Resolver resolver(loop, std::move(how));
    const auto future = resolver.resolve("slow.example", 42, 1h);
    slow.wait_until_asked();
    int calls = 0;
    for (int i = 0; i < 100; ++i) {
        loop.add_callback([&] { ++calls; });
        loop.run_once();
    }
    EXPECT_EQ(calls, 100);
    EXPECT_FALSE(future.done());
    slow.release();
    run(future);
    EXPECT_THAT(future.result(), ElementsAre(SocketAddress::numeric("192.0.2.1", 42)));
}

TEST_F(Resolvers, the_loop_may_be_gone_before_the_answer_and_waits_for_nobody) {
    const SlowLookUp slow;
    auto doomed = std::make_unique<IOLoop>();
    Resolver::Options how;
    how.look_up = slow.function();
    Resolver resolver(*doomed, std::move(how));
    const auto future = resolver.resolve("slow.example", 42, 1h);
    slow.wait_until_asked();
    doomed.reset(); // would hang here
    slow.release();
    slow.wait_until_answered();
    EXPECT_FALSE(future.done() && future.exception() == nullptr);
}

TEST_F(Resolvers, test_resolve_multiaddr_the_system_knows_this_machine_by_name) {
    std::error_code error;
    const auto found = look_up("localhost", 42, error); // which resolve() would not ask
    ASSERT_FALSE(error) << error.message();
    EXPECT_THAT(found, Contains(SocketAddress::loopback(42)));
    for (const auto& address : found) EXPECT_EQ(std::count(found.begin(), found.end(), address), 1);
}

TEST_F(Resolvers, what_the_system_says_of_a_name_that_can_not_be_is_an_error_of_its_category) {
    std::error_code error;
    EXPECT_THAT(look_up(std::string(300, 'a'), 42, error),
                IsEmpty()); // 253 bytes are the most: nobody is asked
    EXPECT_EQ(error.category(), lookup_category()) << error.message();
    EXPECT_EQ(std::string(error.category().name()), "lookup");
    EXPECT_NE(error.message(), "");
}

TEST_F(Resolvers, a_null_look_up_is_refused) {
    Resolver::Options how;
    how.look_up = nullptr;
    EXPECT_THROW(Resolver(loop, std::move(how)), std::invalid_argument);
}

TEST_F(Resolvers, a_closed_loop_answers_what_is_known_and_refuses_the_rest) {
    Resolver resolver(loop);
    TcpClient client(loop, &resolver);
    loop.close();
    EXPECT_TRUE(resolver.resolve("localhost", 80).done());
    EXPECT_THROW(static_cast<void>(resolver.resolve("example.invalid", 80, 1s)), std::logic_error);
    EXPECT_THROW(static_cast<void>(client.connect("example.invalid", 80)), std::logic_error);
    EXPECT_THROW(static_cast<void>(client.connect("127.0.0.1", 80)), std::logic_error);
}
