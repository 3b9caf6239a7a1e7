// SPDX-License-Identifier: MIT
/// StreamOptions: what a stream may hold, and when it ends. A value. Floor 0.
#pragma once

#include <cstddef>

namespace ioloop {

struct StreamOptions {
    /// Bytes that have come and are not read yet. No read can ask for more.
    std::size_t max_buffer = std::size_t{100} << 20;
    /// Bytes that are written and not sent yet.
    std::size_t max_write_buffer = std::size_t{100} << 20;
    /// Bytes to receive at once, at most; no more than half of max_buffer.
    std::size_t read_chunk = std::size_t{64} << 10;
    /// When the peer will send no more, this end may go on writing until finish() or close(). Else what is written by
    /// then is sent, and the stream closes.
    bool half_open = false;
};

} // namespace ioloop
