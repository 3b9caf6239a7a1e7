// SPDX-License-Identifier: MIT
/// Fd: a descriptor as the operating system numbers it. A value: owns nothing. Floor 0.
#pragma once

namespace ioloop {

using Fd = int;

inline constexpr Fd invalid_fd = -1;

} // namespace ioloop
