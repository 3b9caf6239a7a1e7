// SPDX-License-Identifier: MIT
#include "os/stack_trace.hpp"
#include "raise.hpp"

#include <ioloop/stall.hpp>

#include <chrono>
#include <cstdio>

namespace ioloop {

std::vector<std::string> Stall::symbols() const { return symbolise(frames); }

void log_stack(const Stall& stall) {
    char head[64];
    std::snprintf(head, sizeof head, ": blocked for %.3f seconds in ",
                  std::chrono::duration<double>(stall.blocked).count());
    std::string text = stall.loop;
    text.append(head)
        .append(stall.origin.line != 0 ? describe(stall.origin) : "the loop itself")
        .append("\n");
    for (const std::string& symbol : stall.symbols()) text.append("    ").append(symbol).append("\n");
    std::fputs(text.c_str(), stderr); // in one piece: the stalled thread may print too
}

} // namespace ioloop
