// SPDX-License-Identifier: MIT
#include "stack_trace.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <thread>

#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#if defined(__linux__) && defined(__GLIBC__)
#include <cxxabi.h>
#include <execinfo.h>
#include <ucontext.h>
#define HAVE_STACKS 1
#else
#define HAVE_STACKS 0
#endif

namespace ioloop {

struct ThreadStack::Target {
    pthread_t thread{};
    sigset_t blocked{}; ///< by that thread, when it attached
    pid_t process = ::getpid();
};

ThreadStack::ThreadStack() : target_(new Target()) {
#if HAVE_STACKS
    // The first call loads libgcc_s, with malloc() and all; see the notes in backtrace(3).
    void* frame = nullptr;
    ::backtrace(&frame, 1);
#endif
}

ThreadStack::~ThreadStack() { delete target_; }

void ThreadStack::attach() noexcept {
    target_->thread = ::pthread_self();
    ::pthread_sigmask(SIG_SETMASK, nullptr, &target_->blocked);
    attached_ = true;
}

void ThreadStack::detach() noexcept { attached_ = false; }

bool ThreadStack::forked() const noexcept { return ::getpid() != target_->process; }

#if HAVE_STACKS
namespace {

constexpr int most_frames = 64;

enum class State : std::uint8_t { idle, wanted, writing, done };

/// One capture at a time in the process: what its handler may touch. Never goes away, so a handler that comes
/// late finds it. The frames belong to the handler from `writing` to `done`.
struct {
    std::mutex mutex; ///< of those who capture; not for the handler
    std::atomic<State> state{State::idle};
    std::atomic<pthread_t> thread{};
    std::array<void*, most_frames> frames{};
    int count = 0;
    const void* interrupted_at = nullptr;
    std::atomic<int> on_the_way{0}; ///< signals sent and not yet arrived
    int signal = 0;                 ///< ours at the moment; 0: none
} capturing;

/// Who forks waits for the capture under way, so that a child finds that nobody is at it. No signal of the parent's comes to it.
[[maybe_unused]] const int left_alone =
    ::pthread_atfork([] { capturing.mutex.lock(); }, [] { capturing.mutex.unlock(); },
                     [] {
                         capturing.on_the_way.store(0);
                         capturing.mutex.unlock();
                     });

static_assert(std::atomic<State>::is_always_lock_free && std::atomic<pthread_t>::is_always_lock_free,
              "a signal handler may touch them");

const void* program_counter(const void* context) {
    // NOLINTBEGIN(performance-no-int-to-ptr)
    [[maybe_unused]] const auto& machine = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
    return reinterpret_cast<const void*>(machine.gregs[REG_RIP]);
#elif defined(__i386__)
    return reinterpret_cast<const void*>(machine.gregs[REG_EIP]);
#elif defined(__aarch64__)
    return reinterpret_cast<const void*>(machine.pc);
#else
    return nullptr;
#endif
    // NOLINTEND(performance-no-int-to-ptr)
}

extern "C" void ioloop_on_capture(int, siginfo_t*, void* context) {
    const int saved = errno;
    capturing.on_the_way.fetch_sub(1);
    State wanted = State::wanted;
    if (::pthread_equal(capturing.thread.load(), ::pthread_self()) != 0 &&
        capturing.state.compare_exchange_strong(wanted, State::writing)) {
        capturing.count = ::backtrace(capturing.frames.data(), most_frames);
        capturing.interrupted_at = program_counter(context);
        capturing.state.store(State::done);
    }
    errno = saved;
}

/// The highest real-time signal for which the program has no plan: it would end the process if it came, and is not
/// blocked for the benefit of a signalfd or sigwait.
int unused_signal(const sigset_t& blocked) {
    for (int signal = SIGRTMAX; signal >= SIGRTMIN; --signal) {
        struct sigaction now {};
        if (::sigaction(signal, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) == 0 &&
            now.sa_handler == SIG_DFL && ::sigismember(&blocked, signal) == 0) {
            return signal;
        }
    }
    return 0;
}

bool claim(int signal) {
    struct sigaction ours {};
    ours.sa_sigaction = &ioloop_on_capture;
    ours.sa_flags = SA_SIGINFO | SA_RESTART;
    ::sigemptyset(&ours.sa_mask);
    if (::sigaction(signal, &ours, nullptr) != 0) return false;
    capturing.signal = signal;
    return true;
}

/// Gives the signal back, unless one of it is still on its way: that would then end the process. It stays ours
/// until a later capture finds it arrived.
void unclaim() {
    if (capturing.on_the_way.load() != 0) return;
    struct sigaction now {};
    if (::sigaction(capturing.signal, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) != 0 &&
        now.sa_sigaction == &ioloop_on_capture) {
        struct sigaction ends {};
        ends.sa_handler = SIG_DFL;
        ::sigaction(capturing.signal, &ends, nullptr);
    }
    capturing.signal = 0;
}

} // namespace

std::vector<const void*> ThreadStack::capture() const {
    if (!attached_) return {};
    const std::lock_guard lock(capturing.mutex);
    if (capturing.signal == 0) {
        const int signal = unused_signal(target_->blocked);
        if (signal == 0 || !claim(signal)) return {};
    }
    capturing.thread.store(target_->thread);
    capturing.state.store(State::wanted);
    capturing.on_the_way.fetch_add(1);
    std::vector<const void*> frames;
    if (::pthread_kill(target_->thread, capturing.signal) != 0) {
        capturing.on_the_way.fetch_sub(1);
        capturing.state.store(State::idle);
    } else {
        using namespace std::chrono_literals;
        const auto patience = std::chrono::steady_clock::now() + 100ms;
        State state = State::wanted;
        while ((state = capturing.state.load()) != State::done) {
            if (state == State::wanted && std::chrono::steady_clock::now() >= patience &&
                capturing.state.compare_exchange_strong(state, State::idle)) {
                break; // the signal may still arrive, and will find that nothing is wanted
            }
            std::this_thread::sleep_for(200us);
        }
        if (state == State::done) {
            // The innermost frames are the handler and the system's springboard to it.
            void* const* const begin = capturing.frames.data();
            void* const* const end = begin + capturing.count;
            void* const* first = begin;
            while (first != end && *first != capturing.interrupted_at) ++first;
            frames.assign(first != end ? first : begin, end);
        }
        capturing.state.store(State::idle);
    }
    unclaim();
    return frames;
}

std::vector<std::string> symbolise(std::span<const void* const> frames) {
    std::vector<void*> addresses;
    for (const void* frame : frames) addresses.push_back(const_cast<void*>(frame));
    // NOLINTNEXTLINE(cppcoreguidelines-no-malloc): the C library's to give
    const std::unique_ptr<char*, void (*)(void*)> lines(
        ::backtrace_symbols(addresses.data(), static_cast<int>(addresses.size())), &std::free);
    std::vector<std::string> out;
    for (std::size_t i = 0; lines != nullptr && i < addresses.size(); ++i) {
        // "program(function+0x1c) [0x55...]", "program(+0x12345) [0x55...]", or anything else
        const std::string line = lines.get()[i];
        const std::size_t open = line.find('(');
        const std::size_t plus = line.find('+', open);
        const std::size_t close = line.find(')', open);
        if (open == std::string::npos || plus == std::string::npos || close == std::string::npos ||
            plus > close) {
            out.push_back(line);
            continue;
        }
        const std::string program = line.substr(line.rfind('/', open) + 1, open - line.rfind('/', open) - 1);
        const std::string function = line.substr(open + 1, plus - open - 1);
        const std::string offset = line.substr(plus, close - plus);
        if (function.empty()) {
            out.push_back(program + offset);
            continue;
        }
        int status = 0;
        const std::unique_ptr<char, void (*)(void*)> name(
            abi::__cxa_demangle(function.c_str(), nullptr, nullptr, &status), &std::free);
        std::string text = status == 0 ? name.get() : function;
        out.push_back(text.append(offset).append(" (").append(program).append(")"));
    }
    return out;
}
#else
std::vector<const void*> ThreadStack::capture() const { return {}; }
std::vector<std::string> symbolise(std::span<const void* const>) { return {}; }
#endif

SignalsBlocked::SignalsBlocked() noexcept {
    static_assert(sizeof(sigset_t) <= sizeof before_ && alignof(sigset_t) <= alignof(std::uint64_t));
    sigset_t all;
    ::sigfillset(&all);
    for (const int own_fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) {
        ::sigdelset(&all, own_fault);
    }
    ::pthread_sigmask(SIG_SETMASK, &all, ::new (static_cast<void*>(before_)) sigset_t);
}

SignalsBlocked::~SignalsBlocked() {
    ::pthread_sigmask(SIG_SETMASK, std::launder(reinterpret_cast<const sigset_t*>(before_)), nullptr);
}

} // namespace ioloop
