// SPDX-License-Identifier: MIT
/// Elsewhere: another thread, which does what it is told while the one that tells it waits. So what other threads may do
/// can be done at a moment of one's choice.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

class Elsewhere {
public:
    Elsewhere() = default;
    Elsewhere(const Elsewhere&) = delete;
    Elsewhere& operator=(const Elsewhere&) = delete;
    ~Elsewhere() {
        {
            const std::lock_guard lock(mutex_);
            over_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }

    void run(const std::function<void()>& work) {
        std::unique_lock lock(mutex_);
        work_ = &work;
        changed_.notify_all();
        changed_.wait(lock, [this] { return work_ == nullptr; });
    }

private:
    void serve() {
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [this] { return over_ || work_ != nullptr; });
            if (over_) return;
            (*work_)();
            work_ = nullptr;
            changed_.notify_all();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    const std::function<void()>* work_ = nullptr;
    bool over_ = false;
    std::thread thread_{[this] { serve(); }}; // last: it uses the others
};
