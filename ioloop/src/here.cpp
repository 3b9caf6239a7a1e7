// SPDX-License-Identifier: MIT
#include "here.hpp"

#include <atomic>

namespace ioloop {

constinit thread_local Here here;

std::uint64_t number_this_thread() noexcept {
    static std::atomic<std::uint64_t> last{0};
    return here.thread = last.fetch_add(1, std::memory_order_relaxed) + 1;
}

} // namespace ioloop
