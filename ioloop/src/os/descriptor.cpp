// SPDX-License-Identifier: MIT
/// describe(): asks the system what a number stands for.
#include <ioloop/inspect/descriptor.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

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
#include <netinet/tcp.h>
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
        // One more than there is room for, if the path is not terminated: the system counts the zero that it lacks.
        const auto size = static_cast<int>(std::min<std::size_t>(length - offset, sizeof local.sun_path));
        const bool abstract = local.sun_path[0] == '\0';
        std::snprintf(out, sizeof out, "%s%.*s", abstract ? "@" : "", abstract ? size - 1 : size,
                      local.sun_path + (abstract ? 1 : 0));
    }
}

FileIdentity identity_of(const struct stat& file) {
    return {static_cast<std::uint64_t>(file.st_dev), static_cast<std::uint64_t>(file.st_ino)};
}

int option(Fd fd, int name) {
    int value = 0;
    socklen_t length = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

std::uint64_t size_option(Fd fd, int name) {
    const int size = option(fd, name);
    return size > 0 ? static_cast<std::uint64_t>(size) : 0;
}

std::optional<std::uint64_t> bytes_by(unsigned long request, Fd fd) {
    int bytes = 0;
    if (::ioctl(fd, request, &bytes) != 0 || bytes < 0) return {};
    return static_cast<std::uint64_t>(bytes);
}

#if defined(__linux__)
void describe_tcp(Fd fd, Descriptor& out) {
    tcp_info info{};
    socklen_t length = sizeof info;
    if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return;
    using State = Descriptor::TcpState; // in the kernel's order
    static_assert(static_cast<int>(State::established) == TCP_ESTABLISHED);
    static_assert(static_cast<int>(State::closing) == TCP_CLOSING);
    if (info.tcpi_state <= TCP_CLOSING) out.tcp_state = static_cast<State>(info.tcpi_state);
    if (out.tcp_state == State::listen) {
        out.accept_queue = info.tcpi_unacked;
        out.accept_limit = info.tcpi_sacked;
    } else {
        out.round_trip = std::chrono::microseconds(info.tcpi_rtt);
    }
}
#else
void describe_tcp(Fd, Descriptor&) {}
#endif

/// `family` and `type` as in socket(2).
Kind socket_kind(int family, int type, bool listening) {
    if (family == AF_UNIX) return type == SOCK_STREAM ? Kind::unix_stream : Kind::unix_datagram;
    if (family != AF_INET && family != AF_INET6) return Kind::other;
    if (type == SOCK_STREAM) return listening ? Kind::tcp_listener : Kind::tcp;
    return type == SOCK_DGRAM ? Kind::udp : Kind::other;
}

void describe_socket(Fd fd, Descriptor& out) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return;
    print(out.local, address, length);
    out.kind = socket_kind(address.ss_family, option(fd, SO_TYPE), option(fd, SO_ACCEPTCONN) == 1);
    length = sizeof address;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0)
        print(out.peer, address, length);
    out.receive_buffer = size_option(fd, SO_RCVBUF);
    out.send_buffer = size_option(fd, SO_SNDBUF);
    if (out.kind == Kind::tcp || out.kind == Kind::tcp_listener) describe_tcp(fd, out);
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

/// /proc/self/fdinfo: "eventfd-count:               2a". There is no other way to see it without taking it.
std::uint64_t event_count(Fd fd) {
    char text[512];
    std::snprintf(text, sizeof text, "/proc/self/fdinfo/%d", fd);
    const Fd file = ::open(text, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    const ssize_t size = ::read(file, text, sizeof text - 1);
    ::close(file);
    text[size > 0 ? size : 0] = '\0';
    constexpr std::string_view name = "eventfd-count:";
    const char* const found = std::strstr(text, name.data());
    return found != nullptr ? std::strtoull(found + name.size(), nullptr, 16) : 0;
}

} // namespace

FileIdentity file_of(Fd fd) noexcept {
    struct stat file {};
    return ::fstat(fd, &file) == 0 ? identity_of(file) : FileIdentity();
}

QueuedBytes queued_bytes(Fd fd) noexcept {
    QueuedBytes out;
    out.in = bytes_by(FIONREAD, fd);
#if defined(SIOCOUTQ)
    out.out = bytes_by(SIOCOUTQ, fd);
#endif
    return out;
}

Descriptor describe(Fd fd) noexcept {
    Descriptor out;
    const int flags = ::fcntl(fd, F_GETFL);
    struct stat file {};
    if (flags < 0 || ::fstat(fd, &file) != 0) {
        out.kind = Kind::closed;
        return out;
    }
    out.blocking = (flags & O_NONBLOCK) == 0;
    out.file = identity_of(file);
    if (S_ISSOCK(file.st_mode)) {
        describe_socket(fd, out);
    } else if (S_ISFIFO(file.st_mode)) {
        out.kind = Kind::pipe;
    } else if (S_ISCHR(file.st_mode)) {
        if (::isatty(fd) != 1) return out; // whatever its driver takes these requests for
        out.kind = Kind::terminal;
    } else if (S_ISREG(file.st_mode)) {
        out.kind = Kind::file;
        return out;
    } else {
        out.kind = anonymous_kind(fd);
        if (out.kind == Kind::eventfd) out.event_count = event_count(fd);
        return out;
    }
    const QueuedBytes queued = queued_bytes(fd);
    out.bytes_in = queued.in.value_or(0);
    out.bytes_out = queued.out.value_or(0);
    return out;
}

} // namespace ioloop
