// SPDX-License-Identifier: MIT
#include "read_goal.hpp"

#include "frame_header.hpp"

#include <algorithm>

namespace ioloop {

ReadGoal::State ReadGoal::look(std::string_view arrived, bool ended) noexcept {
    switch (kind_) {
    case Kind::bytes: size_ = limit_; return arrived.size() >= limit_ ? State::reached : State::waiting;
    case Kind::some:
        size_ = std::min(arrived.size(), limit_);
        return size_ > 0 || limit_ == 0 ? State::reached : State::waiting;
    case Kind::until: return look_for_delimiter(arrived);
    case Kind::everything: size_ = arrived.size(); return ended ? State::reached : State::waiting;
    case Kind::frame: return look_for_frame(arrived);
    }
    return State::waiting;
}

ReadGoal::State ReadGoal::look_for_delimiter(std::string_view arrived) noexcept {
    // Not beyond the limit: a delimiter that comes later, even in the same packet, does not count.
    arrived = arrived.substr(0, limit_);
    const std::size_t found = arrived.find(delimiter_, searched_);
    if (found != std::string_view::npos) {
        size_ = found + delimiter_.size();
        return State::reached;
    }
    if (arrived.size() == limit_) return State::unreachable;
    // Its beginning may be there already.
    if (arrived.size() >= delimiter_.size()) searched_ = arrived.size() - delimiter_.size() + 1;
    return State::waiting;
}

ReadGoal::State ReadGoal::look_for_frame(std::string_view arrived) noexcept {
    if (arrived.size() < frame_header_bytes) return State::waiting;
    const std::size_t length = frame_length(arrived);
    if (length > limit_) return State::unreachable;
    skipped_ = frame_header_bytes;
    size_ = frame_header_bytes + length;
    return arrived.size() >= size_ ? State::reached : State::waiting;
}

} // namespace ioloop
