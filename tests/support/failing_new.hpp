// SPDX-License-Identifier: MIT
/// Replaces the program's `operator new` by one that counts, and that fails once when it is told to. Include it in exactly
/// one file of a program.
#pragma once

#include "sanitizers.hpp"

#include <cstdint>
#include <cstdlib>
#include <new>

/// Of the thread that runs the test; others are left alone.
struct FailingNew {
    std::uint64_t made = 0;    ///< allocations so far
    std::uint64_t failing = 0; ///< the one that fails: 1 is the next after rewind(). 0: none
    std::int64_t live = 0;     ///< allocations that were not freed
    bool failed = false;

    void rewind(std::uint64_t which) noexcept {
        made = 0;
        failing = which;
        failed = false;
    }
};
inline constinit thread_local FailingNew failing_new;

// (clang's thread sanitizer has operators of its own, which no program can replace.)
#if UNDER_THREAD_SANITIZER && defined(__clang__)
#define CAN_FAIL_NEW 0
#else
#define CAN_FAIL_NEW 1
#endif

#if CAN_FAIL_NEW
// Not inlined: gcc 12 would see a free() of what came from `operator new`, and warn.
// NOLINTBEGIN(cppcoreguidelines-no-malloc, misc-definitions-in-headers)
[[gnu::noinline]] void* operator new(std::size_t size) {
    if (++failing_new.made == failing_new.failing) {
        failing_new.failed = true;
        throw std::bad_alloc();
    }
    void* const memory = std::malloc(size != 0 ? size : 1);
    if (memory == nullptr) throw std::bad_alloc();
    ++failing_new.live;
    return memory;
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    try {
        return ::operator new(size);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    if (memory != nullptr) --failing_new.live;
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { ::operator delete(memory); }
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
    if (++failing_new.made == failing_new.failing) {
        failing_new.failed = true;
        throw std::bad_alloc();
    }
    const auto step = static_cast<std::size_t>(alignment);
    void* const memory = std::aligned_alloc(step, (size + step - 1) / step * step);
    if (memory == nullptr) throw std::bad_alloc();
    ++failing_new.live;
    return memory;
}
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept { ::operator delete(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    ::operator delete(memory);
}
// NOLINTEND(cppcoreguidelines-no-malloc, misc-definitions-in-headers)
#endif
