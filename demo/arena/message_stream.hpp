// SPDX-License-Identifier: MIT
/// MessageStream: whole messages over one TCP connection.
///
/// Bounded both ways: it reads at most one chunk each time the socket is ready, so a flood takes turns with
/// everybody else; and it holds at most so many bytes for a peer that does not read, then gives the peer up.
/// Write readiness is asked for only while something waits to be written.
#pragma once

#include "protocol.hpp"
#include "socket.hpp"

#include <ioloop/io_loop.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace arena {

class MessageStream {
public:
    struct Counters {
        std::uint64_t messages_in = 0;
        std::uint64_t messages_out = 0;
        std::uint64_t bytes_in = 0;
        std::uint64_t bytes_out = 0;
    };

    /// Both may destroy the stream. `on_close` comes once, as the last, unless close() was called.
    struct Events {
        std::function<void(Bytes message)> on_message;
        std::function<void(const std::string& reason)> on_close;
    };

    static constexpr std::size_t most_queued = std::size_t{64} * 1024;

    /// Takes a connected socket. `origin` names it in the inspector.
    /// Lifetime: the loop's is longer. Neither event comes from within a member function.
    MessageStream(ioloop::IOLoop& loop, Socket socket, Events events, ioloop::Origin origin);
    MessageStream(const MessageStream&) = delete;
    MessageStream& operator=(const MessageStream&) = delete;
    ~MessageStream();

    /// Sends what the kernel takes and keeps the rest. False if the stream is closed, or this made it
    /// overflow, after which it closes.
    bool send(Bytes message);

    void close() noexcept;
    bool open() const noexcept { return static_cast<bool>(socket_); }
    std::size_t queued() const noexcept { return out_.size() - sent_; }
    const Counters& counters() const noexcept { return counters_; }

private:
    void on_ready(ioloop::Events events);
    bool read();  ///< false: the stream closed, or is gone
    bool flush(); ///< false: the stream closed
    void fail(std::string reason);
    void fail_soon(std::string reason);

    ioloop::IOLoop& loop_;
    Socket socket_;
    std::shared_ptr<Events> events_; ///< shared with a call under way, which may destroy the stream
    MessageSplitter splitter_;
    Buffer out_;
    std::size_t sent_ = 0; ///< of out_
    Counters counters_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace arena
