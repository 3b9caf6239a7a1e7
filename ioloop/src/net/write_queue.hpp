// SPDX-License-Identifier: MIT
/// WriteQueue: what is written and not sent yet, and who waits for that. Floor 3.
#pragma once

#include "byte_queue.hpp"

#include <ioloop/future.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <span>
#include <string_view>

namespace ioloop {

class WriteQueue {
public:
    bool empty() const noexcept { return bytes_.empty(); }
    std::size_t size() const noexcept { return bytes_.size(); }
    std::span<const std::uint8_t> bytes() const noexcept { return bytes_.bytes(); }

    /// How many promises are kept: no more than a few for which nobody waits.
    std::size_t waiting() const noexcept { return marks_.size(); }

    /// `promise` is kept when all that was pushed until now is sent: now, if that is nothing.
    void push(std::string_view bytes, Promise<void> promise);
    /// The first so many.
    void sent(std::size_t size);
    /// Drops all. Nobody hears of it who does not ask.
    void fail(const std::exception_ptr& error);

private:
    static constexpr std::size_t least_sweep = 32;

    struct Mark {
        std::uint64_t at; ///< of sent_
        Promise<void> promise;
    };
    void keep_promises();
    void forget_unwanted();

    ByteQueue bytes_;
    std::deque<Mark> marks_;
    std::size_t sweep_at_ = least_sweep; ///< marks
    std::uint64_t sent_ = 0;             ///< bytes
};

} // namespace ioloop
