// SPDX-License-Identifier: MIT
/// What the tests ask of the operating system, in words that POSIX and Windows share. A descriptor is a unix
/// socket, a file or anything else there, and a TCP socket here.
#pragma once

#include "sanitizers.hpp"

#include <ioloop/fd.hpp>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

#if defined(_WIN32)
#ifndef NOMINMAX
#define NOMINMAX
#endif
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <utility>
#include <vector>

#include <io.h>
#include <winsock2.h>
#else
#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#endif

namespace os {

using ioloop::Fd;
using ioloop::invalid_fd;

#if defined(_WIN32)

inline SOCKET to_socket(Fd fd) { return static_cast<SOCKET>(fd); }

[[noreturn]] inline void fail(const char* call) {
    throw std::system_error(::WSAGetLastError(), std::system_category(), call);
}

inline void start() {
    static const int error = [] {
        WSADATA data{};
        return ::WSAStartup(MAKEWORD(2, 2), &data);
    }();
    if (error != 0) throw std::system_error(error, std::system_category(), "WSAStartup");
}

inline void close(Fd fd) { ::closesocket(to_socket(fd)); }
inline bool is_open(Fd fd) {
    int type = 0;
    int size = sizeof type;
    return ::getsockopt(to_socket(fd), SOL_SOCKET, SO_TYPE, reinterpret_cast<char*>(&type), &size) == 0;
}
/// Closes so that the peer sees an error: the end of an orderly close could be that of a half-close.
inline void hang_up(Fd fd) {
    const linger at_once{1, 0};
    ::setsockopt(to_socket(fd), SOL_SOCKET, SO_LINGER, reinterpret_cast<const char*>(&at_once),
                 sizeof at_once);
    close(fd);
}
inline void stop_sending(Fd fd) { ::shutdown(to_socket(fd), SD_SEND); }

inline std::ptrdiff_t send(Fd fd, std::string_view text) {
    return ::send(to_socket(fd), text.data(), static_cast<int>(text.size()), 0);
}
inline std::ptrdiff_t receive(Fd fd, char* buffer, std::size_t size) {
    return ::recv(to_socket(fd), buffer, static_cast<int>(size), 0);
}
inline bool readable(Fd fd, int milliseconds = 0) {
    WSAPOLLFD one{to_socket(fd), POLLRDNORM, 0};
    return ::WSAPoll(&one, 1, milliseconds) == 1;
}
/// TCP takes its time, even on its way from here to here.
inline void await_news(Fd fd) { readable(fd, 1000); }

/// A TCP socket; connecting it to `there` is under way when it returns, unless it may block.
inline Fd connecting_socket(const sockaddr_in& there, bool blocking = false) {
    const SOCKET fd = ::socket(AF_INET, SOCK_STREAM, 0);
    if (fd == INVALID_SOCKET) fail("socket");
    u_long non_blocking = 1;
    if (!blocking) ::ioctlsocket(fd, static_cast<long>(FIONBIO), &non_blocking);
    const int result = ::connect(fd, reinterpret_cast<const sockaddr*>(&there), sizeof there);
    if (result != 0 && ::WSAGetLastError() != WSAEWOULDBLOCK) fail("connect");
    if (blocking) ::ioctlsocket(fd, static_cast<long>(FIONBIO), &non_blocking);
    return static_cast<Fd>(fd);
}

/// A TCP socket that is bound to a port of loopback.
inline Fd bound_socket(sockaddr_in& address) {
    start();
    const SOCKET fd = ::socket(AF_INET, SOCK_STREAM, 0);
    address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(fd, generic, size) != 0 || ::getsockname(fd, generic, &size) != 0) fail("bind");
    return static_cast<Fd>(fd);
}

/// Two sockets that are connected to each other, non-blocking.
inline void connected_pair(Fd (&ends)[2]) {
    sockaddr_in address{};
    const Fd listener = bound_socket(address);
    if (::listen(to_socket(listener), 1) != 0) fail("listen");
    ends[0] = connecting_socket(address, true);
    const SOCKET accepted = ::accept(to_socket(listener), nullptr, nullptr);
    if (accepted == INVALID_SOCKET) fail("accept");
    u_long non_blocking = 1;
    ::ioctlsocket(accepted, static_cast<long>(FIONBIO), &non_blocking);
    ends[1] = static_cast<Fd>(accepted);
    close(listener);
}

/// Another number for the same socket.
inline Fd duplicate(Fd fd) {
    WSAPROTOCOL_INFOW info{};
    if (::WSADuplicateSocketW(to_socket(fd), ::GetCurrentProcessId(), &info) != 0) fail("WSADuplicateSocket");
    return static_cast<Fd>(::WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0,
                                        WSA_FLAG_OVERLAPPED));
}
/// Closes `number`, and makes it another number for the socket `by`. Handles are given out as it pleases the
/// system: so many, until it is the one.
inline void replace(Fd number, Fd by) {
    close(number);
    std::vector<Fd> others;
    Fd given = duplicate(by);
    for (int tries = 0; given != number && tries < 10'000; ++tries)
        others.push_back(std::exchange(given, duplicate(by)));
    for (const Fd other : others) close(other);
    if (given != number) throw std::runtime_error("a closed number is not used again");
}

/// The number of a regular file.
inline Fd number_of(std::FILE* file) { return ::_get_osfhandle(::_fileno(file)); }

/// A directory, which nobody can wait for.
class Directory {
public:
    Directory() {
        if (fd == invalid_fd)
            throw std::system_error(static_cast<int>(::GetLastError()), std::system_category());
    }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    ~Directory() { ::CloseHandle(reinterpret_cast<HANDLE>(fd)); }

    const Fd fd =
        reinterpret_cast<Fd>(::CreateFileW(L".", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr,
                                           OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, nullptr));
};

/// What std::system_category() calls a broken pipe.
inline constexpr int broken_pipe = ERROR_BROKEN_PIPE;

inline void set_variable(const char* name, const char* value) {
    ::_putenv((std::string(name) + "=" + (value != nullptr ? value : "")).c_str());
}

inline void allow_many_descriptors() {}

/// The sockets among the first handles.
inline std::set<Fd> open_descriptors() {
    start();
    std::set<Fd> fds;
    for (Fd fd = 4; fd < 4096; fd += 4) {
        if (is_open(fd)) fds.insert(fd);
    }
    return fds;
}
/// Whether a program that this one starts gets it too.
inline bool inheritable(Fd fd) {
    DWORD flags = 0;
    return ::GetHandleInformation(reinterpret_cast<HANDLE>(fd), &flags) != 0 &&
           (flags & HANDLE_FLAG_INHERIT) != 0;
}

#else

[[noreturn]] inline void fail(const char* call) {
    throw std::system_error(errno, std::system_category(), call);
}

inline void close(Fd fd) { ::close(fd); }
inline bool is_open(Fd fd) { return ::fcntl(fd, F_GETFD) >= 0; }
inline void hang_up(Fd fd) { close(fd); }
inline void stop_sending(Fd fd) { ::shutdown(fd, SHUT_WR); }

inline std::ptrdiff_t send(Fd fd, std::string_view text) {
    return ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
}
inline std::ptrdiff_t receive(Fd fd, char* buffer, std::size_t size) { return ::read(fd, buffer, size); }
inline bool readable(Fd fd, int milliseconds = 0) {
    pollfd one{fd, POLLIN, 0};
    return ::poll(&one, 1, milliseconds) == 1;
}
inline void await_news(Fd) {}

inline Fd connecting_socket(const sockaddr_in& there) {
    const Fd fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) fail("socket");
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0) fail("connect");
    return fd;
}
inline Fd bound_socket(sockaddr_in& address) {
    const Fd fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(fd, generic, size) != 0 || ::getsockname(fd, generic, &size) != 0) fail("bind");
    return fd;
}

inline void connected_pair(Fd (&ends)[2]) {
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) fail("socketpair");
}

inline Fd duplicate(Fd fd) { return ::dup(fd); }
inline void replace(Fd number, Fd by) {
    if (::dup2(by, number) != number) fail("dup2");
}
inline Fd number_of(std::FILE* file) { return ::fileno(file); }

class Directory {
public:
    Directory() {
        if (fd < 0) fail("open");
    }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    ~Directory() { close(fd); }

    const Fd fd = ::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
};

inline constexpr int broken_pipe = EPIPE;

/// Null: takes it away.
inline void set_variable(const char* name, const char* value) {
    value != nullptr ? ::setenv(name, value, 1) : ::unsetenv(name);
}

inline void allow_many_descriptors() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) fail("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

inline std::set<Fd> open_descriptors() {
    std::set<Fd> fds;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        fds.insert(std::stoi(entry.path().filename()));
    }
    return fds;
}
inline bool inheritable(Fd fd) { return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0; }

#endif

/// Sleeps while `value` is `old`; whoever changes it notifies. (libstdc++ 12 loses notifications where it has no
/// futex: its std::atomic::wait() looks first and locks second.)
template <class T> void await_change(const std::atomic<T>& value, T old) {
#if defined(_WIN32)
    while (value.load() == old) std::this_thread::yield();
#else
    value.wait(old);
#endif
}

/// In the place of std::latch, which sleeps by std::atomic::wait(): see await_change().
class Latch {
public:
    explicit Latch(std::ptrdiff_t count) : left_(count) {}
    void count_down() {
        const std::lock_guard lock(mutex_); // held while it notifies: the one that waits may destroy it
        if (--left_ == 0) zero_.notify_all();
    }
    void wait() {
        std::unique_lock lock(mutex_);
        zero_.wait(lock, [this] { return left_ == 0; });
    }
    void arrive_and_wait() {
        count_down();
        wait();
    }

private:
    std::mutex mutex_;
    std::condition_variable zero_;
    std::ptrdiff_t left_;
};

/// Tests of a great many turns make one for this many: under Wine a turn takes some 20 us, and millions take minutes. A
/// sanitizer finds no more in the millionth.
#if defined(_WIN32)
inline constexpr int turns_left_out = 100;
#elif UNDER_ADDRESS_SANITIZER || UNDER_THREAD_SANITIZER
inline constexpr int turns_left_out = 10;
#else
inline constexpr int turns_left_out = 1;
#endif

/// A socket whose connection is being refused: nobody listens on that port, and nobody else can take it.
class RefusedConnection {
public:
    RefusedConnection() = default;
    RefusedConnection(const RefusedConnection&) = delete;
    RefusedConnection& operator=(const RefusedConnection&) = delete;
    ~RefusedConnection() {
        close(fd);
        close(taken_);
    }

private:
    sockaddr_in address_{};
    Fd taken_ = bound_socket(address_);

public:
    const Fd fd = connecting_socket(address_);
};

} // namespace os
