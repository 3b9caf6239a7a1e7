// SPDX-License-Identifier: MIT
/// dump_text: a loop as text, for a terminal or a bug report. Floor 3.
///
/// A line on its state and one on what it has done; then a row for each descriptor, each timeout by the time that
/// it is due, and each queued callback in the order of running. Made to be read, not parsed.
///
///     loop.add_signal_handler(SIGUSR1, [&] { dump_text(loop, std::cerr); }, "dump");   // kill -USR1 shows it
#pragma once

#include <iosfwd>

namespace ioloop {

class IOLoop;
class Recorder;

/// Whatever the names are, a row stays a row: line breaks, other control characters and what is not UTF-8 are
/// written as in C. A closed loop says so.
/// Thread: the loop's; also within a call. Not within a signal's handler: it allocates.
/// Errors: those of the stream are in its state.
void dump_text(const IOLoop& loop, std::ostream& out);

/// The same, and the last 20 turns and calls that `recorder` remembers, the newest last.
void dump_text(const IOLoop& loop, const Recorder& recorder, std::ostream& out);

} // namespace ioloop
