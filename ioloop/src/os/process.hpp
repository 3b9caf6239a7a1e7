// SPDX-License-Identifier: MIT
/// The few calls of the system that the loop itself makes. Floor 1.
#pragma once

#include <ioloop/fd.hpp>

#include <cstdint>

namespace ioloop {

/// ::close(), errors ignored: there is nothing to do about them, and the number is free in any case.
void close_fd(Fd fd) noexcept;

/// A number for the calling thread: unique among the threads that are alive, never null, a few instructions.
const void* this_thread() noexcept;

/// Counts the fork()s that lie between this process and the one in which it was first asked for.
std::uint32_t fork_generation() noexcept;

} // namespace ioloop
