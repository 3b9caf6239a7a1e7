// SPDX-License-Identifier: MIT
/// SocketPair: two connected, non-blocking unix stream sockets that close themselves.
#pragma once

#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

class SocketPair {
public:
    SocketPair() {
        int fds[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) {
            throw std::system_error(errno, std::system_category(), "socketpair");
        }
        a = fds[0];
        b = fds[1];
    }
    SocketPair(SocketPair&& other) noexcept : a(std::exchange(other.a, -1)), b(std::exchange(other.b, -1)) {}
    SocketPair& operator=(SocketPair&&) = delete;
    ~SocketPair() {
        close_a();
        close_b();
    }

    void close_a() { close_one(a); }
    void close_b() { close_one(b); }

    /// Makes `a` readable.
    void send_to_a(std::string_view text = "x") const {
        (void)!::send(b, text.data(), text.size(), MSG_NOSIGNAL);
    }
    std::string read_a() const { return read_all(a); }
    static std::string read_all(int fd) {
        std::string text;
        char buffer[4096];
        for (ssize_t n = 0; (n = ::read(fd, buffer, sizeof buffer)) > 0;)
            text.append(buffer, static_cast<size_t>(n));
        return text;
    }

    int a = -1;
    int b = -1;

private:
    static void close_one(int& fd) {
        if (fd >= 0) ::close(std::exchange(fd, -1));
    }
};
