// SPDX-License-Identifier: MIT
/// Flow: what has passed through a descriptor, as its owner counts it. A value. Floor 0.
///
/// The owner of a connection counts with plain stores, as it goes, and tells the loop once where the numbers are
/// (IOLoop::set_flow()). They are read when somebody looks, by snapshot(); else they cost nothing.
#pragma once

#include <cstdint>

namespace ioloop {

struct Flow {
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t messages_in = 0; ///< datagrams, frames, ...; 0 where there are none
    std::uint64_t messages_out = 0;
    std::uint64_t waiting_in = 0;  ///< bytes that have come, and which nobody has taken yet
    std::uint64_t waiting_out = 0; ///< bytes to be sent that the system had no room for yet
    std::uint64_t dropped = 0;     ///< messages, both ways

    friend bool operator==(const Flow&, const Flow&) = default;
};

} // namespace ioloop
