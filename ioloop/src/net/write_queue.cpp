// SPDX-License-Identifier: MIT
#include "write_queue.hpp"

#include "quiet_failure.hpp"

#include <utility>

namespace ioloop {

void WriteQueue::push(std::string_view bytes, Promise<void> promise) {
    bytes_.append(bytes);
    marks_.push_back({sent_ + bytes_.size(), std::move(promise)});
    keep_promises();
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
