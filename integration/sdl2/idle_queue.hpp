// SPDX-License-Identifier: MIT
/// IdleQueue: callables that wait for time nobody else wants. They run as callbacks of the loop, one at a time, so that the
/// inspector sees them and errors go where all errors go.
#pragma once

#include <ioloop/context.hpp>
#include <ioloop/io_loop.hpp>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

namespace ioloop::sdl2 {

class IdleQueue : public std::enable_shared_from_this<IdleQueue> {
public:
    using Call = Function<void(Duration)>;

    std::uint64_t push(Call call, const Origin& origin) {
        waiting_.push_back({++last_id_, wrap(std::move(call)), origin});
        return last_id_;
    }

    bool cancel(std::uint64_t id) noexcept {
        const auto found =
            std::find_if(waiting_.begin(), waiting_.end(), [&](const Item& i) { return i.id == id; });
        if (found == waiting_.end()) return false;
        const Item dropped = std::move(*found); // its destructor may come back here
        waiting_.erase(found);
        return true;
    }

    bool waits() const noexcept { return !waiting_.empty(); }
    /// False if none waits that is not posted already.
    bool wants_time() const noexcept { return !waiting_.empty() && !posted_; }

    /// Posts the first: it has until `end`, by `clock`.
    void post_first(IOLoop& loop, TimePoint end, const Clock& clock) {
        posted_ = loop.add_callback(
            [weak = weak_from_this(), id = waiting_.front().id, end, &clock] {
                if (const auto self = weak.lock()) self->run(id, until(end, clock.now()));
            },
            waiting_.front().origin);
    }

    std::uint64_t calls() const noexcept { return calls_; }

private:
    struct Item {
        std::uint64_t id;
        Call call;
        Origin origin;
    };

    void run(std::uint64_t id, Duration left) {
        posted_ = false;
        if (waiting_.empty() || waiting_.front().id != id) return; // cancelled
        Item item = std::move(waiting_.front());
        waiting_.pop_front();
        ++calls_;
        item.call(left);
    }

    std::deque<Item> waiting_;
    std::uint64_t last_id_ = 0;
    std::uint64_t calls_ = 0;
    bool posted_ = false; ///< the first one is
};

} // namespace ioloop::sdl2
