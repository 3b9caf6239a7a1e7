// SPDX-License-Identifier: MIT
#include <ioloop/clock.hpp>

namespace ioloop {

Clock& steady_clock() noexcept {
    struct SteadyClock final : Clock {
        TimePoint now() const noexcept override { return std::chrono::steady_clock::now(); }
    };
    static SteadyClock clock;
    return clock;
}

} // namespace ioloop
