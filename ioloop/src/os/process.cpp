// SPDX-License-Identifier: MIT
#include "process.hpp"

#include <unistd.h>

namespace ioloop {

void close_fd(Fd fd) noexcept { ::close(fd); }

const void* this_thread() noexcept {
    static thread_local char mark;
    return &mark;
}

} // namespace ioloop
