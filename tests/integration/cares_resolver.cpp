// SPDX-License-Identifier: MIT
/// cares::Resolver: what it asks a name server of the test's own, and what it makes of the answers.
#include <ioloop/cares.hpp>
#include <ioloop/net.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <ares.h>
#include <gmock/gmock.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// Answers questions for IPv4 addresses of "a.test" with 192.0.2.1 and 192.0.2.2; other names do not exist; those that
/// begin with "silent" are not answered.
class NameServer {
public:
    explicit NameServer(IOLoop& loop) {
        socket_.watch(
            loop, [this](Fd, Events) { answer(); }, Events::read, "name server of the test");
    }
    std::string address() const { return socket_.local().to_string(); }

    std::vector<std::string> asked; ///< names, once for each kind of address

private:
    void answer() {
        std::array<std::uint8_t, 512> question{};
        SocketAddress from;
        std::error_code error;
        const std::size_t size = socket_.receive_datagram(question, from, error);
        if (error || size < 17) return;
        std::string name;
        std::size_t at = 12;
        while (question.at(at) != 0) {
            if (!name.empty()) name += '.';
            for (std::size_t n = question.at(at++); n > 0; --n) name += static_cast<char>(question.at(at++));
        }
        asked.push_back(name);
        if (name.starts_with("silent")) return;
        const bool ipv4 = question.at(at + 2) == 1;
        const std::size_t end = at + 5;
        std::vector<std::uint8_t> reply(question.begin(),
                                        question.begin() + static_cast<std::ptrdiff_t>(end));
        reply[2] = 0x81; // an answer
        reply[3] = name == "a.test" ? 0x80 : 0x83;
        reply[7] = 0;
        reply[9] = reply[11] = 0; // nothing but answers
        if (name == "a.test" && ipv4) {
            reply[7] = 2;
            for (const std::uint8_t last : {std::uint8_t{1}, std::uint8_t{2}}) {
                const std::array<std::uint8_t, 16> record{0xc0, 12, 0, 1, 0,   1, 0, 0,
                                                          0,    60, 0, 4, 192, 0, 2, last};
                reply.insert(reply.end(), record.begin(), record.end());
            }
        }
        socket_.send_datagram(reply, from, error);
    }

    Socket socket_ = Socket::datagram(SocketAddress::loopback(0));
};

struct Cares : testing::Test {
    using Answer = Future<Resolver::Addresses>;

    void TearDown() override {
        resolver.reset();
        EXPECT_EQ(loop.statistics().handlers, 1U); // the name server's
        EXPECT_EQ(loop.statistics().timeouts, 0U);
    }
    /// Until it is true; a defect ends it, rather than hang.
    void run_until(const std::function<bool()>& happened) {
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (!happened() && std::chrono::steady_clock::now() < end) loop.run_once(10ms);
        EXPECT_TRUE(happened());
    }
    std::vector<std::string> addresses(const Answer& answer) {
        run_until([&] { return answer.done(); });
        std::vector<std::string> texts;
        for (const SocketAddress& address : answer.result()) texts.push_back(address.to_string());
        std::sort(texts.begin(), texts.end());
        return texts;
    }
    std::error_code failure(const Answer& answer) {
        run_until([&] { return answer.done(); });
        try {
            answer.result();
        } catch (const std::system_error& error) {
            return error.code();
        }
        return {};
    }

    IOLoop loop;
    NameServer server{loop};
    std::unique_ptr<Resolver> resolver = std::make_unique<cares::Resolver>(
        loop, cares::Resolver::Options{.servers = server.address(), .patience = 50ms, .tries = 2});
};

TEST_F(Cares, a_name_comes_to_its_addresses_each_once_with_the_port_that_was_asked_for) {
    EXPECT_THAT(addresses(resolver->resolve("a.test", 80)), ElementsAre("192.0.2.1:80", "192.0.2.2:80"));
}

TEST_F(Cares, what_needs_no_question_is_answered_at_once) {
    EXPECT_TRUE(resolver->resolve("127.0.0.1", 80).done());
    EXPECT_TRUE(resolver->resolve("localhost", 80).done());
    EXPECT_EQ(failure(resolver->resolve("", 80)), std::errc::invalid_argument);
    EXPECT_EQ(failure(resolver->resolve(std::string("a\0b", 3), 80)), std::errc::invalid_argument);
    EXPECT_THAT(server.asked, IsEmpty());
}

TEST_F(Cares, a_name_that_does_not_exist_is_an_error) {
    EXPECT_EQ(failure(resolver->resolve("b.test", 80)),
              std::error_code(ARES_ENOTFOUND, cares::error_category()));
}

TEST_F(Cares, a_server_that_is_silent_is_asked_again_and_given_up) {
    EXPECT_EQ(failure(resolver->resolve("silent.test", 80)),
              std::error_code(ARES_ETIMEOUT, cares::error_category()));
    EXPECT_GE(server.asked.size(), 2U);
}

TEST_F(Cares, a_timeout_of_the_question_comes_first) {
    EXPECT_EQ(failure(resolver->resolve("silent.test", 80, 10ms)), std::errc::timed_out);
}

TEST_F(Cares, a_question_can_be_cancelled) {
    const Answer answer = resolver->resolve("silent.test", 80, 10s);
    run_until([&] { return !server.asked.empty(); });
    answer.cancel();
    EXPECT_EQ(failure(answer), std::errc::operation_canceled);
    EXPECT_THAT(addresses(resolver->resolve("a.test", 1)), SizeIs(2));
}

TEST_F(Cares, what_is_asked_is_cancelled_when_the_resolver_goes) {
    const Answer answer = resolver->resolve("silent.test", 80, 10s);
    run_until([&] { return !server.asked.empty(); });
    resolver.reset();
    EXPECT_EQ(failure(answer), std::errc::operation_canceled);
}

TEST_F(Cares, many_questions_are_under_way_at_once) {
    std::vector<Answer> answers;
    for (int n = 0; n < 100; ++n) answers.push_back(resolver->resolve("a.test", 80));
    for (const Answer& answer : answers) EXPECT_THAT(addresses(answer), SizeIs(2));
}

TEST_F(Cares, servers_that_make_no_sense_are_refused) {
    EXPECT_THROW(cares::Resolver(loop, {.servers = "no server"}), std::system_error);
}

TEST(CaresWithoutLoop, the_loop_may_be_closed_first) {
    IOLoop loop;
    NameServer server(loop);
    cares::Resolver resolver(loop, {.servers = server.address()});
    const auto answer = resolver.resolve("silent.test", 80);
    loop.run_once(10ms);
    loop.close();
}

TEST(CaresWithoutLoop, a_closed_loop_is_asked_no_more) {
    IOLoop loop;
    cares::Resolver resolver(loop, {.servers = "127.0.0.1:1"});
    loop.close();
    EXPECT_THROW(static_cast<void>(resolver.resolve("silent.test", 80)), std::logic_error);
    EXPECT_THROW(static_cast<void>(resolver.resolve("silent.test", 80, 1s)), std::logic_error);
    EXPECT_TRUE(resolver.resolve("localhost", 80).done());
}
