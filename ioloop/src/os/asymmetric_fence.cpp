// SPDX-License-Identifier: MIT
#include "asymmetric_fence.hpp"

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(_WIN32)
#include "winsock.hpp"
#endif

namespace ioloop {

constinit std::atomic<bool> has_process_fence{false};

namespace {

#if defined(__linux__) && defined(SYS_membarrier)

// Of <linux/membarrier.h>, which is younger than the system call's number in some systems.
constexpr int private_expedited = 1 << 3;
constexpr int register_private_expedited = 1 << 4;

bool prepare() noexcept { return ::syscall(SYS_membarrier, register_private_expedited, 0) == 0; }
bool fence_process() noexcept { return ::syscall(SYS_membarrier, private_expedited, 0) == 0; }

#elif defined(_WIN32)

bool prepare() noexcept { return true; }
bool fence_process() noexcept {
    ::FlushProcessWriteBuffers();
    return true;
}

#else

bool prepare() noexcept { return false; }
bool fence_process() noexcept { return false; }

#endif

} // namespace

void prepare_fences() noexcept {
    [[maybe_unused]] static const bool prepared = [] {
        has_process_fence = prepare();
        return true;
    }();
}

void heavy_fence() noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!has_process_fence.load(std::memory_order_relaxed)) return;
    // It was registered, and then can not fail: membarrier(2).
    [[maybe_unused]] const bool fenced = fence_process();
}

} // namespace ioloop
