// SPDX-License-Identifier: MIT
/// IOLoop::Impl, beside chapter 4: how a turn makes a call, which is a callable on the stack. Floor 2.
///
/// A header for turn.cpp: this is the innermost of the loop, and inlined there. (And for the calls of signals in a pause.)
#pragma once

#include "io_loop_impl.hpp"
#include "raise.hpp"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <utility>

#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

namespace ioloop {

inline IOLoop::Impl::Call::Call(Impl& loop, CallKind kind, std::uint64_t id, const Chain& chain)
    : outer(std::exchange(loop.frame_, this)),
      loop_(loop) {
    record.turn = loop.turn_;
    record.id = id;
    record.chain = chain;
    record.kind = kind;
    record.depth = static_cast<std::uint8_t>(std::min<std::uint32_t>(loop.statistics_.depth, UINT8_MAX));
    if (loop.watchdog_) [[unlikely]]
        loop.tell_watchdog();
}

inline IOLoop::Impl::Call::~Call() {
    loop_.frame_ = outer;
    if (loop_.watchdog_) [[unlikely]]
        loop_.tell_watchdog();
}

/// Runs a callable, between the observer's two looks; what it throws goes to the error hook.
template <class F> void IOLoop::Impl::guarded(Call& call, const Context& context, F&& f) {
    const auto run = [&] { context ? context.run(f) : f(); }; // in none: the run_ call has seen to that
    bool told = false;
    if (observer_ != nullptr) [[unlikely]]
        told = tell_before(call);
#if IOLOOP_EXCEPTIONS
    std::exception_ptr error;
    try {
        run();
#if defined(__GLIBCXX__)
    } catch (abi::__forced_unwind&) {
        throw; // pthread_cancel(): the thread is being taken down, and must be
#endif
    } catch (...) {
        error = std::current_exception();
        call.record.threw = true;
    }
#else
    const std::exception_ptr error;
    run();
#endif
    if (told) [[unlikely]]
        tell_after(call, error);
#if IOLOOP_EXCEPTIONS
    if (error) report_error(error, call.record.chain, call.record.kind);
#endif
}

} // namespace ioloop
