// SPDX-License-Identifier: MIT
/// Coroutines: a client that connects, asks with a time limit and tries again; and its unreliable server.
#include <ioloop/ioloop.hpp>
#include <ioloop/net.hpp>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>

using namespace ioloop;
using namespace std::chrono_literals;

static Task<std::string> ask(IOLoop& loop, SocketAddress server, std::string question) {
    TcpStream stream = TcpStream::connect(loop, server);
    stream.write(question + "\n"); // as soon as it is connected
    co_return co_await stream.read_until("\n", 1000);
}

static Task<std::string> ask_until_answered(IOLoop& loop, SocketAddress server, std::string question) {
    for (Duration pause = 10ms;; pause *= 2) {
        try {
            co_return co_await with_timeout(100ms, ask(loop, server, question));
        } catch (const std::exception& error) {
            std::printf("  client: %s; trying again\n", error.what());
        }
        co_await sleep_for(pause); // (no co_await in a catch: C++ has none)
    }
}

/// The stream is the coroutine's, and closes when that ends, however it does.
static Task<> talk(TcpStream stream, int visitor) {
    if (visitor == 1) co_return;              // hangs up at once
    if (visitor == 2) co_await sleep_for(1h); // does not answer
    const std::string question = co_await stream.read_until("\n", 1000);
    co_await stream.write("number " + std::to_string(visitor) + ", you ask: " + question);
}

int main() {
    IOLoop loop;
    int visitors = 0;
    TcpServer server(loop, [&](Socket socket, SocketAddress) {
        spawn(loop, talk(TcpStream(loop, std::move(socket)), ++visitors), "visitor");
    });
    server.listen(SocketAddress::loopback(0));

    const SocketAddress address = server.addresses().front();
    const auto answer = loop.run_sync([&] { return ask_until_answered(loop, address, "how are you?"); });
    std::printf("the answer: %s", answer.c_str());
} // who still waits, the silent visitor, ends with the loop
