// SPDX-License-Identifier: MIT
/// SocketPair: two connected, non-blocking stream sockets that close themselves. Unix sockets; TCP on Windows.
#pragma once

#include "os.hpp"

#include <string>
#include <string_view>
#include <utility>

class SocketPair {
public:
    using Fd = ioloop::Fd;

    SocketPair() {
        Fd ends[2];
        os::connected_pair(ends);
        a = ends[0];
        b = ends[1];
    }
    SocketPair(SocketPair&& other) noexcept : a(std::exchange(other.a, -1)), b(std::exchange(other.b, -1)) {}
    SocketPair& operator=(SocketPair&&) = delete;
    ~SocketPair() {
        close_a();
        close_b();
    }

    void close_a() { close_one(a); }
    void close_b() {
        close_one(b);
        await_news();
    }
    /// Closes `b` so that `a` sees an error, whatever it is watched for.
    void hang_up_b() {
        os::hang_up(std::exchange(b, -1));
        await_news();
    }
    /// `a` reads end-of-file, and can still be heard.
    void stop_sending_b() const {
        os::stop_sending(b);
        await_news();
    }

    /// Makes `a` readable.
    void send_to_a(std::string_view text = "x") const {
        os::send(b, text);
        await_news();
    }
    std::string read_a() const { return read_all(a); }
    static std::string read_all(Fd fd) {
        std::string text;
        char buffer[4096];
        for (std::ptrdiff_t n = 0; (n = os::receive(fd, buffer, sizeof buffer)) > 0;)
            text.append(buffer, static_cast<size_t>(n));
        return text;
    }

    Fd a = -1;
    Fd b = -1;

private:
    static void close_one(Fd& fd) {
        if (fd >= 0) os::close(std::exchange(fd, -1));
    }
    void await_news() const {
        if (a >= 0) os::await_news(a);
    }
};
