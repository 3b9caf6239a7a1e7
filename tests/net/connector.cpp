// SPDX-License-Identifier: MIT
/// Connector: the rules, over attempts that are made up and a clock that stands still.
#include "support/sim_loop.hpp"

#include <ioloop/net.hpp>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

/// Addresses are called as in Tornado's tests: a and b are of the primary family, c and d of the other.
SocketAddress address(char name) {
    const char* const hosts[] = {"192.0.2.1", "192.0.2.2", "2001:db8::3", "2001:db8::4"};
    return SocketAddress::numeric(hosts[name - 'a'], 80);
}
char name_of(const SocketAddress& at) {
    for (const char name : {'a', 'b', 'c', 'd'}) {
        if (address(name) == at) return name;
    }
    return '?';
}
std::vector<SocketAddress> addresses(const std::string& names) {
    std::vector<SocketAddress> list;
    for (const char name : names) list.push_back(address(name));
    return list;
}
std::string names(const std::vector<SocketAddress>& list) {
    std::string text;
    for (const SocketAddress& at : list) text += name_of(at);
    return text;
}

const auto refused = std::make_error_code(std::errc::connection_refused);
const auto unreachable = std::make_error_code(std::errc::host_unreachable);

struct Connectors : SimLoop {
    struct FakeAttempt final : Connector::Attempt {
        FakeAttempt(Connectors& t, char n, Connector::Answer a) : test(t), name(n), answer(std::move(a)) {
            test.open[name] = this;
        }
        ~FakeAttempt() override { test.open.erase(name); }
        void decide(std::error_code error, Socket socket) {
            auto kept = std::move(answer);
            kept(error, std::move(socket));
        }
        Connectors& test;
        char name;
        Connector::Answer answer;
    };

    /// Addresses in `at_once` fail before they are under way.
    Connector::Connect connect() {
        return [this](const SocketAddress& to, Connector::Answer answer,
                      std::error_code& error) -> std::unique_ptr<Connector::Attempt> {
            tried += name_of(to);
            if (at_once.find(name_of(to)) != std::string::npos) {
                error = unreachable;
                return nullptr;
            }
            return std::make_unique<FakeAttempt>(*this, name_of(to), std::move(answer));
        };
    }
    void start(const std::string& list, Duration timeout = forever) {
        connector.emplace(loop, addresses(list), Connector::Options{300ms, after(loop.time(), timeout)},
                          connect(), [this](std::error_code error, Socket socket) {
                              ++calls;
                              failure = error;
                              winner = std::move(socket);
                          });
    }
    void succeed(char name) { open.at(name)->decide({}, std::move(Socket::pair()[0])); }
    void fail(char name) { open.at(name)->decide(refused, {}); }
    std::string under_way() const {
        std::string text;
        for (const auto& [name, attempt] : open) text += name;
        return text;
    }
    /// Lets so much time pass.
    void pass(Duration time) {
        const TimePoint end = world.now() + time;
        while (world.now() < end) loop.run_once(end - world.now());
        loop.run_ready();
    }
    bool nothing_is_left() const { return open.empty() && loop.next_deadline() == never; }

    std::map<char, FakeAttempt*> open;
    std::string tried;
    std::string at_once;
    std::optional<Connector> connector;
    int calls = 0;
    std::error_code failure;
    Socket winner;

    void TearDown() override {
        connector.reset();
        SimLoop::TearDown();
    }
};

} // namespace

// ---- the order ----------------------------------------------------------------------------------

TEST_F(Connectors, TestConnectorSplit_test_one_family_keeps_its_order) {
    EXPECT_EQ(names(Connector::in_turns(addresses("ab"))), "ab");
    EXPECT_EQ(names(Connector::in_turns(addresses("dc"))), "dc");
    EXPECT_THAT(Connector::in_turns({}), IsEmpty());
}

TEST_F(Connectors, TestConnectorSplit_test_mixed_families_take_turns_and_that_of_the_first_begins) {
    EXPECT_EQ(names(Connector::in_turns(addresses("abcd"))), "acbd");
    EXPECT_EQ(names(Connector::in_turns(addresses("cabd"))), "cadb");
    EXPECT_EQ(names(Connector::in_turns(addresses("acd"))), "acd");
    EXPECT_EQ(names(Connector::in_turns(addresses("abc"))), "acb") << "the longer one goes on alone";
}

// ---- one family ---------------------------------------------------------------------------------

TEST_F(Connectors, ConnectorTest_test_immediate_success) {
    start("ab");
    EXPECT_EQ(tried, "a");
    succeed('a');
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(winner);
    EXPECT_TRUE(nothing_is_left());
    EXPECT_EQ(tried, "a") << "nothing more is begun";
}

TEST_F(Connectors, ConnectorTest_test_immediate_failure_of_the_only_address) {
    start("a");
    fail('a');
    EXPECT_EQ(calls, 0) << "in a later call";
    loop.run_once();
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(failure, refused);
    EXPECT_TRUE(nothing_is_left());
}

TEST_F(Connectors, ConnectorTest_test_one_family_second_try) {
    start("ab");
    fail('a');
    EXPECT_EQ(under_way(), "b") << "at once";
    succeed('b');
    EXPECT_TRUE(winner);
    EXPECT_TRUE(nothing_is_left());
}

TEST_F(Connectors, ConnectorTest_test_one_family_second_try_failure) {
    start("ab");
    fail('a');
    fail('b');
    loop.run_once();
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(failure, refused);
    EXPECT_TRUE(nothing_is_left());
}

TEST_F(Connectors, ConnectorTest_test_one_family_second_try_timeout_the_next_begins_beside_a_slow_one) {
    // Tornado tries a family's addresses strictly one after the other; RFC 8305 does not.
    start("ab");
    pass(299ms);
    EXPECT_EQ(under_way(), "a");
    pass(1ms);
    EXPECT_EQ(under_way(), "ab");
    succeed('a');
    EXPECT_TRUE(winner);
    EXPECT_TRUE(nothing_is_left()) << "the loser is given up";
}

// ---- two families -------------------------------------------------------------------------------

TEST_F(Connectors,
       ConnectorTest_test_two_families_immediate_failure_begins_the_next_at_once_and_its_time_anew) {
    start("abcd");
    pass(200ms);
    fail('a');
    EXPECT_EQ(under_way(), "c");
    pass(299ms);
    EXPECT_EQ(under_way(), "c") << "alone for the whole of its time";
    pass(1ms);
    EXPECT_EQ(under_way(), "bc");
    fail('c');
    EXPECT_EQ(under_way(), "bd");
    succeed('b');
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(nothing_is_left());
}

TEST_F(Connectors, ConnectorTest_test_two_families_timeout_both_run_and_the_second_wins) {
    start("abcd");
    pass(300ms);
    EXPECT_EQ(under_way(), "ac");
    succeed('c');
    EXPECT_TRUE(winner);
    EXPECT_TRUE(nothing_is_left());
    EXPECT_EQ(tried, "ac");
}

TEST_F(Connectors, ConnectorTest_test_success_after_timeout_of_the_first) {
    start("abcd");
    pass(300ms);
    succeed('a');
    EXPECT_TRUE(winner);
    EXPECT_TRUE(nothing_is_left());
}

TEST_F(Connectors, ConnectorTest_test_all_fail_only_when_the_last_has_failed) {
    start("abcd");
    pass(900ms);
    EXPECT_EQ(under_way(), "abcd");
    for (const char name : {'c', 'a', 'd'}) fail(name);
    pass(1h);
    EXPECT_EQ(calls, 0) << "b may still answer";
    fail('b');
    loop.run_once();
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(failure, refused);
    EXPECT_TRUE(nothing_is_left());
}

TEST_F(Connectors, addresses_that_fail_at_once_are_passed_over) {
    at_once = "ac";
    start("abcd");
    EXPECT_EQ(tried, "acb");
    succeed('b');
    EXPECT_TRUE(winner);
}

TEST_F(Connectors, if_all_fail_at_once_it_is_told_in_a_later_call) {
    at_once = "abcd";
    start("abcd");
    EXPECT_EQ(calls, 0);
    loop.run_once();
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(failure, unreachable);
    EXPECT_TRUE(nothing_is_left());
}

TEST_F(Connectors, an_empty_list_is_an_error_and_no_crash) { // Tornado: IndexError
    start("");
    EXPECT_EQ(calls, 0);
    loop.run_once();
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(failure, std::errc::address_not_available);
    EXPECT_TRUE(nothing_is_left());
}

// ---- the deadline -------------------------------------------------------------------------------

TEST_F(Connectors, ConnectorTest_test_one_family_timeout_after_connect_timeout) {
    start("ab", 100ms);
    pass(100ms);
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(failure, std::errc::timed_out);
    pass(1s);
    EXPECT_EQ(tried, "a") << "nothing is begun afterwards";
    EXPECT_TRUE(nothing_is_left());
}

TEST_F(Connectors, ConnectorTest_test_one_family_success_before_connect_timeout) {
    start("ab", 100ms);
    succeed('a');
    pass(1s);
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(winner) << "the winner is not closed by it";
    EXPECT_FALSE(failure);
}

TEST_F(Connectors, ConnectorTest_test_one_family_second_try_after_connect_timeout) {
    start("ab", 100ms);
    fail('a');
    pass(100ms);
    EXPECT_EQ(failure, std::errc::timed_out);
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(nothing_is_left());
}

TEST_F(Connectors, ConnectorTest_test_one_family_second_try_failure_before_connect_timeout) {
    start("ab", 100ms);
    fail('a');
    fail('b');
    pass(1s);
    EXPECT_EQ(failure, refused);
    EXPECT_EQ(calls, 1);
}

TEST_F(Connectors, ConnectorTest_test_two_family_timeout_before_connect_timeout) {
    start("abcd", 500ms);
    pass(300ms);
    EXPECT_EQ(under_way(), "ac");
    pass(200ms);
    EXPECT_EQ(failure, std::errc::timed_out);
    EXPECT_TRUE(nothing_is_left()) << "all are given up";
}

TEST_F(Connectors, ConnectorTest_test_two_family_success_after_timeout_and_before_connect_timeout) {
    start("abcd", 500ms);
    pass(300ms);
    succeed('c');
    pass(1s);
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(winner);
    EXPECT_FALSE(failure);
}

TEST_F(Connectors, ConnectorTest_test_two_family_timeout_after_connect_timeout) {
    start("abcd", 300ms); // at the same moment; the deadline was armed first
    pass(1s);
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(failure, std::errc::timed_out);
    EXPECT_EQ(tried, "a");
    EXPECT_TRUE(nothing_is_left());
}

TEST_F(Connectors, a_deadline_that_is_past_gives_up_in_the_next_turn) {
    start("ab", -1s);
    loop.run_once();
    EXPECT_EQ(failure, std::errc::timed_out);
    EXPECT_TRUE(nothing_is_left());
}

// ---- lifetimes ----------------------------------------------------------------------------------

TEST_F(Connectors, destroyed_it_gives_up_everything_and_says_nothing) {
    start("abcd", 1h);
    pass(300ms);
    connector.reset();
    EXPECT_TRUE(nothing_is_left());
    EXPECT_EQ(calls, 0);
}

TEST_F(Connectors, may_be_destroyed_by_its_done_whoever_calls_it) {
    for (const bool success : {true, false}) {
        bool done = false;
        connector.emplace(loop, addresses("a"), Connector::Options{}, connect(),
                          [&](std::error_code, Socket) {
                              connector.reset();
                              done = true;
                          });
        success ? succeed('a') : fail('a');
        loop.run_once();
        EXPECT_TRUE(done);
        EXPECT_TRUE(nothing_is_left());
    }
}

TEST_F(Connectors, one_that_cannot_begin_leaves_no_deadline_behind) {
    const auto refuse = [](const SocketAddress&, Connector::Answer,
                           std::error_code&) -> std::unique_ptr<Connector::Attempt> {
        throw std::runtime_error("no sockets today");
    };
    EXPECT_THROW(Connector(loop, addresses("a"), {300ms, after(loop.time(), 1h)}, refuse,
                           [](std::error_code, Socket) {}),
                 std::runtime_error);
    EXPECT_TRUE(nothing_is_left());
}

TEST_F(Connectors, may_outlive_the_loop) {
    start("abcd", 1h);
    loop.close();
    connector.reset();
    EXPECT_THAT(open, IsEmpty());
}

TEST_F(Connectors, a_closed_loop_is_refused) {
    loop.close();
    EXPECT_THROW(start("ab"), std::logic_error);
    EXPECT_EQ(tried, "");
}

TEST_F(Connectors, null_functions_are_refused) {
    EXPECT_THROW(Connector(loop, addresses("a"), {}, nullptr, [](std::error_code, Socket) {}),
                 std::invalid_argument);
    EXPECT_THROW(Connector(loop, addresses("a"), {}, connect(), nullptr), std::invalid_argument);
    EXPECT_TRUE(nothing_is_left());
}
