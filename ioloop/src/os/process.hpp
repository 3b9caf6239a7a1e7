// SPDX-License-Identifier: MIT
/// The few calls of the system that the loop itself makes. Floor 1.
#pragma once

#include <ioloop/fd.hpp>

#include <atomic>
#include <cstdint>

namespace ioloop {

/// ::close(), errors ignored: there is nothing to do about them, and the number is free in any case.
void close_fd(Fd fd) noexcept;

extern std::atomic<std::uint32_t> forks;

/// Counts the fork()s that lie between this process and the one that was started. Not getpid(): that is a system call,
/// and this is asked in every run_ call.
inline std::uint32_t fork_generation() noexcept { return forks.load(std::memory_order_relaxed); }

/// Sleeps while `value` is `old`, until notify_waiters(). May return early.
/// (std::atomic::wait() where it can be relied upon. libstdc++ 12 loses notifications where it has no futex, as
/// on Windows: its waiter looks first and locks second.)
void wait_while(std::atomic<std::uint32_t>& value, std::uint32_t old) noexcept;
/// Thread: any, signal-safe.
void notify_waiters(std::atomic<std::uint32_t>& value) noexcept;

} // namespace ioloop
