// SPDX-License-Identifier: MIT
/// Timeout: the name of an armed timeout. Floor 0.
///
/// A slot and a generation: copyable, comparable, fits into an ECS component, and harmless when stale. A
/// slot that is used again has another generation, so an old id names nothing instead of a stranger.
#pragma once

#include <cstdint>

namespace ioloop {

struct Timeout {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0; ///< 0: none

    /// True if this id was given out once. Says nothing about whether the timeout is still pending.
    constexpr explicit operator bool() const noexcept { return generation != 0; }
    friend constexpr bool operator==(Timeout, Timeout) noexcept = default;
};

/// As one number: that of its calls (CallRecord::id).
constexpr std::uint64_t id_of(Timeout timeout) noexcept {
    return (std::uint64_t{timeout.generation} << 32U) | timeout.slot;
}

} // namespace ioloop
