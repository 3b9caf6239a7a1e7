// SPDX-License-Identifier: MIT
/// IOLoop::Impl, chapter 5: time, errors, and being looked at.
#include "io_loop_impl.hpp"
#include "os/process.hpp"
#include "raise.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <utility>

namespace ioloop {

// ---- time ---------------------------------------------------------------------------------------

TimePoint IOLoop::Impl::now() const noexcept {
    if (statistics_.depth == 0) return time();
    if (!now_known_) {
        now_ = time();
        now_known_ = true;
    }
    return now_;
}

TimePoint IOLoop::Impl::next_deadline() const noexcept {
    if (closed_ || paused_) return never;
    return work_waits() ? now() : std::min(next_timeout(time()), next_retry());
}

/// By one reading of the clock: what is to be done now is not in a nanosecond, which a host would round up.
Duration IOLoop::Impl::time_to_deadline() const noexcept {
    if (closed_ || paused_) return forever;
    if (work_waits()) return no_wait;
    const TimePoint now = time();
    return time_left(next_timeout(now), now);
}

/// When the first timeout is due; `never` while time stands still before it.
TimePoint IOLoop::Impl::next_timeout(TimePoint now) const noexcept {
    if (paused_) return never;
    const TimePoint first = timeout_queue_.front_deadline(now);
    return holding_ && first > held_at_ ? never : first;
}

/// When what is adrift is to be watched again: by the clock, as it is tried while time stands still, too.
TimePoint IOLoop::Impl::next_retry() const noexcept {
    return (special_ & Special::adrift) != 0 && !paused_ ? retry_at_ : never;
}

/// Until `timeout`, or the next retry.
Duration IOLoop::Impl::time_left(TimePoint timeout, TimePoint now) const noexcept {
    const Duration left = until(timeout, now);
    if ((special_ & Special::adrift) == 0) return left;
    return std::min(left, until(next_retry(), clock_->now()));
}

/// Deadlines::included: the handle is to become readable when the first timeout is due.
void IOLoop::Impl::set_alarm() noexcept {
    if (!poller_ || forked()) return; // closed; or it is the parent's
    const TimePoint time_here = time();
    const TimePoint timeout = next_timeout(time_here);
    const TimePoint first = std::min(timeout, next_retry());
    const TimePoint now = steady_clock().now();
    const Duration in = time_left(timeout, time_here);
    // Set already? But where the loop's clock is not the system's, it may have rung in vain, and wait() have taken
    // that back; or the deadline is here before it.
    if (first == alarm_for_ && in > no_wait && now < alarm_rings_) return;
    alarm_for_ = first;
    alarm_rings_ = after(now, in);
    if (poller_->set_alarm(in)) return;
    // Out of memory, say. Let the host come too often, and try again, rather than never.
    alarm_rings_ = now;
    poller_->wake();
}

// ---- errors -------------------------------------------------------------------------------------

namespace {

/// What set_error_hook() gives back. It may be on the stack at this moment, so it is not moved, but shared.
struct EarlierHook {
    std::shared_ptr<ErrorHook> hook;
    std::uint64_t id;
    void operator()(std::exception_ptr error, const Origin& origin, CallKind kind) const {
        (*hook)(std::move(error), origin, kind);
    }
};
std::atomic<std::uint64_t> error_hooks_made{0}; // of all loops: one may be put into another

} // namespace

ErrorHook IOLoop::Impl::set_error_hook(ErrorHook&& hook) {
    EarlierHook next{};
    if (const auto* const earlier = hook.target<EarlierHook>()) {
        next = *earlier; // put back, it is the same again
    } else if (hook) {
        next = {std::make_shared<ErrorHook>(std::move(hook)), ++error_hooks_made};
    }
    EarlierHook earlier{std::exchange(error_hook_, std::move(next.hook)),
                        std::exchange(error_hook_id_, next.id)};
    if (earlier.hook == nullptr) return nullptr;
    return earlier;
}

void IOLoop::Impl::set_watchdog(std::optional<Duration> threshold, Watchdog::Action&& action) {
    require_usable("set_blocking_signal_threshold");
    if (threshold && *threshold <= Duration::zero()) {
        raise(std::invalid_argument("set_blocking_signal_threshold: the threshold must be positive"));
    }
    Watchdog::Owner next;
    if (threshold) next = Watchdog::make(*threshold, action ? std::move(action) : log_stack, name_);
    if (next && statistics_.depth > 0) { // armed inside a callable: it counts
        next->enter();
        if (watchdog_) next->take_over(*watchdog_);
    }
    watchdog_ = std::move(next);
    mark(Special::guarded, watchdog_ != nullptr);
    if (watchdog_) tell_watchdog();
}

/// Which call is on the stack now. Not inline: where there is no watchdog it shall cost one branch.
void IOLoop::Impl::tell_watchdog() noexcept { watchdog_->running(running_chain()); }

#if IOLOOP_EXCEPTIONS
void IOLoop::Impl::report_error(const std::exception_ptr& error, const Chain& chain, CallKind kind) {
    if (kind == CallKind::handler && is_broken_pipe(error)) return;
    ++statistics_.errors;
    if (const auto hook = error_hook_) {
        (*hook)(error, chain.origin(), kind);
        return;
    }
    std::fprintf(stderr, "%s: error in %s %s: %s\n", name_, ioloop::name_of(kind),
                 describe(chain.origin()).c_str(), message_of(error).c_str());
}
#else
void IOLoop::Impl::report_error(const std::exception_ptr&, const Chain&, CallKind) {}
#endif

// ---- looking ------------------------------------------------------------------------------------

const Statistics& IOLoop::Impl::statistics() const noexcept {
    statistics_.timeouts = timeouts_.size();
    statistics_.callbacks = static_cast<std::uint32_t>(queue_.size() + signal_queue_.size());
    statistics_.signal_posts_refused = signal_queue_.refused();
    statistics_.foreign_calls = foreign_calls_.load(std::memory_order_relaxed);
    statistics_.foreign_member = foreign_member_.load(std::memory_order_relaxed);
    statistics_.foreign_site = foreign_site_.load(std::memory_order_acquire);
    statistics_.callbacks_peak = std::max(statistics_.callbacks_peak, statistics_.callbacks);
    return statistics_;
}

void IOLoop::Impl::snapshot(Snapshot& out) const {
    out.handlers.clear();
    out.timeouts.clear();
    out.callbacks.clear();
    out.scopes.clear();
    out.tasks.clear();
    out.waits.clear();
    handlers_.for_each([&](Poller::Key key, const HandlerEntry& e) {
        out.handlers.push_back({key, e.fd, e.chain.origin(), e.chain, e.interest, e.last_ready, e.calls,
                                e.last_turn, e.streak, e.running, e.unwatched && !e.running,
                                e.handler.owner(),
                                e.flow != nullptr ? std::optional(*e.flow) : std::nullopt});
    });
    timeouts_.for_each([&](std::uint32_t slot, const TimeoutEntry& e) {
        if (e.running && !e.rearmed) return; // fired, not re-armed: pending no more
        out.timeouts.push_back({Timeout{slot, timeouts_.generation(slot)}, e.chain.origin(), e.chain,
                                timeout_queue_.deadline(slot), e.period, e.fires, timeout_queue_.due(slot),
                                e.callback.owner()});
    });
    // Changes where they wait, not what waits.
    auto& self = const_cast<Impl&>(*this);
    if (!forked()) self.lock_.adopt(); // else who had it is not here, and may have been about to leave
    self.collect_callbacks();
    queue_.queued().for_each([&](std::uint64_t id, const CallbackRecord& record) {
        const Chain chain = record.chain();
        out.callbacks.push_back(
            {id, chain.origin(), chain, record.posted_at(), record.from_outside(), record.owner()});
    });
    for (const auto& [key, service] : services_) {
        if (service != nullptr) service->list(out);
    }
    out.statistics = statistics();
    out.time = time();
    out.turn = turn_;
    out.in_turn = phase_ != Phase::wait;
    out.in_call = in_call();
    out.running = running_;
    out.paused = paused_;
    out.suspended = suspended_;
    out.name = name_;
    out.poller = poller_ ? poller_->name() : "closed";
    out.kernel_handle = poller_ ? poller_->native_handle() : invalid_fd;
}

// ---- the observer -------------------------------------------------------------------------------

namespace {

/// The kind of call that such a wake is for.
CallKind woken_for(WakeReason reason) noexcept {
    switch (reason) {
    case WakeReason::descriptor: return CallKind::handler;
    case WakeReason::deadline:
    case WakeReason::timeout: return CallKind::timeout;
    case WakeReason::callbacks:
    case WakeReason::woken:
    case WakeReason::polled: break;
    }
    return CallKind::callback;
}

} // namespace

/// A turn begins.
void IOLoop::Impl::begin_record() {
    record_ = TurnRecord{};
    record_.turn = turn_;
    record_.begin = clock_->now();
}

/// A turn is complete.
void IOLoop::Impl::tell_turn() {
    if (record_.begin == TimePoint{}) return; // set in the middle: half a turn is no news
    record_.end = record_.handlers + record_.callbacks + record_.timeouts > 0 ? instant_ : clock_->now();
    record_.queued_after = static_cast<std::uint32_t>(queue_.size());
    observer_->after_turn(record_);
}

/// A call begins.
void IOLoop::Impl::tell_before(Call& call) {
    CallRecord& record =
        call.told.emplace(Call::Told{observer_, CallRecord{}, queue_.queued().mark()}).record;
    record.turn = turn_;
    record.id = call.id;
    record.chain = call.chain;
    record.begin = instant_;
    record.kind = call.kind;
    if (call.kind == CallKind::handler) {
        record.events = call.events;
        record.fd = call.fd;
    }
    record.depth = static_cast<std::uint8_t>(std::min<std::uint32_t>(statistics_.depth, UINT8_MAX));
    if (call.ready_at != TimePoint{} && !holding_)
        record.late = std::max(instant_ - std::max(call.ready_at, TimePoint{}), Duration{});
    switch (call.kind) {
    case CallKind::handler: ++record_.handlers; break;
    case CallKind::callback: ++record_.callbacks; break;
    case CallKind::timeout: ++record_.timeouts; break;
    }
    observer_->before_call(record);
    if (record_.cause.site() == SiteId::none && call.kind == woken_for(record_.reason)) {
        record_.cause = call.chain;
        record_.cause_fd = record.fd;
    }
}

/// It has returned, or thrown.
void IOLoop::Impl::tell_after(Call& call, const std::exception_ptr& error) {
    Observer* const observer = observer_;
    if (observer != call.told->observer || observer == nullptr)
        return; // it was replaced, or the loop destroyed
    instant_ = clock_->now();
    instant_ends_call_ = call.outer == nullptr; // else there is more to come, which nobody may be observing
    CallRecord& record = call.told->record;
    record.threw = error != nullptr;
    record.took = instant_ - record.begin;
    queue_.queued().for_each_since(call.told->posts, [this](CallbackRecord& post) { post.stamp(instant_); });
    if (record.turn == turn_) { // else a nested call has reported that turn already
        switch (record.kind) {
        case CallKind::handler: record_.handlers_took += record.took; break;
        case CallKind::callback: record_.callbacks_took += record.took; break;
        case CallKind::timeout: record_.timeouts_took += record.took; break;
        }
    }
    observer->after_call(record);
    if (error && observer == observer_) observer->on_error(record, error);
}

/// It threw.
void IOLoop::Impl::call_failed(Call& call, const std::exception_ptr& error) {
    if (call.told) tell_after(call, error);
    report_error(error, call.chain, call.kind);
}

void IOLoop::Impl::set_observer(Observer* observer) noexcept {
    observe_by(observer);
    record_.begin = {}; // the turn under way is not told of
    queue_.set_stamps(observer != nullptr);
    instant_ends_call_ = false;                        // that of the call under way is not read
    if (observer != nullptr) instant_ = clock_->now(); // the next call begins no earlier
}

void IOLoop::Impl::tell_change(ChangeKind change, Poller::Key key, const HandlerEntry& entry) noexcept {
    ChangeRecord record;
    record.id = key;
    record.chain = entry.chain;
    record.kind = CallKind::handler;
    record.change = change;
    record.events = entry.interest;
    record.fd = entry.fd;
    tell_change(record);
}

void IOLoop::Impl::tell_change(ChangeKind change, Timeout id) noexcept {
    ChangeRecord record;
    record.id = id_of(id);
    record.chain = timeouts_.at(id.slot).chain;
    record.deadline = timeout_queue_.deadline(id.slot);
    record.kind = CallKind::timeout;
    record.change = change;
    tell_change(record);
}

void IOLoop::Impl::tell_change(ChangeRecord& record) noexcept {
    record.turn = turn_;
    record.by = frame_ != nullptr ? frame_->chain.site() : SiteId::none;
    // Between calls, or in one that nobody observed from its beginning, by the clock.
    record.at = frame_ != nullptr && frame_->told ? frame_->told->record.begin : clock_->now();
    observer_->after_change(record);
}

bool IOLoop::Impl::set_flow(Fd fd, const Flow* flow) noexcept {
    HandlerEntry* entry = handlers_.find(fd);
    if (entry != nullptr) entry->flow = flow;
    return entry != nullptr;
}

bool IOLoop::Impl::inject_readiness(Fd fd, Events events) {
    require_usable("inject_readiness");
    if (handlers_.find(fd) == nullptr) return false;
    injected_.push_back({handlers_.key_of(fd), events});
    mark(Special::injected, true);
    notify();
    return true;
}

/// Adds what was injected to what is ready. What finds no room stays for the next turn.
void IOLoop::Impl::take_injected() noexcept {
    std::erase_if(injected_, [&](const Poller::Ready& injected) {
        if (handlers_.find_key(injected.key) == nullptr) return true; // removed since
        const auto end = ready_.begin() + static_cast<std::ptrdiff_t>(ready_count_);
        const auto found = std::find_if(
            ready_.begin(), end, [&](const Poller::Ready& ready) { return ready.key == injected.key; });
        if (found != end) {
            found->events = found->events | injected.events;
        } else if (ready_count_ < ready_.size()) {
            ready_[ready_count_++] = injected;
        } else {
            return false;
        }
        return true;
    });
    mark(Special::injected, !injected_.empty());
}

bool IOLoop::Impl::note_period(Timeout id, Duration period) noexcept {
    TimeoutEntry* entry = timeouts_.find(id.slot, id.generation);
    if (entry == nullptr) return false;
    entry->period = period;
    return true;
}

Chain IOLoop::Impl::running_chain() const noexcept { return frame_ != nullptr ? frame_->chain : Chain{}; }

// ---- pausing and suspending ---------------------------------------------------------------------

void IOLoop::Impl::set_paused(bool paused) {
    if (paused) {
        require_usable("set_paused");
        mark(Special::held,
             true); // and change_hold() takes that back when it is over; another thread may only end it
    }
    if (paused_.exchange(paused) == paused) return;
    if (on_its_own_thread()) {
        apply_hold();
        first_timeout_changed();
    }
    pulse_.fetch_add(1);
    notify_waiters(pulse_);
    if (!paused) notify();
}

void IOLoop::Impl::set_on_pause(Function<void(Duration)>&& attend) {
    require_usable("set_on_pause");
    on_pause_ = attend ? std::make_shared<Function<void(Duration)>>(std::move(attend)) : nullptr;
}

void IOLoop::Impl::set_suspended(bool suspended) {
    require_usable(suspended ? "suspend" : "resume");
    suspended_ = suspended;
    if (suspended) mark(Special::held, true);
    apply_hold();
    first_timeout_changed();
}

void IOLoop::Impl::skip_time(Duration gap) {
    require_usable("skip_time");
    if (gap < Duration::zero()) raise(std::invalid_argument("skip_time: the gap is negative"));
    timeout_queue_.shift(gap);
    first_timeout_changed();
}

void IOLoop::Impl::change_hold() {
    const bool hold = paused_ || suspended_;
    mark(Special::held, hold);
    if (hold == holding_) return;
    now_known_ = false;
    if (hold) {
        held_at_ = clock_->now();
        holding_ = true;
        return;
    }
    const Duration gap = clock_->now() - held_at_;
    holding_ = false;
    statistics_.held += gap;
    timeout_queue_.shift(gap);
}

} // namespace ioloop
