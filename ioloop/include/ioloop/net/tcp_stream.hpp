// SPDX-License-Identifier: MIT
/// TcpStream: bytes to and from a peer, in order. Tornado's IOStream. Floor 3.
///
///     TcpStream stream = TcpStream::connect(loop, SocketAddress::parse("127.0.0.1:4242"));
///     stream.write("hello\n");
///     const std::string answer = co_await stream.read_until("\n", 1000);
///
/// Also over unix sockets, and over the ends of pipes: whatever a Socket can be made of.
///
/// **Reading.** One read at a time. It takes from the stream what it is about, and not a byte more. If that is there
/// already, the future is done on return. Between reads the stream receives no more than one chunk, to see whether the
/// peer closes: who does not read slows the peer down. A read whose future is cancelled, or dropped, is none, and
/// what came for it stays for the next one.
///
/// **Writing.** What is written goes in that order, as fast as the peer takes it; the future says when the system has
/// it. Writing too much for the peer is told by BufferFull: await the future of one write before the next.
///
/// **The end.** What the peer sent before it closed, and before the connection broke, can be read: also when it came
/// together with the news, and when this end is closed by then. As long as bytes wait here that nobody reads, the end
/// behind them is not seen. A peer that will send no more ends the stream (but see StreamOptions::half_open).
///
/// Each time the loop calls, the stream moves a bounded number of bytes: a flood takes turns with everybody else.
///
/// Errors: of use (a second read, a stream that is none, a new one on a closed loop) logic_error, at once. All others by
/// the future: stream_errors.hpp. They are not reported if nobody asks, as the end of the stream says it all.
/// Lifetime: a stream may be moved, closed or destroyed in any callable. If the loop is closed first, its streams end
/// with the next thing that is asked of them.
/// Thread: the loop's.
#pragma once

#include <ioloop/fd.hpp>
#include <ioloop/flow.hpp>
#include <ioloop/future.hpp>
#include <ioloop/io_loop.hpp>
#include <ioloop/net/socket.hpp>
#include <ioloop/net/socket_address.hpp>
#include <ioloop/net/stream_errors.hpp>
#include <ioloop/net/stream_options.hpp>
#include <ioloop/origin.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace ioloop {

class TcpStream {
public:
    TcpStream() noexcept; ///< none
    /// Over a socket that is connected. `origin` names it in the inspector.
    /// Errors: as IOLoop::add_handler(); invalid_argument for options that let nothing through.
    TcpStream(IOLoop& loop, Socket socket, const StreamOptions& options = {}, Origin origin = Origin::here());
    TcpStream(TcpStream&& other) noexcept;
    TcpStream& operator=(TcpStream&& other) noexcept;
    /// Closes; but what was given to set_on_close() is not called any more.
    ~TcpStream();

    /// A stream that is being connected. Reads and writes may follow at once, and wait for that. What is refused at once
    /// is told as what is refused later: the stream ends, and connected() says why.
    static TcpStream connect(IOLoop& loop, const SocketAddress& to, const StreamOptions& options = {},
                             Origin origin = Origin::here());
    /// Done before the first write is.
    Future<void> connected(Origin origin = Origin::here());

    // ---- reading --------------------------------------------------------------------------------

    /// Exactly so many.
    Future<std::string> read_bytes(std::size_t size, Origin origin = Origin::here());
    /// What comes first: at least one byte, and at most so many.
    Future<std::string> read_some(std::size_t most, Origin origin = Origin::here());
    /// Up to the delimiter, and with it. If it is not within the first `max_bytes`, the stream closes.
    /// Errors: invalid_argument, at once, for an empty delimiter.
    Future<std::string> read_until(std::string_view delimiter, std::size_t max_bytes = unlimited_bytes,
                                   Origin origin = Origin::here());
    /// All that comes until the peer, or this end, closes in good order. If the connection breaks, the read fails, and
    /// what came can still be read otherwise. If it is more than max_buffer, the stream closes.
    Future<std::string> read_until_close(Origin origin = Origin::here());
    /// Fills `into`; with `partial`, as far as bytes come at once. How many bytes.
    /// Lifetime: `into` is written to only when the read is done, and until then as long as its future has a handle.
    Future<std::size_t> read_into(std::span<std::uint8_t> into, bool partial = false,
                                  Origin origin = Origin::here());

    static constexpr std::size_t unlimited_bytes = static_cast<std::size_t>(-1);

    // ---- writing --------------------------------------------------------------------------------

    /// Done when the system has all of it. The bytes are copied as far as they have to wait.
    Future<void> write(std::string_view bytes, Origin origin = Origin::here());
    /// Nothing more is written: when all that waits is sent, the peer reads an end. Reading goes on. Idempotent.
    void finish();

    void set_no_delay(bool on) noexcept; ///< it is set unless told otherwise

    // ---- the end --------------------------------------------------------------------------------

    /// At once: what was not sent yet never is. Reads and writes under way fail, unless the read can be given what is
    /// there. Idempotent.
    void close();
    bool is_open() const noexcept;
    /// What ended the stream; none if it is open, or ended in good order.
    std::error_code error() const noexcept;

    /// Called once when the stream has closed, whoever closed it and however long ago: in a later call of the loop,
    /// after who read or wrote is told. Replaces the earlier one; null: nobody.
    void set_on_close(Callback callback, Origin origin = Origin::here());

    // ---- seeing inside --------------------------------------------------------------------------

    /// What the inspector shows of it: bytes received and given to the system, and those that wait; messages as they
    /// are counted by read_frame() and write_frame() (frame.hpp).
    Flow flow() const noexcept;
    std::size_t unread() const noexcept; ///< bytes that came and are not read
    std::size_t unsent() const noexcept; ///< bytes that are written and wait

    explicit operator bool() const noexcept { return impl_ != nullptr; } ///< not none; it may be closed
    Fd fd() const noexcept;                                              ///< invalid_fd when it is closed
    SocketAddress local() const noexcept;
    SocketAddress peer() const noexcept; ///< also when it is closed

private:
    friend Future<std::string> read_frame(TcpStream& stream, std::size_t max_size, Origin origin);
    friend Future<void> write_frame(TcpStream& stream, std::string_view payload, Origin origin);
    class Impl;

    explicit TcpStream(std::shared_ptr<Impl> impl) noexcept;
    Impl& impl(const char* member) const;

    std::shared_ptr<Impl> impl_; ///< shared with its handler while that runs
};

} // namespace ioloop
