// SPDX-License-Identifier: MIT
/// Sums of what a program says, which may be somewhere else and lie.
#pragma once

#include <ioloop/clock.hpp>

namespace ioloop::imgui {

/// `forever` where it does not fit.
inline Duration sum(Duration a, Duration b) { return after(TimePoint(a), b).time_since_epoch(); }

} // namespace ioloop::imgui
