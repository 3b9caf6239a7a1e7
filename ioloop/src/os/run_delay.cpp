// SPDX-License-Identifier: MIT
/// /proc/thread-self/schedstat: "<on a CPU> <waited for one> <times that it got one>", in nanoseconds. The name is looked up
/// when it is opened, so the descriptor goes on telling of the thread that did so. The first number is behind by up to a
/// tick of the scheduler; the thread's clock is not.
#include "run_delay.hpp"

#include "../here.hpp"
#include "process.hpp"

#include <charconv>
#include <ctime>

#include <fcntl.h>
#include <unistd.h>

namespace ioloop {

std::optional<Duration> RunDelay::waited() noexcept {
    if (owner_ != this_thread() || generation_ != fork_generation()) open();
    char text[96];
    const ssize_t size = ::pread(file_, text, sizeof text, 0);
    if (size <= 0) return {};
    const char* at = text;
    const char* const end = text + size;
    std::uint64_t numbers[3] = {};
    for (std::uint64_t& number : numbers) {
        while (at != end && *at == ' ') ++at;
        const auto [rest, error] = std::from_chars(at, end, number);
        if (error != std::errc()) return {};
        at = rest;
    }
    if (numbers[2] == 0) return {}; // it runs, so it got a CPU once: this kernel does not count
    return Duration(numbers[1]);
}

std::optional<Duration> RunDelay::cpu_time() noexcept {
    timespec time{};
    if (::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0) return {};
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

void RunDelay::open() noexcept {
    close();
    owner_ = this_thread();
    generation_ = fork_generation();
    file_ = ::open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
}

void RunDelay::close() noexcept {
    if (file_ >= 0) ::close(file_);
    file_ = invalid_fd;
}

} // namespace ioloop
