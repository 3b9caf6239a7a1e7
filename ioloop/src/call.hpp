// SPDX-License-Identifier: MIT
/// IOLoop::Impl, beside chapter 4: how a turn makes a call, which is a callable on the stack. Floor 2.
///
/// A header, for turn.cpp alone: this is the innermost of the loop, and inlined there.
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

/// The kind of call that such a wake is for.
inline CallKind woken_for(WakeReason reason) noexcept {
    switch (reason) {
    case WakeReason::descriptor: return CallKind::handler;
    case WakeReason::deadline:
    case WakeReason::timeout: return CallKind::timeout;
    case WakeReason::callbacks:
    case WakeReason::woken:
    case WakeReason::polled: break;
    }
    return CallKind::callback;
}

/// Runs a callable, between the observer's two looks; what it throws goes to the error hook.
template <class F> void IOLoop::Impl::guarded(Call& call, const Context& context, F&& f) {
    const auto run = [&] { context ? context.run(f) : f(); }; // in none: the run_ call has seen to that
    Observer* const observer = observer_;
    if (observer != nullptr) {
        call.record.begin = instant_;
        if (call.ready_at != TimePoint{} && !holding_)
            call.record.late = std::max(instant_ - std::max(call.ready_at, TimePoint{}), Duration{});
        observer->before_call(call.record);
        if (record_.cause.site() == SiteId::none && call.record.kind == woken_for(record_.reason)) {
            record_.cause = call.record.chain;
            record_.cause_fd = call.record.fd;
        }
    }
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
    run();
#endif
    if (observer != nullptr && observer == observer_) {
        instant_ = clock_->now();
        call.record.took = instant_ - call.record.begin;
        if (call.record.turn == turn_) { // else a nested call has reported that turn already
            switch (call.record.kind) {
            case CallKind::handler: record_.handlers_took += call.record.took; break;
            case CallKind::callback: record_.callbacks_took += call.record.took; break;
            case CallKind::timeout: record_.timeouts_took += call.record.took; break;
            }
        }
        observer->after_call(call.record);
#if IOLOOP_EXCEPTIONS
        if (error) observer->on_error(call.record, error);
#endif
    }
#if IOLOOP_EXCEPTIONS
    if (error) report_error(error, call.record.chain, call.record.kind);
#endif
}

} // namespace ioloop
