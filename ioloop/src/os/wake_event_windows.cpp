// SPDX-License-Identifier: MIT
/// WakeEvent of two TCP sockets that are connected to each other over the loopback interface: WSAPoll() waits
/// for sockets and for nothing else, and Windows has no socketpair().
///
/// Between listen() and accept() anybody on the machine can connect, and would then be able to wake the loop, and
/// to make set() fail by hanging up. So whoever comes is asked for his name, and sent away unless he is the other end.
/// The connection can break (a firewall that is told to, a driver that resets what idles): then it stays readable
/// for ever, and the loop would neither sleep nor be woken. clear() reports it.
#include "../raise.hpp"
#include "wake_event.hpp"
#include "winsock.hpp"

#include <utility>

namespace ioloop {
namespace {

/// Closes itself, once, and leaves the error alone that made it do so.
class Socket {
public:
    Socket() = default;
    explicit Socket(SOCKET socket) : socket_(socket) {}
    Socket(Socket&& other) noexcept : socket_(other.release()) {}
    Socket& operator=(Socket&& other) noexcept {
        std::swap(socket_, other.socket_);
        return *this;
    }
    ~Socket() {
        if (!*this) return;
        const int saved = ::WSAGetLastError();
        ::closesocket(socket_);
        ::WSASetLastError(saved);
    }

    explicit operator bool() const { return socket_ != INVALID_SOCKET; }
    SOCKET get() const { return socket_; }
    SOCKET release() { return std::exchange(socket_, INVALID_SOCKET); }

private:
    SOCKET socket_ = INVALID_SOCKET;
};

Socket make_socket() {
    return Socket(::WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, nullptr, 0,
                               WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT));
}

using NameOf = int(WSAAPI*)(SOCKET, sockaddr*, int*); ///< getsockname() or getpeername()

bool name(NameOf ask, const Socket& socket, sockaddr_in& out) {
    int size = sizeof out;
    return ask(socket.get(), reinterpret_cast<sockaddr*>(&out), &size) == 0 && size == sizeof out;
}

bool equal(const sockaddr_in& a, const sockaddr_in& b) {
    return a.sin_port == b.sin_port && a.sin_addr.s_addr == b.sin_addr.s_addr;
}

/// A listener on a loopback port of the system's choice, which nobody can share.
Socket listen(sockaddr_in& address) {
    Socket listener = make_socket();
    if (!listener) return {};
    const BOOL yes = TRUE;
    ::setsockopt(listener.get(), SOL_SOCKET, SO_EXCLUSIVEADDRUSE, reinterpret_cast<const char*>(&yes),
                 sizeof yes);
    address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    u_long non_blocking = 1;
    const bool listens =
        ::ioctlsocket(listener.get(), static_cast<long>(FIONBIO), &non_blocking) == 0 &&
        ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        ::listen(listener.get(), 1) == 0 && name(&::getsockname, listener, address);
    return listens ? std::move(listener) : Socket();
}

/// Takes strangers off the queue until `writer` comes, who is in it, or was when it connected.
Socket accept(const Socket& listener, const Socket& writer) {
    sockaddr_in expected{};
    if (!name(&::getsockname, writer, expected)) return {};
    for (;;) {
        WSAPOLLFD arrival{listener.get(), POLLRDNORM, 0};
        if (::WSAPoll(&arrival, 1, 1000) == 0) ::WSASetLastError(WSAETIMEDOUT);
        if (arrival.revents == 0) return {};
        Socket reader(::accept(listener.get(), nullptr, nullptr));
        sockaddr_in peer{};
        if (!reader || (name(&::getpeername, reader, peer) && equal(peer, expected))) return reader;
    }
}

/// Non-blocking, without Nagle's delay, and not inherited by child processes (which accept() does not promise).
bool prepare(const Socket& socket) {
    u_long non_blocking = 1;
    const BOOL no_delay = TRUE;
    return ::ioctlsocket(socket.get(), static_cast<long>(FIONBIO), &non_blocking) == 0 &&
           ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, reinterpret_cast<const char*>(&no_delay),
                        sizeof no_delay) == 0 &&
           ::SetHandleInformation(reinterpret_cast<HANDLE>(socket.get()), HANDLE_FLAG_INHERIT, 0) != 0;
}

bool connect(Socket& reader, Socket& writer) {
    sockaddr_in address{};
    const Socket listener = listen(address);
    if (!listener) return false;
    writer = make_socket();
    if (!writer ||
        ::connect(writer.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return false;
    }
    reader = accept(listener, writer);
    return reader && prepare(reader) && prepare(writer);
}

} // namespace

WakeEvent::WakeEvent() {
    if (const auto error = start_winsock()) raise(std::system_error(error, "WSAStartup"));
    Socket reader;
    Socket writer;
    // The port may be taken again between bind() and connect(), or a stranger's connection fill the queue.
    for (int tries = 10; !connect(reader, writer); --tries) {
        if (tries == 1) raise(std::system_error(last_winsock_error(), "a pair of loopback sockets"));
        reader = Socket();
        writer = Socket();
    }
    read_end_ = to_fd(reader.release());
    write_end_ = to_fd(writer.release());
}

WakeEvent::~WakeEvent() {
    ::closesocket(to_socket(read_end_));
    ::closesocket(to_socket(write_end_));
}

void WakeEvent::set() noexcept {
    const int saved = ::WSAGetLastError();
    const char one = 1;
    ::send(to_socket(write_end_), &one, 1, 0); // a full buffer is as readable as can be
    ::WSASetLastError(saved);
}

std::error_code WakeEvent::clear() noexcept {
    char sink[4096];
    for (;;) {
        const int got = ::recv(to_socket(read_end_), sink, sizeof sink, 0);
        if (got == 0) return make_error_code(std::errc::connection_aborted);
        if (got < 0) {
            const int error = ::WSAGetLastError();
            return error == WSAEWOULDBLOCK ? std::error_code() : last_winsock_error();
        }
        if (got < static_cast<int>(sizeof sink)) return {};
    }
}

} // namespace ioloop
