// SPDX-License-Identifier: MIT
/// The time that this thread has had a processor, in user space and in the kernel: of work that does not wait it is the time
/// that it takes, and what else the machine does meanwhile is left out.
#pragma once

#include <ioloop/clock.hpp>

#include <chrono>

#include <time.h>

namespace bench::peers {

inline ioloop::Duration thread_time() {
    timespec used{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

} // namespace bench::peers
