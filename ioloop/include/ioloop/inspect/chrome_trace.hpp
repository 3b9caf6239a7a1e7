// SPDX-License-Identifier: MIT
/// write_chrome_trace: what a Recorder remembers, for a timeline viewer. Floor 3.
///
/// JSON in the format of Chrome's tracing, which opens in Perfetto (ui.perfetto.dev) and in chrome://tracing:
///
///     turns       a slice for each turn, its sleep in the poller within it, and why that ended
///     calls       a slice for each call; calls that a nested run_ call made lie within the call that made it
///     arrows      from the moment a callback was posted to the call that it became. It begins in the call that
///                 posted it. In the lane "posted elsewhere" it begins if another thread did, or the host between
///                 turns, or spawn_callback(), or a call that is not remembered any more
///     counters    callbacks left for the next turn, and what share of a turn went into calls
///
/// The rings of a Recorder are bounded: the trace holds the last calls and turns; `otherData` says of how many.
#pragma once

#include <iosfwd>
#include <string_view>

namespace ioloop {

class Recorder;
struct Moment;

/// `process` names the process in the viewer: IOLoop::name(), say. Names may be any bytes; what is not UTF-8 is
/// replaced. Times begin at the first record.
/// Thread: the loop's; also within a call, which is then not part of the trace yet.
/// Errors: those of the stream are in its state; the rest is then not written.
void write_chrome_trace(const Recorder& recorder, std::ostream& out, std::string_view process = "ioloop");

/// The same of what an inspector shows, which may be of a loop that is somewhere else: of calls and turns only as
/// many as a Moment has.
/// Thread: any.
void write_chrome_trace(const Moment& moment, std::ostream& out, std::string_view process = "ioloop");

} // namespace ioloop
