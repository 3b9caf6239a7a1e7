// SPDX-License-Identifier: MIT
/// What is said to the processor, and known of it. Floor 0.
#pragma once

#include <cstddef>

namespace ioloop {

/// How far apart two things lie at least that two threads write to, so that they do not take turns.
/// (What the standard library says, std::hardware_destructive_interference_size, depends on compiler options: gcc warns.)
inline constexpr std::size_t cache_line = 64;

/// A hint that this memory will be wanted soon. For what is walked in an order that the processor cannot guess, such as
/// that of deadlines.
inline void prefetch([[maybe_unused]] const void* address, [[maybe_unused]] std::size_t size) noexcept {
#if defined(__GNUC__)
    const auto* const bytes = static_cast<const std::byte*>(address);
    for (std::size_t done = 0; done < size; done += cache_line) __builtin_prefetch(bytes + done);
#endif
}

/// In a loop that waits for another processor.
inline void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("isb"); // as long as a pause on x86; yield is nothing on most
#endif
}

} // namespace ioloop
