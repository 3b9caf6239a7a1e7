// SPDX-License-Identifier: MIT
/// Replaces the program's `operator new` by one that counts. Include it in exactly one file of a program.
#pragma once

#include "sanitizers.hpp"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

/// How often memory was taken from the heap by `new`, on any thread.
inline std::atomic<std::uint64_t> heap_allocations{0};

// (clang's thread sanitizer has operators of its own, which no program can replace: there nothing is counted.)
#if !(UNDER_THREAD_SANITIZER && defined(__clang__))
// Not inlined: gcc 12 would see a free() of what came from `operator new`, and warn.
// NOLINTBEGIN(cppcoreguidelines-no-malloc, misc-definitions-in-headers)
[[gnu::noinline]] void* operator new(std::size_t size) {
    ++heap_allocations;
    if (void* memory = std::malloc(size != 0 ? size : 1)) return memory;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
// NOLINTEND(cppcoreguidelines-no-malloc, misc-definitions-in-headers)
#endif
