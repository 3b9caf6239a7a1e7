// SPDX-License-Identifier: MIT
#include "stream_socket.hpp"

#include "process.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 // where it is an option of the socket
#endif

namespace ioloop {
namespace {

using Family = LoopbackAddress::Family;

struct SystemAddress {
    sockaddr_storage storage{};
    socklen_t size = sizeof(sockaddr_storage);

    const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
    sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
};

std::error_code last_error() noexcept {
    // The one word for it that callers look for; they may be two numbers.
    const int code = errno == EWOULDBLOCK ? EAGAIN : errno;
    return {code, std::system_category()};
}

template <class To> void store(SystemAddress& to, const To& from) noexcept {
    std::memcpy(&to.storage, &from, sizeof from);
    to.size = sizeof from;
}

SystemAddress system_address(const LoopbackAddress& address, std::error_code& error) noexcept {
    SystemAddress made;
    switch (address.family) {
    case Family::unix_path: {
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        if (address.path.size() >= sizeof at.sun_path) {
            error = std::make_error_code(std::errc::filename_too_long);
            return made;
        }
        std::memcpy(at.sun_path, address.path.data(), address.path.size());
        store(made, at);
        break;
    }
    case Family::ipv4: {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_port = htons(address.port);
        at.sin_addr.s_addr = htonl(address.host);
        store(made, at);
        break;
    }
    case Family::ipv6: {
        sockaddr_in6 at{};
        at.sin6_family = AF_INET6;
        at.sin6_port = htons(address.port);
        at.sin6_addr = IN6ADDR_LOOPBACK_INIT;
        store(made, at);
        break;
    }
    }
    return made;
}

void set_option(Fd fd, int level, int option) noexcept {
    const int on = 1;
    ::setsockopt(fd, level, option, &on, sizeof on);
}

bool prepare(Fd fd) noexcept {
#ifdef SO_NOSIGPIPE
    set_option(fd, SOL_SOCKET, SO_NOSIGPIPE);
#endif
    return ::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
           ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK) == 0;
}

Fd make(const SystemAddress& address, std::error_code& error) noexcept {
    const int family = address.storage.ss_family;
#ifdef SOCK_CLOEXEC
    const Fd fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0); // no moment in which a child could get it
#else
    const Fd fd = ::socket(family, SOCK_STREAM, 0);
#endif
    if (fd < 0 || !prepare(fd)) {
        error = last_error();
        if (fd >= 0) ::close(fd);
        return invalid_fd;
    }
    if (family != AF_UNIX) set_option(fd, IPPROTO_TCP, TCP_NODELAY);
    return fd;
}

/// True if `path` is a socket that nobody listens on.
bool is_stale(const LoopbackAddress& address, const SystemAddress& at) noexcept {
    struct stat status {};
    if (::lstat(address.path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
    std::error_code error;
    const Fd probe = make(at, error);
    if (probe < 0) return false;
    const bool refused = ::connect(probe, at.get(), at.size) != 0 && errno == ECONNREFUSED;
    ::close(probe);
    return refused;
}

bool bind_to(Fd fd, const LoopbackAddress& address, const SystemAddress& at) noexcept {
    if (address.family != Family::unix_path) {
        set_option(fd, SOL_SOCKET, SO_REUSEADDR); // a program that was killed comes back to its port at once
        return ::bind(fd, at.get(), at.size) == 0;
    }
    if (::bind(fd, at.get(), at.size) != 0) {
        if (errno != EADDRINUSE) return false;
        if (!is_stale(address, at)) {
            errno = EADDRINUSE;
            return false;
        }
        ::unlink(address.path.c_str());
        if (::bind(fd, at.get(), at.size) != 0) return false;
    }
    return ::chmod(address.path.c_str(), S_IRUSR | S_IWUSR) == 0; // nobody can connect before it listens
}

} // namespace

StreamSocket::~StreamSocket() {
    if (fd_ != invalid_fd) close_fd(fd_);
}

StreamSocket StreamSocket::listen(LoopbackAddress& address, std::error_code& error) noexcept {
    error.clear();
    SystemAddress at = system_address(address, error);
    if (error) return {};
    StreamSocket made(make(at, error));
    if (!made) return {};
    if (!bind_to(made.fd_, address, at) || ::listen(made.fd_, 8) != 0) {
        error = last_error();
        return {};
    }
    if (address.family != Family::unix_path && ::getsockname(made.fd_, at.get(), &at.size) == 0) {
        // The port is at the same place in both.
        static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
        sockaddr_in bound{};
        std::memcpy(&bound, &at.storage, sizeof bound);
        address.port = ntohs(bound.sin_port);
    }
    return made;
}

StreamSocket StreamSocket::connect(const LoopbackAddress& address, std::error_code& error) noexcept {
    error.clear();
    const SystemAddress at = system_address(address, error);
    if (error) return {};
    StreamSocket made(make(at, error));
    if (!made) return {};
    if (::connect(made.fd_, at.get(), at.size) != 0 && errno != EINPROGRESS && errno != EINTR) {
        error = last_error();
        return {};
    }
    return made;
}

StreamSocket StreamSocket::accept(std::error_code& error) noexcept {
    error.clear();
#ifdef SOCK_CLOEXEC
    StreamSocket made(::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
#else
    StreamSocket made(::accept(fd_, nullptr, nullptr));
#endif
    if (!made || !prepare(made.fd_)) {
        error = last_error();
        return {};
    }
    set_option(made.fd_, IPPROTO_TCP, TCP_NODELAY); // refused by a unix socket, which does not need it
    return made;
}

std::error_code StreamSocket::connected() noexcept {
    int code = 0;
    socklen_t size = sizeof code;
    if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &code, &size) != 0) return last_error();
    if (code != 0) return {code, std::system_category()};
    SystemAddress here;
    SystemAddress there;
    if (::getpeername(fd_, there.get(), &there.size) != 0) return last_error();
    // A port that nobody listens on can, by chance, be the one that we are given ourselves: TCP connects us to us.
    if (there.storage.ss_family != AF_UNIX && ::getsockname(fd_, here.get(), &here.size) == 0 &&
        here.size == there.size && std::memcmp(&here.storage, &there.storage, here.size) == 0) {
        return std::make_error_code(std::errc::connection_refused);
    }
    return {};
}

std::size_t StreamSocket::send(std::span<const std::uint8_t> bytes, std::error_code& error) noexcept {
    error.clear();
    ssize_t sent = 0;
    do {
        sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    error = last_error();
    return 0;
}

std::size_t StreamSocket::receive(std::span<std::uint8_t> into, std::error_code& error) noexcept {
    error.clear();
    ssize_t received = 0;
    do {
        received = ::recv(fd_, into.data(), into.size(), 0);
    } while (received < 0 && errno == EINTR);
    if (received >= 0) return static_cast<std::size_t>(received);
    error = last_error();
    return 0;
}

namespace {

/// None if there is no such file.
FileIdentity file_at(const std::string& path) noexcept {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return {};
    return {static_cast<std::uint64_t>(status.st_dev), static_cast<std::uint64_t>(status.st_ino)};
}

} // namespace

SocketFile::SocketFile(const LoopbackAddress& address) noexcept {
    if (address.family != Family::unix_path) return;
    file_ = file_at(address.path);
    if (file_) path_ = address.path;
}

SocketFile::~SocketFile() {
    if (!path_.empty() && file_at(path_) == file_) ::unlink(path_.c_str());
}

} // namespace ioloop
