// SPDX-License-Identifier: MIT
/// DatagramRing: datagrams that wait, first in, first out, in room that is there from the beginning. Floor 1.
#pragma once

#include <ioloop/net/socket_address.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace ioloop {

class DatagramRing {
public:
    /// bytes       of all datagrams that wait
    /// datagrams   how many may wait
    DatagramRing(std::size_t bytes, std::size_t datagrams)
        : capacity_(bytes),
          bytes_(std::make_unique_for_overwrite<std::uint8_t[]>(bytes)),
          entries_(datagrams) {}

    bool empty() const noexcept { return count_ == 0; }
    std::size_t size() const noexcept { return count_; }
    std::size_t bytes() const noexcept { return waiting_bytes_; }

    /// False if there is no room.
    bool push(std::span<const std::uint8_t> bytes, const SocketAddress& address) noexcept {
        // An empty datagram has a byte too, so that `end_` is at the first one's place only if the ring is full.
        const std::size_t needed = std::max<std::size_t>(bytes.size(), 1);
        if (count_ == entries_.size() || !make_room(needed)) return false;
        std::copy(bytes.begin(), bytes.end(), bytes_.get() + end_);
        entries_[(first_ + count_) % entries_.size()] = {end_, bytes.size(), address};
        end_ += needed;
        waiting_bytes_ += bytes.size();
        ++count_;
        return true;
    }

    /// The one that came first but `index`. Valid until it is popped.
    std::span<const std::uint8_t> bytes(std::size_t index) const noexcept {
        const Entry& entry = entries_[(first_ + index) % entries_.size()];
        return {bytes_.get() + entry.at, entry.size};
    }
    const SocketAddress& address(std::size_t index) const noexcept {
        return entries_[(first_ + index) % entries_.size()].address;
    }

    /// Requires: it is not empty.
    void pop() noexcept {
        waiting_bytes_ -= entries_[first_].size;
        first_ = (first_ + 1) % entries_.size();
        if (--count_ == 0) end_ = 0;
    }

private:
    struct Entry {
        std::size_t at = 0;
        std::size_t size = 0;
        SocketAddress address;
    };

    /// Moves `end_` to where `needed` bytes are free in one piece.
    bool make_room(std::size_t needed) noexcept {
        if (count_ == 0) return needed <= capacity_;
        const std::size_t begin = entries_[first_].at;
        if (end_ <= begin) return needed <= begin - end_; // what waits goes round the end
        if (needed <= capacity_ - end_) return true;
        if (needed > begin) return false;
        end_ = 0;
        return true;
    }

    std::size_t capacity_;
    std::unique_ptr<std::uint8_t[]> bytes_;
    std::vector<Entry> entries_;
    std::size_t first_ = 0; ///< of entries_
    std::size_t count_ = 0;
    std::size_t end_ = 0; ///< where the next one's bytes go
    std::size_t waiting_bytes_ = 0;
};

} // namespace ioloop
