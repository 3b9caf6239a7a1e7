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
        // If it is given: another thread may have cancelled just now, and the next reader wants the bytes. But before that
        // is told, which on a closed loop destroys callbacks at once, and they may read.
        const auto drop = [&] { from.drop(size); };
        if (text_) return text_->set_value(Given{std::string(bytes.begin(), bytes.end()), drop});
        std::copy(bytes.begin(), bytes.end(), into_.begin());
        return size_->set_value(Given{bytes.size(), drop});
    }
    void fail(std::exception_ptr error) {
        if (text_)
            detail::fail_quietly(*text_, std::move(error));
        else
            detail::fail_quietly(*size_, std::move(error));
    }

private:
    /// A value that does something as it becomes the result of a promise, which is when it is not cancelled any more.
    template <class T, class F> struct Given {
        Given(T v, F f) : value(std::move(v)), on_given(std::move(f)) {}
        operator T() { // NOLINT(google-explicit-constructor)
            on_given();
            return std::move(value);
        }
        T value;
        F on_given;
    };

    ReadGoal goal_;
    std::optional<Promise<std::string>> text_; ///< this one
    std::optional<Promise<std::size_t>> size_; ///< or this one, and then into_
    std::span<std::uint8_t> into_;
};

} // namespace ioloop
