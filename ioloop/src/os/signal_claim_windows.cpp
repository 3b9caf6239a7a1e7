// SPDX-License-Identifier: MIT
/// Windows has the signals of the C runtime: SIGINT and SIGBREAK from the console, on a thread of their own, and what
/// raise() is called with. Each delivery sets the handler back to SIG_DFL, so the handler puts itself in again.
#include "signal_claim.hpp"

#include <atomic>
#include <csignal>
#include <mutex>
#include <thread>

namespace ioloop {
namespace {

using SystemHandler = void (*)(int);

struct Claim {
    std::atomic<SignalListener*> listener{nullptr};
    std::atomic<int> inside{0}; ///< handlers that may be calling it
    SystemHandler before = SIG_DFL;
};

constexpr int signals = 32; // more than NSIG
Claim claims[signals];
std::mutex claiming;

void on_signal(int signal) {
    std::signal(signal, &on_signal);
    Claim& claim = claims[signal];
    claim.inside.fetch_add(1);
    if (SignalListener* listener = claim.listener.load()) listener->on_signal();
    claim.inside.fetch_sub(1);
}

} // namespace

std::error_code claim_signal(int signal, SignalListener& listener) {
    if (signal <= 0 || signal >= signals) return make_error_code(std::errc::invalid_argument);
    const std::lock_guard lock(claiming);
    Claim& claim = claims[signal];
    if (claim.listener != nullptr) return make_error_code(std::errc::file_exists);
    claim.listener = &listener;
    const SystemHandler before = std::signal(signal, &on_signal);
    if (before == SIG_ERR) {
        claim.listener = nullptr;
        return make_error_code(std::errc::invalid_argument);
    }
    claim.before = before;
    return {};
}

void release_signal(int signal) noexcept {
    const std::lock_guard lock(claiming);
    Claim& claim = claims[signal];
    const SystemHandler found = std::signal(signal, claim.before);
    if (found != &on_signal) std::signal(signal, found); // the program's, meanwhile
    claim.listener = nullptr;
    while (claim.inside != 0) std::this_thread::yield();
}

} // namespace ioloop
