// SPDX-License-Identifier: MIT
/// describe(): asks the system what a number stands for.
#include <ioloop/inspect/descriptor.hpp>

#include <cstdio>
#include <cstring>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#if defined(__linux__)
#include <linux/sockios.h>
#endif

namespace ioloop {
namespace {

using Kind = Descriptor::Kind;

void print(char (&out)[Descriptor::address_size], const sockaddr_storage& address, socklen_t length) {
    char host[INET6_ADDRSTRLEN] = {};
    if (address.ss_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &address, sizeof v4);
        ::inet_ntop(AF_INET, &v4.sin_addr, host, sizeof host);
        std::snprintf(out, sizeof out, "%s:%u", host, ntohs(v4.sin_port));
    } else if (address.ss_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &address, sizeof v6);
        ::inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof host);
        std::snprintf(out, sizeof out, "[%s]:%u", host, ntohs(v6.sin6_port));
    } else if (address.ss_family == AF_UNIX) {
        // The path need not be terminated, may be abstract (a leading NUL, shown as @), and is empty for a
        // socketpair.
        constexpr std::size_t offset = offsetof(sockaddr_un, sun_path);
        if (length <= offset) return;
        sockaddr_un local{};
        std::memcpy(&local, &address, sizeof local);
        const auto size = static_cast<int>(length - offset);
        const bool abstract = local.sun_path[0] == '\0';
        std::snprintf(out, sizeof out, "%s%.*s", abstract ? "@" : "", abstract ? size - 1 : size,
                      local.sun_path + (abstract ? 1 : 0));
    }
}

int option(Fd fd, int name) {
    int value = 0;
    socklen_t length = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

void describe_socket(Fd fd, Descriptor& out) {
    const bool stream = option(fd, SO_TYPE) == SOCK_STREAM;
    const bool listening = option(fd, SO_ACCEPTCONN) == 1;
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return;
    print(out.local, address, length);
    const bool local = address.ss_family == AF_UNIX;
    out.kind = local ? (stream ? Kind::unix_stream : Kind::unix_datagram)
                     : (stream ? (listening ? Kind::tcp_listener : Kind::tcp) : Kind::udp);
    length = sizeof address;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0)
        print(out.peer, address, length);

    int bytes = 0;
    if (!listening && ::ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0)
        out.bytes_in = static_cast<std::uint64_t>(bytes);
#if defined(SIOCOUTQ)
    if (!listening && ::ioctl(fd, SIOCOUTQ, &bytes) == 0 && bytes > 0) {
        out.bytes_out = static_cast<std::uint64_t>(bytes);
    }
#endif
}

/// Files without a kind of their own say what they are in the name of their link: "anon_inode:[eventfd]".
Kind anonymous_kind(Fd fd) {
    char path[32];
    char target[64] = {};
    std::snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (::readlink(path, target, sizeof target - 1) < 0) return Kind::other;
    if (std::strstr(target, "[eventfd]") != nullptr) return Kind::eventfd;
    if (std::strstr(target, "[timerfd]") != nullptr) return Kind::timerfd;
    if (std::strstr(target, "[eventpoll]") != nullptr) return Kind::epoll;
    return Kind::other;
}

} // namespace

Descriptor describe(Fd fd) noexcept {
    Descriptor out;
    const int flags = ::fcntl(fd, F_GETFL);
    struct stat file {};
    if (flags < 0 || ::fstat(fd, &file) != 0) {
        out.kind = Kind::closed;
        return out;
    }
    out.blocking = (flags & O_NONBLOCK) == 0;
    if (S_ISSOCK(file.st_mode)) {
        describe_socket(fd, out);
    } else if (S_ISFIFO(file.st_mode)) {
        out.kind = Kind::pipe;
        int bytes = 0;
        if (::ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0) out.bytes_in = static_cast<std::uint64_t>(bytes);
    } else if (S_ISCHR(file.st_mode)) {
        out.kind = ::isatty(fd) == 1 ? Kind::terminal : Kind::other;
    } else if (S_ISREG(file.st_mode)) {
        out.kind = Kind::file;
    } else {
        out.kind = anonymous_kind(fd);
    }
    return out;
}

} // namespace ioloop
