// SPDX-License-Identifier: MIT
#include "faults.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <mutex>
#include <stdexcept>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace {

// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables)
std::mutex mutex;
std::vector<Fault>* in_force = nullptr;
std::atomic<bool> any_in_force{false};
std::array<std::atomic<bool>, 4096> is_eventfd{}; ///< by number
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

/// What is to become of this call.
Fault decide(std::string_view call) {
    if (!any_in_force.load()) return {};
    const std::lock_guard lock(mutex);
    if (in_force == nullptr) return {};
    for (Fault& fault : *in_force) {
        if (fault.call != call) continue;
        const int number = fault.met++;
        if (fault.most > 0 || (number >= fault.after && number - fault.after < fault.times)) return fault;
    }
    return {};
}

/// Makes the call, or not. `made` is given the size of the buffer that it may use.
template <class Result, class Make> Result call(std::string_view name, std::size_t size, Make&& made) {
    const Fault fault = decide(name);
    if (fault.error != 0) {
        errno = fault.error;
        return -1;
    }
    if (fault.does_nothing) return static_cast<Result>(size);
    return made(fault.most > 0 ? std::min(size, static_cast<std::size_t>(fault.most)) : size);
}
template <class Make> int call(std::string_view name, Make&& made) {
    return call<int>(name, 0, [&](std::size_t) { return made(); });
}

bool is_wake(int fd) {
    return fd >= 0 && static_cast<std::size_t>(fd) < is_eventfd.size() &&
           is_eventfd[static_cast<std::size_t>(fd)];
}

std::string_view name_of(long number) {
    switch (number) {
    case SYS_epoll_pwait2: return "epoll_pwait2";
#if defined(SYS_epoll_wait)
    case SYS_epoll_wait: return "epoll_wait";
#endif
    case SYS_epoll_pwait: return "epoll_wait";
    case SYS_io_setup: return "io_setup";
    case SYS_io_submit: return "io_submit";
    case SYS_io_uring_setup: return "io_uring_setup";
    case SYS_io_uring_enter: return "io_uring_enter";
    case SYS_membarrier: return "membarrier";
    default: return "";
    }
}

} // namespace

Faults::Faults(std::initializer_list<Fault> planned) : planned_(planned) {
    const std::lock_guard lock(mutex);
    if (in_force != nullptr) throw std::logic_error("Faults: there are others in force");
    in_force = &planned_;
    any_in_force = true;
}

Faults::~Faults() {
    const std::lock_guard lock(mutex);
    in_force = nullptr;
    any_in_force = false;
}

int Faults::met(std::string_view call) const {
    const std::lock_guard lock(mutex);
    int count = 0;
    for (const Fault& fault : planned_) {
        if (fault.call == call) count = std::max(count, fault.met);
    }
    return count;
}

// ---- the seam -----------------------------------------------------------------------------------

// NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming): the linker's names
extern "C" {

int __real_epoll_create1(int flags);
int __wrap_epoll_create1(int flags) {
    return call("epoll_create1", [&] { return __real_epoll_create1(flags); });
}
int __real_epoll_ctl(int set, int operation, int fd, epoll_event* event);
int __wrap_epoll_ctl(int set, int operation, int fd, epoll_event* event) {
    return call("epoll_ctl", [&] { return __real_epoll_ctl(set, operation, fd, event); });
}
int __real_epoll_wait(int set, epoll_event* events, int room, int timeout);
int __wrap_epoll_wait(int set, epoll_event* events, int room, int timeout) {
    return call("epoll_wait", [&] { return __real_epoll_wait(set, events, room, timeout); });
}
int __real_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags) {
    const int fd = call("eventfd", [&] { return __real_eventfd(count, flags); });
    if (fd >= 0 && static_cast<std::size_t>(fd) < is_eventfd.size())
        is_eventfd[static_cast<std::size_t>(fd)] = true;
    return fd;
}
int __real_close(int fd);
int __wrap_close(int fd) {
    if (is_wake(fd)) is_eventfd[static_cast<std::size_t>(fd)] = false;
    return __real_close(fd);
}
int __real_timerfd_create(int clock, int flags);
int __wrap_timerfd_create(int clock, int flags) {
    return call("timerfd_create", [&] { return __real_timerfd_create(clock, flags); });
}
int __real_timerfd_settime(int fd, int flags, const itimerspec* time, itimerspec* earlier);
int __wrap_timerfd_settime(int fd, int flags, const itimerspec* time, itimerspec* earlier) {
    return call("timerfd_settime", [&] { return __real_timerfd_settime(fd, flags, time, earlier); });
}
int __real_dup3(int fd, int number, int flags);
int __wrap_dup3(int fd, int number, int flags) {
    return call("dup3", [&] { return __real_dup3(fd, number, flags); });
}
int __real_ppoll(pollfd* set, nfds_t size, const timespec* timeout, const sigset_t* mask);
int __wrap_ppoll(pollfd* set, nfds_t size, const timespec* timeout, const sigset_t* mask) {
    return call("ppoll", [&] { return __real_ppoll(set, size, timeout, mask); });
}
int __real_pselect(int size, fd_set* r, fd_set* w, fd_set* e, const timespec* timeout, const sigset_t* mask);
int __wrap_pselect(int size, fd_set* r, fd_set* w, fd_set* e, const timespec* timeout, const sigset_t* mask) {
    return call("pselect", [&] { return __real_pselect(size, r, w, e, timeout, mask); });
}
ssize_t __real_read(int fd, void* to, std::size_t size);
ssize_t __wrap_read(int fd, void* to, std::size_t size) {
    return call<ssize_t>(is_wake(fd) ? "woken" : "read", size,
                         [&](std::size_t s) { return __real_read(fd, to, s); });
}
ssize_t __real_write(int fd, const void* from, std::size_t size);
ssize_t __wrap_write(int fd, const void* from, std::size_t size) {
    return call<ssize_t>(is_wake(fd) ? "wake" : "write", size,
                         [&](std::size_t s) { return __real_write(fd, from, s); });
}
ssize_t __real_recv(int fd, void* to, std::size_t size, int flags);
ssize_t __wrap_recv(int fd, void* to, std::size_t size, int flags) {
    return call<ssize_t>("recv", size, [&](std::size_t s) { return __real_recv(fd, to, s, flags); });
}
ssize_t __real_send(int fd, const void* from, std::size_t size, int flags);
ssize_t __wrap_send(int fd, const void* from, std::size_t size, int flags) {
    return call<ssize_t>("send", size, [&](std::size_t s) { return __real_send(fd, from, s, flags); });
}
int __real_accept4(int fd, sockaddr* from, socklen_t* size, int flags);
int __wrap_accept4(int fd, sockaddr* from, socklen_t* size, int flags) {
    return call("accept4", [&] { return __real_accept4(fd, from, size, flags); });
}
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...) {
    // Six are the most that there are. Who gave fewer does not mind what the kernel finds in the others.
    va_list list;
    va_start(list, number);
    std::array<long, 6> a{};
    for (long& argument : a) argument = va_arg(list, long);
    va_end(list);
    return call<long>(name_of(number), 0, [&](std::size_t) {
        return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    });
}

} // extern "C"
// NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming)
