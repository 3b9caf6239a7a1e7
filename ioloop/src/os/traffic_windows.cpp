// SPDX-License-Identifier: MIT
#include "traffic.hpp"
#include "winsock.hpp"

namespace ioloop {

Traffic traffic_of(Fd fd, Descriptor::Kind kind) noexcept {
    Traffic out;
    WSAPOLLFD one{to_socket(fd), POLLRDNORM | POLLWRNORM, 0};
    if (::WSAPoll(&one, 1, 0) == 1) {
        if ((one.revents & POLLRDNORM) != 0) out.ready = out.ready | Events::read;
        if ((one.revents & POLLWRNORM) != 0) out.ready = out.ready | Events::write;
        if ((one.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) out.ready = out.ready | Events::error;
    }
    if (kind == Descriptor::Kind::tcp) out.unread = queued_bytes(fd).in;
    return out;
}

/// Winsock does not tell.
bool is_blocking(Fd) noexcept { return false; }

} // namespace ioloop
