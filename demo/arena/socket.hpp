// SPDX-License-Identifier: MIT
/// Socket: owns a descriptor that never blocks. All of the game's socket calls are in here.
///
/// It leaves the loop before it is closed: a number that is closed first may belong to somebody else by the
/// time the loop hears of it. Closing twice, or never, cannot be written.
#pragma once

#include "address.hpp"

#include <ioloop/io_loop.hpp>

#include <cstdint>
#include <span>
#include <system_error>

namespace arena {

using Bytes = std::span<const std::uint8_t>;

/// What came of a call that could have had to wait.
struct Transfer {
    enum class Status : std::uint8_t {
        done,   ///< `size` bytes went
        later,  ///< nothing now: ask the loop to say when
        closed, ///< the other end has finished
        failed, ///< see `error`
    };
    Status status = Status::done;
    std::size_t size = 0;
    std::error_code error;

    bool done() const noexcept { return status == Status::done; }
};

class Socket {
public:
    Socket() noexcept = default;
    Socket(Socket&& other) noexcept;
    Socket& operator=(Socket&& other) noexcept;
    ~Socket() { close(); }

    /// Each makes a socket, or none and says why.
    static Socket listen(const Address& at, std::error_code& error);
    static Socket connect(const Address& to,
                          std::error_code& error); ///< under way: writable when it is decided
    static Socket datagram(const Address& at, std::error_code& error);
    static Socket datagram_to(const Address& peer, std::error_code& error);

    explicit operator bool() const noexcept { return fd_ != ioloop::invalid_fd; }
    ioloop::Fd fd() const noexcept { return fd_; }
    Address address() const noexcept; ///< our end

    /// Registers with the loop; once.
    /// Lifetime: the loop outlives the socket, or its unwatch(). Not to be moved while watched by a handler
    /// that captured where it was.
    void watch(ioloop::IOLoop& loop, ioloop::Handler handler, ioloop::Events events, ioloop::Origin origin);
    void watch_for(ioloop::Events events);
    void unwatch() noexcept;
    bool watched() const noexcept { return loop_ != nullptr; }

    /// Leaves the loop, then closes. Idempotent.
    void close() noexcept;

    // None of these waits, raises a signal, or throws.
    Transfer receive(std::span<std::uint8_t> into) noexcept;
    Transfer receive_from(std::span<std::uint8_t> into, Address& from) noexcept;
    Transfer send(Bytes bytes) noexcept;
    Transfer send_to(Bytes bytes, const Address& to) noexcept;
    Socket accept(Transfer& outcome) noexcept;
    std::error_code take_error() noexcept; ///< of a connect() that was under way

private:
    explicit Socket(ioloop::Fd fd) noexcept : fd_(fd) {}
    static Socket make(int family, int type, std::error_code& error);

    ioloop::Fd fd_ = ioloop::invalid_fd;
    ioloop::IOLoop* loop_ = nullptr;
};

/// True if the process, or the machine, has run out of what a new descriptor needs; not the socket's fault.
bool out_of_descriptors(const std::error_code& error) noexcept;

} // namespace arena
