// SPDX-License-Identifier: MIT
/// RunDelay: how long a thread was ready to run and had no CPU, and how long it had one. Floor 1.
///
/// A call that took 20 ms of the clock and 1 ms of the CPU is not slow; either it slept, or the machine had no time for
/// it. Differences count: read before, read after.
///
/// Thread: one; it is told of itself. Another one may use it later, and then is told of itself, as is a child of fork().
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/fd.hpp>

#include <cstdint>
#include <optional>

namespace ioloop {

class RunDelay {
public:
    RunDelay() = default;
    RunDelay(const RunDelay&) = delete;
    RunDelay& operator=(const RunDelay&) = delete;
    ~RunDelay() { close(); }

    /// Since the thread began: ready to run, and waiting for a CPU. Sleep is no waiting. Exact to the nanosecond, up to the
    /// last time that it got one. Nothing where the system does not tell: only Linux does, and not every sandbox has /proc.
    /// Measured: 0.8 us; the first call opens a file, 5 us, and keeps it.
    std::optional<Duration> waited() noexcept;

    /// Since the thread began: on a CPU. Windows counts in ticks of 15 ms. Measured: 0.5 us.
    static std::optional<Duration> cpu_time() noexcept;

private:
    void open() noexcept;
    void close() noexcept;

    Fd file_ = invalid_fd;         ///< of the thread `owner_`
    std::uint64_t owner_ = 0;      ///< this_thread() when it was opened; 0: never tried
    std::uint32_t generation_ = 0; ///< fork_generation() at that time
};

} // namespace ioloop
