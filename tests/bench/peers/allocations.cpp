// SPDX-License-Identifier: MIT
#include "allocations.hpp"

#include "support/sanitizers.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdlib>

namespace {

// Initialized by the linker: it is used before any constructor has run.
thread_local std::uint64_t counted = 0;

} // namespace

std::uint64_t bench::peers::allocations_of_thread() noexcept { return counted; }

// glibc offers its own under second names, so the program's can stand in front of them, and those of the shared libraries
// as well. Elsewhere, and where a sanitizer has taken them, nothing is counted.
#if defined(__GLIBC__) && !UNDER_ADDRESS_SANITIZER && !UNDER_THREAD_SANITIZER
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) {
    ++counted;
    return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
    ++counted;
    return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) {
    ++counted;
    return __libc_realloc(memory, size);
}
void* memalign(std::size_t alignment, std::size_t size) {
    ++counted;
    return __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
    ++counted;
    return __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
    ++counted;
    *memory = __libc_memalign(alignment, size);
    return *memory != nullptr ? 0 : ENOMEM;
}
}
// NOLINTEND(bugprone-reserved-identifier)
#endif
