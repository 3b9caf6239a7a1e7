// SPDX-License-Identifier: MIT
/// Stall: what the watchdog saw when the loop did not come back. Floor 1.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/origin.hpp>
#include <ioloop/site.hpp>

#include <string>
#include <vector>

namespace ioloop {

struct Stall {
    /// Who blocks: where the innermost call on the loop's stack was registered. Without name and file if the
    /// loop is not inside a callable (it is destroying one, say).
    Origin origin;
    Chain chain;           ///< and what scheduled that
    Duration blocked{};    ///< so far; it is still going on
    const char* loop = ""; ///< its name

    /// The stack of the loop's thread, innermost call first. Empty where it cannot be had (IOLoop::
    /// set_blocking_signal_threshold() says where), or if the stall ended just then. It ends at code without unwind
    /// tables: at assembler's, or where lld linked the program and the thread was just jumping to a shared library.
    std::vector<const void*> frames;

    /// The frames as text, "function+0x1c (program)" or "program+0x12345". Functions of the program itself have
    /// names if it is linked with -rdynamic (CMake: ENABLE_EXPORTS); else addr2line knows them. Slow; allocates.
    std::vector<std::string> symbols() const;
};

/// Prints "ioloop: blocked for 0.123 seconds in 'name' at file:line" and the stack to stderr.
void log_stack(const Stall& stall);

} // namespace ioloop
