// SPDX-License-Identifier: MIT
/// QueueHost: the smallest main loop there is: calls what is posted to it, in order, and sleeps otherwise. (Trio tests its
/// guest mode with one like it.)
#pragma once

#include <ioloop/function.hpp>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

class QueueHost {
public:
    using Call = ioloop::Function<void()>;

    /// Thread: any.
    void post(Call call) {
        {
            const std::lock_guard lock(mutex_);
            calls_.push_back(std::move(call));
        }
        posted_.notify_one();
    }

    /// What a Guest is given.
    auto poster() {
        return [this](Call call) { post(std::move(call)); };
    }

    /// Until `done()`, which is asked after each call. False if it has not come to that in ten seconds.
    template <class Done> bool run_until(Done&& done) {
        const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!done()) {
            std::unique_lock lock(mutex_);
            if (!posted_.wait_until(lock, give_up, [&] { return !calls_.empty(); })) return false;
            Call call = std::move(calls_.front());
            calls_.pop_front();
            lock.unlock();
            call();
        }
        return true;
    }

    /// Calls what is posted now, and what that posts, without waiting. How many there were.
    int run_posted() {
        int count = 0;
        for (;; ++count) {
            std::unique_lock lock(mutex_);
            if (calls_.empty()) return count;
            Call call = std::move(calls_.front());
            calls_.pop_front();
            lock.unlock();
            call();
        }
    }

    std::size_t posted() {
        const std::lock_guard lock(mutex_);
        return calls_.size();
    }

private:
    std::mutex mutex_;
    std::condition_variable posted_;
    std::deque<Call> calls_;
};
