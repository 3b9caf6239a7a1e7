// SPDX-License-Identifier: MIT
/// MessageLink: one end of a connection, and the frames that go through it. Floor 3.
///
/// Never blocks, and does a bounded amount of work a call. What waits to be sent is in `out()`; what came and is no
/// whole frame yet is no longer than the longest one.
#pragma once

#include "message.hpp"

#include <ioloop/net/socket.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace ioloop {

class MessageLink {
public:
    enum class State : std::uint8_t {
        open,
        ended,  ///< the peer will send no more, or is gone
        broken, ///< what it sends is no frame
    };
    struct Frame {
        Message message;
        std::span<const std::uint8_t> bytes; ///< until the next receive()
    };

    MessageLink() = default;
    /// `longest`: a frame that is longer breaks it.
    MessageLink(Socket socket, std::size_t longest) : socket_(std::move(socket)), longest_(longest) {}

    Socket& socket() noexcept { return socket_; }
    Fd fd() const noexcept { return socket_.fd(); }
    State state() const noexcept { return state_; }
    void set_longest(std::size_t longest) noexcept { longest_ = longest; }

    /// Reads what there is, at most `most` bytes.
    void receive(std::size_t most);
    /// The next frame of what was read.
    std::optional<Frame> next_frame();

    /// Frames are appended here.
    std::vector<std::uint8_t>& out() noexcept { return out_; }
    /// Bytes that wait to be sent.
    std::size_t unsent() const noexcept { return out_.size() - sent_; }
    /// Sends what the system takes, at most `most` bytes; and how many it took.
    std::size_t send(std::size_t most);

private:
    Socket socket_;
    std::size_t longest_ = 0;
    State state_ = State::open;
    std::vector<std::uint8_t> in_;
    std::size_t taken_ = 0; ///< of in_
    std::vector<std::uint8_t> out_;
    std::size_t sent_ = 0; ///< of out_
};

} // namespace ioloop
