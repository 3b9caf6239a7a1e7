// SPDX-License-Identifier: MIT
/// Poller over pselect(2): for what has nothing else.
///
/// select() is told the whole set each time, as three bitmaps, and writes its answer over them. So:
/// - The set lives here; reset() is clear().
/// - The bitmaps have FD_SETSIZE bits (1024, nearly everywhere), and FD_SET() of a larger number writes past
///   their end: undefined behaviour, with no error. add() refuses such a number as too_many_files_open, for that is
///   the reason, whatever the limits of the process say. A loop that is made when all small numbers are taken
///   cannot be woken, and so is refused too.
/// - A number that was closed fails the whole call with EBADF, and does not say which one it was (tornado's loop
///   died of it). The dead are found one by one, reported as `gone`, and the others asked without them. A number
///   that was closed and is another file already looks healthy: add() tells by the file's identity, as in poll.cpp.
/// - Regular files are ready at all times; add() refuses them, as epoll does.
/// - There is no native handle.
///
/// select() knows "a read would not block" and "a write would not block". An error or a hang-up is not a third
/// thing, but a reason for both: the read says end-of-file, the write EPIPE, a refused connect is writable
/// and SO_ERROR has the rest. (The third bitmap is for out-of-band data, which is no error; on Windows alone
/// it has failed connects.) So what other pollers report as `error` is reported here as whatever of read
/// and write is watched, and *a descriptor that is watched for nothing reports nothing*, not even a hang-up.
/// Watching it for reading in secret would tell, but never again let the loop sleep once data is there that
/// nobody wants yet: flow control, broken (tornado #37 and its cure, 41ff81b2).
#include "../os/identify.hpp"
#include "../os/last_error.hpp"
#include "../os/precise_sleep.hpp"
#include "../os/timespec.hpp"
#include "../os/wake_event.hpp"
#include "../raise.hpp"

#include <ioloop/poller.hpp>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/select.h>
#include <time.h>

namespace ioloop {
namespace {

constexpr Fd fd_limit = FD_SETSIZE;

bool is_open(Fd fd) { return ::fcntl(fd, F_GETFD) >= 0 || errno != EBADF; }

class SelectPoller final : public Poller {
public:
    SelectPoller() : entries_(fd_limit) {
        if (wake_event_.fd() >= fd_limit) {
            raise(std::system_error(make_error_code(std::errc::too_many_files_open),
                                    "select: the descriptor that wakes it is beyond FD_SETSIZE"));
        }
        FD_ZERO(&reading_);
        FD_ZERO(&writing_);
        reset();
    }

    std::error_code add(Fd fd, Events interest, Key key) override {
        Entry entry{key, {}, true, false};
        if (const auto error = identify(fd, entry.file)) return error;
        if (fd >= fd_limit) return make_error_code(std::errc::too_many_files_open);
        if (const Entry& earlier = at(fd); earlier.watched && earlier.file == entry.file) {
            return make_error_code(std::errc::file_exists);
        }
        at(fd) = entry;
        watch(fd, interest);
        end_ = std::max(end_, fd + 1);
        return {};
    }

    std::error_code modify(Fd fd, Events interest, Key key) override {
        if (!watches(fd)) return make_error_code(std::errc::no_such_file_or_directory);
        if (!is_open(fd)) return make_error_code(std::errc::bad_file_descriptor);
        at(fd).key = key;
        watch(fd, interest);
        return {};
    }

    std::error_code remove(Fd fd) override {
        if (!watches(fd)) return make_error_code(std::errc::no_such_file_or_directory);
        forget(fd);
        return {};
    }

    std::error_code reset() override {
        for (Fd fd = 0; fd < end_; ++fd) {
            if (at(fd).watched) forget(fd);
        }
        FD_SET(wake_event_.fd(), &reading_);
        return {};
    }

    std::error_code wait(std::span<Ready> ready, Duration timeout, std::size_t& count) override {
        count = 0;
        fd_set readable = reading_;
        fd_set writable = writing_;
        int found = sleep(readable, writable, timeout);
        bool any_dead = false;
        while (found < 0 && errno == EBADF) {
            if (!is_open(wake_event_.fd())) return make_error_code(std::errc::bad_file_descriptor);
            // The dead are news enough: who is ready beside them is asked, and not waited for. None found means
            // that the number is in use again already.
            readable = reading_;
            writable = writing_;
            const bool any = set_dead_aside(readable, writable);
            found = sleep(readable, writable, any ? no_wait : timeout);
            any_dead |= any;
        }
        if (found < 0) return last_error();
        if (FD_ISSET(wake_event_.fd(), &readable)) {
            wake_event_.clear();
            --found;
        }
        if (found > 0 || any_dead) collect(ready, readable, writable, count);
        return {};
    }

    void wake() noexcept override { wake_event_.set(); }
    std::string_view name() const noexcept override { return "select"; }

private:
    struct Entry {
        Key key = 0;
        FileIdentity file;
        bool watched = false;
        bool dead = false; ///< found to be closed by the wait() that is under way
    };

    Entry& at(Fd fd) { return entries_[static_cast<std::size_t>(fd)]; }
    bool watches(Fd fd) { return fd >= 0 && fd < fd_limit && at(fd).watched; }

    void watch(Fd fd, Events interest) {
        FD_CLR(fd, &reading_);
        FD_CLR(fd, &writing_);
        if (any(interest & Events::read)) FD_SET(fd, &reading_);
        if (any(interest & Events::write)) FD_SET(fd, &writing_);
    }

    void forget(Fd fd) {
        watch(fd, Events::none);
        at(fd) = {};
        while (end_ > 0 && !at(end_ - 1).watched) --end_;
    }

    int sleep(fd_set& readable, fd_set& writable, Duration timeout) {
        const PreciseSleep precise(timeout);
        const timespec relative = to_timespec(timeout);
        const Fd end = std::max(end_, wake_event_.fd() + 1);
        return ::pselect(end, &readable, &writable, nullptr, timeout == forever ? nullptr : &relative,
                         nullptr);
    }

    bool set_dead_aside(fd_set& readable, fd_set& writable) {
        bool found = false;
        for (Fd fd = 0; fd < end_; ++fd) {
            if (!at(fd).watched) continue;
            at(fd).dead = !is_open(fd);
            if (!at(fd).dead) continue;
            FD_CLR(fd, &readable);
            FD_CLR(fd, &writable);
            found = true;
        }
        return found;
    }

    /// Begins after where the last one left off, so that a small `ready` starves nobody.
    void collect(std::span<Ready> ready, const fd_set& readable, const fd_set& writable, std::size_t& count) {
        for (Fd seen = 0, fd = first_; seen < end_; ++seen, ++fd) {
            if (fd >= end_) fd = 0;
            Entry& entry = at(fd);
            if (!entry.watched) continue;
            const bool gone = std::exchange(entry.dead, false);
            Events events = Events::none;
            if (gone) events |= Events::error;
            if (FD_ISSET(fd, &readable)) events |= Events::read;
            if (FD_ISSET(fd, &writable)) events |= Events::write;
            if (!any(events) || count == ready.size()) continue;
            ready[count++] = {entry.key, events, gone};
            if (count == ready.size()) first_ = fd + 1;
        }
    }

    WakeEvent wake_event_;
    fd_set reading_;             ///< the wake event, and those that are watched for reading
    fd_set writing_;             ///< those that are watched for writing
    std::vector<Entry> entries_; ///< by number
    Fd end_ = 0;                 ///< one more than the largest number that is watched
    Fd first_ = 0;               ///< where the next wait begins to look
};

} // namespace

std::unique_ptr<Poller> make_select_poller() { return std::make_unique<SelectPoller>(); }

} // namespace ioloop
