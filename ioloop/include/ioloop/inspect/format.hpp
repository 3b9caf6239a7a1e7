// SPDX-License-Identifier: MIT
/// How the inspector and the dump write things: three digits and a unit that fits them. Floor 3.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/events.hpp>
#include <ioloop/inspect/text.hpp>
#include <ioloop/origin.hpp>
#include <ioloop/site.hpp>
#include <ioloop/snapshot.hpp>

#include <cstdint>
#include <string_view>

namespace ioloop {

/// "62.4 ms", "-1.20 s", "0"; `forever` is "never".
Text format_duration(Duration duration);
/// "99999", "123k", "4.56M".
Text format_count(std::uint64_t count);
/// A number of something per second: "0", "0.25", "61.3", "12.3k".
Text format_rate(double rate);
/// "512 B", "1.50 KiB".
Text format_bytes(std::uint64_t bytes);
/// 0.256 is "25.6 %".
Text format_share(double share);
/// "RW", "R!"; "-" if there is none. The exclamation mark is for errors.
Text format_events(Events events);

/// The name that was given, else the function, else file and line: never nothing.
Text format_name(const Origin& origin);
/// "game.cpp:120"; the folders are left out.
Text format_place(const Origin& origin);
/// The sites that led here, nearest first: "retry < on_close < listen".
Text format_chain(const Chain& chain);

/// The places of a chain of co_awaits, the innermost first: "net.cpp:12 < net.cpp:80"; "-" if it has none.
Text format_places(const Chain& chain);
/// What it waits for: "timeout 'retry'", "fd 7", "task 12", "job 'decode'".
Text format_wait(const WaitInfo& wait);

/// The last component of a path.
std::string_view base_name(std::string_view path);

} // namespace ioloop
