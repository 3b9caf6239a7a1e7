// SPDX-License-Identifier: MIT
/// Usage: what the process, with all its threads, has used since this was made.
#pragma once

#include <ioloop/clock.hpp>

#include <chrono>

#include <sys/resource.h>

namespace bench {

class Usage {
public:
    /// Of one processor.
    double cpu_percent() const { return 100 * (now().cpu_seconds - begin_.cpu_seconds) / elapsed_seconds(); }
    /// How often a thread went to sleep, which is how often one was woken.
    double wakeups_per_second() const { return (now().sleeps - begin_.sleeps) / elapsed_seconds(); }

private:
    struct Reading {
        double cpu_seconds;
        double sleeps;
    };

    static Reading now() {
        rusage used{};
        ::getrusage(RUSAGE_SELF, &used);
        const auto seconds = [](const timeval& time) {
            return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
        };
        return {seconds(used.ru_utime) + seconds(used.ru_stime), static_cast<double>(used.ru_nvcsw)};
    }
    double elapsed_seconds() const {
        return std::chrono::duration<double>(ioloop::steady_clock().now() - begun_).count();
    }

    ioloop::TimePoint begun_ = ioloop::steady_clock().now();
    Reading begin_ = now();
};

} // namespace bench
