// SPDX-License-Identifier: MIT
/// Many datagrams with one question to the system, where it can do that. Floor 1.
///
/// Errors: as in socket_calls.hpp. Thread: any; of one descriptor, one at a time.
#pragma once

#include <ioloop/fd.hpp>
#include <ioloop/net/socket_address.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <system_error>

namespace ioloop {

/// Receives, into room that it has from the beginning.
class DatagramReader {
public:
    /// How many are received with one call, at most.
    static constexpr std::size_t batch = 32;

    /// most_bytes   of one datagram
    explicit DatagramReader(std::size_t most_bytes);
    DatagramReader(const DatagramReader&) = delete;
    DatagramReader& operator=(const DatagramReader&) = delete;
    ~DatagramReader();

    /// How many; less than `batch`: there are no more. 0 with an error.
    std::size_t receive(Fd fd, std::error_code& error) noexcept;

    /// Of those that were just received.
    std::span<const std::uint8_t> bytes(std::size_t index) const noexcept;
    const SocketAddress& from(std::size_t index) const noexcept;
    bool truncated(std::size_t index) const noexcept; ///< longer than most_bytes: its end is lost

    /// So many the system has thrown away until now, as its own buffer was full. 0 where it does not tell (it is
    /// Linux that does), and until watch_drops().
    std::uint32_t dropped() const noexcept;

private:
    struct Room;
    std::unique_ptr<Room> room_;
};

/// Has the system count what it throws away.
void watch_drops(Fd fd) noexcept;

struct OutgoingDatagram {
    std::span<const std::uint8_t> bytes;
    SocketAddress to; ///< none: the connected peer
};

/// How many, from the first on. With an error: that of the one after these.
std::size_t send_datagrams(Fd fd, std::span<const OutgoingDatagram> datagrams,
                           std::error_code& error) noexcept;

} // namespace ioloop
