// SPDX-License-Identifier: MIT
/// IOLoop::Impl, beside chapter 4: how a run_ call keeps to its budget, and how long its calls took.
#include "spend.hpp"

namespace ioloop {

/// may_call(), where there is more to look at.
bool IOLoop::Impl::may_still_call(Spend& spend) {
    if (paused_ && !spend.stepping) return false;
    if (spend.limited && spend.made > 0) {
        if (spend.calls != unlimited && spend.made >= spend.calls) return false;
        if (spend.timed) {
            instant_ = clock_->now();
            if (instant_ >= spend.limit || (spend.measuring && instant_ - spend.begin >= spend.time) ||
                spend.time <= Duration::zero()) {
                return false;
            }
        }
    }
    if (!spend.measuring) measure(spend);
    ++spend.made;
    return true;
}

/// True if the observer wants a pause instead of this call, which may_call() has granted.
bool IOLoop::Impl::held_before(Spend& spend, CallKind kind, std::uint64_t id, const Chain& chain, Fd fd,
                               Events events) {
    if (spend.stepping) return false;
    next_.turn = turn_;
    next_.id = id;
    next_.chain = chain;
    next_.kind = kind;
    next_.fd = fd;
    next_.events = events;
    if (!observer_->pause_before(next_)) return false;
    --spend.made;
    set_paused(true);
    return true;
}

} // namespace ioloop
