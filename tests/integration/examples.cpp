// SPDX-License-Identifier: MIT
/// The examples do what they say.
#include "arena_child.hpp"
#include "socket.hpp"

#include <cstdlib>

#include <gmock/gmock.h>

using testing::HasSubstr;

TEST(Examples, hello_says_all_it_has_to_say) {
    Child hello({EXAMPLES_DIR "/010-hello"});
    EXPECT_EQ(hello.wait(), 0);
    EXPECT_THAT(hello.out(), HasSubstr("hello\n"));
    EXPECT_THAT(hello.out(), HasSubstr("the pipe says: good day\n"));
    EXPECT_THAT(hello.out(), HasSubstr("tick 2\n"));
    EXPECT_THAT(hello.out(), HasSubstr("goodbye"));
    EXPECT_THAT(hello.out(), testing::Not(HasSubstr("never seen")));
}

TEST(Examples, the_coroutines_get_an_answer_at_the_third_try) {
    Child program({EXAMPLES_DIR "/050-coroutines"});
    EXPECT_EQ(program.wait(), 0);
    EXPECT_THAT(program.out(), HasSubstr("client: the server hung up"));
    EXPECT_THAT(program.out(), HasSubstr("client: the time is up"));
    EXPECT_THAT(program.out(), HasSubstr("the answer: number 3, you ask: how are you?"));
}

TEST(Examples, the_echo_server_sends_back_what_it_gets) {
    Child server({EXAMPLES_DIR "/040-tcp-echo-server", "0"});
    ASSERT_TRUE(server.says("echoing at 127.0.0.1:"));
    ASSERT_TRUE(server.says("\n"));
    const int port = std::atoi(server.out().substr(server.out().rfind(':') + 1).c_str());
    ASSERT_GT(port, 0);

    ioloop::IOLoop loop;
    const auto address = arena::Address::numeric("127.0.0.1", static_cast<std::uint16_t>(port));
    for (int connection = 0; connection < 3; ++connection) {
        std::error_code error;
        auto socket = arena::Socket::connect(address, error);
        ASSERT_FALSE(error) << error.message();
        const std::string text = "good day, number " + std::to_string(connection);
        std::string answer;
        bool sent = false;
        socket.watch(
            loop,
            [&](ioloop::Fd, ioloop::Events) {
                const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
                if (!sent) sent = socket.send({bytes, text.size()}).done();
                if (sent) socket.watch_for(ioloop::Events::read);
                std::uint8_t chunk[256];
                const auto got = socket.receive(chunk);
                if (got.done()) answer.append(chunk, chunk + got.size);
            },
            ioloop::Events::write, "a guest of the echo server");
        while (answer.size() < text.size()) loop.run_once(std::chrono::seconds(10));
        EXPECT_EQ(answer, text);
    }
}
