// SPDX-License-Identifier: MIT
#include "byte_queue.hpp"

#include <algorithm>
#include <cstring>

namespace ioloop {

void ByteQueue::append(std::string_view text) {
    if (text.empty()) return;
    std::memcpy(room(text.size()).data(), text.data(), text.size());
    add(text.size());
}

std::span<std::uint8_t> ByteQueue::room(std::size_t size) {
    if (capacity_ - end_ < size) {
        const std::size_t filled = end_ - begin_;
        // To the front only if as much was dropped since the last time: that pays for it.
        if (capacity_ - filled >= size && begin_ >= filled) {
            if (filled > 0) std::memmove(bytes_.get(), bytes_.get() + begin_, filled);
        } else {
            const std::size_t capacity = filled + std::max(filled, size);
            std::unique_ptr<std::uint8_t[]> larger(new std::uint8_t[capacity]); // not set to zero
            if (filled > 0) std::memcpy(larger.get(), bytes_.get() + begin_, filled);
            bytes_ = std::move(larger);
            capacity_ = capacity;
        }
        begin_ = 0;
        end_ = filled;
    }
    return {bytes_.get() + end_, size};
}

void ByteQueue::drop(std::size_t size) noexcept {
    begin_ += size;
    if (begin_ != end_) return;
    begin_ = end_ = 0;
    if (capacity_ <= kept_when_empty) return;
    bytes_.reset();
    capacity_ = 0;
}

} // namespace ioloop
