// SPDX-License-Identifier: MIT
/// The example in the docstring of Tornado's IOLoop, in C++: a TCP server that sends back what it gets.
///
///     040-tcp-echo-server [port]       then, elsewhere: nc 127.0.0.1 8888
#include <ioloop/ioloop.hpp>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

using ioloop::Events;
using ioloop::Fd;

static void hang_up(ioloop::IOLoop& loop, Fd fd) {
    loop.remove_handler(fd); // first: a closed number may soon be somebody else's
    ::close(fd);
}

static void echo(ioloop::IOLoop& loop, Fd fd) {
    char data[4096];
    const auto size = ::recv(fd, data, sizeof data, 0);
    if (size < 0 && errno == EAGAIN) return;
    // What does not fit into the socket's buffer ends the connection: a real server keeps it, and asks for
    // Events::write.
    if (size <= 0 || ::send(fd, data, static_cast<std::size_t>(size), MSG_NOSIGNAL) != size)
        hang_up(loop, fd);
}

static void accept_all(ioloop::IOLoop& loop, Fd listener) {
    while (true) {
        const Fd connection = ::accept(listener, nullptr, nullptr);
        if (connection < 0) return; // EAGAIN: there are no more
        ::fcntl(connection, F_SETFL, O_NONBLOCK);
        loop.add_handler(
            connection, [&loop](Fd fd, Events) { echo(loop, fd); }, Events::read, "echo connection");
    }
}

int main(int argc, char** argv) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 8888));
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);

    const Fd listener = ::socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ::fcntl(listener, F_SETFL, O_NONBLOCK);
    if (::bind(listener, generic, size) != 0 || ::listen(listener, 128) != 0) {
        std::perror("cannot listen");
        return 1;
    }
    ::getsockname(listener, generic, &size);
    std::printf("echoing at 127.0.0.1:%d\n", ntohs(address.sin_port));
    std::fflush(stdout);

    ioloop::IOLoop loop;
    loop.add_handler(
        listener, [&loop](Fd fd, Events) { accept_all(loop, fd); }, Events::read, "echo listener");
    loop.start();
}
