// SPDX-License-Identifier: MIT
/// Watchdogs: the fixture of what is tested about them. It measures real time, so these tests block for a few hundredths of
/// a second; what they expect of a slow machine is only that a stall is seen in the end.
#pragma once

#include <ioloop/ioloop.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

/// Takes stalls, on the watchdog's thread.
class Stalls {
public:
    ioloop::Function<void(const ioloop::Stall&)> note() {
        return [this](const ioloop::Stall& stall) {
            const std::lock_guard lock(mutex_);
            seen_.push_back(stall);
            thread_ = std::this_thread::get_id();
            changed_.notify_all();
        };
    }
    /// Blocks until there were `count`; so the caller stalls exactly as long as it takes. False after ten seconds.
    bool wait_for(std::size_t count) {
        std::unique_lock lock(mutex_);
        const auto patience = std::chrono::system_clock::now() +
                              std::chrono::seconds(10); // the system's: what every sanitizer knows
        return changed_.wait_until(lock, patience, [&] { return seen_.size() >= count; });
    }
    std::size_t count() {
        const std::lock_guard lock(mutex_);
        return seen_.size();
    }
    ioloop::Stall operator[](std::size_t i) {
        const std::lock_guard lock(mutex_);
        return seen_.at(i);
    }
    std::thread::id thread() {
        const std::lock_guard lock(mutex_);
        return thread_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<ioloop::Stall> seen_;
    std::thread::id thread_;
};

struct Watchdogs : testing::Test {
    static ioloop::IOLoop::Options named(const char* name) {
        ioloop::IOLoop::Options options;
        options.name = name;
        options.make_current = ioloop::MakeCurrent::never;
        return options;
    }
    static void block(ioloop::Duration how_long) { std::this_thread::sleep_for(how_long); }

    ioloop::IOLoop loop{named("main loop")};
    Stalls stalls;
};
