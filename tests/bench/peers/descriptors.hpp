// SPDX-License-Identifier: MIT
/// The sockets of the scenarios, and how many there can be.
#pragma once

#include <cerrno>
#include <cstddef>
#include <system_error>
#include <utility>

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bench::peers {

inline int checked(int result, const char* what) {
    if (result < 0) throw std::system_error(errno, std::system_category(), what);
    return result;
}

/// Never readable, and needs no other end.
inline int silent_socket() {
    return checked(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
}

/// Two connected stream sockets.
struct Pair {
    Pair() {
        int ends[2];
        checked(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), "socketpair");
        a = ends[0];
        b = ends[1];
    }
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;
    ~Pair() {
        if (a >= 0) ::close(a);
        if (b >= 0) ::close(b);
    }

    int a = -1;
    int b = -1;
};

inline bool send_byte(int fd) noexcept {
    const char byte = 'x';
    return ::write(fd, &byte, 1) == 1;
}

/// As many as the system allows, but for what the program and its loops need.
inline std::size_t descriptors_to_use() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    constexpr rlim_t reserved = 64;
    constexpr rlim_t plenty = 1U << 20U;
    return static_cast<std::size_t>((limit.rlim_cur > plenty ? plenty : limit.rlim_cur) - reserved);
}

} // namespace bench::peers
