// SPDX-License-Identifier: MIT
#include "identify.hpp"

#include <sys/stat.h>

namespace ioloop {

std::error_code identify(Fd fd, FileIdentity& identity) noexcept {
    struct stat file {};
    if (fd < 0 || ::fstat(fd, &file) != 0) return make_error_code(std::errc::bad_file_descriptor);
    if (S_ISREG(file.st_mode) || S_ISDIR(file.st_mode) || S_ISBLK(file.st_mode)) {
        return make_error_code(std::errc::operation_not_permitted);
    }
    identity.device = static_cast<std::uint64_t>(file.st_dev);
    identity.inode = static_cast<std::uint64_t>(file.st_ino);
    return {};
}

} // namespace ioloop
