// SPDX-License-Identifier: MIT
/// Signals for tests, on POSIX and on Windows. There a delivery takes the handler out before it calls it, so that a
/// handler that is to stay puts itself in again, and two threads must not raise one signal at once.
#pragma once

#include <csignal>

#include <gtest/gtest.h>
#include <pthread.h>

#if defined(_WIN32)
// In the place of those that are for everybody's use. The C runtime has no others that it does not raise itself.
inline constexpr int SIGUSR1 = SIGBREAK;
inline constexpr int SIGUSR2 = SIGTERM;
inline constexpr int SIGRTMIN = SIGINT;
inline constexpr int SIGKILL = 9; // is none
inline constexpr int SIGSTOP = 19;
#endif

namespace os {

using SignalHandler = void (*)(int);

#if defined(_WIN32)

inline SignalHandler disposition_of(int signal) {
    const SignalHandler now = std::signal(signal, SIG_IGN);
    if (now != SIG_ERR) std::signal(signal, now);
    return now;
}
inline void set_disposition(int signal, SignalHandler handler) {
    EXPECT_NE(std::signal(signal, handler), SIG_ERR) << signal;
}
/// What a handler does first, to stay.
inline void stay(int signal, SignalHandler handler) { std::signal(signal, handler); }
/// Delivers it to `thread`; here, where a signal comes on the thread that raises it and no other, to the caller's.
inline void raise_on(::pthread_t, int signal) { std::raise(signal); }

#else

/// SIG_ERR if there is no such signal.
inline SignalHandler disposition_of(int signal) {
    struct sigaction now {};
    return ::sigaction(signal, nullptr, &now) == 0 ? now.sa_handler : SIG_ERR;
}
inline void set_disposition(int signal, SignalHandler handler) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    EXPECT_EQ(::sigaction(signal, &action, nullptr), 0) << signal;
}
inline void stay(int, SignalHandler) {}
inline void raise_on(::pthread_t thread, int signal) { EXPECT_EQ(::pthread_kill(thread, signal), 0); }

#endif

/// The disposition of a signal for the length of a test.
class Disposition {
public:
    Disposition(int signal, SignalHandler handler) : signal_(signal), before_(disposition_of(signal)) {
        set_disposition(signal, handler);
    }
    Disposition(const Disposition&) = delete;
    Disposition& operator=(const Disposition&) = delete;
    ~Disposition() { set_disposition(signal_, before_); }

private:
    int signal_;
    SignalHandler before_;
};

} // namespace os
