// SPDX-License-Identifier: MIT
/// TcpStream::Impl: the stream itself, at a fixed place. Floor 3.
///
/// No member calls user code; but what user code destroys with a callable that a closed loop refuses may destroy the
/// stream. So who goes on after telling somebody holds on to this object.
#pragma once

#include "byte_queue.hpp"
#include "pending_read.hpp"
#include "read_goal.hpp"
#include "write_queue.hpp"

#include <ioloop/net/tcp_stream.hpp>
#include <ioloop/poster.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace ioloop {

class TcpStream::Impl final : public std::enable_shared_from_this<Impl> {
public:
    Impl(IOLoop& loop, Socket socket, const StreamOptions& options, const Origin& origin);

    /// Registers with the loop. connecting: the socket is not connected yet.
    void start(bool connecting);
    /// For a stream that has ended before it began.
    void start_closed(std::error_code error, const SocketAddress& peer);

    Future<std::string> read(ReadGoal goal, const Origin& origin);
    Future<std::size_t> read_into(ReadGoal goal, std::span<std::uint8_t> into, const Origin& origin);
    /// messages    that are in `bytes`, for who looks at the flow
    Future<void> write(std::string_view bytes, std::uint64_t messages, const Origin& origin);
    Future<void> connected(const Origin& origin);
    void finish();
    void close(std::error_code cause);
    void set_on_close(Callback callback, const Origin& origin);
    /// Nobody is called any more.
    void abandon();

    Socket& socket() noexcept { return socket_; }
    const SocketAddress& peer() const noexcept { return peer_; }
    std::error_code error() const noexcept { return error_; }
    const Flow& flow() const noexcept { return flow_; }
    std::size_t unread() const noexcept { return in_.size(); }
    std::size_t unsent() const noexcept { return out_.size(); }

private:
    template <class T> Promise<T> make_promise(const Origin& origin) const;
    void require_no_read() const;
    void begin_read(PendingRead read);

    // From the loop.
    void on_ready(Events events);
    bool is_connected(); ///< false: it has failed
    void on_error_event(bool nothing_came);

    // Reading.
    bool wants_to_receive() const noexcept;
    bool receive(bool from_loop);
    void on_end_of_input();
    void look(); ///< whether the read can be given what has come
    void fail_read(std::exception_ptr error);

    // Writing.
    std::size_t send(std::span<const std::uint8_t> bytes, std::error_code& error) noexcept;
    void flush();
    void on_write_error(std::error_code error);
    void end_output(); ///< if that is asked for, and all is sent

    void watch(Events events);
    Events wanted_events() const noexcept;
    void ask_for(Events events);
    void post_on_close();
    std::exception_ptr closed_exception() const;

    Poster loop_;
    Socket socket_;
    StreamOptions options_;
    Origin origin_;
    SocketAddress peer_;
    std::error_code error_;

    bool connected_ = false;
    bool input_ended_ = false;  ///< the peer will send no more
    bool finishing_ = false;    ///< no more will be written
    bool output_ended_ = false; ///< and all that was is sent
    std::error_code write_error_;
    Events watched_for_ = Events::none;

    ByteQueue in_;
    std::optional<PendingRead> read_;
    std::size_t chunk_; ///< bytes to receive next: more when much comes
    WriteQueue out_;
    std::optional<Promise<void>> connecting_; ///< if somebody waits for it
    Flow flow_;                               ///< read by the loop while the socket is watched

    Callback on_close_;
    Origin on_close_origin_;
};

} // namespace ioloop
