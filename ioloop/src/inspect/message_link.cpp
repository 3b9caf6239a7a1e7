// SPDX-License-Identifier: MIT
#include "message_link.hpp"

#include <algorithm>
#include <array>
#include <system_error>

namespace ioloop {
namespace {

constexpr std::size_t header = 4;
constexpr std::size_t roomy = std::size_t{256} << 10U; ///< memory that is not given back

} // namespace

void MessageLink::receive(std::size_t most) {
    in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(std::exchange(taken_, 0)));
    std::array<std::uint8_t, 16384> chunk;
    while (most > 0 && state_ != State::broken) { // after send() has failed too: why may be there to read
        std::error_code error;
        const std::size_t wanted = std::min(most, chunk.size());
        const std::size_t size = socket_.receive(std::span(chunk).first(wanted), error);
        if (error == std::errc::resource_unavailable_try_again) return;
        if (error || size == 0) {
            state_ = State::ended;
            return;
        }
        in_.insert(in_.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(size));
        most -= size;
        if (size < wanted) return;
    }
}

std::optional<MessageLink::Frame> MessageLink::next_frame() {
    const auto bytes = std::span<const std::uint8_t>(in_).subspan(taken_);
    if (state_ == State::broken || bytes.size() < header) return std::nullopt;
    std::size_t size = 0;
    for (std::size_t i = 0; i < header; ++i) size |= static_cast<std::size_t>(bytes[i]) << (8 * i);
    if (size == 0 || size > longest_ ||
        (bytes.size() > header && bytes[header] > static_cast<int>(last_message))) {
        state_ = State::broken;
        return std::nullopt;
    }
    if (bytes.size() < header + size) return std::nullopt;
    taken_ += header + size;
    return Frame{static_cast<Message>(bytes[header]), bytes.subspan(header + 1, size - 1)};
}

std::size_t MessageLink::send(std::size_t most) {
    std::error_code error;
    const auto bytes = std::span<const std::uint8_t>(out_).subspan(sent_);
    if (bytes.empty() || most == 0) return 0;
    const std::size_t size = socket_.send(bytes.first(std::min(bytes.size(), most)), error);
    if (error && error != std::errc::resource_unavailable_try_again) state_ = State::ended;
    sent_ += size;
    if (sent_ == out_.size()) {
        if (out_.capacity() > roomy) {
            out_ = {};
        } else {
            out_.clear();
        }
        sent_ = 0;
    }
    return size;
}

} // namespace ioloop
