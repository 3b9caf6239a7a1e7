// SPDX-License-Identifier: MIT
/// Coroutines: a client that connects, asks with a time limit and tries again; and its unreliable server.
#include <ioloop/ioloop.hpp>

#include <cstdio>
#include <stdexcept>
#include <string>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace ioloop;
using namespace std::chrono_literals;

struct Socket { // closes itself
    ~Socket() { ::close(fd); }
    const Fd fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
};

static Task<std::string> ask(sockaddr_in server, std::string question) {
    const Socket socket{};
    if (::connect(socket.fd, reinterpret_cast<sockaddr*>(&server), sizeof server) != 0)
        co_await writable(socket.fd);
    if (::send(socket.fd, question.data(), question.size(), MSG_NOSIGNAL) < 0)
        throw std::runtime_error("not connected");
    co_await readable(socket.fd);
    char answer[64];
    const auto size = ::recv(socket.fd, answer, sizeof answer, 0);
    if (size <= 0) throw std::runtime_error("the server hung up");
    co_return std::string(answer, static_cast<std::size_t>(size));
}

static Task<std::string> ask_until_answered(sockaddr_in server, std::string question) {
    for (Duration pause = 10ms;; pause *= 2) {
        try {
            co_return co_await with_timeout(100ms, ask(server, question));
        } catch (const std::exception& error) {
            std::printf("  client: %s; trying again\n", error.what());
        }
        co_await sleep_for(pause); // (no co_await in a catch: C++ has none)
    }
}

static Task<> talk(Fd fd, int visitor) {
    const Socket socket{fd};
    if (visitor == 1) co_return;              // hangs up at once
    if (visitor == 2) co_await sleep_for(1h); // does not answer
    co_await readable(socket.fd);
    char question[64] = "";
    if (::recv(socket.fd, question, sizeof question - 1, 0) < 0) co_return;
    const std::string answer = "number " + std::to_string(visitor) + ", you ask: " + question;
    ::send(socket.fd, answer.data(), answer.size(), MSG_NOSIGNAL);
}

static Task<> serve(IOLoop& loop, Fd listener) {
    for (int visitor = 1;; ++visitor) {
        co_await readable(listener);
        const Fd fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) spawn(loop, talk(fd, visitor), "visitor");
    }
}

int main() {
    const Socket listener{};
    sockaddr_in address{};
    socklen_t length = sizeof address;
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    ::bind(listener.fd, generic, length);
    ::listen(listener.fd, 8);
    if (::getsockname(listener.fd, generic, &length) != 0 || address.sin_port == 0) return 1;

    IOLoop loop;
    spawn(loop, serve(loop, listener.fd), "server");
    const auto answer = loop.run_sync([&] { return ask_until_answered(address, "how are you?"); });
    std::printf("the answer: %s\n", answer.c_str());
} // whatever still waits, the silent visitor and the server, ends with the loop
