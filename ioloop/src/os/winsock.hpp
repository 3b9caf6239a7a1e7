// SPDX-License-Identifier: MIT
/// What the Windows files of the core share. Private to src/os/ and src/poller/. Floor 1.
#pragma once

#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0A00 // the headers show what Windows 10 has
#endif
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <ioloop/fd.hpp>

#include <system_error>

#include <winsock2.h>

namespace ioloop {

static_assert(sizeof(Fd) == sizeof(SOCKET));

/// WSAStartup(), once in the life of the process: before it, every call of Winsock fails.
/// There is no WSACleanup(), which would come with the last loop and take the sockets along that the rest of
/// the program still uses; the system cleans up at the end.
/// Thread: any.
std::error_code start_winsock() noexcept;

inline SOCKET to_socket(Fd fd) noexcept { return static_cast<SOCKET>(fd); }
inline Fd to_fd(SOCKET socket) noexcept { return static_cast<Fd>(socket); }

inline std::error_code last_winsock_error() noexcept { return {::WSAGetLastError(), std::system_category()}; }

} // namespace ioloop
