// SPDX-License-Identifier: MIT
#include "trouble.hpp"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace arena {

using namespace std::chrono_literals;
using ioloop::Events;
using ioloop::Fd;

namespace {

void work_for(ioloop::Duration duration) {
    const auto end = std::chrono::steady_clock::now() + duration;
    while (std::chrono::steady_clock::now() < end) {}
}

/// Calls `act` every `period`, on a thread of its own.
class Repeater {
public:
    Repeater(ioloop::Duration period, std::function<void()> act)
        : thread_([this, period, act = std::move(act)] {
              std::unique_lock lock(mutex_);
              while (!ending_.wait_for(lock, period, [&] { return ended_; })) act();
          }) {}
    Repeater(const Repeater&) = delete;
    Repeater& operator=(const Repeater&) = delete;
    ~Repeater() {
        {
            const std::lock_guard lock(mutex_);
            ended_ = true;
        }
        ending_.notify_one();
        thread_.join();
    }

private:
    std::mutex mutex_;
    std::condition_variable ending_;
    bool ended_ = false;
    std::thread thread_; ///< last: it uses the others
};

} // namespace

/// One of them, with all that it needs.
class Trouble::Planted {
public:
    Planted(ioloop::IOLoop& loop, Kind kind) : loop_(loop), scope_(loop, words_of(kind).name) {}
    Planted(const Planted&) = delete;
    Planted& operator=(const Planted&) = delete;
    ~Planted() {
        thread_.reset();
        scope_.clear();
        for (const Fd fd : fds_) {
            if (fd != ioloop::invalid_fd) ::close(fd);
        }
    }

    void begin(Kind kind) {
        switch (kind) {
        case Kind::unread_socket: return leave_unread();
        case Kind::idle_writer: return wait_to_write_nothing();
        case Kind::hung_up_pipe: return ignore_a_hang_up();
        case Kind::closed_descriptor: return close_what_is_watched();
        case Kind::blocking_socket: return block();
        case Kind::slow_callback: return be_slow();
        case Kind::reposting_callback: return repost();
        case Kind::flood_of_posts: return flood();
        case Kind::thrower: return fail();
        case Kind::zero_timeout: return rearm_at_once();
        case Kind::timeout_storm: return storm();
        case Kind::leaked_timeouts: return leak();
        case Kind::wrong_thread: return call_from_elsewhere();
        }
    }

private:
    void make_pair(int flags = SOCK_NONBLOCK) {
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0, fds_.data()) != 0) {
            throw std::system_error(errno, std::system_category(), "socketpair");
        }
    }

    void leave_unread() {
        make_pair();
        static_cast<void>(::send(fds_[1], "hello", 5, MSG_NOSIGNAL));
        scope_.add_handler(
            fds_[0], [](Fd, Events) {}, Events::read, "trouble: reads nothing");
    }

    void wait_to_write_nothing() {
        make_pair();
        scope_.add_handler(
            fds_[0], [](Fd, Events) {}, Events::write, "trouble: has nothing to write");
    }

    void ignore_a_hang_up() {
        make_pair();
        ::close(fds_[1]);
        fds_[1] = ioloop::invalid_fd;
        scope_.add_handler(
            fds_[0], [](Fd, Events) {}, Events::none, "trouble: ignores the hang-up");
    }

    /// The kernel goes on to watch the file, as a duplicate of the descriptor lives.
    void close_what_is_watched() {
        make_pair();
        scope_.add_handler(
            fds_[0], [](Fd, Events) {}, Events::read, "trouble: was closed");
        const Fd twin = ::fcntl(fds_[0], F_DUPFD_CLOEXEC, 0);
        ::close(fds_[0]);
        fds_[0] = twin;
    }

    void block() {
        make_pair(0);
        scope_.add_handler(
            fds_[0], [](Fd, Events) {}, Events::read, "trouble: may block");
    }

    void be_slow() {
        scope_.call_later(
            400ms,
            [this] {
                work_for(60ms);
                be_slow();
            },
            "trouble: takes 60 ms");
    }

    void repost() {
        scope_.add_callback([this] { repost(); }, "trouble: posts itself");
    }

    /// Faster than the loop can run it; but no more than `most` at a time.
    void flood() {
        constexpr int most = 20'000;
        thread_ = std::make_unique<Repeater>(5ms, [this] {
            for (int i = 0; i < 200 && waiting_ < most; ++i) {
                ++waiting_;
                const bool posted = scope_.add_callback(
                    [this] {
                        --waiting_;
                        work_for(40us);
                    },
                    "trouble: a flood of posts");
                if (!posted) --waiting_;
            }
        });
    }

    void fail() {
        scope_.call_later(
            500ms,
            [this] {
                fail();
                throw std::runtime_error("trouble: as was asked for");
            },
            "trouble: throws");
    }

    void rearm_at_once() {
        scope_.call_later(
            0s, [this] { rearm_at_once(); }, "trouble: re-arms itself for now");
    }

    void storm() {
        scope_.call_later(
            20ms,
            [this] {
                for (int i = 0; i < 90; ++i) {
                    scope_.call_later(
                        30ms + i * 100us, [] {}, "trouble: one of too many");
                }
                storm();
            },
            "trouble: a storm of timeouts");
    }

    /// An idle timeout that is armed for each message, and not removed by the next.
    void leak() {
        constexpr std::size_t most = 20'000;
        scope_.call_later(
            20ms,
            [this] {
                for (int i = 0; i < 5 && leaked_ < most; ++i, ++leaked_) {
                    scope_.call_later(
                        1h, [] {}, "trouble: never removed");
                }
                leak();
            },
            "trouble: a leak of timeouts");
    }

    void call_from_elsewhere() {
        thread_ = std::make_unique<Repeater>(300ms, [this] {
            try {
                loop_.call_later(
                    1s, [] {}, "trouble: from another thread");
            } catch (const std::logic_error&) { // NOLINT(bugprone-empty-catch): a program that does not look
            }
        });
    }

    ioloop::IOLoop& loop_;
    std::array<Fd, 2> fds_{ioloop::invalid_fd, ioloop::invalid_fd};
    std::atomic<int> waiting_{0};
    std::size_t leaked_ = 0;
    ioloop::Scope scope_;
    std::unique_ptr<Repeater> thread_;
};

const Trouble::Words& Trouble::words_of(Kind kind) noexcept {
    static constexpr std::array<Words, count> words{{
        {"unread socket", "A handler is called for what has come, and does not read it.", "busy-read"},
        {"idle writer", "A handler waits to write, and has nothing to write.", "write-spin"},
        {"hung-up peer", "The other end is gone, and nobody looks.", "hup-spin"},
        {"closed descriptor",
         "A descriptor is closed while a duplicate of it lives, and is still registered.", "ghost-fd"},
        {"blocking socket", "A socket is registered that was never made non-blocking.", "blocking-fd"},
        {"60 ms callback", "A callback works for four frames.", "slow-dispatch"},
        {"reposting callback", "A callback posts itself, for ever.", "repost-forever"},
        {"flood of posts", "A thread posts more than the loop can run.", "queue-growing"},
        {"exception", "A callback throws, and nobody catches.", "threw"},
        {"zero timeout", "A timeout re-arms itself for now.", "zero-timeout-loop"},
        {"storm of timeouts", "Thousands of timeouts are armed in a second.", "timeout-storm"},
        {"leak of timeouts", "Timeouts are armed, and nobody removes them.", "timer-leak"},
        {"wrong thread", "Another thread arms a timeout.", "cross-thread"},
    }};
    return words[static_cast<std::size_t>(kind)];
}

Trouble::Trouble(ioloop::IOLoop& loop) : loop_(loop) {}
Trouble::~Trouble() = default;

void Trouble::plant(Kind kind) {
    auto& planted = planted_[static_cast<std::size_t>(kind)];
    if (planted != nullptr) return;
    auto made = std::make_unique<Planted>(loop_, kind);
    made->begin(kind);
    planted = std::move(made);
}

void Trouble::mend(Kind kind) noexcept { planted_[static_cast<std::size_t>(kind)].reset(); }

} // namespace arena
