// SPDX-License-Identifier: MIT
/// What a socket asks the system. Floor 1.
///
/// Nothing blocks: what would is `resource_unavailable_try_again`. What a signal interrupts is tried again; a peer that
/// is gone is an error, not a signal; no child of the program inherits a descriptor. Errors are the system's, and compare
/// with std::errc everywhere; each call clears `error` first.
///
/// Thread: any; of one descriptor, one at a time.
#pragma once

#include <ioloop/fd.hpp>
#include <ioloop/file_identity.hpp>
#include <ioloop/net/listen_options.hpp>
#include <ioloop/net/socket_address.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <system_error>

namespace ioloop {

enum class SocketType : std::uint8_t { stream, datagram };

/// Never delays what is written (TCP_NODELAY).
Fd open_socket(SocketAddress::Family family, SocketType type, std::error_code& error) noexcept;
/// Two that are connected with each other. (On Windows by TCP on loopback.)
std::array<Fd, 2> open_socket_pair(std::error_code& error) noexcept;
/// Makes a descriptor that was opened elsewhere like ours.
void prepare_fd(Fd fd, std::error_code& error) noexcept;

void bind_socket(Fd fd, const SocketAddress& at, std::error_code& error) noexcept;
/// Binds, too. The file of a unix socket on which nobody listens any more is replaced.
void listen_on(Fd fd, const SocketAddress& at, const ListenOptions& options, std::error_code& error) noexcept;
/// Under way without an error: when it is writable, or has an error, connect_error() says what came of it.
void connect_socket(Fd fd, const SocketAddress& to, std::error_code& error) noexcept;
/// Takes the socket's pending error; none: it is connected.
std::error_code connect_error(Fd fd) noexcept;
/// `peer`: null, or where it comes from. (peer_address() does not tell, once the peer has left.)
Fd accept_from(Fd listener, SocketAddress* peer, std::error_code& error) noexcept;
bool is_listening(Fd fd) noexcept;

/// How many bytes; 0 with an error. Reads and writes what is no socket, too.
std::size_t send_bytes(Fd fd, std::span<const std::uint8_t> bytes, std::error_code& error) noexcept;
/// How many bytes; 0 without an error: the peer will send no more.
std::size_t receive_bytes(Fd fd, std::span<std::uint8_t> into, std::error_code& error) noexcept;
/// `to` none: the connected peer.
void send_datagram(Fd fd, std::span<const std::uint8_t> bytes, const SocketAddress& to,
                   std::error_code& error) noexcept;
/// The size of the datagram, which is more than `into` has if its end is lost.
std::size_t receive_datagram(Fd fd, std::span<std::uint8_t> into, SocketAddress& from,
                             std::error_code& error) noexcept;
/// The peer reads an end; ours goes on reading.
void shut_down_sending(Fd fd, std::error_code& error) noexcept;

SocketAddress local_address(Fd fd) noexcept; ///< none if it has none
SocketAddress peer_address(Fd fd) noexcept;
void set_no_delay(Fd fd, bool on) noexcept;                   ///< no harm where it means nothing
void set_buffer_sizes(Fd fd, int receive, int send) noexcept; ///< 0: as it is
/// True if what failed is not this socket's fault: the process, or the machine, has run out.
bool out_of_descriptors(const std::error_code& error) noexcept;

/// The file that a unix socket has made, to be taken away with it; not if it is another one's by then.
class SocketFile {
public:
    SocketFile() = default;
    explicit SocketFile(const SocketAddress& address) noexcept;
    SocketFile(SocketFile&& other) noexcept;
    SocketFile& operator=(SocketFile&& other) noexcept;
    ~SocketFile();

private:
    std::string path_; ///< empty: none
    FileIdentity file_;
};

} // namespace ioloop
