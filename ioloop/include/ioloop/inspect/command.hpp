// SPDX-License-Identifier: MIT
/// Command: what a button asks of the loop. Floor 3.
///
/// By id, and checked against the loop as it is when the command runs: the row that was clicked may be of a
/// frozen view, or of another process, and its object long gone.
#pragma once

#include <ioloop/events.hpp>
#include <ioloop/ids.hpp>
#include <ioloop/inspect/breakpoints.hpp>
#include <ioloop/inspect/lint.hpp>
#include <ioloop/inspect/recorder.hpp>
#include <ioloop/inspect/text.hpp>

#include <cstdint>

namespace ioloop {

class IOLoop;
struct Snapshot;

struct Command {
    enum class Kind : std::uint8_t {
        none,
        // the loop
        pause,
        resume,
        step_call,
        step_turn,
        // a timeout
        cancel,
        fire_now,
        postpone, ///< ten times as far off
        // a handler
        remove_handler,
        inject, ///< readiness for `events`
        // the recorder
        record,
        stop_recording,
        clear,
        set_trigger,
        clear_trigger,
        // breakpoints
        add_breakpoint,
        remove_breakpoint,
        // lints
        mute,
        unmute,
    };
    static constexpr Kind last_kind = Kind::unmute;

    Kind kind = Kind::none;
    Timeout timeout{};            ///< cancel, fire_now, postpone
    std::uint64_t handler = 0;    ///< remove_handler, inject: HandlerInfo::id
    Events events = Events::none; ///< inject
    Breakpoint breakpoint{};      ///< add_breakpoint, remove_breakpoint
    Recorder::Trigger trigger{};  ///< set_trigger
    Lint lint = Lint::busy_read;  ///< mute, unmute
};

/// Does one that is about the loop, and returns a sentence on what came of it. `fresh` is for looking at the loop;
/// its memory is reused.
///
/// Calls callables of the loop (a step), or destroys them: whatever they may destroy may be gone when this
/// returns.
Text run(const Command& command, IOLoop& loop, Snapshot& fresh);

/// Null if the loop can be given commands now, else why not.
const char* refusal(const IOLoop& loop, bool closed);

} // namespace ioloop
