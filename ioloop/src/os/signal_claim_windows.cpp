// SPDX-License-Identifier: MIT
/// Windows has the signals of the C runtime: SIGINT and SIGBREAK from the console, on a thread of their own, and what
/// raise() is called with. Each delivery sets the handler back to SIG_DFL, so the handler puts itself in again. Who
/// looks in between, or is hit by the same signal on another thread, finds the default: so it is for all programs.
#include "signal_claim.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <thread>

namespace ioloop {
namespace {

using SystemHandler = void (*)(int);

struct Claim {
    std::atomic<SignalListener*> listener{nullptr};
    std::atomic<int> inside{0}; ///< handlers that may be calling it
    std::atomic<SystemHandler> before{SIG_DFL};
};

constexpr int signals = 32; // more than NSIG
Claim claims[signals];
std::mutex claims_mutex; ///< never taken in a handler

void on_signal(int signal);

/// Puts `handler` in, unless what is there is neither ours nor `vacant`: then it is the program's, and stays.
void replace_ours(int signal, SystemHandler handler, SystemHandler vacant) {
    const SystemHandler found = std::signal(signal, handler);
    if (found != &on_signal && found != vacant) std::signal(signal, found);
}

void on_signal(int signal) {
    const int saved = errno;
    Claim& claim = claims[signal];
    claim.inside.fetch_add(1);
    if (SignalListener* listener = claim.listener.load()) {
        replace_ours(signal, &on_signal, SIG_DFL);
        listener->on_signal();
    } else { // released since the delivery began
        replace_ours(signal, claim.before.load(), SIG_DFL);
    }
    claim.inside.fetch_sub(1);
    errno = saved;
}

} // namespace

std::error_code claim_signal(int signal, SignalListener& listener) {
    if (signal <= 0 || signal >= signals) return make_error_code(std::errc::invalid_argument);
    const std::lock_guard lock(claims_mutex);
    Claim& claim = claims[signal];
    if (claim.listener.load() != nullptr) return make_error_code(std::errc::file_exists);
    claim.listener.store(&listener); // first: there is no moment at which a signal finds nobody
    const SystemHandler before = std::signal(signal, &on_signal);
    if (before == SIG_ERR) {
        claim.listener.store(nullptr);
        return make_error_code(std::errc::invalid_argument);
    }
    // A program that saved our handler may have put it back after its release. That is not what was before.
    if (before != &on_signal) claim.before.store(before);
    return {};
}

void release_signal(int signal) noexcept {
    const std::lock_guard lock(claims_mutex);
    Claim& claim = claims[signal];
    replace_ours(signal, claim.before.load(), &on_signal);
    claim.listener.store(nullptr);
    while (claim.inside.load() != 0) std::this_thread::yield();
    replace_ours(signal, claim.before.load(), &on_signal); // one that was inside may have put itself in again
}

} // namespace ioloop
