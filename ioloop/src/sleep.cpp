// SPDX-License-Identifier: MIT
#include <ioloop/sleep.hpp>

namespace ioloop::detail {

void SleepAwaiter::arm() {
    if (!may_wait()) return;
    IOLoop& loop = loop_of_coroutine();
    const NullContext none; // the suspension has its own
    auto wake = [this] {
        loop_ = {};
        suspension_.resume();
    };
    timeout_ =
        delay_ == forever ? loop.call_at(deadline_, wake, origin_) : loop.call_later(delay_, wake, origin_);
    loop_ = Poster(loop);
}

} // namespace ioloop::detail
