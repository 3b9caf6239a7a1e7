// SPDX-License-Identifier: MIT
/// How often memory was taken from the heap, by whatever library: malloc() itself is counted.
#pragma once

#include <cstdint>

namespace bench::peers {

/// By this thread, so far. Not atomic: the count must not slow down who allocates.
std::uint64_t allocations_of_thread() noexcept;

} // namespace bench::peers
