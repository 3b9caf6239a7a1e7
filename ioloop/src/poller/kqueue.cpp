// SPDX-License-Identifier: MIT
/// Poller over kqueue(2): macOS and the BSDs.
///
/// Some facts about kqueue, and what they mean here:
///
/// Reading and writing are two filters, two registrations and two events. They are one here: an event that finds
/// its descriptor in `ready` already is merged into that entry, with |= (tornado's `=` lost the other half).
/// When the two fall on either side of the end of `ready`, the second is reported by the next wait().
///
/// A registration belongs to the *number*, not to the open file, and close(2) removes it, whatever duplicates
/// there are. So nothing dead stays behind, as it may with epoll, but nothing is said either. What remains is
/// our own table, which may list a number that is closed or another file by now. The kernel is asked: EV_ENABLE,
/// which changes nothing on what is enabled, fails with ENOENT if there is no such registration.
/// EV_ADD of what is there already is no error to kqueue, but a change of it; file_exists comes from the same
/// question. For the same reason the key is in our table and not in udata: an event can only be that of
/// the latest owner of a number. (udata also has 32 bits on some machines, and is an integer on older NetBSDs.)
///
/// EV_EOF on the filter for writing: nothing that is written will ever be read, by a hang-up or a failed
/// connect. It is `error` (tornado #223: a refused connect looked like a successful one). EV_EOF on the filter for
/// reading: the peer will write no more, but may read, and unread data may be left. It is `read`, and the
/// read says the rest; `error` only with an error code in fflags, such as ECONNRESET. So where epoll reports
/// a hang-up as `error`, this does if writing is watched. There is no filter for a hang-up alone: a descriptor
/// that is watched for nothing has no registration in the kernel and reports nothing. (The filter for reading
/// with a mark too high to reach comes close, but differs from system to system, fires on a half-closed stream,
/// and is a widening of interest behind the user's back, which tornado had to take back: 20bf1653.)
///
/// EV_RECEIPT: each change of a list gets its own answer (an EV_ERROR event, with 0 in data for success), and no
/// event is collected by the way.
///
/// wake() is a WakeEvent rather than EVFILT_USER: OpenBSD and older NetBSDs have none, and write(2) is
/// signal-safe by POSIX, which kevent(2) is only in practice.
///
/// The alarm is a timer of the kqueue's own, EVFILT_TIMER, whose ident is no descriptor. Adding one that is there
/// starts it again on most systems, but not on older NetBSDs: it is deleted first. All count in milliseconds,
/// most in nanoseconds, too; what they make of a very long time differs, and so does their clock (that of macOS
/// is not the steady one). So a long alarm is set in pieces, and one that rings early is set for the rest.
///
/// Timeouts are timespecs. Regular files are watched by kqueue, and ready until their end; add() refuses them, as
/// epoll does. The kqueue itself can be polled, but not everywhere by another kqueue. A child of fork() does
/// not inherit it: in the child, its number may be a stranger's, and must not be closed.
#include "../os/identify.hpp"
#include "../os/last_error.hpp"
#include "../os/timespec.hpp"
#include "../os/wake_event.hpp"
#include "../raise.hpp"

#include <ioloop/poller.hpp>

#include <algorithm>
#include <vector>

#include <fcntl.h>
#include <sys/types.h>
// sys/types.h goes first on older BSDs
#include <sys/event.h>
#include <time.h>
#include <unistd.h>

namespace ioloop {
namespace {

constexpr std::size_t events_at_once = 512;
constexpr int alarm_ident = 0;

Events from_kevent(const struct kevent& event) {
    if ((event.flags & EV_ERROR) != 0) return Events::error;
    const bool eof = (event.flags & EV_EOF) != 0;
    if (event.filter == EVFILT_WRITE) return eof ? Events::write | Events::error : Events::write;
    return eof && event.fflags != 0 ? Events::read | Events::error : Events::read;
}

/// Some changes to one descriptor, made by one system call.
class Changes {
public:
    explicit Changes(Fd fd) : fd_(fd) {}

    /// One for each filter of `which`.
    void append(Events which, int flags) {
        if (any(which & Events::read)) append_filter(EVFILT_READ, flags);
        if (any(which & Events::write)) append_filter(EVFILT_WRITE, flags);
    }

    /// Each is tried, whatever becomes of the others.
    /// Errors: that of the first that failed.
    std::error_code apply(Fd kqueue) {
        if (size_ == 0) return {};
        struct kevent receipts[most];
        constexpr timespec immediately{};
        const int received = ::kevent(kqueue, changes_, size_, receipts, size_, &immediately);
        if (received < 0) return last_error();
        for (int i = 0; i < received; ++i) {
            if ((receipts[i].flags & EV_ERROR) != 0 && receipts[i].data != 0) {
                return {static_cast<int>(receipts[i].data), std::system_category()};
            }
        }
        return {};
    }

private:
    static constexpr int most = 4;

    void append_filter(int filter, int flags) {
        struct kevent change {};
        // The types of the members differ from system to system.
        change.ident = static_cast<decltype(change.ident)>(fd_);
        change.filter = static_cast<decltype(change.filter)>(filter);
        change.flags = static_cast<decltype(change.flags)>(flags | EV_RECEIPT);
        changes_[size_++] = change;
    }

    Fd fd_;
    int size_ = 0;
    struct kevent changes_[most];
};

class KqueuePoller final : public Poller {
public:
    KqueuePoller() : process_(::getpid()), kqueue_(::kqueue()) {
        if (kqueue_ < 0) raise(std::system_error(last_error(), "kqueue"));
        ::fcntl(kqueue_, F_SETFD, FD_CLOEXEC);
        Changes changes(wake_event_.fd());
        changes.append(Events::read, EV_ADD);
        if (const auto error = changes.apply(kqueue_)) {
            ::close(kqueue_);
            raise(std::system_error(error, "kevent"));
        }
    }
    KqueuePoller(const KqueuePoller&) = delete;
    KqueuePoller& operator=(const KqueuePoller&) = delete;
    ~KqueuePoller() override {
        if (::getpid() == process_) ::close(kqueue_);
    }

    std::error_code add(Fd fd, Events interest, Key key) override {
        FileIdentity file;
        if (const auto error = identify(fd, file)) return error;
        const auto index = static_cast<std::size_t>(fd);
        if (index >= entries_.size()) entries_.resize(index + 1);
        Entry& entry = entries_[index];
        if (entry.watched && !check(fd, entry)) return make_error_code(std::errc::file_exists);

        Changes changes(fd);
        changes.append(interest, EV_ADD);
        if (const auto error = changes.apply(kqueue_)) {
            withdraw(fd, interest);
            return error;
        }
        entry = {key, file, 0, 0, interest, true};
        return {};
    }

    std::error_code modify(Fd fd, Events interest, Key key) override {
        Entry* const entry = find(fd);
        if (entry == nullptr) return make_error_code(std::errc::no_such_file_or_directory);
        const Events added = interest & ~entry->interest;
        const Events dropped = entry->interest & ~interest;
        if (!any(entry->interest)) {
            if (const auto error = check(fd, *entry)) return error;
        }

        // What is known is asked for, or dropped, in any case: it fails if `fd` is no longer what was added. Nothing
        // is dropped before what is new is there, so that an error leaves everything as it was.
        Changes changes(fd);
        changes.append(entry->interest & interest, EV_ENABLE);
        changes.append(dropped, any(added) ? EV_ENABLE : EV_DELETE);
        changes.append(added, EV_ADD);
        if (const auto error = changes.apply(kqueue_)) {
            withdraw(fd, added);
            return error;
        }
        if (any(added)) withdraw(fd, dropped);
        entry->interest = interest;
        entry->key = key;
        return {};
    }

    std::error_code remove(Fd fd) override {
        Entry* const entry = find(fd);
        if (entry == nullptr) return make_error_code(std::errc::no_such_file_or_directory);
        entry->watched = false;
        return withdraw(fd, entry->interest);
    }

    std::error_code reset() override {
        for (std::size_t index = 0; index < entries_.size(); ++index) {
            if (entries_[index].watched) withdraw(static_cast<Fd>(index), entries_[index].interest);
            entries_[index].watched = false;
        }
        return {};
    }

    std::error_code wait(std::span<Ready> ready, Duration timeout, std::size_t& count) override {
        count = 0;
        ++waits_;
        const int found = sleep(static_cast<int>(std::min(ready.size(), events_at_once)), timeout);
        if (found < 0) return last_error();
        for (int i = 0; i < found; ++i) {
            if (batch_[i].filter == EVFILT_TIMER) {
                const TimePoint now = steady_clock().now();
                if (now < alarm_at_) start_timer(alarm_at_ - now);
                continue;
            }
            const auto fd = static_cast<Fd>(batch_[i].ident);
            if (fd == wake_event_.fd()) {
                wake_event_.clear();
                continue;
            }
            Entry* const entry = find(fd);
            if (entry == nullptr) continue;
            if (entry->reported_by != waits_) {
                entry->reported_by = waits_;
                entry->reported_at = count;
                ready[count++] = {entry->key, Events::none, false};
            }
            ready[entry->reported_at].events |= from_kevent(batch_[i]);
        }
        return {};
    }

    void wake() noexcept override { wake_event_.set(); }
    Fd native_handle() const noexcept override { return kqueue_; }
    bool set_alarm(Duration in) noexcept override {
        stop_timer();
        alarm_at_ = after(steady_clock().now(), in);
        return in == forever || start_timer(in);
    }
    std::string_view name() const noexcept override { return "kqueue"; }

private:
    struct Entry {
        Key key = 0;
        FileIdentity file;
        std::uint64_t reported_by = 0; ///< the last wait() that did
        std::size_t reported_at = 0;   ///< and where in `ready`
        Events interest = Events::none;
        bool watched = false;
    };

    Entry* find(Fd fd) {
        const auto index = static_cast<std::size_t>(fd);
        return fd < 0 || index >= entries_.size() || !entries_[index].watched ? nullptr : &entries_[index];
    }

    /// Errors: no_such_file_or_directory or bad_file_descriptor if `fd` is not what was added.
    std::error_code check(Fd fd, const Entry& entry) const {
        if (any(entry.interest)) {
            Changes changes(fd);
            changes.append(entry.interest, EV_ENABLE);
            return changes.apply(kqueue_);
        }
        // Nothing is registered that one could ask for.
        FileIdentity file;
        if (const auto error = identify(fd, file)) return error;
        return file == entry.file ? std::error_code() : make_error_code(std::errc::no_such_file_or_directory);
    }

    std::error_code withdraw(Fd fd, Events which) const {
        Changes changes(fd);
        changes.append(which, EV_DELETE);
        return changes.apply(kqueue_);
    }

    void stop_timer() const noexcept {
        struct kevent change {};
        change.ident = alarm_ident;
        change.filter = EVFILT_TIMER;
        change.flags = EV_DELETE;
        ::kevent(kqueue_, &change, 1, nullptr, 0, nullptr); // not there: it has rung, or was never set
    }

    /// Requires: it is not there.
    bool start_timer(Duration in) const noexcept {
        // Three weeks of milliseconds fit into 31 bits, a second of nanoseconds does, too.
        constexpr Duration longest = std::chrono::hours(24 * 21);
        in = std::clamp(in, Duration(1), longest);
        struct kevent change {};
        change.ident = alarm_ident;
        change.filter = EVFILT_TIMER;
        change.flags = EV_ADD | EV_ONESHOT;
        change.data =
            static_cast<decltype(change.data)>(std::chrono::ceil<std::chrono::milliseconds>(in).count());
#if defined(NOTE_NSECONDS)
        if (in <= std::chrono::seconds(1)) {
            change.fflags = NOTE_NSECONDS;
            change.data = static_cast<decltype(change.data)>(in.count());
        }
#endif
        return ::kevent(kqueue_, &change, 1, nullptr, 0, nullptr) == 0;
    }

    int sleep(int room, Duration timeout) {
        // macOS calls more than 100,000,000 seconds invalid. Who sleeps longer than three years is woken early.
        constexpr std::chrono::seconds longest(100'000'000);
        timeout = timeout == forever ? timeout : std::min<Duration>(timeout, longest);
        const timespec relative = to_timespec(timeout);
        return ::kevent(kqueue_, nullptr, 0, batch_, room, timeout == forever ? nullptr : &relative);
    }

    WakeEvent wake_event_;
    pid_t process_; ///< the one that kqueue_ is of
    Fd kqueue_;
    std::vector<Entry> entries_; ///< by number
    std::uint64_t waits_ = 0;
    TimePoint alarm_at_ = never;
    struct kevent batch_[events_at_once];
};

} // namespace

std::unique_ptr<Poller> make_kqueue_poller() { return std::make_unique<KqueuePoller>(); }

} // namespace ioloop
