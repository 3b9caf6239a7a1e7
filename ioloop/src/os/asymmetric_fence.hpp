// SPDX-License-Identifier: MIT
/// A pair of memory fences of which one costs nothing. Floor 1.
///
/// Two threads, each of which writes something and then reads what the other one writes, need a full fence in between, or
/// both may read the old value (Dekker). Where one side does so millions of times a second and the other one hardly ever,
/// the rare side can pay for both: it asks the system to make every running thread of the process pass a full fence
/// (membarrier(2) on Linux 4.14, FlushProcessWriteBuffers() on Windows), which takes microseconds. For the frequent
/// side it is then enough that the compiler keeps the order.
///
/// Where the system has nothing of the kind, or a sandbox refuses it, both sides are full fences.
#pragma once

#include <atomic>

namespace ioloop {

extern std::atomic<bool> has_process_fence;

/// Finds out what the system has. Call it before a fence is used; once is enough. The first call takes up to some
/// milliseconds in a process that has threads already.
void prepare_fences() noexcept;

/// For the frequent side.
inline void light_fence() noexcept {
    if (has_process_fence.load(std::memory_order_relaxed)) {
        std::atomic_signal_fence(std::memory_order_seq_cst);
    } else {
        std::atomic_thread_fence(std::memory_order_seq_cst);
    }
}

/// For the rare one.
void heavy_fence() noexcept;

} // namespace ioloop
