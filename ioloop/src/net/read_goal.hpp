// SPDX-License-Identifier: MIT
/// ReadGoal: what somebody wants to read, and whether it is there. Floor 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ioloop {

class ReadGoal {
public:
    enum class State : std::uint8_t {
        waiting,     ///< more must come
        reached,     ///< it is the first size() bytes, of which the first skipped() are not for the reader
        unreachable, ///< not within its limit
    };

    static ReadGoal bytes(std::size_t size) { return {Kind::bytes, size}; }
    static ReadGoal some(std::size_t most) { return {Kind::some, most}; }
    static ReadGoal until(std::string_view delimiter, std::size_t max_bytes) {
        return {Kind::until, max_bytes, delimiter};
    }
    static ReadGoal everything() { return {Kind::everything, 0}; }
    /// A message after its length.
    static ReadGoal frame(std::size_t max_size) { return {Kind::frame, max_size}; }

    /// `arrived` begins with what it began with the last time. What was looked at then is not searched again.
    /// ended    no more will come, and that in good order
    State look(std::string_view arrived, bool ended) noexcept;

    bool is_message() const noexcept { return kind_ == Kind::frame; }
    std::size_t size() const noexcept { return size_; }
    std::size_t skipped() const noexcept { return skipped_; }
    /// Bytes that have to be there before it can be reached; at least one.
    std::size_t least() const noexcept { return kind_ == Kind::bytes && limit_ > 0 ? limit_ : 1; }

private:
    enum class Kind : std::uint8_t { bytes, some, until, everything, frame };
    ReadGoal(Kind kind, std::size_t limit, std::string_view delimiter = {})
        : kind_(kind),
          limit_(limit),
          delimiter_(delimiter) {}

    State look_for_delimiter(std::string_view arrived) noexcept;
    State look_for_frame(std::string_view arrived) noexcept;

    Kind kind_;
    std::size_t limit_;
    std::string delimiter_;
    std::size_t searched_ = 0; ///< no delimiter begins before
    std::size_t size_ = 0;
    std::size_t skipped_ = 0;
};

} // namespace ioloop
