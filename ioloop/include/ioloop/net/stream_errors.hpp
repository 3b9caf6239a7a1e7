// SPDX-License-Identifier: MIT
/// StreamClosed, BufferFull: why a read or a write came to nothing. Floor 0.
#pragma once

#include <stdexcept>
#include <system_error>

namespace ioloop {

/// There is no stream any more, or not in that direction.
class StreamClosed : public std::runtime_error {
public:
    explicit StreamClosed(std::error_code cause);

    /// What ended it: what the system said; message_size or no_buffer_space if a read could not have ended within its
    /// limit, or that of the stream; none if one of the two ends was closed in good order.
    std::error_code error() const noexcept { return error_; }

private:
    std::error_code error_;
};

/// It is too much for the stream's limits. Nothing has been done of it, and the stream is as it was.
class BufferFull : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

} // namespace ioloop
