// SPDX-License-Identifier: MIT
#include <ioloop/net/stream_errors.hpp>

#include <string>

namespace ioloop {

StreamClosed::StreamClosed(std::error_code cause)
    : std::runtime_error(std::string("the stream is closed")
                             .append(cause ? ": " : "")
                             .append(cause ? cause.message() : std::string())),
      error_(cause) {}

} // namespace ioloop
