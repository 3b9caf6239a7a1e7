// SPDX-License-Identifier: MIT
/// ByteQueue: bytes in at the back, out at the front, and all of them in one piece. Floor 1.
///
/// Each byte is moved a bounded number of times on average, however small the pieces are. When it is empty it keeps
/// little memory, as most streams are idle most of the time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace ioloop {

class ByteQueue {
public:
    bool empty() const noexcept { return begin_ == end_; }
    std::size_t size() const noexcept { return end_ - begin_; }
    /// Valid until the next change.
    std::span<const std::uint8_t> bytes() const noexcept { return {bytes_.get() + begin_, size()}; }
    std::string_view text() const noexcept {
        return {reinterpret_cast<const char*>(bytes_.get() + begin_), size()};
    }

    void append(std::string_view text);
    /// Where the next `size` bytes go; add() says how many have been put there.
    std::span<std::uint8_t> room(std::size_t size);
    void add(std::size_t size) noexcept { end_ += size; }
    /// From the front.
    void drop(std::size_t size) noexcept;
    void clear() noexcept { drop(size()); }

private:
    static constexpr std::size_t kept_when_empty = 4096; ///< bytes

    std::unique_ptr<std::uint8_t[]> bytes_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

} // namespace ioloop
