// SPDX-License-Identifier: MIT
#include "frame_header.hpp"
#include "raise.hpp"
#include "tcp_stream_impl.hpp"

#include <ioloop/net/frame.hpp>

#include <limits>
#include <stdexcept>
#include <type_traits>

namespace ioloop {
namespace {

std::array<std::uint8_t, frame_header_bytes> header_of(std::size_t size) {
    if (size > std::numeric_limits<std::uint32_t>::max())
        raise(std::length_error("a frame of 4 GiB or more"));
    return frame_header(static_cast<std::uint32_t>(size));
}

} // namespace

void append_frame(std::vector<std::uint8_t>& out, std::span<const std::uint8_t> payload) {
    const auto header = header_of(payload.size());
    out.insert(out.end(), header.begin(), header.end());
    out.insert(out.end(), payload.begin(), payload.end());
}
void append_frame(std::string& out, std::string_view payload) {
    const auto header = header_of(payload.size());
    out.append(header.begin(), header.end());
    out.append(payload);
}

Future<std::string> read_frame(TcpStream& stream, std::size_t max_size, Origin origin) {
    return stream.impl("read_frame").read(ReadGoal::frame(max_size), origin);
}
Future<void> write_frame(TcpStream& stream, std::string_view payload, Origin origin) {
    std::string frame;
    append_frame(frame, payload);
    return stream.impl("write_frame").write(frame, 1, origin);
}

// ---- FrameReader --------------------------------------------------------------------------------

void FrameReader::feed(std::span<const std::uint8_t> bytes) {
    if (refused_) return;
    if (begin_ >= bytes_.size() - begin_) { // as much was taken as is moved: that pays for it
        bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(begin_));
        begin_ = 0;
    }
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    look();
}

std::optional<std::span<const std::uint8_t>> FrameReader::next() {
    const auto rest = std::span<const std::uint8_t>(bytes_).subspan(begin_);
    if (refused_ || rest.size() < frame_header_bytes) return {};
    const std::size_t length = frame_length(rest);
    if (rest.size() - frame_header_bytes < length) return {};
    begin_ += frame_header_bytes + length;
    look();
    return rest.subspan(frame_header_bytes, length);
}

void FrameReader::look() noexcept {
    const auto rest = std::span<const std::uint8_t>(bytes_).subspan(begin_);
    refused_ = rest.size() >= frame_header_bytes && frame_length(rest) > max_size_;
}

} // namespace ioloop
