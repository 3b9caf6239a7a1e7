// SPDX-License-Identifier: MIT
/// Here: what the library knows of the calling thread. Floor 0.
///
/// Trivial, and initialised when the program is compiled: so it costs a load where it is used, and can be read as long
/// as the thread runs, also by what is destroyed last. It owns nothing.
#pragma once

#include <cstdint>

namespace ioloop {

namespace detail {
class ContextBlock;
struct ContextNode;
} // namespace detail

struct Here {
    std::uint64_t thread = 0; ///< see this_thread(); 0: not asked for yet
    void* loop = nullptr;     ///< whose run_ call this thread is in, innermost: an IOLoop::Impl

    // What is current (context.hpp). It is kept by a block, or by whoever makes the call.
    const detail::ContextNode* node = nullptr;
    detail::ContextBlock* blocks = nullptr; ///< open since the last boundary, innermost first
    bool in_coroutine = false;              ///< which were opened by the coroutine that runs
};
extern constinit thread_local Here here;

std::uint64_t number_this_thread() noexcept;

/// A number for the calling thread, from 1 up; never given to another one, not even when this one has ended.
inline std::uint64_t this_thread() noexcept { return here.thread != 0 ? here.thread : number_this_thread(); }

} // namespace ioloop
