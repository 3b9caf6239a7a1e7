// SPDX-License-Identifier: MIT
#include "waiter.hpp"

#include <algorithm>
#include <utility>

namespace ioloop {
namespace {

std::unique_ptr<Poller> make_stateless_poller() {
    const auto kinds = available_pollers();
    const bool has_poll = std::find(kinds.begin(), kinds.end(), PollerKind::poll) != kinds.end();
    return make_poller(has_poll ? PollerKind::poll : PollerKind::wsapoll);
}

} // namespace

Waiter::Waiter(Function<bool()> tell)
    : tell_(std::move(tell)),
      poller_(make_stateless_poller()),
      thread_([this] { run(); }) {}

Waiter::~Waiter() {
    {
        const std::lock_guard lock(mutex_);
        state_ = State::ending;
    }
    changed_.notify_one();
    poller_->wake();
    thread_.join();
}

void Waiter::End::operator()(Waiter* waiter) const noexcept {
    // The mutex may be locked, and the condition be waited for, by a thread that does not exist here.
    if (!waiter->forked()) delete waiter;
}

void Waiter::arm(std::span<const Interest> interests, TimePoint deadline) {
    const std::lock_guard lock(mutex_);
    held_ = false;
    const bool others = !std::equal(interests.begin(), interests.end(), interests_.begin(), interests_.end());
    const bool sooner = deadline < deadline_;
    if (others) {
        interests_.assign(interests.begin(), interests.end());
        interests_changed_ = true;
    }
    deadline_ = deadline;
    if (state_ == State::armed) {
        // A later deadline can wait: at the earlier one it sees that it was moved.
        if (!others && !sooner) return;
        interrupts_.fetch_add(1, std::memory_order_relaxed);
        poller_->wake();
    } else if (state_ == State::resting) {
        state_ = State::armed;
        changed_.notify_one();
    }
}

void Waiter::hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
}

void Waiter::tell_soon() {
    const std::lock_guard lock(mutex_);
    if (state_ == State::ending) return;
    if (std::exchange(state_, State::telling) == State::armed) poller_->wake();
    changed_.notify_one();
}

void Waiter::run() {
    constexpr std::chrono::milliseconds before_telling_again(10);
    std::unique_lock lock(mutex_);
    while (state_ != State::ending) {
        switch (state_) {
        case State::resting: changed_.wait(lock, [&] { return state_ != State::resting; }); break;
        case State::armed: sleep(lock); break;
        case State::telling: {
            // From here on it can be armed anew, by what it tells.
            state_ = State::resting;
            lock.unlock();
            const bool told = tell_();
            lock.lock();
            if (told || state_ == State::ending) break;
            changed_.wait_for(lock, before_telling_again, [&] { return state_ == State::ending; });
            if (state_ != State::ending) state_ = State::telling;
            break;
        }
        case State::ending: break;
        }
    }
}

/// What is to be watched, is. False if some of it cannot be: closed, presumably, of which its owner should hear.
bool Waiter::watch() {
    if (!std::exchange(interests_changed_, false)) return true;
    for (const Fd fd : watched_) poller_->remove(fd);
    watched_.clear();
    bool all = true;
    for (const Interest& interest : interests_) {
        if (poller_->add(interest.fd, interest.events, 0)) {
            all = false;
        } else {
            watched_.push_back(interest.fd);
        }
    }
    if (!all) interests_.clear(); // so that the same ones count as others next time
    return all;
}

void Waiter::sleep(std::unique_lock<std::mutex>& lock) {
    std::size_t count = 0;
    bool found = !watch();
    if (!found) {
        const Duration timeout = until(deadline_, steady_clock().now());
        sleeps_.fetch_add(1, std::memory_order_relaxed);
        lock.unlock();
        const std::error_code error = poller_->wait(ready_, timeout, count);
        lock.lock();
        // An error other than a signal is for the owner: his own poller will hardly fare better, and says so.
        found = count > 0 || (error && error != std::errc::interrupted);
    }
    if (state_ != State::armed) return;
    if (!found && steady_clock().now() < deadline_) return; // woken to look again
    state_ = held_ ? State::resting : State::telling;
}

} // namespace ioloop
