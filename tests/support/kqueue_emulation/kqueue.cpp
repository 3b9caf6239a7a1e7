// SPDX-License-Identifier: MIT
/// kqueue(2) and kevent(2) on Linux, so that the poller over them can be built and tested there as it is.
///
/// An emulation for tests, written from the manual pages of FreeBSD, and not from what our poller would like:
/// - a registration (a "knote") belongs to a kqueue, a number and a filter; EV_ADD of what is there changes it;
///   EV_DELETE, EV_ENABLE and EV_DISABLE of what is not is ENOENT, and EBADF if the number is closed;
/// - close() removes the knotes of the number, whatever duplicates there are. That is why close(), dup2()
///   and dup3() are defined here, in front of those of libc;
/// - errors in the change list are events with EV_ERROR, if there is room, and errors of the call, if not; with
///   EV_RECEIPT every change is answered so. If there is an answer, nothing is waited for;
/// - the read filter fires on data and on end-of-file (EV_EOF), the write filter on room and when nobody will
///   read any more (EV_EOF); fflags has the error of the socket;
/// - a timer's ident is a number of its own kind; added again, it starts anew, and what it had to say is dropped;
///   it fires every so often (EV_CLEAR) or, with EV_ONESHOT, once, and is gone then;
/// - a kqueue is not inherited over fork(), and not close-on-exec.
/// Readiness comes from an epoll set, which is also what the kqueue's number stands for: so it can be polled.
///
/// Not emulated: other filters, EV_CLEAR and EV_ONESHOT of descriptors (EINVAL), disabled timers (EINVAL); a socket that was never connected, which
/// is not writable on BSD; the true error in fflags, as Linux cannot look at SO_ERROR without taking it.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

extern "C" {
[[gnu::weak]] int __interceptor_close(int fd);
[[gnu::weak]] int __interceptor_dup2(int from, int to);
[[gnu::weak]] int __interceptor_dup3(int from, int to, int flags);
}

namespace {

struct Knote {
    bool exists = false;
    bool enabled = false;
    void* udata = nullptr;
};

struct Watch {
    Knote read;
    Knote write;
    bool in_epoll = false;
    bool write_first = false; ///< when both are ready and there is room for one, they take turns
};

/// Of the events of the epoll set, those that are a timer's.
constexpr std::uint64_t timer_mark = std::uint64_t{1} << 32U;

struct Timer {
    Timer() = default;
    Timer(Timer&& other) noexcept
        : ident(other.ident),
          fd(std::exchange(other.fd, -1)),
          udata(other.udata),
          once(other.once) {}
    Timer& operator=(Timer&& other) noexcept {
        std::swap(ident, other.ident);
        std::swap(fd, other.fd);
        std::swap(udata, other.udata);
        std::swap(once, other.once);
        return *this;
    }
    ~Timer() {
        if (fd >= 0) ::syscall(SYS_close, fd); // our own close() is for the program
    }

    uintptr_t ident = 0;
    int fd = -1; ///< a timerfd
    void* udata = nullptr;
    bool once = false;
};

struct Kqueue {
    explicit Kqueue(int number) : fd(number) {}

    Watch& at(int number) {
        const auto index = static_cast<std::size_t>(number);
        if (index >= watches.size()) watches.resize(index + 1);
        return watches[index];
    }

    /// Brings the epoll set in line with the knotes.
    int update(int number) {
        Watch& watch = at(number);
        epoll_event event{};
        event.data.u64 = static_cast<std::uint32_t>(number);
        if (watch.read.exists && watch.read.enabled) event.events |= EPOLLIN | EPOLLRDHUP;
        if (watch.write.exists && watch.write.enabled) event.events |= EPOLLOUT;
        int operation = watch.in_epoll ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
        if (event.events == 0) {
            if (!watch.in_epoll) return 0;
            operation = EPOLL_CTL_DEL;
        }
        const int result = ::epoll_ctl(fd, operation, number, &event);
        watch.in_epoll = event.events != 0 && (result == 0 || operation == EPOLL_CTL_MOD);
        return result;
    }

    void closed(int number) {
        if (static_cast<std::size_t>(number) >= watches.size()) return;
        Watch& watch = at(number);
        watch.read = watch.write = {};
        update(number);
    }

    /// How many descriptors make so many events at most.
    int descriptors_for(int events) const {
        const bool some_have_both = std::any_of(watches.begin(), watches.end(), [](const Watch& watch) {
            return watch.read.exists && watch.write.exists;
        });
        return some_have_both ? std::max(events / 2, 1) : events;
    }

    int fd;
    std::vector<Watch> watches; ///< by number
    std::vector<Timer> timers;
};

struct Kernel {
    std::mutex mutex;
    std::vector<std::unique_ptr<Kqueue>> queues;

    Kqueue* find(int fd) {
        for (const auto& queue : queues) {
            if (queue->fd == fd) return queue.get();
        }
        return nullptr;
    }
};

std::atomic<bool> in_use{false}; ///< else close() has nothing to do with us

/// Never destroyed: whoever closes something at the very end may still come by.
Kernel& kernel() {
    static Kernel* const kernel = [] {
        ::pthread_atfork([] { ::kernel().mutex.lock(); }, [] { ::kernel().mutex.unlock(); },
                         [] {
                             for (const auto& queue : ::kernel().queues)
                                 ::syscall(SYS_close, queue->fd); // the timers close theirs
                             ::kernel().queues.clear();
                             ::kernel().mutex.unlock();
                         });
        return new Kernel;
    }();
    return *kernel;
}

/// The number is about to be closed.
void close_knotes(int fd) noexcept {
    if (fd < 0 || !in_use) return;
    const std::lock_guard lock(kernel().mutex);
    auto& queues = kernel().queues;
    std::erase_if(queues, [&](const auto& queue) { return queue->fd == fd; });
    for (const auto& queue : queues) queue->closed(fd);
}

/// Whom the program would call without us. `sanitizers`: what clang's sanitizers, which are a part of the program as we
/// are, would have done in our place; else they take a number that is used again for a race.
template <class Function> Function* next(Function* sanitizers, const char* name) {
    return sanitizers != nullptr ? sanitizers : reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

/// What `data` and `fflags` say, in nanoseconds; or -1.
std::int64_t period_of(const struct kevent& wanted) {
    std::int64_t unit = 0;
    switch (wanted.fflags) {
    case NOTE_SECONDS: unit = 1'000'000'000; break;
    case 0: // milliseconds, too
    case NOTE_MSECONDS: unit = 1'000'000; break;
    case NOTE_USECONDS: unit = 1'000; break;
    case NOTE_NSECONDS: unit = 1; break;
    default: return -1;
    }
    std::int64_t period = 0;
    return wanted.data < 0 || __builtin_mul_overflow(wanted.data, unit, &period) ? -1 : period;
}

/// One change of a timer. 0, or the error.
int change_timer(Kqueue& queue, const struct kevent& wanted) {
    const auto there =
        std::ranges::find(queue.timers, wanted.ident, [](const Timer& timer) { return timer.ident; });
    if ((wanted.flags & (EV_ENABLE | EV_DISABLE)) != 0) return EINVAL;
    if ((wanted.flags & EV_ADD) == 0) {
        if (there == queue.timers.end()) return ENOENT;
        if ((wanted.flags & EV_DELETE) != 0) queue.timers.erase(there);
        return 0;
    }
    const std::int64_t period = period_of(wanted);
    if (period < 0) return EINVAL;

    Timer timer;
    timer.ident = wanted.ident;
    timer.udata = wanted.udata;
    timer.once = (wanted.flags & EV_ONESHOT) != 0;
    timer.fd = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (timer.fd < 0) return errno;
    itimerspec spec{};
    const std::int64_t nanoseconds = std::max<std::int64_t>(period, 1); // zero would be no timer
    spec.it_value.tv_sec = static_cast<time_t>(nanoseconds / 1'000'000'000);
    spec.it_value.tv_nsec = static_cast<long>(nanoseconds % 1'000'000'000);
    if (!timer.once) spec.it_interval = spec.it_value;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = timer_mark | static_cast<std::uint32_t>(timer.fd);
    if (::timerfd_settime(timer.fd, 0, &spec, nullptr) != 0 ||
        ::epoll_ctl(queue.fd, EPOLL_CTL_ADD, timer.fd, &event) != 0) {
        return errno;
    }
    if (there != queue.timers.end()) queue.timers.erase(there);
    queue.timers.push_back(std::move(timer));
    return 0;
}

/// One change. 0, or the error.
int change(Kqueue& queue, const struct kevent& wanted) {
    if (wanted.filter == EVFILT_TIMER) return change_timer(queue, wanted);
    if (wanted.filter != EVFILT_READ && wanted.filter != EVFILT_WRITE) return EINVAL;
    if ((wanted.flags & (EV_CLEAR | EV_ONESHOT)) != 0) return EINVAL;
    const auto number = static_cast<int>(wanted.ident);
    if (::fcntl(number, F_GETFD) < 0) return EBADF;
    Watch& watch = queue.at(number);
    Knote& knote = wanted.filter == EVFILT_READ ? watch.read : watch.write;
    if (!knote.exists && (wanted.flags & EV_ADD) == 0) return ENOENT;

    const Knote before = knote;
    if ((wanted.flags & EV_DELETE) != 0) {
        knote = {};
    } else {
        if ((wanted.flags & EV_ADD) != 0) {
            knote.udata = wanted.udata;
            knote.exists = knote.enabled = true;
        }
        if ((wanted.flags & EV_ENABLE) != 0) knote.enabled = true;
        if ((wanted.flags & EV_DISABLE) != 0) knote.enabled = false;
    }
    if (queue.update(number) == 0) return 0;
    const int error = errno;
    knote = before;
    return error;
}

/// What a descriptor has to say through one of its filters, if anything.
bool fire(int number, short filter, const Knote& knote, std::uint32_t bits, struct kevent& event) {
    if (!knote.exists || !knote.enabled) return false;
    event = {};
    event.ident = static_cast<uintptr_t>(number);
    event.filter = filter;
    event.udata = knote.udata;
    if ((bits & EPOLLERR) != 0) event.fflags = ECONNRESET;
    if (filter == EVFILT_READ) {
        if ((bits & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0) return false;
        if ((bits & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) event.flags = EV_EOF;
        int unread = 0;
        event.data = ::ioctl(number, FIONREAD, &unread) == 0 ? unread : 1;
    } else {
        if ((bits & (EPOLLOUT | EPOLLHUP | EPOLLERR)) == 0) return false;
        if ((bits & (EPOLLHUP | EPOLLERR)) != 0) event.flags = EV_EOF;
        event.data = 1;
    }
    return true;
}

/// What a timer has to say, if anything.
bool fire_timer(Kqueue& queue, int number, struct kevent& event) {
    const auto timer = std::ranges::find(queue.timers, number, [](const Timer& t) { return t.fd; });
    std::uint64_t expirations = 0;
    if (timer == queue.timers.end() ||
        ::read(number, &expirations, sizeof expirations) != static_cast<ssize_t>(sizeof expirations)) {
        return false;
    }
    event = {};
    event.ident = timer->ident;
    event.filter = EVFILT_TIMER;
    event.flags = EV_CLEAR;
    event.data = static_cast<std::int64_t>(expirations);
    event.udata = timer->udata;
    if (timer->once) queue.timers.erase(timer);
    return true;
}

constexpr int most = 1024;

int collect(int kq, int asked, struct kevent* events, int room, const timespec* timeout) {
    static thread_local epoll_event found[most];
    const long count = ::syscall(SYS_epoll_pwait2, kq, found, asked, timeout, nullptr, 0);
    if (count < 0) return -1;
    const std::lock_guard lock(kernel().mutex);
    Kqueue* const queue = kernel().find(kq);
    int filled = 0;
    for (long i = 0; i < count && queue != nullptr; ++i) {
        const int number = found[i].data.fd;
        if ((found[i].data.u64 & timer_mark) != 0) {
            if (filled < room && fire_timer(*queue, number, events[filled])) ++filled;
            continue;
        }
        Watch& watch = queue->at(number);
        struct kevent both[2];
        int ready = 0;
        for (const bool writing : {watch.write_first, !watch.write_first}) {
            const Knote& knote = writing ? watch.write : watch.read;
            const short filter = writing ? EVFILT_WRITE : EVFILT_READ;
            ready += fire(number, filter, knote, found[i].events, both[ready]) ? 1 : 0;
        }
        for (int k = 0; k < ready && filled < room; ++k) events[filled++] = both[k];
        watch.write_first = ready == 2 && room == 1 && !watch.write_first;
    }
    return filled;
}

} // namespace

extern "C" {

int kqueue() {
    const int fd = ::epoll_create1(0);
    if (fd < 0) return -1;
    const std::lock_guard lock(kernel().mutex);
    kernel().queues.push_back(std::make_unique<Kqueue>(fd));
    in_use = true;
    return fd;
}

int kevent(int kq, const struct kevent* changes, int change_count, struct kevent* events, int event_count,
           const struct timespec* timeout) {
    int answers = 0;
    int asked = 0;
    {
        const std::lock_guard lock(kernel().mutex);
        Kqueue* const queue = kernel().find(kq);
        if (queue == nullptr) {
            errno = EBADF;
            return -1;
        }
        for (int i = 0; i < change_count; ++i) {
            const int error = change(*queue, changes[i]);
            if (error == 0 && (changes[i].flags & EV_RECEIPT) == 0) continue;
            if (answers == event_count) {
                if (error == 0) continue;
                errno = error;
                return -1;
            }
            events[answers] = changes[i];
            events[answers].flags = EV_ERROR;
            events[answers++].data = error;
        }
        asked = queue->descriptors_for(std::min(event_count, most));
    }
    return answers > 0 || event_count == 0 ? answers : collect(kq, asked, events, event_count, timeout);
}

int close(int fd) {
    static auto* const real = next(&__interceptor_close, "close");
    close_knotes(fd);
    return real(fd);
}

int dup2(int from, int to) noexcept {
    static auto* const real = next(&__interceptor_dup2, "dup2");
    if (from != to) close_knotes(to);
    return real(from, to);
}

int dup3(int from, int to, int flags) noexcept {
    static auto* const real = next(&__interceptor_dup3, "dup3");
    if (from != to) close_knotes(to);
    return real(from, to, flags);
}
}
