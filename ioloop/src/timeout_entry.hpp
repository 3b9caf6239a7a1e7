// SPDX-License-Identifier: MIT
/// TimeoutEntry: what the loop knows of a timeout; when it is due, the TimeoutQueue does. Floor 1.
///
/// As long as its id is valid it is armed, or due (set aside in this turn), or it runs.
#pragma once

#include "kept_closure.hpp"

#include <ioloop/clock.hpp>
#include <ioloop/context.hpp>
#include <ioloop/function.hpp>
#include <ioloop/site.hpp>

#include <cstdint>
#include <utility>

namespace ioloop {

struct alignas(64) TimeoutEntry {
    /// Requires: as KeptClosure.
    TimeoutEntry(Function<void()>&& callable, ClosureBlocks& blocks, const Chain& by) noexcept
        : chain(by),
          callback(std::move(callable), blocks) {}
    TimeoutEntry(Function<void()>&& callable, ClosureBlocks& blocks, const Chain& by,
                 Context&& around) noexcept
        : chain(by),
          context(std::move(around)),
          callback(std::move(callable), blocks) {}

    const Chain chain;
    const Context context;
    KeptClosure callback;
    Duration period{}; ///< for the inspector
    std::uint32_t fires = 0;
    bool rearmed = false; ///< by update_timeout() while it runs; armed when its call returns
    bool running = false; ///< on the stack; released by whoever called it
};
static_assert(sizeof(TimeoutEntry) == 64); // a cache line

} // namespace ioloop
