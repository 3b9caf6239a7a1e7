// SPDX-License-Identifier: MIT
#include "write_queue.hpp"

#include "quiet_failure.hpp"

#include <algorithm>
#include <utility>

namespace ioloop {

void WriteQueue::push(std::string_view bytes, Promise<void> promise) {
    if (marks_.size() >= sweep_at_) forget_unwanted();
    bytes_.append(bytes);
    marks_.push_back({sent_ + bytes_.size(), std::move(promise)});
    keep_promises();
}

/// A promise takes more memory than a small message, and most programs drop the future at once. Whenever there are twice
/// as many as were left the last time: that pays for it.
void WriteQueue::forget_unwanted() {
    for (const Mark& mark : marks_) {
        if (!mark.promise.wanted()) mark.promise.future().cancel(); // so that its end is nobody's error
    }
    std::erase_if(marks_, [](const Mark& mark) { return mark.promise.done(); });
    sweep_at_ = std::max(least_sweep, 2 * marks_.size());
}

void WriteQueue::sent(std::size_t size) {
    bytes_.drop(size);
    sent_ += size;
    keep_promises();
}

void WriteQueue::keep_promises() {
    while (!marks_.empty() && marks_.front().at <= sent_) {
        Promise<void> promise = std::move(marks_.front().promise);
        marks_.pop_front();
        promise.set_value();
    }
}

void WriteQueue::fail(const std::exception_ptr& error) {
    bytes_.clear();
    for (auto marks = std::exchange(marks_, {}); !marks.empty(); marks.pop_front())
        detail::fail_quietly(marks.front().promise, error);
}

} // namespace ioloop
