// SPDX-License-Identifier: MIT
/// How far apart two things lie at least that two threads write to, so that they do not take turns. Floor 0.
///
/// (What the standard library says, std::hardware_destructive_interference_size, depends on compiler options: gcc warns.)
#pragma once

#include <cstddef>

namespace ioloop {

inline constexpr std::size_t cache_line = 64;

} // namespace ioloop
