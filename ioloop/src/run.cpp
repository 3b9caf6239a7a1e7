// SPDX-License-Identifier: MIT
/// IOLoop::Impl, chapter 3: the run_ calls: who may enter, how many turns they make, and what they tell
/// their caller.
#include "io_loop_impl.hpp"
#include "os/process.hpp"
#include "raise.hpp"
#include "spend.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace ioloop {

// ---- a run_ call on the stack -------------------------------------------------------------------

class IOLoop::Impl::Inside {
public:
    Inside(Impl& loop, const char* member) : Inside(loop, enter(loop, member)) {
        loop.apply_hold();
        if (loop.watchdog_ && loop.statistics_.depth == 1) loop.watchdog_->enter();
    }
    /// After a glance that has taken the lock, and found nothing special.
    Inside(Impl& loop, Glance) : loop_(loop), outer_(here.loop) {
        // Whoever saw it as parked wakes it once in vain, and that is all.
        loop.parked_.store(Parked::no, std::memory_order_relaxed);
        Statistics& s = loop.statistics_;
        s.depth_peak = std::max(s.depth_peak, ++s.depth);
        here.loop = &loop;
    }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() {
        here.loop = outer_;
        if (--loop_.statistics_.depth > 0) return;
        if (loop_.facade_ == nullptr) { // a callable destroyed the loop, and left this to us
            delete &loop_;
            return;
        }
        if (loop_.watchdog_) [[unlikely]]
            loop_.watchdog_->leave();
        loop_.now_known_ = false;
        if (!loop_.has_host()) [[likely]] {
            loop_.lock_.leave();
        } else {
            leave_to_host();
        }
    }

private:
    /// Who is rung, by a post as soon as this is parked, may run the loop on another thread at once, or destroy it there.
    void leave_to_host() {
        loop_.lock_.about_to_leave();
        const std::shared_ptr<Gate> ring = loop_.park() ? loop_.gate_ : nullptr;
        loop_.lock_.leave();
        if (ring == nullptr) return;
        ring->enter([](Impl& loop) {
            loop.ring_host();
            return true;
        });
    }
    static Glance enter(Impl& loop, const char* member) {
        if (loop.closed_.load(std::memory_order_relaxed) || loop.forked()) [[unlikely]]
            loop.refuse_to_run(member);
        // Between run_ calls any thread may take the loop over: that is how a loop is handed to a worker.
        if (!loop.lock_.inside() && !loop.lock_.enter()) [[unlikely]]
            loop.refuse_to_run(member);
        return Glance::refused;
    }

    Impl& loop_;
    void* outer_;
    detail::ContextBoundary boundary_; ///< what is stored without a context runs without one
};

/// Errors: logic_error that says why the loop can not be run.
void IOLoop::Impl::refuse_to_run(const char* member) const {
    if (forked()) require_usable(member);
    const bool closed = closed_ && !(lock_.entered() && !lock_.inside());
    raise(std::logic_error(std::string(member) +
                           (closed ? ": the loop is closed" : ": the loop is running on another thread")));
}

// ---- the run_ calls -----------------------------------------------------------------------------

void IOLoop::Impl::start() {
    if (running_) raise(std::logic_error("start: the loop is running already"));
    const Inside inside(*this, "start");
    if (stop_.exchange(false)) return; // a stop that came early: nothing runs

    struct Running {
        explicit Running(Impl& l) : loop(l) { loop.running_ = true; }
        ~Running() {
            loop.running_ = false;
            loop.stop_ = false; // so that another start/stop pair can follow, also after an exception
        }
        Impl& loop;
    } const running(*this);

    Spend spend{Budget{}};
    Turn out;
    if (phase_ == Phase::wait && !paused_) {
        begin_turn(); // the first round has no wait: callbacks come before timeouts, timeouts before the poll
        phase_ = Phase::due;
        finish_turn(spend, out);
    }
    while (!stop_ && !abandoned_) {
        if (forked()) [[unlikely]] // by a callable: the child has no business with its parent's poller
            refuse_to_run("start");
        if (paused_) {
            wait_while_paused();
        } else {
            turn(forever, spend, out);
        }
    }
}

Turn IOLoop::Impl::run_once(Duration timeout, Budget budget) {
    Turn out;
    const Glance seen = timeout <= no_wait ? glance() : Glance::refused;
    if (seen == Glance::begun) {
        finish_glance(budget, out);
    } else if (seen == Glance::refused) {
        run_turn(timeout, budget, out);
    }
    return out;
}

void IOLoop::Impl::run_turn(Duration timeout, Budget budget, Turn& out) {
    const Inside inside(*this, "run_once");
    if (!attend_pause(no_wait)) {
        out.ended = abandoned_ ? Ended::stopped : Ended::paused;
        return;
    }
    Spend spend{budget};
    const bool complete = turn_attended(timeout, spend, out);
    conclude(spend, out, complete, consume_stop());
}

/// The wait of a turn that does not wait, where nothing is special. Most such turns, in a program that pumps, call nothing:
/// nobody's code runs, so nothing has to be prepared for it, and they cost little more than the look into the poller.
IOLoop::Impl::Glance IOLoop::Impl::glance() {
    BiasedLock::Moment moment(lock_);
    if (!moment || special_ != 0 || phase_ != Phase::wait || stop_ || forked()) return Glance::refused;
    std::size_t ready = 0;
    if (poller_->wait(ready_, no_wait, ready)) return Glance::refused; // interrupted, say: once more, in full
    if (ready == 0 && queue_.empty() && !signal_queue_.ready() && !anything_due() && !stop_) {
        // A poster may have woken the host after its post had run already, and takes it for awake until the loop is parked again.
        // (Looked at when the wake-up is taken in: one that comes later wakes the host once more.)
        if (has_host() && parked_ == Parked::no) return Glance::refused;
        ++turn_;
        ++statistics_.turns;
        return Glance::idle;
    }
    begin_turn();
    ready_count_ = ready;
    phase_ = ready > 0 ? Phase::handlers : Phase::due;
    moment.stay();
    return Glance::begun;
}

/// What a glance has begun, and has taken the lock for.
void IOLoop::Impl::finish_glance(Budget budget, Turn& out) {
    const Inside inside(*this, Glance::begun);
    Spend spend{budget};
    if (!spend.limited) measure(spend); // as there is something to call
    const bool complete = finish_turn(spend, out) || rest_attended(spend, out);
    conclude(spend, out, complete, consume_stop());
}

Turn IOLoop::Impl::run_ready(Budget budget) {
    const Inside inside(*this, "run_ready");
    Turn out;
    // It never sleeps, so all of its time is spent: many small calls cost less than the polls between their turns.
    const bool timed = budget.time != forever;
    const TimePoint begin = timed ? clock_->now() : TimePoint{};
    Spend spend{Budget{forever, budget.calls}, timed ? after(begin, budget.time) : never};
    bool complete = attend_pause(no_wait) || !abandoned_;
    bool stopped = consume_stop();
    for (std::uint32_t before = unlimited;
         complete && !stopped && !paused_ && !abandoned_ && spend.made != before;) {
        before = spend.made;
        complete = turn_attended(no_wait, spend, out);
        stopped = complete && consume_stop();
    }
    if (timed && !abandoned_) out.busy = clock_->now() - begin;
    conclude(spend, out, complete, stopped);
    return out;
}

Turn IOLoop::Impl::run_until(TimePoint deadline, Budget budget) {
    const Inside inside(*this, "run_until");
    Turn out;
    Spend spend{budget, deadline};
    bool complete = attend_pause(no_wait) || !abandoned_;
    bool stopped = consume_stop();
    while (complete && !stopped && !paused_ && !abandoned_) {
        if (forked()) [[unlikely]]
            refuse_to_run("run_until");
        complete = turn_attended(until(deadline, clock_->now()), spend, out);
        stopped = complete && consume_stop();
        if (clock_->now() >= deadline) break;
    }
    conclude(spend, out, complete, stopped);
    return out;
}

Turn IOLoop::Impl::step(StepKind kind) {
    if (!paused_) raise(std::logic_error("step: the loop is not paused"));
    const Inside inside(*this, "step");
    Turn out;
    Spend spend{Budget{forever, kind == StepKind::call ? 1 : unlimited}};
    spend.stepping = true;
    const bool complete = turn(no_wait, spend, out);
    conclude(spend, out, complete, false);
    return out;
}

/// Why it ends. In place: a copy of what was just counted would wait for the cache.
void IOLoop::Impl::conclude(const Spend& spend, Turn& out, bool complete, bool stopped) {
    if (complete && !stopped && (special_ & (Special::held | Special::closing)) == 0) [[likely]] {
        out.ended = spend.made > 0 ? Ended::ran : Ended::idle;
    } else {
        conclude_early(spend, out, complete, stopped);
    }
}

void IOLoop::Impl::conclude_early(const Spend& spend, Turn& out, bool complete, bool stopped) {
    if (abandoned_ || stopped) {
        out.ended = Ended::stopped;
        out.left = left();
    } else if (paused_ && !spend.stepping) {
        out.ended = Ended::paused; // before it began, or by a callable of this very call
        out.left = left();
    } else if (!complete) {
        out.ended = Ended::budget;
        out.left = left();
        ++statistics_.budget_spent;
    } else {
        out.ended = spend.made > 0 ? Ended::ran : Ended::idle;
    }
}

/// True if a stop was asked for and this run_ call is the one to tell its caller: the outermost.
bool IOLoop::Impl::consume_stop() noexcept {
    if (!stop_.load(std::memory_order_relaxed)) return false;
    if (statistics_.depth == 1) stop_ = false;
    return true;
}

std::uint32_t IOLoop::Impl::left() const noexcept {
    std::size_t count = due_left_;
    if (phase_ == Phase::handlers) {
        count += ready_count_ - ready_next_ + queue_.size();
    } else {
        count += batch_left_;
    }
    return static_cast<std::uint32_t>(count);
}

/// A turn; and if it is cut by a pause that ends as soon as it is attended to, the rest of it.
bool IOLoop::Impl::turn_attended(Duration timeout, Spend& spend, Turn& out) {
    return turn(timeout, spend, out) || rest_attended(spend, out);
}

/// The turn was cut, by the budget or a pause. True if it is complete in the end.
bool IOLoop::Impl::rest_attended(Spend& spend, Turn& out) {
    bool complete = false;
    while (!complete && !abandoned_ && paused_ && attend_pause(no_wait)) complete = turn(no_wait, spend, out);
    return complete;
}

bool IOLoop::Impl::attend_to_pause(Duration timeout) {
    run_signals_in_pause();
    if (!paused_ || abandoned_) return !abandoned_;
    const auto attend = on_pause_;
    if (attend == nullptr || attending_) return false;
    struct Attending {
        explicit Attending(Impl& l) : loop(l) { loop.attending_ = true; }
        ~Attending() { loop.attending_ = false; }
        Impl& loop;
    } const attending(*this);
    (*attend)(timeout);
    if (!abandoned_) apply_hold();
    return !paused_ && !abandoned_;
}

/// start() on a paused loop: sleeps until something of that changes.
void IOLoop::Impl::wait_while_paused() {
    // Whoever ends the pause from another thread does not wake the one who attends to it.
    constexpr Duration longest_wait = std::chrono::milliseconds(50);
    if (on_pause_ != nullptr && !attending_) {
        if (watchdog_) watchdog_->idle();
        attend_pause(longest_wait);
        if (!abandoned_ && watchdog_) watchdog_->busy();
        return;
    }
    const std::uint32_t pulse = pulse_.load();
    run_signals_in_pause(); // what comes from here on changes the pulse
    if (abandoned_) return;
    if (watchdog_) watchdog_->idle();
    if (paused_ && !stop_) wait_while(pulse_, pulse);
    apply_hold();
    if (watchdog_) watchdog_->busy();
}

bool IOLoop::Impl::park() {
    parked_.store(Parked::between_runs);
    // What somebody else may wait for from here on. (That a descriptor is not what was added is for the next turn to tell.)
    if (handle_watched_ && !narrowed_.empty()) {
        for (const Poller::Key key : narrowed_) {
            HandlerEntry* const entry = handlers_.find_key(key);
            if (entry != nullptr && !entry->unwatched) watch(*entry, entry->interest, key);
        }
    }
    if (handle_watched_ && !paused_ && (phase_ != Phase::wait || anything_queued())) poller_->wake();
    return plan_changed();
}

} // namespace ioloop
