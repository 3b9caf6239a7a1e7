// SPDX-License-Identifier: MIT
#include "wake_event.hpp"

#include <cerrno>
#include <cstdint>

#include <fcntl.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/eventfd.h>
#endif

#include "../raise.hpp"

namespace ioloop {

WakeEvent::WakeEvent() {
#if defined(__linux__)
    read_end_ = write_end_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (read_end_ < 0) raise(std::system_error(errno, std::system_category(), "eventfd"));
#else
    Fd ends[2];
    if (::pipe(ends) != 0) raise(std::system_error(errno, std::system_category(), "pipe"));
    for (const Fd end : ends) {
        ::fcntl(end, F_SETFD, ::fcntl(end, F_GETFD) | FD_CLOEXEC);
        ::fcntl(end, F_SETFL, ::fcntl(end, F_GETFL) | O_NONBLOCK);
    }
    read_end_ = ends[0];
    write_end_ = ends[1];
#endif
}

WakeEvent::~WakeEvent() {
    ::close(read_end_);
    if (write_end_ != read_end_) ::close(write_end_);
}

void WakeEvent::set() noexcept {
    const int saved = errno;
    const std::uint64_t one = 1; // an eventfd takes exactly 8 bytes; a pipe does not mind
    while (::write(write_end_, &one, sizeof one) < 0 && errno == EINTR) {}
    errno = saved;
}

std::error_code WakeEvent::clear() noexcept {
    std::uint64_t sink[8]; // an eventfd is empty after one read
    for (;;) {
        const ssize_t got = ::read(read_end_, sink, sizeof sink);
        if (got < 0 && errno == EINTR) continue;
        if (got < static_cast<ssize_t>(sizeof sink)) return {};
    }
}

} // namespace ioloop
