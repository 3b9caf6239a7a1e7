// SPDX-License-Identifier: MIT
/// nearby: what of a crowded arena one player is told: as much of what is nearest to him as one datagram holds.
#pragma once

#include "protocol.hpp"
#include "world.hpp"

#include <vector>

namespace arena {

/// Fills the ships and shots of `out`. Who is not in `ships` is told of those around the middle.
void tell_nearby(const std::vector<Ship>& ships, const std::vector<Shot>& shots, PlayerId me, Snapshot& out);

} // namespace arena
