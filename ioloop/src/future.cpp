// SPDX-License-Identifier: MIT
#include "raise.hpp"

#include <ioloop/future.hpp>

#include <cstdio>
#include <future>

namespace ioloop::detail {
namespace {

/// Somebody wanted it so: no news.
bool is_cancellation([[maybe_unused]] const std::exception_ptr& error) noexcept {
#if IOLOOP_EXCEPTIONS
    try {
        std::rethrow_exception(error);
    } catch (const CancelledError&) {
        return true;
    } catch (...) { // NOLINT(bugprone-empty-catch)
    }
#endif
    return false;
}

} // namespace

void refuse_moved_from(const char* member) {
    raise(std::logic_error(std::string(member) + ": the promise was moved from"));
}

void refuse_empty_future(const char* member) {
    raise(std::logic_error(std::string(member) + ": empty future"));
}

FutureState::FutureState(IOLoop* home, const Origin& origin) : origin_(origin), context_(Context::current()) {
    if (home != nullptr) home_ = Poster(*home);
}

FutureState::Waiters::iterator FutureState::when_done(const Poster& loop, Callback callback,
                                                      const Origin& origin) {
    Waiters made; // outside the lock: to move a closure is to run code of the program
    const auto waiter = made.insert(made.end(), {loop, std::move(callback), origin});
    {
        const std::lock_guard lock(mutex_);
        if (!done()) {
            waiters_.splice(waiters_.end(), made);
            return waiter;
        }
    }
    post(made);
    return {};
}

void FutureState::withdraw(Waiters::iterator waiter) noexcept {
    if (done()) return;
    Waiters withdrawn; // destroyed outside the lock
    const std::lock_guard lock(mutex_);
    if (!done()) withdrawn.splice(withdrawn.end(), waiters_, waiter);
}

bool FutureState::claim() {
    const std::lock_guard lock(mutex_);
    if (!claimed_) return claimed_ = true;
    if (!cancelled_) raise(std::future_error(std::future_errc::promise_already_satisfied));
    return false;
}

void FutureState::unclaim() {
    const std::lock_guard lock(mutex_);
    claimed_ = false;
}

void FutureState::publish() {
    Waiters waiters;
    std::unique_ptr<Callback> hook; // of no more use, and destroyed outside the lock
    {
        const std::lock_guard lock(mutex_);
        done_.store(true, std::memory_order_release);
        waiters.swap(waiters_);
        std::swap(hook, on_cancel_);
    }
    post(waiters);
}

/// Outside the lock: a loop that is closed destroys the callback, which may do anything.
void FutureState::post(Waiters& waiters) {
    const NullContext none; // each brings its own
    for (Waiter& waiter : waiters) waiter.loop.deliver(std::move(waiter.callback), waiter.origin);
}

bool FutureState::cancel() {
    Waiters waiters;
    std::unique_ptr<Callback> hook;
    {
        const std::lock_guard lock(mutex_);
        if (claimed_) return false;
        claimed_ = cancelled_ = true;
        set_error(std::make_exception_ptr(CancelledError()));
        retrieved(); // somebody wanted it so
        done_.store(true, std::memory_order_release);
        waiters.swap(waiters_);
        std::swap(hook, on_cancel_);
    }
    post(waiters);
    if (hook) (*hook)();
    return true;
}

void FutureState::on_cancel(Callback hook) {
    auto made = hook ? std::make_unique<Callback>(std::move(hook)) : nullptr;
    const std::lock_guard lock(mutex_);
    std::swap(on_cancel_, made); // the earlier one is destroyed outside the lock
}

void FutureState::abandon() {
    if (done()) return;
    if (home_.closed()) retrieved(); // the end of the loop is the end of all work on it, and no news
    settle(
        [this] { set_error(std::make_exception_ptr(std::future_error(std::future_errc::broken_promise))); });
}

void FutureState::require_done(const char* member) const {
    if (!done()) raise(std::logic_error(std::string(member) + ": the result is not there yet"));
}

void FutureState::report_unseen(const std::exception_ptr& error) noexcept {
    if (retrieved_ || is_cancellation(error)) return;
    const NullContext none;
    // As if the work had been a callback: in its context, and else to the error hook.
    auto rethrow = [context = std::move(context_), error] {
        context.run([&] { std::rethrow_exception(error); });
    };
    if (home_.deliver(std::move(rethrow), origin_)) return;
    std::fprintf(stderr, "ioloop: an error that nobody asked for, and no loop to report it to: %s: %s\n",
                 describe(origin_).c_str(), message_of(error).c_str());
}

} // namespace ioloop::detail
