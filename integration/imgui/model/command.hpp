// SPDX-License-Identifier: MIT
/// Command: what a button asks of the loop. By id, and checked against the loop as it is when the command
/// runs: the row that was clicked may be of a frozen view, and its object long gone.
#pragma once

#include <ioloop/inspect/text.hpp>
#include <ioloop/io_loop.hpp>

#include <cstdint>

namespace ioloop::imgui {

struct Command {
    enum class Kind : std::uint8_t {
        none,
        pause,
        resume,
        step_call,
        step_turn,
        cancel,
        fire_now,
        postpone,
        remove_handler
    };

    Kind kind = Kind::none;
    Timeout timeout{};         ///< cancel, fire_now, postpone
    std::uint64_t handler = 0; ///< remove_handler: HandlerInfo::id
};

/// Does it. `fresh` is for looking at the loop; its memory is reused. Returns a sentence on what came of it.
///
/// Calls callables of the loop (a step), or destroys them: whatever they may destroy may be gone when this
/// returns.
Text run(const Command& command, IOLoop& loop, Snapshot& fresh);

/// Null if the loop can be given commands now, else why not.
const char* refusal(const IOLoop& loop, bool closed);

} // namespace ioloop::imgui
