// SPDX-License-Identifier: MIT
/// StreamSocket: a socket between two programs of one machine, unix or TCP; closes itself. Floor 1.
///
/// Nothing blocks; what would is `resource_unavailable_try_again`. No child of the program inherits one, and a peer
/// that is gone is an error, not a signal.
///
/// Thread: one at a time.
#pragma once

#include "loopback_address.hpp"

#include <ioloop/fd.hpp>
#include <ioloop/file_identity.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <system_error>
#include <utility>

namespace ioloop {

class StreamSocket {
public:
    StreamSocket() = default;
    StreamSocket(StreamSocket&& other) noexcept : fd_(std::exchange(other.fd_, invalid_fd)) {}
    StreamSocket& operator=(StreamSocket&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~StreamSocket();

    /// Sets a port of 0 to the one that it was given. A unix socket is for the user alone (0600). The file of a socket
    /// on which nobody listens any more is replaced.
    /// Errors: address_in_use, also for a file that is no socket; address_family_not_supported for unix sockets on
    /// Windows; filename_too_long; else what the system says.
    static StreamSocket listen(LoopbackAddress& address, std::error_code& error) noexcept;
    /// Comes back at once; when it is writable, or has an error, connected() says what came of it.
    static StreamSocket connect(const LoopbackAddress& address, std::error_code& error) noexcept;

    explicit operator bool() const noexcept { return fd_ != invalid_fd; }
    Fd fd() const noexcept { return fd_; }

    StreamSocket accept(std::error_code& error) noexcept;
    std::error_code connected() noexcept;
    /// How many bytes; 0 with an error.
    std::size_t send(std::span<const std::uint8_t> bytes, std::error_code& error) noexcept;
    /// How many bytes; 0 without an error: the peer will send no more.
    std::size_t receive(std::span<std::uint8_t> into, std::error_code& error) noexcept;

private:
    explicit StreamSocket(Fd fd) noexcept : fd_(fd) {}

    Fd fd_ = invalid_fd;
};

/// The file that a unix socket has made, to be taken away with it; not if it is another one's by then.
class SocketFile {
public:
    SocketFile() = default;
    explicit SocketFile(const LoopbackAddress& address) noexcept;
    SocketFile(const SocketFile&) = delete;
    SocketFile& operator=(const SocketFile&) = delete;
    ~SocketFile();

private:
    std::string path_; ///< empty: none
    FileIdentity file_;
};

} // namespace ioloop
