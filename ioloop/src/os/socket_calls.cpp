// SPDX-License-Identifier: MIT
#include "socket_calls.hpp"

#include "process.hpp"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 // where it is an option of the socket
#endif
#ifndef MSG_TRUNC
#define MSG_TRUNC 0
#endif

namespace ioloop {
namespace {

using Family = SocketAddress::Family;

std::error_code socket_error() noexcept {
    // The one word for it that callers look for; they may be two numbers.
    const int code = errno == EWOULDBLOCK ? EAGAIN : errno;
    return {code, std::system_category()};
}

socklen_t length(const SocketAddress& address) noexcept { return static_cast<socklen_t>(address.size()); }

void set_option(Fd fd, int level, int option, int value = 1) noexcept {
    ::setsockopt(fd, level, option, &value, sizeof value);
}

/// What getsockname(), accept() and their kind fill in.
struct AddressBuffer {
    sockaddr_storage storage{};
    socklen_t size = sizeof(sockaddr_storage);

    sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
    SocketAddress made() const noexcept { return {reinterpret_cast<const sockaddr*>(&storage), size}; }
};

bool make_ours(Fd fd) noexcept {
#ifdef SO_NOSIGPIPE
    set_option(fd, SOL_SOCKET, SO_NOSIGPIPE);
#endif
#ifdef F_SETNOSIGPIPE // macOS: of pipes, too. There the signal goes to the process, so that blocking it here is not enough
    ::fcntl(fd, F_SETNOSIGPIPE, 1);
#endif
    const int flags = ::fcntl(fd, F_GETFL);
    return flags >= 0 && ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           ::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

int system_family(Family family) noexcept {
    switch (family) {
    case Family::none: break;
    case Family::ipv4: return AF_INET;
    case Family::ipv6: return AF_INET6;
    case Family::unix_path: return AF_UNIX;
    }
    return AF_UNSPEC;
}

/// True if `path` is a socket that nobody listens on.
bool is_stale(const std::string& path, const SocketAddress& at) noexcept {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
    std::error_code error;
    const Fd probe = open_socket(Family::unix_path, SocketType::stream, error);
    if (probe < 0) return false;
    const bool refused = ::connect(probe, at.data(), length(at)) != 0 && errno == ECONNREFUSED;
    close_fd(probe);
    return refused;
}

/// Takes the file's place if it is stale, and protects it.
bool bind_to_file(Fd fd, const SocketAddress& at, std::uint32_t mode) noexcept {
    const std::string path = at.path();
    const bool abstract = at.is_abstract();
    if (::bind(fd, at.data(), length(at)) != 0) {
        if (errno != EADDRINUSE) return false;
        if (abstract || !is_stale(path, at)) {
            errno = EADDRINUSE;
            return false;
        }
        ::unlink(path.c_str());
        if (::bind(fd, at.data(), length(at)) != 0) return false;
    }
    return abstract ||
           ::chmod(path.c_str(), static_cast<mode_t>(mode)) == 0; // nobody can connect before it listens
}

/// write() to a pipe that nobody reads raises a signal, which ends the program; there is no flag against it.
class WithoutBrokenPipeSignal {
public:
    WithoutBrokenPipeSignal() noexcept {
        sigset_t pending;
        ::sigpending(&pending);
        already_ = ::sigismember(&pending, SIGPIPE) == 1; // somebody else's: not to be taken away
        ::sigemptyset(&pipe_);
        ::sigaddset(&pipe_, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    WithoutBrokenPipeSignal(const WithoutBrokenPipeSignal&) = delete;
    WithoutBrokenPipeSignal& operator=(const WithoutBrokenPipeSignal&) = delete;
    ~WithoutBrokenPipeSignal() {
        const int kept = errno;
        if (broken && !already_) {
#ifdef __APPLE__ // which has no sigtimedwait(). A signal that the program ignores is never pending: not to be waited for
            sigset_t pending;
            int signal = 0;
            if (::sigpending(&pending) == 0 && ::sigismember(&pending, SIGPIPE) == 1)
                ::sigwait(&pipe_, &signal);
#else
            const timespec no_time{};
            while (::sigtimedwait(&pipe_, nullptr, &no_time) < 0 && errno == EINTR) {}
#endif
        }
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
        errno = kept;
    }

    bool broken = false;

private:
    sigset_t pipe_{};
    sigset_t before_{};
    bool already_ = false;
};

ssize_t write_quietly(Fd fd, std::span<const std::uint8_t> bytes) noexcept {
    WithoutBrokenPipeSignal quiet;
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    quiet.broken = written < 0 && errno == EPIPE;
    return written;
}

/// `call`, until no signal interrupts it.
template <class Call> std::size_t transfer(std::error_code& error, Call call) noexcept {
    error.clear();
    ssize_t moved = 0;
    do {
        moved = call();
    } while (moved < 0 && errno == EINTR);
    if (moved >= 0) return static_cast<std::size_t>(moved);
    error = socket_error();
    return 0;
}

} // namespace

Fd open_socket(Family family, SocketType type, std::error_code& error) noexcept {
    error.clear();
    const int system_type = type == SocketType::stream ? SOCK_STREAM : SOCK_DGRAM;
#ifdef SOCK_CLOEXEC
    const Fd fd = ::socket(system_family(family), system_type | SOCK_CLOEXEC, 0); // no moment without it
#else
    const Fd fd = ::socket(system_family(family), system_type, 0);
#endif
    if (fd < 0 || !make_ours(fd)) {
        error = socket_error();
        if (fd >= 0) close_fd(fd);
        return invalid_fd;
    }
    if (type == SocketType::stream && family != Family::unix_path) set_no_delay(fd, true);
    return fd;
}

std::array<Fd, 2> open_socket_pair(std::error_code& error) noexcept {
    error.clear();
    std::array<Fd, 2> pair{invalid_fd, invalid_fd};
#ifdef SOCK_CLOEXEC
    const int type = SOCK_STREAM | SOCK_CLOEXEC;
#else
    const int type = SOCK_STREAM;
#endif
    if (::socketpair(AF_UNIX, type, 0, pair.data()) == 0 && make_ours(pair[0]) && make_ours(pair[1]))
        return pair;
    error = socket_error();
    for (const Fd fd : pair) {
        if (fd >= 0) close_fd(fd);
    }
    return {invalid_fd, invalid_fd};
}

void prepare_fd(Fd fd, std::error_code& error) noexcept {
    error.clear();
    if (!make_ours(fd)) error = socket_error();
}

void bind_socket(Fd fd, const SocketAddress& at, std::error_code& error) noexcept {
    error.clear();
    if (::bind(fd, at.data(), length(at)) != 0) error = socket_error();
}

void listen_on(Fd fd, const SocketAddress& at, const ListenOptions& options,
               std::error_code& error) noexcept {
    error.clear();
    bool bound = false;
    if (at.family() == Family::unix_path) {
        bound = bind_to_file(fd, at, options.mode);
    } else {
        set_option(fd, SOL_SOCKET, SO_REUSEADDR); // a program that was killed comes back to its port at once
#ifdef SO_REUSEPORT
        if (options.reuse_port) set_option(fd, SOL_SOCKET, SO_REUSEPORT);
#endif
        if (at.family() == Family::ipv6) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only ? 1 : 0);
        bound = ::bind(fd, at.data(), length(at)) == 0;
    }
    if (!bound || ::listen(fd, options.backlog) != 0) error = socket_error();
}

void connect_socket(Fd fd, const SocketAddress& to, std::error_code& error) noexcept {
    error.clear();
    if (::connect(fd, to.data(), length(to)) != 0 && errno != EINPROGRESS && errno != EINTR)
        error = socket_error();
}

std::error_code connect_error(Fd fd) noexcept {
    int code = 0;
    socklen_t size = sizeof code;
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) != 0) return socket_error();
    if (code != 0) return {code, std::system_category()};
    AddressBuffer peer;
    if (::getpeername(fd, peer.get(), &peer.size) != 0) return socket_error();
    // A port that nobody listens on can, by chance, be the one that we are given ourselves: TCP connects us to us.
    const SocketAddress there = peer.made();
    if (there.port() != 0 && there == local_address(fd))
        return std::make_error_code(std::errc::connection_refused);
    return {};
}

Fd accept_from(Fd listener, SocketAddress* peer, std::error_code& error) noexcept {
    error.clear();
    AddressBuffer from;
#ifdef SOCK_CLOEXEC
    const Fd fd = ::accept4(listener, from.get(), &from.size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    const bool ours = fd >= 0;
#else
    const Fd fd = ::accept(listener, from.get(), &from.size);
    const bool ours = fd >= 0 && make_ours(fd);
#endif
    if (!ours) {
        error = socket_error();
        if (fd >= 0) close_fd(fd);
        return invalid_fd;
    }
    set_no_delay(fd, true); // refused by a unix socket, which does not need it
    if (peer != nullptr) *peer = from.made();
    return fd;
}

bool is_listening(Fd fd) noexcept {
    int listens = 0;
    socklen_t size = sizeof listens;
    return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0;
}

std::size_t send_bytes(Fd fd, std::span<const std::uint8_t> bytes, std::error_code& error) noexcept {
    return transfer(error, [&] {
        const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        return sent < 0 && errno == ENOTSOCK ? write_quietly(fd, bytes) : sent;
    });
}

std::size_t receive_bytes(Fd fd, std::span<std::uint8_t> into, std::error_code& error) noexcept {
    return transfer(error, [&] {
        const ssize_t received = ::recv(fd, into.data(), into.size(), 0);
        return received < 0 && errno == ENOTSOCK ? ::read(fd, into.data(), into.size()) : received;
    });
}

void send_datagram(Fd fd, std::span<const std::uint8_t> bytes, const SocketAddress& to,
                   std::error_code& error) noexcept {
    transfer(error, [&] {
        return to ? ::sendto(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL, to.data(), length(to))
                  : ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    });
}

std::size_t receive_datagram(Fd fd, std::span<std::uint8_t> into, SocketAddress& from,
                             std::error_code& error) noexcept {
    AddressBuffer sender;
    const std::size_t size = transfer(error, [&] {
        sender.size = sizeof sender.storage;
        return ::recvfrom(fd, into.data(), into.size(), MSG_TRUNC, sender.get(), &sender.size);
    });
    from = error ? SocketAddress() : sender.made();
    return size;
}

void shut_down_sending(Fd fd, std::error_code& error) noexcept {
    error.clear();
    if (::shutdown(fd, SHUT_WR) != 0) error = socket_error();
}

SocketAddress local_address(Fd fd) noexcept {
    AddressBuffer address;
    return ::getsockname(fd, address.get(), &address.size) == 0 ? address.made() : SocketAddress();
}

SocketAddress peer_address(Fd fd) noexcept {
    AddressBuffer address;
    return ::getpeername(fd, address.get(), &address.size) == 0 ? address.made() : SocketAddress();
}

void set_no_delay(Fd fd, bool on) noexcept { set_option(fd, IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0); }

void set_buffer_sizes(Fd fd, int receive, int send) noexcept {
    if (receive > 0) set_option(fd, SOL_SOCKET, SO_RCVBUF, receive);
    if (send > 0) set_option(fd, SOL_SOCKET, SO_SNDBUF, send);
}

bool out_of_descriptors(const std::error_code& error) noexcept {
    return error == std::errc::too_many_files_open || error == std::errc::too_many_files_open_in_system ||
           error == std::errc::no_buffer_space || error == std::errc::not_enough_memory;
}

namespace {

/// None if there is no such file.
FileIdentity file_at(const std::string& path) noexcept {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return {};
    return {static_cast<std::uint64_t>(status.st_dev), static_cast<std::uint64_t>(status.st_ino)};
}

} // namespace

SocketFile::SocketFile(const SocketAddress& address) noexcept {
    if (address.family() != Family::unix_path || address.is_abstract()) return;
    file_ = file_at(address.path());
    if (file_) path_ = address.path();
}
SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      file_(other.file_) {}
SocketFile& SocketFile::operator=(SocketFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(file_, other.file_);
    return *this;
}
SocketFile::~SocketFile() {
    if (!path_.empty() && file_at(path_) == file_) ::unlink(path_.c_str());
}

} // namespace ioloop
