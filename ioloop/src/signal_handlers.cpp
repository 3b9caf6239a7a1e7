// SPDX-License-Identifier: MIT
/// IOLoop::Impl, chapter 7: signals as callbacks. The handler of the system posts into the signal queue, at
/// most one post for each signal: while that waits, further raises are the same news.
#include "call.hpp"
#include "io_loop_impl.hpp"
#include "os/signal_claim.hpp"
#include "raise.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace ioloop {

/// What on_signal() posts is the loop and a number, not this: it may be gone when the loop comes to it.
class IOLoop::Impl::SignalHandler final : public SignalListener {
public:
    SignalHandler(Impl& l, int s, std::uint64_t n, Callback&& c, const Origin& o)
        : signal(s),
          number(n),
          origin(o),
          callback(std::move(c)),
          loop_(l) {}

    void on_signal() noexcept override {
        if (!pending.exchange(true)) post();
    }
    void post() noexcept {
        // Fits: there are fewer signals than reserved places, and each of them holds at most one.
        loop_.post_from_signal([loop = &loop_, n = number] { loop->run_signal_handler(n); }, origin,
                               SignalQueue::Room::reserved);
    }

    const int signal;
    const std::uint64_t number;
    const Origin origin;
    Callback callback;
    std::atomic<bool> pending{false}; ///< posted, not begun
    bool running = false;             ///< on the stack
    bool again = false;               ///< came due in a nested turn, while it ran

private:
    Impl& loop_;
};

std::error_code IOLoop::Impl::add_signal_handler(int signal, Callback&& callback, const Origin& origin) {
    require_usable("add_signal_handler", &origin);
    if (!callback) {
        raise(std::invalid_argument("add_signal_handler: null callback for signal " + std::to_string(signal) +
                                    ", " + describe(origin)));
    }
    collect_callbacks(); // so that adding and removing one over and over cannot fill the ring
    auto handler =
        std::make_shared<SignalHandler>(*this, signal, ++signal_handlers_made_, std::move(callback), origin);
    signal_handlers_.reserve(signal_handlers_.size() + 1);
    if (const auto error = claim_signal(signal, *handler)) return error;
    signal_handlers_.push_back(std::move(handler));
    return {};
}

bool IOLoop::Impl::remove_signal_handler(int signal) noexcept {
    const auto found = std::find_if(signal_handlers_.begin(), signal_handlers_.end(),
                                    [&](const auto& handler) { return handler->signal == signal; });
    if (found == signal_handlers_.end()) return false;
    const std::shared_ptr<SignalHandler> removed = std::move(*found); // destroyed when nothing points at it
    signal_handlers_.erase(found);
    release_signal(signal);
    return true;
}

void IOLoop::Impl::run_signal_handler(std::uint64_t number) {
    const auto found = std::find_if(signal_handlers_.begin(), signal_handlers_.end(),
                                    [&](const auto& handler) { return handler->number == number; });
    if (found == signal_handlers_.end()) return; // removed after it was raised
    // Pinned: it may remove itself, or destroy the loop.
    const std::shared_ptr<SignalHandler> handler = *found;
    if (handler->running) {
        handler->again = true; // a callable on the stack is never entered again
        return;
    }
    // Before the call: what is raised from now on is news. If nothing is, it was run in a pause.
    if (!handler->pending.exchange(false)) return;
    struct Running {
        explicit Running(SignalHandler& h) : handler(h) { handler.running = true; }
        ~Running() {
            handler.running = false;
            if (std::exchange(handler.again, false)) handler.post(); // refused if the loop is closed
        }
        SignalHandler& handler;
    } const running(*handler);
    handler->callback();
}

/// While the loop is paused: a program that is told to end, or to dump its state, does so. All else waits.
void IOLoop::Impl::run_signals_in_pause() {
    const auto handlers = signal_handlers_; // they may add and remove
    for (const std::shared_ptr<SignalHandler>& handler : handlers) {
        if (!handler->pending || handler->running) continue;
        collect_callbacks(); // what it posted finds nothing to do later; in the ring it would take up room
        Call call(*this, CallKind::callback, 0, Chain{{site_of(handler->origin)}});
        call.ready_at = {};
        ++statistics_.callbacks_run;
        guarded(call, Context{}, [&] { run_signal_handler(handler->number); });
        if (abandoned_) return;
    }
}

/// Gives every signal back; the callables are the caller's to destroy.
std::vector<std::shared_ptr<IOLoop::Impl::SignalHandler>> IOLoop::Impl::release_signals() noexcept {
    for (const auto& handler : signal_handlers_) release_signal(handler->signal);
    return std::exchange(signal_handlers_, {});
}

} // namespace ioloop
