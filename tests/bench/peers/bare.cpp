// SPDX-License-Identifier: MIT
/// The floor under some of the scenarios: what cannot be avoided, without a loop around it.
#include "scenarios.hpp"

#include <array>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

namespace bench::peers {

namespace {

class Epoll {
public:
    Epoll() : fd_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {}
    Epoll(const Epoll&) = delete;
    Epoll& operator=(const Epoll&) = delete;
    ~Epoll() { ::close(fd_); }

    void control(int operation, int fd, std::uint32_t events = EPOLLIN) {
        epoll_event event{};
        event.events = events;
        event.data.fd = fd;
        checked(::epoll_ctl(fd_, operation, fd, &event), "epoll_ctl");
    }
    int wait(int milliseconds = 0) {
        return ::epoll_wait(fd_, ready_.data(), static_cast<int>(ready_.size()), milliseconds);
    }

private:
    int fd_;
    std::array<epoll_event, 64> ready_{};
};

bool take_byte(int fd) {
    char byte;
    return ::read(fd, &byte, 1) == 1;
}

/// Runs `State::operator()` so many times; it returns false if something was wrong.
template <class State> class Bare final : public Case {
public:
    Done run(std::uint64_t operations) override {
        std::uint64_t right = 0;
        for (std::uint64_t i = 0; i < operations; ++i) right += state_() ? 1U : 0U;
        expect(right, operations, "system calls that did their work");
        return {.operations = operations};
    }

private:
    State state_;
};

struct IdleWait {
    Epoll epoll;
    Pair pair;
    IdleWait() { epoll.control(EPOLL_CTL_ADD, pair.a); }
    bool operator()() { return epoll.wait() == 0; }
};

struct PassOn {
    Pair pair;
    bool operator()() { return send_byte(pair.a) && take_byte(pair.b); }
};

struct RoundTrip {
    Pair pair;
    bool operator()() {
        return send_byte(pair.a) && take_byte(pair.b) && send_byte(pair.b) && take_byte(pair.a);
    }
};

struct AddAndDelete {
    Epoll epoll;
    Pair pair;
    bool operator()() {
        epoll.control(EPOLL_CTL_ADD, pair.a);
        epoll.control(EPOLL_CTL_DEL, pair.a);
        return true;
    }
};

struct ModifyTwice {
    Epoll epoll;
    Pair pair;
    ModifyTwice() { epoll.control(EPOLL_CTL_ADD, pair.a); }
    bool operator()() {
        epoll.control(EPOLL_CTL_MOD, pair.a, EPOLLIN | EPOLLOUT);
        epoll.control(EPOLL_CTL_MOD, pair.a);
        return true;
    }
};

struct ModifySeen {
    Epoll epoll;
    Pair pair;
    ModifySeen() { epoll.control(EPOLL_CTL_ADD, pair.a); }
    bool operator()() {
        epoll.control(EPOLL_CTL_MOD, pair.a, EPOLLIN | EPOLLOUT);
        const bool seen = epoll.wait() == 1;
        epoll.control(EPOLL_CTL_MOD, pair.a);
        return epoll.wait() == 0 && seen;
    }
};

struct ShortConnection {
    Epoll epoll;
    bool operator()() {
        const Pair pair;
        epoll.control(EPOLL_CTL_ADD, pair.b);
        return send_byte(pair.a) && epoll.wait() == 1 && take_byte(pair.b);
    }
};

struct FourMessages {
    PassOn messages;
    bool operator()() { return messages() && messages() && messages() && messages(); }
};

template <std::uint64_t batch, bool shared> class Queued final : public Case {
public:
    Done run(std::uint64_t operations) override {
        const std::uint64_t before = calls_;
        std::uint64_t posted = 0;
        for (; posted < operations; posted += batch) {
            for (std::uint64_t i = 0; i < batch; ++i) {
                if constexpr (shared) {
                    shared_.push(&count, this);
                } else {
                    queue_.push(&count, this);
                }
            }
            if constexpr (shared) {
                shared_.drain();
            } else {
                queue_.drain();
            }
        }
        expect(calls_ - before, posted, "calls");
        return {.operations = posted};
    }

private:
    static void count(void* self) { ++static_cast<Queued*>(self)->calls_; }
    WorkQueue queue_;
    SharedQueue shared_;
    std::uint64_t calls_ = 0;
};

/// eventfd and epoll, from one thread to another.
class Wake final : public Case {
public:
    Wake() { epoll_.control(EPOLL_CTL_ADD, fd_); }
    ~Wake() override { ::close(fd_); }

    Done run(std::uint64_t operations) override {
        using Clock = std::chrono::steady_clock;
        samples_ = Samples();
        std::atomic<std::uint64_t> seen = 0;
        Clock::time_point posted{};
        std::thread poster([&] {
            pin_helper();
            for (std::uint64_t i = 0; i < operations; ++i) {
                const auto end = Clock::now() + std::chrono::microseconds(60);
                while (Clock::now() < end) {}
                posted = Clock::now();
                const std::uint64_t one = 1;
                (void)!::write(fd_, &one, sizeof one);
                while (seen.load(std::memory_order_acquire) <= i) {}
            }
        });
        for (std::uint64_t i = 0; i < operations; ++i) {
            epoll_.wait(-1);
            std::uint64_t count = 0;
            (void)!::read(fd_, &count, sizeof count);
            samples_.add(Clock::now() - posted);
            seen.store(i + 1, std::memory_order_release);
        }
        poster.join();
        return {.operations = operations, .samples = &samples_};
    }

private:
    Epoll epoll_;
    int fd_ = checked(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd");
    Samples samples_;
};

class TimerFd final : public Case {
public:
    explicit TimerFd(Duration delay) : delay_(delay) { epoll_.control(EPOLL_CTL_ADD, fd_); }
    ~TimerFd() override { ::close(fd_); }

    Done run(std::uint64_t operations) override {
        samples_ = Samples();
        for (std::uint64_t i = 0; i < operations; ++i) {
            const auto deadline = std::chrono::steady_clock::now() + delay_;
            const auto since = deadline.time_since_epoch().count();
            const itimerspec time{{}, {since / 1'000'000'000, since % 1'000'000'000}};
            checked(::timerfd_settime(fd_, TFD_TIMER_ABSTIME, &time, nullptr), "timerfd_settime");
            epoll_.wait(-1);
            samples_.add(std::chrono::steady_clock::now() - deadline);
        }
        return {.operations = operations, .samples = &samples_};
    }

private:
    Epoll epoll_;
    int fd_ = checked(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), "timerfd_create");
    Duration delay_;
    Samples samples_;
};

} // namespace

void enrol_bare(Registry& registry) {
    Enrolment to(registry, "bare", Kind::floor);
    for (const char* const fds : {"1", "100", "1000", "10000"}) // the set does not matter to an idle wait
        to.add<Bare<IdleWait>>(std::string("idle_pump K=") + fds + " T=0", 1);
    to.add<Bare<IdleWait>>("idle_pump K=1000 T=1000", 1);
    to.add<Queued<1, false>>("post B=1", 1);
    to.add<Queued<64, false>>("post B=64", 64);
    to.add<Queued<1024, false>>("post B=1024", 1024);
    to.add<Queued<1, true>>("post_threadsafe B=1", 1);
    to.add<Queued<64, true>>("post_threadsafe B=64", 64);
    to.add<Queued<1024, true>>("post_threadsafe B=1024", 1024);
    to.add<Wake>("wake_blocked", 150);
    to.add<Bare<PassOn>>("fd_chain N=100 M=1", 1);
    to.add<Bare<PassOn>>("fd_chain N=100 M=100", 1);
    to.add<Bare<RoundTrip>>("ping_pong", 1);
    to.add<Bare<AddAndDelete>>("add_remove", 1);
    to.add<Bare<ModifyTwice>>("toggle", 1);
    to.add<Bare<ModifySeen>>("toggle_seen", 1);
    to.add<Bare<ShortConnection>>("connection", 1);
    to.add<Bare<FourMessages>>("game_frame active=4", 1);
    using std::chrono::microseconds;
    to.add<TimerFd>("lateness 1 ms", 20, Duration(microseconds(1000)));
    to.add<TimerFd>("lateness 4.2 ms", 10, Duration(microseconds(4200)));
    to.add<TimerFd>("lateness 16.67 ms", 5, Duration(microseconds(16'670)));
}

} // namespace bench::peers
