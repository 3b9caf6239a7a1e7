// SPDX-License-Identifier: MIT
/// The few calls of the system that the loop itself makes. Floor 1.
#pragma once

#include <ioloop/fd.hpp>

#include <atomic>
#include <cstdint>

namespace ioloop {

/// ::close(), errors ignored: there is nothing to do about them, and the number is free in any case.
void close_fd(Fd fd) noexcept;

/// A number for the calling thread: unique among the threads that are alive, never null, a few instructions.
const void* this_thread() noexcept;

/// Counts the fork()s that lie between this process and the one in which it was first asked for.
std::uint32_t fork_generation() noexcept;
/// Sleeps while `value` is `old`, until notify_waiters(). May return early.
/// (std::atomic::wait() where it can be relied upon. libstdc++ 12 loses notifications where it has no futex, as
/// on Windows: its waiter looks first and locks second.)
void wait_while(std::atomic<std::uint32_t>& value, std::uint32_t old) noexcept;
/// Thread: any, signal-safe.
void notify_waiters(std::atomic<std::uint32_t>& value) noexcept;

} // namespace ioloop
