// SPDX-License-Identifier: MIT
/// Workload: what a loop is given to do while it is timed.
///
/// Compiled twice: with the library, and with the library under another name and without its hooks for observers.
#pragma once

namespace ioloop {

class Recorder;

namespace workload {

enum class Kind { callbacks, timeouts, handlers, idle_turns };

/// Nanoseconds for each call (idle_turns: for each turn), of so many. Recorded, if there is a recorder.
double nanoseconds(Kind kind, int calls, Recorder* recorder);

} // namespace workload

} // namespace ioloop
