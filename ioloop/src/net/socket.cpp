// SPDX-License-Identifier: MIT
#include "os/process.hpp"
#include "os/socket_calls.hpp"
#include "raise.hpp"

#include <ioloop/net/socket.hpp>

#include <utility>

namespace ioloop {
namespace {

/// `make`, and what it says as an exception.
template <class Make> auto or_raise(const char* what, const SocketAddress& address, Make make) {
    std::error_code error;
    auto made = make(error);
    if (error) raise(std::system_error(error, std::string(what).append(address.to_string())));
    return made;
}

} // namespace

Socket::Socket(Socket&& other) noexcept
    : fd_(std::exchange(other.fd_, invalid_fd)),
      watched_(std::exchange(other.watched_, false)),
      loop_(std::move(other.loop_)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
    if (this == &other) return *this;
    close();
    fd_ = std::exchange(other.fd_, invalid_fd);
    watched_ = std::exchange(other.watched_, false);
    loop_ = std::move(other.loop_);
    return *this;
}

// ---- made ---------------------------------------------------------------------------------------

Socket Socket::adopt(Fd fd) {
    std::error_code error;
    Socket made = adopt(fd, error);
    if (error) raise(std::system_error(error, "adopting " + fd_name(fd)));
    return made;
}
Socket Socket::listen(const SocketAddress& at, const ListenOptions& how) {
    return or_raise("listening at ", at, [&](std::error_code& error) { return listen(at, how, error); });
}
Socket Socket::connect(const SocketAddress& to, const SocketAddress& from) {
    return or_raise("connecting to ", to, [&](std::error_code& error) { return connect(to, from, error); });
}
Socket Socket::datagram(const SocketAddress& at) {
    return or_raise("binding to ", at, [&](std::error_code& error) { return datagram(at, error); });
}
Socket Socket::datagram_to(const SocketAddress& peer) {
    return or_raise("datagrams to ", peer, [&](std::error_code& error) { return datagram_to(peer, error); });
}
std::array<Socket, 2> Socket::pair() {
    return or_raise("a pair of sockets, ", {}, [](std::error_code& error) { return pair(error); });
}

Socket Socket::adopt(Fd fd, std::error_code& error) noexcept {
    prepare_fd(fd, error);
    return Socket(error ? invalid_fd : fd);
}

Socket Socket::listen(const SocketAddress& at, const ListenOptions& how, std::error_code& error) noexcept {
    Socket made(open_socket(at.family(), SocketType::stream, error));
    if (made) listen_on(made.fd_, at, how, error);
    if (error) made.close();
    return made;
}

Socket Socket::connect(const SocketAddress& to, std::error_code& error) noexcept {
    return connect(to, {}, error);
}

Socket Socket::connect(const SocketAddress& to, const SocketAddress& from, std::error_code& error) noexcept {
    Socket made(open_socket(to.family(), SocketType::stream, error));
    if (made && from) bind_socket(made.fd_, from, error);
    if (!error) connect_socket(made.fd_, to, error);
    if (error) made.close();
    return made;
}

Socket Socket::datagram(const SocketAddress& at, std::error_code& error) noexcept {
    Socket made(open_socket(at.family(), SocketType::datagram, error));
    if (made) bind_socket(made.fd_, at, error);
    if (error) made.close();
    return made;
}

Socket Socket::datagram_to(const SocketAddress& peer, std::error_code& error) noexcept {
    Socket made(open_socket(peer.family(), SocketType::datagram, error));
    if (made) connect_socket(made.fd_, peer, error);
    if (error) made.close();
    return made;
}

std::array<Socket, 2> Socket::pair(std::error_code& error) noexcept {
    const auto fds = open_socket_pair(error);
    return {Socket(fds[0]), Socket(fds[1])};
}

SocketAddress Socket::local() const noexcept { return local_address(fd_); }
SocketAddress Socket::peer() const noexcept { return peer_address(fd_); }

// ---- in the loop --------------------------------------------------------------------------------

void Socket::watch(IOLoop& loop, Handler handler, Events events, Origin origin) {
    Poster poster(loop);
    loop.add_handler(fd_, std::move(handler), events, origin);
    loop_ = std::move(poster);
    watched_ = true;
}

void Socket::watch(IOLoop& loop, Handler handler, Events events, std::error_code& error, Origin origin) {
    Poster poster(loop);
    loop.add_handler(fd_, std::move(handler), events, error, origin);
    if (error) return;
    loop_ = std::move(poster);
    watched_ = true;
}

void Socket::watch_for(Events events) noexcept {
    std::error_code removed; // somebody else has removed the handler: an inspector's button does
    IOLoop* const loop = watched_ ? loop_.loop() : nullptr;
    if (loop != nullptr) loop->update_handler(fd_, events, removed);
}

void Socket::set_flow(const Flow* flow) noexcept {
    IOLoop* const loop = watched_ ? loop_.loop() : nullptr;
    if (loop != nullptr) loop->set_flow(fd_, flow);
}

void Socket::unwatch() noexcept {
    if (!std::exchange(watched_, false)) return;
    // The handler may own this socket, and be destroyed by the removal: nothing is touched after it.
    const Fd fd = fd_;
    const Poster poster = std::move(loop_);
    if (IOLoop* const loop = poster.loop()) loop->remove_handler(fd);
}

void Socket::close() noexcept {
    const Fd fd = release();
    if (fd != invalid_fd) close_fd(fd);
}

Fd Socket::release() noexcept {
    const Fd fd = fd_;
    const bool watched = std::exchange(watched_, false);
    fd_ = invalid_fd;
    if (watched) {
        const Poster poster = std::move(loop_);
        if (IOLoop* const loop = poster.loop()) loop->remove_handler(fd);
    }
    return fd;
}

// ---- used ---------------------------------------------------------------------------------------

Socket Socket::accept(std::error_code& error, SocketAddress* peer) noexcept {
    return Socket(accept_from(fd_, peer, error));
}
std::error_code Socket::connect_error() noexcept { return ioloop::connect_error(fd_); }
std::size_t Socket::send(std::span<const std::uint8_t> bytes, std::error_code& error) noexcept {
    return send_bytes(fd_, bytes, error);
}
std::size_t Socket::receive(std::span<std::uint8_t> into, std::error_code& error) noexcept {
    return receive_bytes(fd_, into, error);
}
void Socket::send_datagram(std::span<const std::uint8_t> bytes, const SocketAddress& to,
                           std::error_code& error) noexcept {
    ioloop::send_datagram(fd_, bytes, to, error);
}
std::size_t Socket::receive_datagram(std::span<std::uint8_t> into, SocketAddress& from,
                                     std::error_code& error) noexcept {
    return ioloop::receive_datagram(fd_, into, from, error);
}
void Socket::shut_down_sending(std::error_code& error) noexcept { ioloop::shut_down_sending(fd_, error); }
void Socket::set_no_delay(bool on) noexcept { ioloop::set_no_delay(fd_, on); }
void Socket::set_buffer_sizes(int receive, int send) noexcept {
    ioloop::set_buffer_sizes(fd_, receive, send);
}

} // namespace ioloop
