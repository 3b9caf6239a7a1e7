// SPDX-License-Identifier: MIT
/// Poller over epoll(7).
///
/// Some facts about epoll, and what they mean here:
///
/// A registration belongs to the pair of *open file* and number, not to the number. So:
/// - Closing the last descriptor of a file removes its registration, without a word. remove() then finds
///   ENOENT or EBADF;
///   that is no news to anybody.
/// - Closing a descriptor while a duplicate of it lives removes nothing: the file stays in the set, goes on
///   being
///   ready, and cannot be taken out, as EPOLL_CTL_DEL needs the number and the number is closed (or, worse, is
///   another file now). The loop would spin for ever. epoll cannot say which files it holds; but the loop sees keys that it
///   has retired, and then asks for reset(): a new set takes the old one's place, and its number.
/// - EPOLL_CTL_ADD says EEXIST only for the same file under the same number. A number that was closed and is
///   another file
///   now is added without complaint, which is exactly what add() promises.
///
/// The key travels in epoll_data; the kernel gives back what was set last. Keys carry a generation, so a
/// late event for an earlier owner of a number is recognised by the loop.
///
/// EPOLLERR and EPOLLHUP come unasked. EPOLLRDHUP is not used: a half-closed stream is readable, and may
/// still be full of data.
///
/// epoll_wait() counts in milliseconds. epoll_pwait2() (Linux 5.11) counts in nanoseconds; where it is missing,
/// milliseconds are rounded up, so that a timeout is late rather than early. What the thread's timer slack
/// would add to either, is left out (../os/precise_sleep.hpp).
///
/// A look that does not wait asks the kernel without the C library. glibc's epoll_wait() is a cancellation point: once
/// the process has a second thread, it costs 47 instructions more (95 and 101 ns, measured). A thread that sleeps
/// forever may be cancelled as ever.
///
/// A wait(no_wait) that has nothing to report makes no system call, once it is quiet. An epoll set is itself readable
/// when one of its descriptors is ready. So a tripwire (../os/tripwire.hpp) answers a single question from memory that
/// the kernel shares with us: "might epoll have news?", and epoll remains the one source of events.
/// - After a few looks (`quiet_enough`) that found nothing, the wire is armed; and then the set is looked at once more,
///   so that nothing falls between the last look and the arming.
/// - From then on, a wait(no_wait) is two loads, until the wire is tripped: by a descriptor, by wake(), or by the
///   alarm. Then it is epoll_wait() again.
/// - A loop with steady traffic never arms; a wait that may sleep sleeps in epoll, and leaves the wire as it is.
/// - The level stays exact. The wire counts only after a look that found the set empty, and epoll_wait(2) itself goes by
///   nothing else than what trips the wire: a wake-up from a descriptor in the set, or epoll_ctl(2) finding one ready.
///
/// The alarm is a timerfd in the set, made when it is first asked for: then the set, and so native_handle(), is
/// readable when it has expired. Its clock is std::chrono::steady_clock's. Setting it takes an expiry back.
#include "../os/last_error.hpp"
#include "../os/precise_sleep.hpp"
#include "../os/timespec.hpp"
#include "../os/tripwire.hpp"
#include "../os/wake_event.hpp"
#include "../raise.hpp"

#include <ioloop/poller.hpp>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

namespace ioloop {
namespace {

constexpr Poller::Key wake_key = Poller::own_keys;
constexpr Poller::Key alarm_key = Poller::own_keys + 1;
constexpr std::size_t batch_size = 512;

std::uint32_t to_epoll(Events interest) {
    std::uint32_t bits = 0;
    if (any(interest & Events::read)) bits |= EPOLLIN;
    if (any(interest & Events::write)) bits |= EPOLLOUT;
    return bits;
}

Events from_epoll(std::uint32_t bits) {
    Events events = Events::none;
    if ((bits & EPOLLIN) != 0) events |= Events::read;
    if ((bits & EPOLLOUT) != 0) events |= Events::write;
    if ((bits & (EPOLLERR | EPOLLHUP)) != 0) events |= Events::error;
    return events;
}

class EpollPoller final : public Poller {
public:
    /// `tripwire` may be null: then there is no quiet.
    EpollPoller(std::unique_ptr<Tripwire> tripwire, std::string_view name)
        : name_(name),
          tripwire_(std::move(tripwire)),
          epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        if (epoll_ < 0) raise(std::system_error(last_error(), "epoll_create1"));
        if (const auto error = watch_wake_event(epoll_)) {
            ::close(epoll_);
            raise(std::system_error(error, "epoll_ctl"));
        }
    }
    EpollPoller(const EpollPoller&) = delete;
    EpollPoller& operator=(const EpollPoller&) = delete;
    ~EpollPoller() override {
        ::close(epoll_);
        if (timer_ >= 0) ::close(timer_);
    }

    std::error_code add(Fd fd, Events interest, Key key) override {
        return control(epoll_, EPOLL_CTL_ADD, fd, interest, key);
    }
    std::error_code modify(Fd fd, Events interest, Key key) override {
        return control(epoll_, EPOLL_CTL_MOD, fd, interest, key);
    }
    std::error_code remove(Fd fd) override { return control(epoll_, EPOLL_CTL_DEL, fd, Events::none, 0); }

    std::error_code reset() override {
        const Fd fresh = ::epoll_create1(EPOLL_CLOEXEC);
        if (fresh < 0) return last_error();
        // Its own come first, so that a set that cannot have them never takes the old one's place.
        auto error = watch_wake_event(fresh);
        if (!error && timer_ >= 0) error = watch_timer(fresh);
        if (error) {
            ::close(fresh);
            return error;
        }
        if (tripwire_ != nullptr) tripwire_->disarm(); // it watches the old set, and keeps it alive
        armed_ = false;
        wake(); // who sleeps on the old set, such as a guest's waiter, shall look at the new one
        // dup3 closes the old set and gives its number to the new one in one step: whoever polls
        // native_handle() by its number goes on. (Who put it into an epoll set of his own has to put it
        // there again.)
        if (::dup3(fresh, epoll_, O_CLOEXEC) < 0) error = last_error();
        ::close(fresh);
        return error;
    }

    std::error_code wait(std::span<Ready> ready, Duration timeout, std::size_t& count) override {
        if (armed_ && timeout <= no_wait && !tripwire_->tripped()) {
            count = 0;
            return {};
        }
        return ask(ready, timeout, count);
    }

    void wake() noexcept override { wake_event_.set(); }
    Fd native_handle() const noexcept override { return epoll_; }
    bool set_alarm(Duration in) noexcept override {
        if (timer_ < 0 && !make_timer()) return false;
        itimerspec alarm{}; // all zero: none
        if (in != forever) alarm.it_value = to_timespec(std::max(in, Duration(1)));
        return ::timerfd_settime(timer_, 0, &alarm, nullptr) == 0;
    }
    std::string_view name() const noexcept override { return name_; }

private:
    /// Not inlined, so that a quiet wait() does not save registers for it.
    [[gnu::noinline]] std::error_code ask(std::span<Ready> ready, Duration timeout, std::size_t& count) {
        count = 0;
        const int room = static_cast<int>(std::min(ready.size(), batch_size));
        const int found = timeout <= no_wait ? look(room) : sleep(room, timeout);
        if (found < 0) return last_error();
        for (int i = 0; i < found; ++i) {
            if (batch_[i].data.u64 == wake_key) {
                wake_event_.clear();
            } else if (batch_[i].data.u64 == alarm_key) {
                std::uint64_t expirations = 0;
                [[maybe_unused]] const auto size = ::read(timer_, &expirations, sizeof expirations);
            } else {
                ready[count++] = {batch_[i].data.u64, from_epoll(batch_[i].events), false};
            }
        }
        return {};
    }

    static std::error_code control(Fd set, int operation, Fd fd, Events interest, Key key) {
        epoll_event event{};
        event.events = to_epoll(interest);
        event.data.u64 = key;
        return ::epoll_ctl(set, operation, fd, &event) == 0 ? std::error_code() : last_error();
    }

    std::error_code watch_wake_event(Fd set) {
        return control(set, EPOLL_CTL_ADD, wake_event_.fd(), Events::read, wake_key);
    }
    std::error_code watch_timer(Fd set) {
        return control(set, EPOLL_CTL_ADD, timer_, Events::read, alarm_key);
    }

    bool make_timer() noexcept {
        timer_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        if (timer_ < 0) return false;
        if (!watch_timer(epoll_)) return true;
        ::close(std::exchange(timer_, invalid_fd));
        return false;
    }

    int look(int room) {
        // Armed first: what comes in between, one of the two sees.
        armed_ = quiet_looks_ >= quiet_enough && tripwire_ != nullptr && tripwire_->arm(epoll_);
        if (quiet_looks_ >= quiet_enough) quiet_looks_ = 0;
        const int found = look_into_epoll(room);
        quiet_looks_ = found == 0 ? quiet_looks_ + 1 : 0;
        armed_ = armed_ && found == 0;
        return found;
    }

    int sleep(int room, Duration timeout) {
        quiet_looks_ = 0;
        const int found = sleep_in_epoll(room, timeout);
        // What was found is ready until somebody deals with it; that the wire was tripped by it need not be visible yet.
        if (found > 0) armed_ = false;
        return found;
    }

    int look_into_epoll(int room) {
#if defined(SYS_epoll_wait) && !defined(__ANDROID__) // whose seccomp filter ends who calls it
        return static_cast<int>(::syscall(SYS_epoll_wait, epoll_, batch_, room, 0));
#else // younger architectures, such as arm64, do not have it
        return static_cast<int>(::syscall(SYS_epoll_pwait, epoll_, batch_, room, 0, nullptr, 0));
#endif
    }

    /// Of an older kernel, or of a sandbox: many of those say EPERM to a call that they do not know (ivykis #33, bun #32490).
    static bool is_refusal(int error) noexcept {
        return error == ENOSYS || error == EPERM || error == EACCES || error == EOPNOTSUPP;
    }
    int sleep_in_epoll(int room, Duration timeout) {
        if (timeout == forever) return ::epoll_wait(epoll_, batch_, room, -1);
        if (timeout < PreciseSleep::long_sleep) {
            // Precision costs several times this look. Who has traffic does not sleep, and shall not pay for it.
            if (const int found = look_into_epoll(room); found != 0) return found;
        }
        const PreciseSleep precise(timeout);
#if defined(SYS_epoll_pwait2) && !defined(__ANDROID__) // as above, before Android 15
        if (has_pwait2_) {
            const timespec sleep = to_timespec(timeout);
            // The kernel's own timespec: of 64 bits each, also where the C library's is smaller.
            const std::int64_t relative[] = {sleep.tv_sec, sleep.tv_nsec};
            const long found = ::syscall(SYS_epoll_pwait2, epoll_, batch_, room, relative, nullptr, 0);
            if (found >= 0 || !is_refusal(errno)) return static_cast<int>(found);
            has_pwait2_ = false;
        }
#endif
        const auto ms = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
        return ::epoll_wait(epoll_, batch_, room, static_cast<int>(std::min<decltype(ms)>(ms, INT_MAX)));
    }

    /// Arming, tripping and collecting cost about 1 us; what it saves is about 100 ns a wait.
    static constexpr int quiet_enough = 8;

    std::string_view name_;
    std::unique_ptr<Tripwire> tripwire_;
    int quiet_looks_ = 0; ///< in a row that found nothing
    bool armed_ = false;  ///< the set was empty when looked at last, and tripwire_ is armed since before that
    WakeEvent wake_event_;
    Fd epoll_;
    Fd timer_ = invalid_fd; ///< of the alarm; invalid_fd: nobody asked for it yet
    bool has_pwait2_ = true;
    epoll_event batch_[batch_size];
};

} // namespace

std::unique_ptr<Poller> make_epoll_poller(std::unique_ptr<Tripwire> tripwire, std::string_view name) {
    return std::make_unique<EpollPoller>(std::move(tripwire), name);
}

std::unique_ptr<Poller> make_epoll_poller() { return make_epoll_poller(make_aio_tripwire(), "epoll"); }

} // namespace ioloop
