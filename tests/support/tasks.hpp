// SPDX-License-Identifier: MIT
/// Tasks: the fixture of what is tested about coroutines, and a few of them.
#pragma once

#include "support/sim_loop.hpp"
#include "support/socket_pair.hpp"

#include <chrono>
#include <coroutine>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// A coroutine of another library, which knows nothing of this one. It begins when it is called.
struct Foreign {
    struct promise_type {
        Foreign get_return_object() { return {}; }
        std::suspend_never initial_suspend() { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
    };
};

struct Tasks : SimLoop {
    /// Runs it for so long, and what is ready then.
    void run(ioloop::Duration time = std::chrono::hours(1)) {
        loop.run_ready();
        const ioloop::TimePoint end = world.now() + time;
        while (world.now() < end) loop.run_once(end - world.now());
        loop.run_ready();
    }

    /// Says what it lives through.
    struct Witness {
        Witness(std::vector<std::string>& l, std::string n) : log(l), name(std::move(n)) {
            log.push_back("+" + name);
        }
        Witness(const Witness&) = delete;
        Witness& operator=(const Witness&) = delete;
        ~Witness() { log.push_back("-" + name); }
        std::vector<std::string>& log;
        std::string name;
    };
    ioloop::Task<int> after(ioloop::Duration delay, int value) {
        const Witness witness(log, std::to_string(value));
        co_await ioloop::sleep_for(delay);
        co_return value;
    }
    static ioloop::Task<int> failing(ioloop::Duration delay, const char* text) {
        co_await ioloop::sleep_for(delay);
        throw std::runtime_error(text);
    }
    static ioloop::Task<int> immediately(int value) { co_return value; }

    std::vector<std::string> log;
    SocketPair pair;
};
