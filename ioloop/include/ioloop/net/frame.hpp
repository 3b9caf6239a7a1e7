// SPDX-License-Identifier: MIT
/// Frames: whole messages over a stream of bytes, each after its length: 4 bytes, the highest first. Floor 3.
///
///     write_frame(stream, "join");
///     const std::string roster = co_await read_frame(stream, 64 * 1024);
///
/// The length comes from a stranger: nothing is reserved on its word, and one that is too large is refused as soon as it
/// is there. After that nothing can be understood any more, as nobody knows where the next message begins.
///
/// read_frame() is for who waits for one message after the other. Who is fed, by a transport of his own, takes a
/// FrameReader. Thread: as the stream.
#pragma once

#include <ioloop/net/tcp_stream.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ioloop {

/// Errors: std::length_error for 4 GiB and more.
void append_frame(std::vector<std::uint8_t>& out, std::span<const std::uint8_t> payload);
void append_frame(std::string& out, std::string_view payload);

/// The next message, without its length. Of a message that is not there as a whole nothing is taken: a read that is
/// cancelled does not lose step.
/// Errors: as TcpStream::read_until(): a message of more than `max_size` bytes closes the stream (message_size). At the
/// end of the stream, unread() tells whether that was amid a message.
Future<std::string> read_frame(TcpStream& stream, std::size_t max_size, Origin origin = Origin::here());
/// Errors: as TcpStream::write(); std::length_error, at once, for 4 GiB and more.
Future<void> write_frame(TcpStream& stream, std::string_view payload, Origin origin = Origin::here());

/// Cuts what is fed into messages:
///
///     reader.feed(bytes);
///     while (const auto message = reader.next()) take(*message);
///     if (reader.refused()) close();
///
/// It holds what was fed and not taken: with all that is whole taken after each feed(), less than one message.
class FrameReader {
public:
    /// max_size    bytes of the largest message
    explicit FrameReader(std::size_t max_size) noexcept : max_size_(max_size) {}

    /// No effect once it has refused.
    void feed(std::span<const std::uint8_t> bytes);
    /// The next whole message, valid until the next call of feed() or next(); or none yet.
    std::optional<std::span<const std::uint8_t>> next();
    /// A message was announced that is larger than the largest. What came before it can be taken.
    bool refused() const noexcept { return refused_; }
    /// Bytes that were fed and not taken. At the end of the stream: the beginning of a message that is cut off.
    std::size_t unread() const noexcept { return bytes_.size() - begin_; }

private:
    void look() noexcept; ///< at the length of the next one

    std::size_t max_size_;
    std::vector<std::uint8_t> bytes_;
    std::size_t begin_ = 0; ///< of what is not taken
    bool refused_ = false;
};

} // namespace ioloop
