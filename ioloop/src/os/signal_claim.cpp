// SPDX-License-Identifier: MIT
#include "signal_claim.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <mutex>
#include <thread>

#include <signal.h>

namespace ioloop {
namespace {

struct Claim {
    std::atomic<SignalListener*> listener{nullptr};
    std::atomic<int> inside{0}; ///< handlers on some stack
    struct sigaction before {};
};

/// Has no destructor: a signal may come while the process exits.
std::array<Claim, NSIG> claims;
std::mutex claims_mutex; ///< never taken in a handler

static_assert(std::atomic<SignalListener*>::is_always_lock_free && std::atomic<int>::is_always_lock_free,
              "a signal handler may touch them");

extern "C" void ioloop_on_signal(int signal) {
    const int saved = errno;
    Claim& claim = claims[static_cast<std::size_t>(signal)];
    claim.inside.fetch_add(1);
    if (SignalListener* listener = claim.listener.load()) listener->on_signal();
    claim.inside.fetch_sub(1);
    errno = saved;
}

/// sa_handler and sa_sigaction are one union: which of them is meant, the flags say.
bool is_ours(const struct sigaction& action) {
    return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == &ioloop_on_signal;
}

} // namespace

std::error_code claim_signal(int signal, SignalListener& listener) {
    if (signal <= 0 || signal >= NSIG) return make_error_code(std::errc::invalid_argument);
    Claim& claim = claims[static_cast<std::size_t>(signal)];
    const std::lock_guard lock(claims_mutex);
    if (claim.listener.load() != nullptr) return make_error_code(std::errc::file_exists);

    struct sigaction ours {};
    ours.sa_handler = &ioloop_on_signal;
    ours.sa_flags =
        SA_RESTART | SA_ONSTACK; // the latter for programs with small stacks; others do not notice
    ::sigemptyset(&ours.sa_mask);
    struct sigaction before {};
    claim.listener.store(&listener); // first: there is no moment at which a signal finds nobody
    if (::sigaction(signal, &ours, &before) != 0) {
        const int error = errno;
        claim.listener.store(nullptr);
        return {error, std::generic_category()};
    }
    // A program that saved our handler may have put it back after its release. That is not what was before.
    if (!is_ours(before)) claim.before = before;
    return {};
}

void release_signal(int signal) noexcept {
    Claim& claim = claims[static_cast<std::size_t>(signal)];
    const std::lock_guard lock(claims_mutex);
    struct sigaction now {};
    if (::sigaction(signal, nullptr, &now) == 0 && is_ours(now)) ::sigaction(signal, &claim.before, nullptr);
    claim.listener.store(nullptr);
    while (claim.inside.load() != 0) std::this_thread::yield();
}

} // namespace ioloop
