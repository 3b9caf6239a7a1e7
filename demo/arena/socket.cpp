// SPDX-License-Identifier: MIT
#include "socket.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace arena {
namespace {

std::error_code last_error() noexcept { return {errno, std::system_category()}; }

bool prepare(ioloop::Fd fd) noexcept {
    return ::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
           ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK) == 0;
}

void set_option(ioloop::Fd fd, int level, int option, int value = 1) noexcept {
    ::setsockopt(fd, level, option, &value, sizeof value);
}

Transfer transfer(ssize_t result) noexcept {
    if (result >= 0) return {Transfer::Status::done, static_cast<std::size_t>(result), {}};
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {Transfer::Status::later, 0, {}};
    return {Transfer::Status::failed, 0, last_error()};
}

socklen_t length(const Address& address) noexcept { return static_cast<socklen_t>(address.size()); }

} // namespace

Socket::Socket(Socket&& other) noexcept
    : fd_(std::exchange(other.fd_, ioloop::invalid_fd)),
      loop_(std::exchange(other.loop_, nullptr)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
    if (this != &other) {
        close();
        fd_ = std::exchange(other.fd_, ioloop::invalid_fd);
        loop_ = std::exchange(other.loop_, nullptr);
    }
    return *this;
}

Socket Socket::make(int family, int type, std::error_code& error) {
    Socket made(::socket(family, type, 0));
    error.clear();
    if (!made || !prepare(made.fd_)) {
        error = last_error();
        return {};
    }
    if (type == SOCK_STREAM) set_option(made.fd_, IPPROTO_TCP, TCP_NODELAY);
    return made;
}

Socket Socket::listen(const Address& at, std::error_code& error) {
    Socket made = make(at.family(), SOCK_STREAM, error);
    if (error) return {};
    set_option(made.fd_, SOL_SOCKET, SO_REUSEADDR); // a server that was killed comes back to its port at once
    if (::bind(made.fd_, at.data(), length(at)) != 0 || ::listen(made.fd_, 64) != 0) {
        error = last_error();
        return {};
    }
    return made;
}

Socket Socket::connect(const Address& to, std::error_code& error) {
    Socket made = make(to.family(), SOCK_STREAM, error);
    if (error) return {};
    if (::connect(made.fd_, to.data(), length(to)) != 0 && errno != EINPROGRESS && errno != EINTR) {
        error = last_error();
        return {};
    }
    return made;
}

Socket Socket::datagram(const Address& at, std::error_code& error) {
    Socket made = make(at.family(), SOCK_DGRAM, error);
    if (error) return {};
    if (::bind(made.fd_, at.data(), length(at)) != 0) {
        error = last_error();
        return {};
    }
    return made;
}

Socket Socket::datagram_to(const Address& peer, std::error_code& error) {
    Socket made = make(peer.family(), SOCK_DGRAM, error);
    if (error) return {};
    if (::connect(made.fd_, peer.data(), length(peer)) != 0) {
        error = last_error();
        return {};
    }
    return made;
}

Address Socket::address() const noexcept {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    auto* generic = reinterpret_cast<sockaddr*>(&storage);
    if (::getsockname(fd_, generic, &size) != 0) return {};
    return {generic, size};
}

void Socket::watch(ioloop::IOLoop& loop, ioloop::Handler handler, ioloop::Events events,
                   ioloop::Origin origin) {
    loop.add_handler(fd_, std::move(handler), events, origin);
    loop_ = &loop;
}

void Socket::watch_for(ioloop::Events events) {
    // Somebody may have removed the handler behind our back: the inspector's button does.
    std::error_code removed;
    if (loop_ != nullptr) loop_->update_handler(fd_, events, removed);
}

void Socket::unwatch() noexcept {
    // What runs at this moment may own this socket, and be destroyed by the removal: touch nothing after it.
    if (ioloop::IOLoop* loop = std::exchange(loop_, nullptr)) loop->remove_handler(fd_);
}

void Socket::close() noexcept {
    const ioloop::Fd fd = std::exchange(fd_, ioloop::invalid_fd);
    if (ioloop::IOLoop* loop = std::exchange(loop_, nullptr)) loop->remove_handler(fd);
    if (fd != ioloop::invalid_fd) ::close(fd);
}

Transfer Socket::receive(std::span<std::uint8_t> into) noexcept {
    Transfer outcome = transfer(::recv(fd_, into.data(), into.size(), 0));
    if (outcome.done() && outcome.size == 0) outcome.status = Transfer::Status::closed;
    return outcome;
}

Transfer Socket::receive_from(std::span<std::uint8_t> into, Address& from) noexcept {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    auto* generic = reinterpret_cast<sockaddr*>(&storage);
    const Transfer outcome = transfer(::recvfrom(fd_, into.data(), into.size(), 0, generic, &size));
    if (outcome.done()) from = Address(generic, size);
    return outcome;
}

Transfer Socket::send(Bytes bytes) noexcept {
    return transfer(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
}

Transfer Socket::send_to(Bytes bytes, const Address& to) noexcept {
    return transfer(::sendto(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL, to.data(), length(to)));
}

Socket Socket::accept(Transfer& outcome) noexcept {
    Socket made(::accept(fd_, nullptr, nullptr));
    outcome = transfer(made.fd_);
    outcome.size = 0;
    if (!made) {
        // It hung up while it waited; the next one in the queue may be alive.
        if (outcome.error == std::errc::connection_aborted) outcome = {Transfer::Status::closed, 0, {}};
        return {};
    }
    if (!prepare(made.fd_)) {
        outcome = {Transfer::Status::failed, 0, last_error()};
        return {};
    }
    set_option(made.fd_, IPPROTO_TCP, TCP_NODELAY);
    return made;
}

std::error_code Socket::take_error() noexcept {
    int code = 0;
    socklen_t size = sizeof code;
    if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &code, &size) != 0) return last_error();
    return {code, std::system_category()};
}

bool out_of_descriptors(const std::error_code& error) noexcept {
    return error == std::errc::too_many_files_open || error == std::errc::too_many_files_open_in_system ||
           error == std::errc::no_buffer_space || error == std::errc::not_enough_memory;
}

} // namespace arena
