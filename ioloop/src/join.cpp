// SPDX-License-Identifier: MIT
#include "raise.hpp"

#include <ioloop/join.hpp>

namespace ioloop::detail {

std::unique_ptr<Spawned> Join::make_root() {
    class Root final : public Spawned {
        void give_result() override {}
    };
    return std::make_unique<Root>();
}

void Join::end() noexcept {
    ended_ = true;
    woken_otherwise_.reset();
    IOLoop* loop = loop_.loop();
    if (loop == nullptr) return;
    loop->remove_timeout(wake_);
    loop->remove_timeout(limit_);
}

void Join::start(const Runner& runner, Outcome<void>& failure) {
    if (complete()) return;
    [[maybe_unused]] bool entered = false;
#if IOLOOP_EXCEPTIONS
    try {
        runner.start(entered);
    } catch (...) {
        failure.set_error(std::current_exception());
    }
#else
    (void)failure;
    runner.start(entered);
#endif
}

void Join::limit(TimePoint deadline, const Origin& origin) {
    const NullContext none; // the suspension has its own
    limit_ = loop_.loop()->call_at(
        deadline, [this] { wake(); }, origin);
    suspension_.wait_for({WaitFor::branches, id_of(limit_)});
}

std::size_t Join::arrived() {
    if (missing_ > 0 && --missing_ == 0) wake_later(Duration::zero());
    return arrived_++;
}

/// Not from within the branch that has just ended: its context is open, and its frame on the stack.
void Join::wake_later(Duration delay) {
    if (ended_) return;
    IOLoop* loop = loop_.loop();
    if (loop == nullptr) return; // a branch closed it: all of this is destroyed as soon as it waits
    loop->remove_timeout(wake_); // one is enough
    const NullContext none;
    const Origin& place = suspension_.place();
    const auto arm = [&] {
        wake_ = loop->call_later(
            delay, [this] { wake(); }, place);
    };
#if IOLOOP_EXCEPTIONS
    try {
        arm();
    } catch (const std::bad_alloc&) { // of a timeout, at once; a callback arrives, but can not be taken back
        woken_otherwise_ = std::make_shared<Join*>(this);
        loop_.deliver(
            [weak = std::weak_ptr(woken_otherwise_)] {
                if (const auto join = weak.lock()) (*join)->wake();
            },
            place);
    }
#else
    arm();
#endif
}

void Join::wake() {
    // On the stack already? Then a branch runs the loop, a modal dialog, say; it cannot be destroyed meanwhile, and
    // going on might do just that.
    constexpr Duration look_again = std::chrono::milliseconds(1);
    if (is_running(root_)) return wake_later(look_again);
    loop_.loop()->remove_timeout(wake_);
    woken_otherwise_.reset();
    suspension_.resume();
}

void report_beside(const std::exception_ptr& error) {
    const Origin& origin = loop_of_coroutine().running_origin();
    Poster(loop_of_coroutine()).deliver([error] { std::rethrow_exception(error); }, origin);
}

void FirstError::add(std::exception_ptr error) {
    if (error == nullptr) return;
    if (first_ != nullptr) {
        report_beside(error);
    } else {
        first_ = std::move(error);
    }
}

void FirstError::raise() const {
    if (first_ != nullptr) std::rethrow_exception(first_);
}

void refuse_any_of_none() { raise(std::invalid_argument("any: nothing to wait for")); }

} // namespace ioloop::detail
