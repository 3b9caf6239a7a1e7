// SPDX-License-Identifier: MIT
#include "process.hpp"

#include <atomic>

#include <pthread.h>
#include <unistd.h>

namespace ioloop {

void close_fd(Fd fd) noexcept { ::close(fd); }

const void* this_thread() noexcept {
    static thread_local char mark;
    return &mark;
}

std::uint32_t fork_generation() noexcept {
    // Not getpid(): that is a system call, and this is asked in every run_ call.
    static std::atomic<std::uint32_t> generation{0};
    [[maybe_unused]] static const int registered =
        ::pthread_atfork(nullptr, nullptr, [] { generation.fetch_add(1, std::memory_order_relaxed); });
    return generation.load(std::memory_order_relaxed);
}
void wait_while(std::atomic<std::uint32_t>& value, std::uint32_t old) noexcept { value.wait(old); }

void notify_waiters(std::atomic<std::uint32_t>& value) noexcept { value.notify_all(); }

} // namespace ioloop
