// SPDX-License-Identifier: MIT
/// IOLoop::Gate: what a Poster holds of the loop, and that outlives it. Floor 2.
#pragma once

#include <ioloop/io_loop.hpp>

#include <atomic>
#include <cstdint>

namespace ioloop {

/// Through which Posters reach the loop while it is there.
class IOLoop::Gate {
public:
    explicit Gate(Impl& loop) noexcept : loop_(&loop) {}

    /// Calls f(loop) unless the loop is gone; it does not go meanwhile. Thread: any.
    template <class F> bool enter(F&& f) {
        const Inside inside(inside_);
        Impl* const loop = loop_.load();
        return loop != nullptr && f(*loop);
    }
    /// Lets nobody in any more, and `wait`s for those that are inside.
    void shut(bool wait) noexcept;

private:
    struct Inside {
        explicit Inside(std::atomic<std::uint32_t>& c) : count(c) { count.fetch_add(1); }
        Inside(const Inside&) = delete;
        Inside& operator=(const Inside&) = delete;
        ~Inside() { count.fetch_sub(1); }
        std::atomic<std::uint32_t>& count;
    };

    std::atomic<Impl*> loop_;
    std::atomic<std::uint32_t> inside_{0};
};

} // namespace ioloop
