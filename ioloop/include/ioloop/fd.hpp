// SPDX-License-Identifier: MIT
/// Fd: a descriptor as the operating system numbers it. A value: owns nothing. Floor 0.
///
/// On Windows it is a socket: as wide as SOCKET, and, unlike that, signed, so that what is written for POSIX
/// means the same: INVALID_SOCKET is -1, and `fd < 0` is no descriptor. The two convert into each other
/// unharmed, as handles are small and positive. (The one question about the platform outside src/poller/ and
/// src/os/: the alternative is a system's header in everybody's program.)
#pragma once

#if defined(_WIN32)
#include <cstdint>
#endif

namespace ioloop {

#if defined(_WIN32)
using Fd = std::intptr_t;
#else
using Fd = int;
#endif

inline constexpr Fd invalid_fd = -1;

} // namespace ioloop
