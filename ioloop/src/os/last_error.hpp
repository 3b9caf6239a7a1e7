// SPDX-License-Identifier: MIT
/// last_error(): what errno says of the system call that has just failed. Floor 1.
#pragma once

#include <cerrno>
#include <system_error>

namespace ioloop {

inline std::error_code last_error() noexcept { return {errno, std::system_category()}; }

} // namespace ioloop
