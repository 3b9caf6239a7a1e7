// SPDX-License-Identifier: MIT
/// PendingRead: a read under way: what it is about, and who is told. Floor 3.
#pragma once

#include "byte_queue.hpp"
#include "quiet_failure.hpp"
#include "read_goal.hpp"

#include <ioloop/future.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace ioloop {

class PendingRead {
public:
    PendingRead(ReadGoal goal, Promise<std::string> promise)
        : goal_(std::move(goal)),
          text_(std::move(promise)) {}
    PendingRead(ReadGoal goal, Promise<std::size_t> promise, std::span<std::uint8_t> into)
        : goal_(std::move(goal)),
          size_(std::move(promise)),
          into_(into) {}
    PendingRead(PendingRead&&) noexcept = default;
    PendingRead& operator=(PendingRead&&) = delete;
    /// One that nobody waits for is nobody's error.
    ~PendingRead() {
        if (text_ && !text_->done()) text_->future().cancel();
        if (size_ && !size_->done()) size_->future().cancel();
    }

    /// False if its future was cancelled or dropped.
    bool wanted() const noexcept { return text_ ? text_->wanted() : size_->wanted(); }

    ReadGoal& goal() noexcept { return goal_; }

    /// Takes what the goal has reached. False if nobody wants it any more. Requires: wanted(), so that there is something
    /// to be read into.
    bool deliver(ByteQueue& from) {
        const std::size_t size = goal_.size();
        const std::span<const std::uint8_t> bytes = from.bytes().first(size).subspan(goal_.skipped());
        bool taken = false; // else another thread has cancelled just now
        if (text_) {
            taken = text_->set_value(std::string(bytes.begin(), bytes.end()));
        } else {
            std::copy(bytes.begin(), bytes.end(), into_.begin());
            taken = size_->set_value(bytes.size());
        }
        if (taken) from.drop(size);
        return taken;
    }
    void fail(std::exception_ptr error) {
        if (text_)
            detail::fail_quietly(*text_, std::move(error));
        else
            detail::fail_quietly(*size_, std::move(error));
    }

private:
    ReadGoal goal_;
    std::optional<Promise<std::string>> text_; ///< this one
    std::optional<Promise<std::size_t>> size_; ///< or this one, and then into_
    std::span<std::uint8_t> into_;
};

} // namespace ioloop
