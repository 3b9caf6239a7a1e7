// SPDX-License-Identifier: MIT
/// FileIdentity: which file a number stands for, as far as the system tells. A value. Floor 0.
///
/// For whoever has to notice that a number was closed and is another file now. Two different files may look alike
/// (eventfds, timerfds and epoll sets share one inode), but a file never looks like two.
#pragma once

#include <cstdint>

namespace ioloop {

struct FileIdentity {
    std::uint64_t device = 0; ///< st_dev
    std::uint64_t inode = 0;  ///< st_ino

    /// False if the system does not tell, as on Windows.
    constexpr explicit operator bool() const noexcept { return device != 0 || inode != 0; }
    friend constexpr bool operator==(const FileIdentity&, const FileIdentity&) noexcept = default;
};

} // namespace ioloop
