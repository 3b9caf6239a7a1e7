// SPDX-License-Identifier: MIT
/// IOLoop::Impl, chapter 4: how a turn runs. The phases have the numbers that io_loop.hpp gives them.
///
/// The state of a turn is in the loop, not on the stack. Whoever runs (run_once, start, a nested run_once
/// inside a callable) picks up the turn where it stands; and as any call may have run nested turns, or
/// dropped the loop, every phase asks after each call whether it is still the one under way (still_in).
#include "call.hpp"
#include "io_loop_impl.hpp"
#include "raise.hpp"
#include "spend.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace ioloop {

/// Asked just before each call: is there budget for it? There always is for the first.
inline bool IOLoop::Impl::may_call(Spend& spend) {
    // A callable before this one may have paused the loop.
    if (spend.checks || paused_.load(std::memory_order_relaxed)) [[unlikely]]
        return may_still_call(spend);
    ++spend.made;
    return true;
}

// ---- the turn -----------------------------------------------------------------------------------

/// One turn, or the rest of one. False if the budget is spent with calls left to make.
bool IOLoop::Impl::turn(Duration timeout, Spend& spend, Turn& out) {
    if ((special_ & (Special::narrowed | Special::adrift)) != 0) [[unlikely]] {
        tell_poller(); // first: the error hook may run a turn
        if (abandoned_) return true;
    }
    if (phase_ != Phase::wait) {
        ++record_.pieces;
        const std::uint32_t before = spend.made;
        if (!finish_turn(spend, out)) return false;
        // A rest that turned out to be empty (it was removed, or runs further down the stack) is no turn.
        if (spend.made != before || abandoned_) return true;
    }
    begin_turn();
    wait(timeout, out); // 1
    phase_ = Phase::handlers;
    return finish_turn(spend, out);
}

/// From the phase in which it stands. A call may run the rest of the turn, or of its phase, in a nested one.
bool IOLoop::Impl::finish_turn(Spend& spend, Turn& out) {
    const std::uint64_t turn = turn_;
    bool within_budget = true;
    if (phase_ == Phase::handlers) within_budget = run_handlers(spend, out); // 2
    if (within_budget && still_in(turn, Phase::due)) {                       // 3
        batch_left_ = collect_callbacks();
        now_known_ = false;
        statistics_.callbacks_peak =
            std::max(statistics_.callbacks_peak, static_cast<std::uint32_t>(batch_left_));
        if (anything_due()) set_due_aside();
        phase_ = Phase::callbacks;
    }
    if (within_budget && still_in(turn, Phase::callbacks)) { // 4
        if (batch_left_ > 0) {
            within_budget = run_callbacks(spend, out);
        } else {
            phase_ = Phase::timeouts;
        }
    }
    if (within_budget && still_in(turn, Phase::timeouts)) { // 5
        if (due_left_ > 0) {
            within_budget = run_timeouts(spend, out);
        } else {
            phase_ = Phase::report;
        }
    }
    if (within_budget && still_in(turn, Phase::report)) report_turn(); // 6
    if (spend.measuring) settle(spend, out);
    return within_budget;
}

void IOLoop::Impl::begin_turn() {
    apply_hold(); // another thread may have resumed the loop
    ++turn_;
    ready_count_ = ready_next_ = 0;
    due_.clear(); // here, and not when they are set aside: that may be interrupted by a lack of memory, and go on later
    due_next_ = 0;
    due_left_ = 0;
    now_known_ = false;
    if (observer_ != nullptr) begin_record();
}

/// 1: waits at most min(timeout, next deadline, 0 if anything is queued).
void IOLoop::Impl::wait(Duration timeout, Turn& out) {
    if (frame_ != nullptr) unwatch_running();
    for (;;) {
        Duration limit = std::max(timeout, no_wait);
        WakeReason quiet = limit == no_wait ? WakeReason::polled : WakeReason::timeout;
        if (anything_queued()) {
            if (limit > no_wait) queue_.let_gather();
            limit = no_wait;
            quiet = WakeReason::callbacks;
        } else if (limit > no_wait && !timeout_queue_.empty()) {
            const TimePoint now = time();
            const Duration due = until(timeout_queue_.front_deadline(now), now);
            // While time stands still, what is not due now does not come due.
            if (due <= limit && (due <= no_wait || !holding_)) {
                limit = due;
                quiet = WakeReason::deadline;
            }
        }
        if (limit > no_wait && (special_ & Special::adrift) != 0) [[unlikely]] {
            if (const Duration pause = until(retry_at_, clock_->now()); pause < limit) {
                limit = pause;
                quiet = WakeReason::deadline;
            }
        }

        std::error_code error;
        Duration slept{};
        if (watchdog_) watchdog_->idle();
        if (limit > no_wait) {
            // Announce the sleep, then look once more; posters do it the other way round (see notify()).
            parked_.store(Parked::in_wait);
            if (queue_.has_inbox() || signal_queue_.ready() || stop_) limit = no_wait;
            const TimePoint before = clock_->now();
            if (observer_ != nullptr) record_.asked = limit;
            queue_.calm_down();
            error = poller_->wait(ready_, limit, ready_count_);
            slept = clock_->now() - before;
            parked_.store(Parked::no);
            if (slept < limit) quiet = WakeReason::woken;
            ++statistics_.sleeps;
            statistics_.waited += slept;
            out.waited += slept;
            record_.waited += slept;
        } else {
            error = poller_->wait(ready_, no_wait, ready_count_);
        }

        if (watchdog_) watchdog_->busy();

        if (error && error == std::errc::interrupted) {
            // The turn starts again: the signal's handler may have posted or stopped.
            ++statistics_.interrupts;
            if (timeout != forever) timeout = timeout > slept ? timeout - slept : no_wait;
            if (stop_) timeout = no_wait;
            continue;
        }
        if (error)
            raise(std::system_error(error, "waiting in the poller (" + std::string(poller_->name()) + ")"));
        if (!injected_.empty()) take_injected();
        record_.reason = ready_count_ > 0 ? WakeReason::descriptor : quiet;
        now_known_ = false;
        return;
    }
}

/// 2: handlers, one at a time, as any of them may remove any other.
bool IOLoop::Impl::run_handlers(Spend& spend, Turn& out) {
    const std::uint64_t turn = turn_;
    while (ready_next_ < ready_count_) {
        const Poller::Ready ready = ready_[ready_next_];
        HandlerEntry* entry = handlers_.find_key(ready.key);
        if (entry == nullptr) {
            ++ready_next_;
            ++statistics_.stale_events;
            // Removed in this turn: nothing special. Removed earlier, and yet the poller goes on about it:
            // the descriptor was closed while a duplicate lives, so the poller could not be told (tornado
            // #1103). It would spin for ever.
            const HandlerTable::Removal removal = handlers_.removal_of(ready.key);
            if (removal.was_in(turn)) continue;
            ++statistics_.orphan_events;
            statistics_.orphan_site = removal.site;
            rebuild_poller();
            if (!still_in(turn, Phase::handlers)) return true;
            continue;
        }
        if (ready.gone) {
            ++ready_next_;
            bury(*entry);
            if (!still_in(turn, Phase::handlers)) return true;
            continue;
        }
        const Events events = ready.events & (entry->interest | Events::error);
        if (!any(events) || entry->running) {
            ++ready_next_;
            continue;
        }
        if (!may_call(spend)) return false;
        if (observer_ != nullptr &&
            held_before(spend, CallKind::handler, ready.key, entry->chain, entry->fd, events))
            return false;
        ++ready_next_;
        call_handler(ready.key, *entry, events, out);
        if (!still_in(turn, Phase::handlers)) return true;
    }
    phase_ = Phase::due;
    return true;
}

void IOLoop::Impl::call_handler(Poller::Key key, HandlerEntry& entry, Events events, Turn& out) {
    // A handler that is ready for very long without a break deserves a look: its descriptor may be closed,
    // and the readiness that of a duplicate. The poller knows whether number and file still belong together.
    constexpr std::uint32_t suspicious_streak = 64;
    entry.streak = entry.last_turn + 1 == turn_ ? entry.streak + 1 : 1;
    if (entry.streak % suspicious_streak == 0 && !entry.unwatched) {
        const auto error = watch(entry, entry.interest, key);
        if (error && !is_shortage(error)) {
            bury(entry);
            if (!abandoned_) rebuild_poller();
            return;
        }
    }

    Call call(*this, CallKind::handler, key, entry.chain);
    call.ready_at = {};
    call.fd = entry.fd;
    call.events = events;
    entry.last_ready = events;
    entry.last_turn = turn_;
    ++entry.calls;
    ++statistics_.handlers_run;
    ++out.handlers;

    // Pinned: if it removes itself, remove() leaves the callable to us. RAII, as the error hook may throw.
    struct Pin {
        Pin(Impl& l, Poller::Key k, HandlerEntry& h, std::error_code& r) : loop(l), key(k), e(h), refused(r) {
            e.running = true;
        }
        ~Pin() {
            e.running = false;
            if (loop.handlers_.find_key(key) == nullptr) {
                loop.handlers_.release(key);
            } else if (e.unwatched) {
                refused = loop.watch_again(e, key);
                if (!refused) return;
                if (is_shortage(refused)) {
                    loop.set_adrift(e);
                } else {
                    loop.drop(e);
                }
            }
        }
        Impl& loop;
        Poller::Key key;
        HandlerEntry& e;
        std::error_code& refused;
    };
    std::error_code refused;
    {
        const Pin pin(*this, key, entry, refused);
        guarded(call, entry.context, [&] { entry.handler(entry.fd, events); });
    }
    if (refused && !is_shortage(refused)) report_lost(call.fd, call.chain, refused);
}

/// 3: from here on a timeout belongs to this turn or to a later one.
void IOLoop::Impl::set_due_aside() {
    const TimePoint now = this->now();
    while (timeout_queue_.not_before() <= now) {
        due_.push_back({}); // room first: a failure must not lose the timeout
        const std::uint32_t slot = timeout_queue_.pop_due(now);
        if (slot == TimeoutQueue::nothing) {
            due_.pop_back();
            break;
        }
        due_.back() = {slot, timeouts_.generation(slot)};
        ++due_left_;
    }
}

/// 4: those queued when the phase began; what they post waits for the next turn.
bool IOLoop::Impl::run_callbacks(Spend& spend, Turn& out) {
    const std::uint64_t turn = turn_;
    while (batch_left_ > 0) {
        if (!may_call(spend)) return false;
        if ((special_ & Special::in_calls) != 0) [[unlikely]] {
            if (!run_special_callback(spend, out)) return false;
        } else {
            // This one and those after it, as long as nobody is to be asked or told of each.
            CallbackArena::Taker taker(queue_.queued());
            Call call(*this, CallKind::callback, 0, {});
            std::uint32_t made = 0;
            do {
                --batch_left_;
                ++made;
                ++statistics_.callbacks_run;
                call.id = queue_.queued().front_id();
                const CallbackArena::Taken callback(taker); // destroyed before anything else happens
                call.chain = callback->chain();
                unobserved(call, callback->context(), *callback);
            } while (batch_left_ > 0 && !spend.checks && (special_ & Special::in_calls) == 0 &&
                     still_in(turn, Phase::callbacks));
            spend.made += made - 1;
            out.callbacks += made;
        }
        if (!still_in(turn, Phase::callbacks)) return true;
    }
    phase_ = Phase::timeouts;
    return true;
}

/// False if the observer wants a pause instead.
bool IOLoop::Impl::run_special_callback(Spend& spend, Turn& out) {
    CallbackArena& queued = queue_.queued();
    const std::uint64_t id = queued.front_id();
    const Chain chain = queued.front().chain();
    if (observer_ != nullptr && held_before(spend, CallKind::callback, id, chain)) return false;
    --batch_left_;
    CallbackArena::Taker taker(queued);
    Call call(*this, CallKind::callback, id, chain);
    const CallbackArena::Taken callback(taker);
    call.ready_at = callback->posted_at();
    ++statistics_.callbacks_run;
    ++out.callbacks;
    guarded(call, callback->context(), *callback);
    return true;
}

/// 5: those set aside, each checked again: a callable before it may have removed it or moved it.
bool IOLoop::Impl::run_timeouts(Spend& spend, Turn& out) {
    constexpr std::size_t ahead = 8; // calls; they lie about in memory
    const std::uint64_t turn = turn_;
    while (due_next_ < due_.size()) {
        const Timeout id = due_[due_next_];
        if (due_.size() - due_next_ > ahead) {
            const std::uint32_t soon = due_[due_next_ + ahead].slot;
            timeout_queue_.prefetch(soon);
            timeouts_.prefetch(soon);
        }
        if (!timeouts_.contains(id.slot, id.generation) || !timeout_queue_.due(id.slot)) {
            ++due_next_;
            continue;
        }
        if (!may_call(spend)) return false;
        TimeoutEntry& entry = timeouts_.at(id.slot);
        if (observer_ != nullptr && held_before(spend, CallKind::timeout, id_of(id), entry.chain))
            return false;
        ++due_next_;
        --due_left_;
        timeout_queue_.take(id.slot);
        call_timeout(id, entry, out);
        if (!still_in(turn, Phase::timeouts)) return true;
    }
    phase_ = Phase::report;
    return true;
}

void IOLoop::Impl::call_timeout(Timeout id, TimeoutEntry& entry, Turn& out) {
    Call call(*this, CallKind::timeout, id_of(id), entry.chain);
    if (observer_ != nullptr) [[unlikely]]
        call.ready_at = timeout_queue_.deadline(id.slot);
    ++entry.fires;
    ++statistics_.timeouts_run;
    ++out.timeouts;

    // Pinned; afterwards gone, unless it re-armed itself.
    struct Pin {
        Pin(Impl& l, Timeout i, TimeoutEntry& e) : loop(l), id(i), entry(e) { entry.running = true; }
        ~Pin() {
            entry.running = false;
            if (loop.timeouts_.contains(id.slot, id.generation)) {
                if (std::exchange(entry.rearmed, false)) {
                    loop.timeout_queue_.arm_as_planned(id.slot);
                    return;
                }
                loop.timeouts_.retire(id.slot);
            }
            loop.timeouts_.release(id.slot);
        }
        Impl& loop;
        Timeout id;
        TimeoutEntry& entry;
    } const pin(*this, id, entry);
    guarded(call, entry.context, [&] { entry.callback(); });
}

/// 6
void IOLoop::Impl::report_turn() {
    ++statistics_.turns;
    phase_ = Phase::wait;
    if (observer_ != nullptr) tell_turn();
}

} // namespace ioloop
