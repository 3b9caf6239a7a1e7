// SPDX-License-Identifier: MIT
/// identify(): which file a number stands for. Floor 1.
///
/// For pollers that keep their set themselves, and so have to notice that a number was closed and is another file
/// now.
#pragma once

#include <ioloop/fd.hpp>
#include <ioloop/file_identity.hpp>

#include <system_error>

namespace ioloop {

/// Errors: bad_file_descriptor if `fd` is not open; operation_not_permitted if it is open, and nothing that one waits
/// for: a regular file, a directory, a disk. epoll_ctl(2) refuses these; poll(2), select(2) and kqueue(2) take
/// them and call them ready at all times, and a loop that behaves differently by backend cannot be tested.
std::error_code identify(Fd fd, FileIdentity& identity) noexcept;

} // namespace ioloop
