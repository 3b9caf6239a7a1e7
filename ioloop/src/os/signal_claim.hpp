// SPDX-License-Identifier: MIT
/// Claims of signals: at most one listener for each signal in the process. Floor 1.
///
/// A library in somebody's program does not take signals; this one does only when asked, gives each back as it
/// was, and not if the program has replaced the handler meanwhile: then it is the program's.
#pragma once

#include <system_error>

namespace ioloop {

class SignalListener {
public:
    SignalListener() = default;
    SignalListener(const SignalListener&) = delete;
    SignalListener& operator=(const SignalListener&) = delete;
    virtual ~SignalListener() = default;

    /// Called in the handler of the signal, on any thread: signal-safe calls only. errno is kept for it.
    virtual void on_signal() noexcept = 0;
};

/// From now on `listener` is told of each `signal` that is delivered. System calls that the handler interrupts
/// are restarted, where the system does that (SA_RESTART; never epoll_wait and poll, signal(7)).
/// Errors: file_exists if it is claimed already; invalid_argument for what is no signal or cannot be caught.
/// Thread: any, but not a signal handler.
std::error_code claim_signal(int signal, SignalListener& listener);

/// Ends the claim and restores what was there before it. After it returns the listener is not told any more,
/// nor being told on any thread. Requires: claim_signal() gave it. Thread: as claim_signal().
void release_signal(int signal) noexcept;

} // namespace ioloop
