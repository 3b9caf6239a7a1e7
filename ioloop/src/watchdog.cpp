// SPDX-License-Identifier: MIT
#include "watchdog.hpp"

#include "raise.hpp"

#include <ioloop/clock.hpp>

#include <cstdio>
#include <exception>
#include <utility>

namespace ioloop {
namespace {

std::int64_t now() noexcept { return steady_clock().now().time_since_epoch().count(); }

} // namespace

Watchdog::Owner Watchdog::make(Duration threshold, Action action, const char* loop) {
    const SignalsBlocked blocked; // the new thread inherits it
    return Owner(new Watchdog(threshold, std::move(action), loop));
}

Watchdog::Watchdog(Duration threshold, Action action, const char* loop)
    : threshold_(threshold),
      loop_(loop),
      action_(std::move(action)),
      thread_([this] { watch(); }) {}

Watchdog::~Watchdog() { end(); }

void Watchdog::end() noexcept {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
}

void Watchdog::End::operator()(Watchdog* watchdog) const noexcept {
    // The mutex may be locked, and the condition be waited for, by a thread that does not exist here.
    if (!watchdog->stack_.forked()) delete watchdog;
}

// ---- the watched thread -------------------------------------------------------------------------

void Watchdog::enter() noexcept {
    {
        const std::lock_guard lock(mutex_);
        stack_.attach();
    }
    busy();
}

void Watchdog::leave() noexcept {
    // Under the lock: while its stack is being taken, the thread must not end.
    const std::lock_guard lock(mutex_);
    stack_.detach();
    since_.store(0);
}

void Watchdog::busy() noexcept {
    since_.store(now());
    // Announce first, look second; the watchdog's thread does it the other way round. One of the two sees.
    if (!asleep_.load()) return;
    const std::lock_guard lock(mutex_); // so that it is in its wait, or has not looked yet
    changed_.notify_one();
}

void Watchdog::take_over(Watchdog& earlier) noexcept {
    earlier.end(); // so that not both of them act
    const std::lock_guard lock(mutex_);
    if (const std::int64_t since = earlier.since_.load(); since != 0) since_.store(since);
    acted_on_ = earlier.acted_on_;
    changed_.notify_one();
}

// ---- the watchdog's thread ----------------------------------------------------------------------

void Watchdog::watch() {
    std::unique_lock lock(mutex_);
    while (!ending_) {
        const std::int64_t since = since_.load();
        if (since == 0 || since == acted_on_) {
            asleep_.store(true);
            if (since_.load() == since) changed_.wait(lock);
            asleep_.store(false);
            continue;
        }
        const TimePoint limit = after(TimePoint(Duration(since)), threshold_);
        if (limit == never) {
            changed_.wait(lock); // for the end: no stall is that long
        } else if (steady_clock().now() < limit) {
            changed_.wait_until(lock, limit); // many busy periods may have come and gone by then
        } else {
            acted_on_ = since;
            const Stall stall = look(since);
            lock.unlock();
            act(stall);
            lock.lock();
        }
    }
}

Stall Watchdog::look(std::int64_t since) {
    Stall stall;
    stall.blocked = Duration(now() - since);
    stall.loop = loop_;
    const std::uint64_t first = sites_[0].load(std::memory_order_relaxed);
    const std::uint64_t second = sites_[1].load(std::memory_order_relaxed);
    const auto site = [](std::uint64_t bits) {
        return static_cast<SiteId>(static_cast<std::uint32_t>(bits));
    };
    stall.chain = {{site(first >> 32U), site(first), site(second >> 32U), site(second)}};
    stall.origin = stall.chain.origin();
    stall.frames = stack_.capture();
    if (since_.load() != since) stall.frames.clear(); // it came back just now: this is something else
    return stall;
}

/// As in the loop, what the action throws ends nothing.
void Watchdog::act(const Stall& stall) noexcept {
#if IOLOOP_EXCEPTIONS
    try {
        action_(stall);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: error in the action on a stall: %s\n", loop_, error.what());
    } catch (...) {
        std::fprintf(stderr, "%s: error in the action on a stall\n", loop_);
    }
#else
    action_(stall);
#endif
}

} // namespace ioloop
