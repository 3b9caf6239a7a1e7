// SPDX-License-Identifier: MIT
/// prefetch(): a hint that some memory will be wanted soon. Floor 0.
///
/// For what is walked in an order that the processor cannot guess, such as that of deadlines.
#pragma once

#include <cstddef>

namespace ioloop {

inline void prefetch([[maybe_unused]] const void* address, [[maybe_unused]] std::size_t size) noexcept {
#if defined(__GNUC__)
    constexpr std::size_t line = 64;
    const auto* const bytes = static_cast<const std::byte*>(address);
    for (std::size_t done = 0; done < size; done += line) __builtin_prefetch(bytes + done);
#endif
}

} // namespace ioloop
