// SPDX-License-Identifier: MIT
/// Windows counts the CPU time of a thread, and not for how long it waited for a CPU.
#include "run_delay.hpp"
#include "winsock.hpp" // and with it windows.h

namespace ioloop {

std::optional<Duration> RunDelay::waited() noexcept { return {}; }

std::optional<Duration> RunDelay::cpu_time() noexcept {
    FILETIME created{};
    FILETIME ended{};
    FILETIME kernel{};
    FILETIME user{};
    if (::GetThreadTimes(::GetCurrentThread(), &created, &ended, &kernel, &user) == 0) return {};
    const auto ticks = [](const FILETIME& time) { // of 100 ns
        return (std::int64_t{time.dwHighDateTime} << 32) | std::int64_t{time.dwLowDateTime};
    };
    return Duration(100 * (ticks(kernel) + ticks(user)));
}

void RunDelay::open() noexcept {}
void RunDelay::close() noexcept {}

} // namespace ioloop
