// SPDX-License-Identifier: MIT
/// IOLoop::Impl, beside chapter 4: how a turn makes a call, which is a callable on the stack. Floor 2.
///
/// A header for turn.cpp: this is the innermost of the loop, and inlined there. (And for the calls of signals in a pause.)
#pragma once

#include "io_loop_impl.hpp"
#include "raise.hpp"

#include <cstdint>
#include <exception>
#include <utility>

#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

namespace ioloop {

inline IOLoop::Impl::Call::Call(Impl& loop, CallKind k, std::uint64_t i, const Chain& c)
    : chain(c),
      id(i),
      outer(std::exchange(loop.frame_, this)),
      kind(k),
      loop_(loop) { // NOLINT(cppcoreguidelines-pro-type-member-init): the rest is set by those who have it
    if (loop.watchdog_) [[unlikely]]
        loop.tell_watchdog();
}

inline IOLoop::Impl::Call::~Call() {
    loop_.frame_ = outer;
    if (loop_.watchdog_) [[unlikely]]
        loop_.tell_watchdog();
}

/// Runs a callable, between the observer's two looks; what it throws goes to the error hook.
template <class F> inline void IOLoop::Impl::guarded(Call& call, const Context& context, F&& f) {
    if (observer_ != nullptr) [[unlikely]]
        tell_before(call);
    if (!unobserved(call, context, f)) return;
    if (call.told) [[unlikely]]
        tell_after(call, nullptr);
}

/// The same without the looks. False if it threw.
template <class F>
inline bool IOLoop::Impl::unobserved([[maybe_unused]] Call& call, const Context& context, F&& f) {
#if IOLOOP_EXCEPTIONS
    try {
#endif
        context ? context.run(f) : f(); // in none: the run_ call has seen to that
#if IOLOOP_EXCEPTIONS
#if defined(__GLIBCXX__)
    } catch (abi::__forced_unwind&) {
        throw; // pthread_cancel(): the thread is being taken down, and must be
#endif
    } catch (...) {
        call_failed(call, std::current_exception());
        return false;
    }
#endif
    return true;
}

} // namespace ioloop
