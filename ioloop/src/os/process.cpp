// SPDX-License-Identifier: MIT
#include "process.hpp"

#include <atomic>

#include <pthread.h>
#include <unistd.h>

namespace ioloop {

void close_fd(Fd fd) noexcept { ::close(fd); }

constinit std::atomic<std::uint32_t> forks{0};

[[maybe_unused]] static const int counting =
    ::pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });

void wait_while(std::atomic<std::uint32_t>& value, std::uint32_t old) noexcept { value.wait(old); }

void notify_waiters(std::atomic<std::uint32_t>& value) noexcept { value.notify_all(); }

} // namespace ioloop
