// SPDX-License-Identifier: MIT
/// The examples do what they say.
#include "arena_child.hpp"

#include <ioloop/ioloop.hpp>
#include <ioloop/net.hpp>

#include <chrono>
#include <cstdlib>
#include <string>

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
    EXPECT_THAT(program.out(), HasSubstr("client: the stream is closed"));
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
    for (int connection = 0; connection < 3; ++connection) {
        const std::string text = "good day, number " + std::to_string(connection);
        const std::string answer = loop.run_sync(
            [&]() -> ioloop::Task<std::string> {
                auto stream = ioloop::TcpStream::connect(
                    loop, ioloop::SocketAddress::loopback(static_cast<std::uint16_t>(port)));
                co_await stream.write(text);
                co_return co_await stream.read_bytes(text.size());
            },
            std::chrono::seconds(10));
        EXPECT_EQ(answer, text);
    }
}
