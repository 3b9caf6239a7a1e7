// SPDX-License-Identifier: MIT
/// Poller over ppoll(2), or poll(2) where there is no ppoll: every POSIX system, and the reference for the
/// others.
///
/// poll() is told the whole set each time and keeps none of it. So:
/// - The set lives here, as an array; the kernel cannot be out of step with it. reset() is clear().
/// - poll() knows numbers, not files. A number that was closed comes back as POLLNVAL at once and for ever;
///   it is
///   reported as `gone`. A number that was closed and is another file already looks healthy: add() tells by the
///   file's identity. Files without an inode of their own, such as eventfds, share one, and are taken for the
///   same.
/// - poll() calls a regular file ready at all times, where epoll refuses it. add() refuses it too: a loop
///   that behaves
///   differently by backend cannot be tested.
/// - poll() cannot be polled: there is no native handle.
#include "../os/identify.hpp"
#include "../os/last_error.hpp"
#include "../os/precise_sleep.hpp"
#include "../os/timespec.hpp"
#include "../os/wake_event.hpp"

#include <ioloop/poller.hpp>

#include <algorithm>
#include <climits>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <time.h>

namespace ioloop {
namespace {

short to_poll(Events interest) {
    int bits = 0;
    if (any(interest & Events::read)) bits |= POLLIN;
    if (any(interest & Events::write)) bits |= POLLOUT;
    return static_cast<short>(bits);
}

Events from_poll(short bits) {
    Events events = Events::none;
    if ((bits & POLLIN) != 0) events |= Events::read;
    if ((bits & POLLOUT) != 0) events |= Events::write;
    if ((bits & (POLLERR | POLLHUP | POLLNVAL)) != 0) events |= Events::error;
    return events;
}

class PollPoller final : public Poller {
public:
    PollPoller() { reset(); }

    std::error_code add(Fd fd, Events interest, Key key) override {
        Entry entry{key, {}};
        if (const auto error = identify(fd, entry.file)) return error;
        if (const std::size_t at = find(fd); at != nowhere) {
            if (entries_[at].file == entry.file) return make_error_code(std::errc::file_exists);
            set_[at].events = to_poll(interest);
            entries_[at] = entry;
            return {};
        }
        const auto index = static_cast<std::size_t>(fd);
        if (index >= positions_.size()) positions_.resize(index + 1, nowhere);
        // Room first, then the change: running out of memory must not leave the two out of step.
        if (set_.size() == set_.capacity()) set_.reserve(set_.size() * 2);
        entries_.push_back(entry);
        set_.push_back({fd, to_poll(interest), 0});
        positions_[index] = set_.size() - 1;
        return {};
    }

    std::error_code modify(Fd fd, Events interest, Key key) override {
        const std::size_t at = find(fd);
        if (at == nowhere) return make_error_code(std::errc::no_such_file_or_directory);
        if (::fcntl(fd, F_GETFD) < 0) return make_error_code(std::errc::bad_file_descriptor);
        set_[at].events = to_poll(interest);
        entries_[at].key = key;
        return {};
    }

    std::error_code remove(Fd fd) override {
        const std::size_t at = find(fd);
        if (at == nowhere) return make_error_code(std::errc::no_such_file_or_directory);
        // The last one moves into the gap.
        set_[at] = set_.back();
        entries_[at] = entries_.back();
        positions_[static_cast<std::size_t>(set_[at].fd)] = at;
        positions_[static_cast<std::size_t>(fd)] = nowhere;
        set_.pop_back();
        entries_.pop_back();
        return {};
    }

    std::error_code reset() override {
        set_.clear();
        entries_.clear();
        std::fill(positions_.begin(), positions_.end(), nowhere);
        set_.push_back({wake_event_.fd(), POLLIN, 0}); // always the first
        entries_.push_back({});
        return {};
    }

    std::error_code wait(std::span<Ready> ready, Duration timeout, std::size_t& count) override {
        count = 0;
        int found = sleep(timeout);
        if (found < 0) return last_error();
        if ((set_[0].revents & POLLNVAL) != 0)
            return make_error_code(std::errc::bad_file_descriptor); // somebody closed it
        if (set_[0].revents != 0) {
            wake_event_.clear();
            --found;
        }
        // Begins after where the last one left off, so that a small `ready` starves nobody.
        const std::size_t others = set_.size() - 1;
        for (std::size_t seen = 0; seen < others && found > 0 && count < ready.size(); ++seen) {
            const std::size_t at = 1 + (first_ + seen) % others;
            if (set_[at].revents == 0) continue;
            ready[count++] = {entries_[at].key, from_poll(set_[at].revents),
                              (set_[at].revents & POLLNVAL) != 0};
            --found;
            if (count == ready.size()) first_ = at % others;
        }
        return {};
    }

    void wake() noexcept override { wake_event_.set(); }
    std::string_view name() const noexcept override { return "poll"; }

private:
    static constexpr std::size_t nowhere = SIZE_MAX;

    struct Entry {
        Key key = 0;
        FileIdentity file;
    };

    std::size_t find(Fd fd) const {
        const auto index = static_cast<std::size_t>(fd);
        return fd < 0 || index >= positions_.size() ? nowhere : positions_[index];
    }

    int sleep(Duration timeout) {
        const PreciseSleep precise(timeout);
        const auto size = static_cast<nfds_t>(set_.size());
#if defined(__linux__) || defined(__FreeBSD__) || defined(__OpenBSD__)
        const timespec relative = to_timespec(timeout);
        return ::ppoll(set_.data(), size, timeout == forever ? nullptr : &relative, nullptr);
#else
        if (timeout == forever) return ::poll(set_.data(), size, -1);
        const auto ms = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
        return ::poll(set_.data(), size, static_cast<int>(std::min<decltype(ms)>(ms, INT_MAX)));
#endif
    }

    WakeEvent wake_event_;
    std::vector<pollfd> set_;
    std::vector<Entry> entries_;         ///< beside set_
    std::vector<std::size_t> positions_; ///< by number, into set_
    std::size_t first_ = 0;              ///< where the next wait begins to look
};

} // namespace

std::unique_ptr<Poller> make_poll_poller() { return std::make_unique<PollPoller>(); }

} // namespace ioloop
