// SPDX-License-Identifier: MIT
#include "datagrams.hpp"

#include "last_error.hpp"
#include "socket_calls.hpp"

#include <algorithm>
#include <array>

#ifdef __linux__
#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#endif

namespace ioloop {

struct DatagramReader::Room {
    explicit Room(std::size_t most)
        : most_bytes(most),
          bytes(std::make_unique_for_overwrite<std::uint8_t[]>(batch * (most + 1))) {}

    /// One byte more than is wanted: not every system says that something was cut off.
    std::span<std::uint8_t> part(std::size_t index) noexcept {
        return {bytes.get() + index * (most_bytes + 1), most_bytes + 1};
    }

    const std::size_t most_bytes;
    const std::unique_ptr<std::uint8_t[]> bytes;
    std::array<std::size_t, batch> sizes{};
    std::array<SocketAddress, batch> from;
    std::uint32_t dropped = 0;

#ifdef __linux__
    struct Control {
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(std::uint32_t))> bytes;
    };
    std::array<sockaddr_storage, batch> names;
    std::array<Control, batch> controls;
    std::array<iovec, batch> vectors{};
    std::array<mmsghdr, batch> headers{};
#endif
};

DatagramReader::DatagramReader(std::size_t most_bytes) : room_(std::make_unique<Room>(most_bytes)) {}
DatagramReader::~DatagramReader() = default;

std::span<const std::uint8_t> DatagramReader::bytes(std::size_t index) const noexcept {
    return room_->part(index).first(std::min(room_->sizes[index], room_->most_bytes));
}
const SocketAddress& DatagramReader::from(std::size_t index) const noexcept { return room_->from[index]; }
bool DatagramReader::truncated(std::size_t index) const noexcept {
    return room_->sizes[index] > room_->most_bytes;
}
std::uint32_t DatagramReader::dropped() const noexcept { return room_->dropped; }

#ifdef __linux__

namespace {

/// What the kernel says of its drops, beside a datagram; 0 if it says nothing.
std::uint32_t drops_beside(msghdr& header) noexcept {
    for (cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr; each = CMSG_NXTHDR(&header, each)) {
        if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SO_RXQ_OVFL) continue;
        std::uint32_t drops = 0;
        std::memcpy(&drops, CMSG_DATA(each), sizeof drops);
        return drops;
    }
    return 0;
}

} // namespace

std::size_t DatagramReader::receive(Fd fd, std::error_code& error) noexcept {
    error.clear();
    Room& room = *room_;
    for (std::size_t i = 0; i < batch; ++i) {
        const auto part = room.part(i);
        room.vectors[i] = {part.data(), part.size()};
        msghdr& header = room.headers[i].msg_hdr;
        header = {};
        header.msg_name = &room.names[i];
        header.msg_namelen = sizeof room.names[i];
        header.msg_iov = &room.vectors[i];
        header.msg_iovlen = 1;
        header.msg_control = room.controls[i].bytes.data();
        header.msg_controllen = room.controls[i].bytes.size();
    }
    int count = 0;
    do {
        count = ::recvmmsg(fd, room.headers.data(), batch, MSG_DONTWAIT, nullptr);
    } while (count < 0 && errno == EINTR);
    if (count < 0) {
        error = last_error();
        return 0;
    }
    const auto received = static_cast<std::size_t>(count);
    for (std::size_t i = 0; i < received; ++i) {
        msghdr& header = room.headers[i].msg_hdr;
        room.sizes[i] = room.headers[i].msg_len;
        room.from[i] = SocketAddress(reinterpret_cast<const sockaddr*>(&room.names[i]), header.msg_namelen);
        room.dropped = std::max(room.dropped, drops_beside(header));
    }
    return received;
}

void watch_drops(Fd fd) noexcept {
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
}

std::size_t send_datagrams(Fd fd, std::span<const OutgoingDatagram> datagrams,
                           std::error_code& error) noexcept {
    constexpr std::size_t most = 32;
    error.clear();
    std::size_t sent = 0;
    while (sent < datagrams.size()) {
        const auto part = datagrams.subspan(sent, std::min(most, datagrams.size() - sent));
        std::array<iovec, most> vectors;
        std::array<mmsghdr, most> headers{};
        for (std::size_t i = 0; i < part.size(); ++i) {
            vectors[i] = {const_cast<std::uint8_t*>(part[i].bytes.data()), part[i].bytes.size()};
            msghdr& header = headers[i].msg_hdr;
            if (part[i].to) {
                header.msg_name = const_cast<sockaddr*>(part[i].to.data());
                header.msg_namelen = static_cast<socklen_t>(part[i].to.size());
            }
            header.msg_iov = &vectors[i];
            header.msg_iovlen = 1;
        }
        const int count =
            ::sendmmsg(fd, headers.data(), static_cast<unsigned>(part.size()), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            error = last_error();
            return sent;
        }
        sent += static_cast<std::size_t>(count);
    }
    return sent;
}

#else

std::size_t DatagramReader::receive(Fd fd, std::error_code& error) noexcept {
    for (std::size_t i = 0; i < batch; ++i) {
        room_->sizes[i] = receive_datagram(fd, room_->part(i), room_->from[i], error);
        if (!error) continue;
        // What failed after others comes back with the next call, unless it was said only once: then it is no loss,
        // as it concerns what was sent.
        if (i > 0) error.clear();
        return i;
    }
    return batch;
}

void watch_drops(Fd) noexcept {}

std::size_t send_datagrams(Fd fd, std::span<const OutgoingDatagram> datagrams,
                           std::error_code& error) noexcept {
    error.clear();
    for (std::size_t sent = 0; sent < datagrams.size(); ++sent) {
        send_datagram(fd, datagrams[sent].bytes, datagrams[sent].to, error);
        if (error) return sent;
    }
    return datagrams.size();
}

#endif

} // namespace ioloop
