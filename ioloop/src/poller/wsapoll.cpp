// SPDX-License-Identifier: MIT
/// Poller over WSAPoll(), for Windows 10 version 2004 and later. Until then WSAPoll() said nothing at all of a
/// connection that was refused: a connect under way was under way for ever, unless a timeout ended it.
///
/// WSAPoll() is poll() for sockets, and what poll.cpp says of a set that lives here holds here too. It differs:
/// - A number is a SOCKET, and a closed one may soon be another socket, which looks healthy. There is no inode
///   to tell the two apart; add() goes by the ports of both ends. A port that is not known, because the socket
///   was not bound or connected, counts as the same.
/// - What is no socket is refused by the system. That a handle is a file is told from a handle that is nothing.
/// - POLLHUP comes unasked, and as soon as the peer stops *sending*. To somebody who reads, that is readiness:
///   the read says end-of-file. To everybody else it is no news, and would be reported without end: such a
///   socket is hung up, and set aside. It comes back when its interest changes. One that wants to write has to be
///   looked at from time to time, as nothing else says when it can: `glance` is the price, and the case is rare.
///   A connection that is aborted says POLLERR as well.
/// - POLLERR comes alone, where POSIX adds what would not block. That is added here: the call that the handler
///   waits for is the one that tells it the error.
/// - Milliseconds, on a timer that ticks every 15.6 of them unless the program asked for more (timeBeginPeriod()),
///   and that may fire a little early. So it is asked again until the time is over.
/// - No signals: Windows runs handlers of Ctrl-C on threads of their own. WSAPoll() is never interrupted.
/// - It cannot be polled: there is no native handle.
#include "../fd_map.hpp"
#include "../os/wake_event.hpp"
#include "../os/winsock.hpp"

#include <ioloop/poller.hpp>

#include <algorithm>
#include <climits>
#include <utility>
#include <vector>

namespace ioloop {
namespace {

constexpr Duration glance = std::chrono::milliseconds(10);

short to_poll(Events interest) {
    int bits = 0;
    if (any(interest & Events::read)) bits |= POLLRDNORM; // not POLLIN, which asks for urgent data too
    if (any(interest & Events::write)) bits |= POLLWRNORM;
    return static_cast<short>(bits);
}

/// The two ports of a socket; 0 where it has none (yet).
struct Ports {
    unsigned local = 0;
    unsigned peer = 0;

    static bool differ(unsigned a, unsigned b) { return a != 0 && b != 0 && a != b; }
    bool same_socket(const Ports& other) const {
        return !differ(local, other.local) && !differ(peer, other.peer);
    }
};

using NameOf = int(WSAAPI*)(SOCKET, sockaddr*, int*); ///< getsockname() or getpeername()

unsigned port(NameOf ask, Fd fd) {
    sockaddr_storage name{};
    int size = sizeof name;
    if (ask(to_socket(fd), reinterpret_cast<sockaddr*>(&name), &size) != 0) return 0;
    if (name.ss_family != AF_INET && name.ss_family != AF_INET6) return 0;
    return reinterpret_cast<const sockaddr_in*>(&name)->sin_port; // at the same place in a sockaddr_in6
}

/// Errors: as Poller::add().
std::error_code check(Fd fd) {
    int type = 0;
    int size = sizeof type;
    if (fd > 0 &&
        ::getsockopt(to_socket(fd), SOL_SOCKET, SO_TYPE, reinterpret_cast<char*>(&type), &size) == 0) {
        return {};
    }
    DWORD flags = 0;
    const bool other = fd > 0 && ::GetHandleInformation(reinterpret_cast<HANDLE>(fd), &flags) != 0;
    return make_error_code(other ? std::errc::operation_not_permitted : std::errc::bad_file_descriptor);
}

class WsaPoller final : public Poller {
public:
    WsaPoller() { reset(); }

    std::error_code add(Fd fd, Events interest, Key key) override {
        if (const auto error = check(fd)) return error;
        const Entry entry{key, interest, {port(&::getsockname, fd), port(&::getpeername, fd)}};
        if (const std::size_t at = positions_.find(fd); at != FdMap::nowhere) {
            if (entries_[at].ports.same_socket(entry.ports)) return make_error_code(std::errc::file_exists);
            replace(at, entry);
            return {};
        }
        // Room first, then the change: running out of memory must not leave the three out of step.
        if (set_.size() == set_.capacity()) set_.reserve(set_.size() * 2);
        if (entries_.size() == entries_.capacity()) entries_.reserve(entries_.size() * 2);
        positions_.set(fd, static_cast<std::uint32_t>(set_.size()));
        set_.push_back({to_socket(fd), to_poll(interest), 0});
        entries_.push_back(entry);
        swap(set_.size() - 1, active_++);
        return {};
    }

    std::error_code modify(Fd fd, Events interest, Key key) override {
        const std::size_t at = positions_.find(fd);
        if (at == FdMap::nowhere) return make_error_code(std::errc::no_such_file_or_directory);
        if (check(fd)) return make_error_code(std::errc::bad_file_descriptor);
        replace(at, {key, interest, {port(&::getsockname, fd), port(&::getpeername, fd)}});
        return {};
    }

    std::error_code remove(Fd fd) override {
        std::size_t at = positions_.find(fd);
        if (at == FdMap::nowhere) return make_error_code(std::errc::no_such_file_or_directory);
        if (at < active_) {
            swap(at, --active_);
            at = active_;
        }
        swap(at, set_.size() - 1);
        set_.pop_back();
        entries_.pop_back();
        positions_.erase(fd);
        return {};
    }

    std::error_code reset() override {
        set_.clear();
        entries_.clear();
        positions_.clear();
        set_.push_back({to_socket(wake_event_.fd()), POLLRDNORM, 0}); // always the first
        entries_.push_back({});
        active_ = 1;
        return {};
    }

    std::error_code wait(std::span<Ready> ready, Duration timeout, std::size_t& count) override {
        count = 0;
        const auto now = [] { return TimePoint(std::chrono::steady_clock::now()); };
        const TimePoint deadline = timeout > no_wait ? after(now(), timeout) : TimePoint::min();
        for (Duration left = timeout;;) {
            const bool writers_aside = look_at_those_set_aside();
            if (!sleep(writers_aside ? std::min(left, glance) : left)) return last_winsock_error();
            const bool woken = set_[0].revents != 0;
            if (woken) {
                if (const auto error = wake_event_.clear()) return error;
            }
            collect(ready, count);
            if (woken || count > 0 || timeout <= no_wait) return {};
            left = until(deadline, now());
            if (left == no_wait) return {};
        }
    }

    void wake() noexcept override { wake_event_.set(); }
    std::string_view name() const noexcept override { return "wsapoll"; }

private:
    struct Entry {
        Key key = 0;
        Events interest = Events::none;
        Ports ports;
    };

    void swap(std::size_t a, std::size_t b) {
        std::swap(set_[a], set_[b]);
        std::swap(entries_[a], entries_[b]);
        positions_.set(to_fd(set_[a].fd), static_cast<std::uint32_t>(a));
        positions_.set(to_fd(set_[b].fd), static_cast<std::uint32_t>(b));
    }

    /// Another interest, key or socket: worth asking about again.
    void replace(std::size_t at, const Entry& entry) {
        set_[at].events = to_poll(entry.interest);
        set_[at].revents = 0;
        entries_[at] = entry;
        if (at >= active_) swap(at, active_++);
    }

    /// Takes back what can be written to. True if anything is left that wants to be.
    bool look_at_those_set_aside() {
        const std::size_t aside = set_.size() - active_;
        if (aside == 0) return false;
        ::WSAPoll(&set_[active_], static_cast<ULONG>(aside), 0); // on error, they are as they were
        bool writers = false;
        for (std::size_t at = active_; at < set_.size(); ++at) {
            if ((set_[at].revents & ~POLLHUP) != 0) {
                swap(at, active_++);
            } else {
                writers = writers || any(entries_[at].interest & Events::write);
            }
        }
        return writers;
    }

    bool sleep(Duration timeout) {
        int ms = -1;
        if (timeout != forever) {
            const auto wanted = std::chrono::ceil<std::chrono::milliseconds>(std::max(timeout, no_wait));
            ms = static_cast<int>(std::min<std::int64_t>(wanted.count(), INT_MAX));
        }
        return ::WSAPoll(set_.data(), static_cast<ULONG>(active_), ms) != SOCKET_ERROR;
    }

    /// What a handler is to be told, or none: then it is hung up.
    static Events to_tell(short bits, Events interest) {
        const Events wanted = interest & (Events::read | Events::write);
        if ((bits & POLLNVAL) != 0) return Events::error;
        if ((bits & POLLERR) != 0) return Events::error | wanted;
        Events events = Events::none;
        if ((bits & (POLLRDNORM | POLLHUP)) != 0) events |= Events::read;
        if ((bits & POLLWRNORM) != 0) events |= Events::write;
        return events & wanted;
    }

    void collect(std::span<Ready> ready, std::size_t& count) {
        // Begins after where the last one left off, so that a small `ready` starves nobody.
        const std::size_t others = active_ - 1;
        bool hung_up = false;
        for (std::size_t seen = 0; seen < others && count < ready.size(); ++seen) {
            const std::size_t at = 1 + (first_ + seen) % others;
            if (set_[at].revents == 0) continue;
            const Events events = to_tell(set_[at].revents, entries_[at].interest);
            if (events == Events::none) {
                hung_up = true;
                continue;
            }
            ready[count++] = {entries_[at].key, events, (set_[at].revents & POLLNVAL) != 0};
            if (count == ready.size()) first_ = at % others;
        }
        for (std::size_t at = active_; hung_up && --at > 0;) {
            if (set_[at].revents != 0 && to_tell(set_[at].revents, entries_[at].interest) == Events::none) {
                swap(at, --active_);
            }
        }
    }

    WakeEvent wake_event_;
    std::vector<WSAPOLLFD> set_;
    std::vector<Entry> entries_; ///< beside set_
    FdMap positions_;            ///< by number, into set_
    std::size_t active_ = 1;     ///< so many are asked about; those behind are set aside
    std::size_t first_ = 0;      ///< where the next wait begins to look
};

} // namespace

std::unique_ptr<Poller> make_wsapoll_poller() { return std::make_unique<WsaPoller>(); }

} // namespace ioloop
