// SPDX-License-Identifier: MIT
/// WakeEvent: a descriptor that another thread can make readable. Floor 1.
///
/// eventfd where there is one, else a pipe; on Windows, sockets. Both ends close-on-exec and non-blocking.
/// Setting it twice is setting it once; a full pipe is as readable as can be.
#pragma once

#include <ioloop/fd.hpp>

#include <system_error>

namespace ioloop {

class WakeEvent {
public:
    /// Errors: std::system_error.
    WakeEvent();
    WakeEvent(const WakeEvent&) = delete;
    WakeEvent& operator=(const WakeEvent&) = delete;
    ~WakeEvent();

    /// Readable once set() was called, until clear().
    Fd fd() const noexcept { return read_end_; }

    /// Thread: any, signal-safe; leaves errno as it was.
    void set() noexcept;
    /// Errors: that of a connection which broke (on Windows): it is deaf from now on, and readable for ever.
    std::error_code clear() noexcept;

private:
    Fd read_end_ = invalid_fd;
    Fd write_end_ = invalid_fd; ///< the same number for an eventfd
};

} // namespace ioloop
