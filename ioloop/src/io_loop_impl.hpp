// SPDX-License-Identifier: MIT
/// IOLoop::Impl: the loop's state, and the one place that knows all mechanisms. Floor 2.
///
/// Seven files implement it, each a chapter: lifetime, registration, run, turn, inspection, current,
/// signal_handlers; watch belongs to registration, call.hpp and spend to turn. The state of a turn lives here, not on the
/// stack: that is what lets a budget interrupt a turn, a nested call continue it, and a callable destroy the loop that
/// calls it.
#pragma once

#include "biased_lock.hpp"
#include "callback_queue.hpp"
#include "gate.hpp"
#include "handler_table.hpp"
#include "here.hpp"
#include "kept_closure.hpp"
#include "os/process.hpp"
#include "processor.hpp"
#include "signal_queue.hpp"
#include "slot_map.hpp"
#include "timeout_entry.hpp"
#include "timeout_queue.hpp"
#include "watchdog.hpp"

#include <ioloop/context.hpp>
#include <ioloop/io_loop.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

namespace ioloop {

class IOLoop::Impl { // NOLINT(clang-analyzer-optin.performance.Padding): in the order of the story
public:
    Impl(IOLoop& facade, Options&& options);
    ~Impl();

    // ---- lifetime.cpp, registration.cpp, inspection.cpp ----

    std::error_code add_handler(Fd fd, Handler&& handler, Events events, const Origin& origin,
                                std::unique_ptr<DescriptorObject> object = nullptr);
    std::error_code update_handler(Fd fd, Events events);
    bool remove_handler(Fd fd) noexcept;
    std::uint64_t registration_of(Fd fd) noexcept {
        return handlers_.find(fd) != nullptr ? handlers_.key_of(fd) : 0;
    }
    bool post(Callback&& callback, const Origin& origin, bool detached);
    bool deliver(Callback&& callback, const Origin& origin);
    bool try_post(const Callback::Operations& operations, detail::ClosureWords closure, const Origin& origin);
    bool post_from_signal(Callback&& callback, const Origin& origin, SignalQueue::Room room) noexcept;
    std::error_code add_signal_handler(int signal, Callback&& callback, const Origin& origin);
    bool remove_signal_handler(int signal) noexcept;
    Timeout arm(TimePoint deadline, Callback&& callback, const Origin& origin, const char* member);
    bool remove_timeout(Timeout id) noexcept;
    bool update_timeout(Timeout id, TimePoint deadline) noexcept;
    TimePoint deadline_of(Timeout id) const noexcept;
    void snapshot(Snapshot& out) const;
    const Statistics& statistics() const noexcept;
    bool inject_readiness(Fd fd, Events events);
    void take_injected() noexcept;
    bool set_flow(Fd fd, const Flow* flow) noexcept;
    bool note_period(Timeout id, Duration period) noexcept;
    void set_observer(Observer* observer) noexcept;
    void set_paused(bool paused);
    void set_on_pause(Function<void(Duration)>&& attend);
    ErrorHook set_error_hook(ErrorHook&& hook);
    std::uint64_t error_hook_id() const noexcept { return error_hook_id_; }
    /// Where the handler of `fd` was added; empty if it has none.
    std::string handler_place(Fd fd);
    void set_watchdog(std::optional<Duration> threshold, Watchdog::Action&& action);
    void set_host_waker(Function<void()>&& waker, RingFor ring_for);
    Fd native_handle(Deadlines deadlines);
    TimePoint next_deadline() const noexcept;
    Duration time_to_deadline() const noexcept;
    TimePoint next_timeout(TimePoint now) const noexcept;
    TimePoint next_retry() const noexcept;
    Duration time_left(TimePoint timeout, TimePoint now) const noexcept;
    void stop() noexcept;
    void wake() noexcept;
    void close(bool all_fds);
    /// ~IOLoop: closes, even inside run_ calls. Destroys this, or leaves that to the outermost of them.
    void abandon() noexcept;
    void report_error(const std::exception_ptr& error, const Chain& chain, CallKind kind);
    Service* find_service(const void* key) noexcept;
    Service& keep_service(const void* key, std::unique_ptr<Service> made);
    void set_suspended(bool suspended);
    void skip_time(Duration gap);
    Chain running_chain() const noexcept;
    const std::shared_ptr<Gate>& gate() const noexcept { return gate_; }

    TimePoint time() const noexcept { return holding_ ? held_at_ : clock_->now(); }
    TimePoint now() const noexcept;
    bool in_call() const noexcept { return frame_ != nullptr; }

    /// Errors: logic_error naming `member`, if this is a foreign thread, or the loop is closed.
    void require_usable(const char* member, const Origin* origin = nullptr) const {
        if (!usable()) [[unlikely]]
            require_usable_at_length(member, origin);
    }
    bool on_loop_thread() const noexcept;
    /// The same, without the thread that made the loop where another one ran it last, and may do so again at any moment. For
    /// what any thread may do, as then it need not do it by itself.
    bool on_its_own_thread() const noexcept { return lock_.entered() ? lock_.inside() : lock_.is_mine(); }
    /// What a noexcept member does about a foreign thread: refuses, loudly.
    bool refuse_foreign_thread(const char* member) const noexcept {
        return !at_home() && refuse_foreign_thread_at_length(member);
    }
    /// Counts a call that was refused as it came from another thread. Thread: any.
    void note_foreign_call(const char* member, SiteId site) const noexcept;
    /// True in a child of the process that made the loop: the poller is the parent's.
    bool forked() const noexcept { return fork_generation_ != fork_generation(); }

    // ---- current.cpp: which loop is whose ----

    /// The loop whose run_ call this thread is in, innermost; or null.
    static Impl* inside_on_this_thread() noexcept { return static_cast<Impl*>(here.loop); }
    /// Ends being current() and instance(), before `loop` becomes unusable.
    static void forget(const IOLoop* loop) noexcept;

    // ---- run.cpp, turn.cpp ----

    class Inside; ///< a run_ call on the stack
    [[noreturn]] void refuse_to_run(const char* member) const;
    struct Spend; ///< what a run_ call may still spend: spend.hpp

    void start();
    Turn run_once(Duration timeout, Budget budget);
    Turn run_ready(Budget budget);
    Turn run_until(TimePoint deadline, Budget budget);
    Turn step(StepKind kind);

    // ---- state that the facade reads ----

    IOLoop* facade_; ///< null once the loop object is destroyed
    const char* name_;
    std::atomic<bool> running_{false};
    std::atomic<bool> paused_{false};
#if !defined(IOLOOP_WITHOUT_OBSERVER)
    Observer* observer_ = nullptr;
    void observe_by(Observer* observer) noexcept {
        observer_ = observer;
        mark(Special::observed, observer != nullptr);
    }
#else // for the benchmark that prices the hooks
    static constexpr Observer* observer_ = nullptr;
    void observe_by(Observer*) noexcept {}
#endif
    bool suspended_ = false;

private:
    /// on_loop_thread(), where that is told at a glance. (Who is inside has the lock, but for the moments in which another
    /// thread tries to take it away.)
    bool at_home() const noexcept { return lock_.is_mine(); }
    bool usable() const noexcept {
        return at_home() && !closed_.load(std::memory_order_relaxed) && !abandoned_ && !forked();
    }
    void require_usable_at_length(const char* member, const Origin* origin) const;
    bool refuse_foreign_thread_at_length(const char* member) const noexcept;

    /// What a turn, or a call, has to look after beside its own business. Hardly ever anything; so it is one thing to look
    /// at, in `special_`.
    struct Special {
        enum Kind : std::uint8_t {
            observed = 1, ///< there is an observer
            guarded = 2,  ///< and a watchdog
            held = 4,     ///< paused or suspended; or it was, and that has not been taken in
            closing = 8,  ///< closed, or destroyed within a call
            host = 16,    ///< wants to hear of changes (tells_plan())
            injected = 32,
            narrowed = 64,
            adrift = 128, ///< a descriptor with a handler may not be watched: watch_adrift()
            in_calls = observed | guarded | held | closing, ///< what a call cares about
        };
    };
    void mark(Special::Kind what, bool is) noexcept {
        special_ = static_cast<std::uint8_t>(is ? special_ | what : special_ & ~what);
    }

    enum class Glance : std::uint8_t { idle, begun, refused };
    enum class Phase : std::uint8_t { wait, handlers, due, callbacks, timeouts, report };
    /// What a poster has to do so that the loop sees its post.
    enum class Parked : std::uint8_t { no, in_wait, between_runs };
    class Call; ///< a callable on the stack
    class SignalHandler;

    Glance glance();
    void finish_glance(Budget budget, Turn& out);
    void run_turn(Duration timeout, Budget budget, Turn& out);
    bool turn(Duration timeout, Spend& spend, Turn& out);
    bool finish_turn(Spend& spend, Turn& out);
    void begin_turn();
    void wait(Duration timeout, Turn& out);
    /// By the cheap clock. Should that lag behind by more than it says, as after a stop of the whole machine, what is due
    /// runs a turn later.
    bool anything_due() const noexcept {
        const TimePoint first = timeout_queue_.not_before();
        return first != never && first <= (holding_ ? held_at_ : clock_->not_after());
    }
    bool run_handlers(Spend& spend, Turn& out);
    void set_due_aside();
    bool run_callbacks(Spend& spend, Turn& out);
    bool run_special_callback(Spend& spend, Turn& out);
    bool run_timeouts(Spend& spend, Turn& out);
    void report_turn();

    void call_handler(Poller::Key key, HandlerEntry& entry, Events events, Turn& out);
    void call_timeout(Timeout id, TimeoutEntry& entry, Turn& out);
    void call_failed(Call& call, const std::exception_ptr& error);
    template <class F> void guarded(Call& call, const Context& context, F&& f);
    template <class F> bool unobserved(Call& call, const Context& context, F&& f);
    bool may_call(Spend& spend);
    bool may_still_call(Spend& spend);
    bool held_before(Spend& spend, CallKind kind, std::uint64_t id, const Chain& chain, Fd fd = invalid_fd,
                     Events events = Events::none);
    inline void measure(Spend& spend);
    inline void settle(Spend& spend, Turn& out);
    void conclude(const Spend& spend, Turn& out, bool complete, bool stopped);
    void conclude_early(const Spend& spend, Turn& out, bool complete, bool stopped);
    /// (Not where the loop was destroyed: that ends the turn.)
    bool still_in(std::uint64_t turn, Phase phase) const noexcept { return turn_ == turn && phase_ == phase; }
    std::uint32_t left() const noexcept;
    bool anything_queued() const noexcept {
        return !queue_.empty() || signal_queue_.ready() || !injected_.empty();
    }
    /// A run_ call would not wait.
    bool work_waits() const noexcept { return phase_ != Phase::wait || anything_queued() || stop_; }
    /// Takes over what other threads and signal handlers posted, and says how many callbacks are queued.
    std::size_t collect_callbacks() {
        if (signal_queue_.ready()) [[unlikely]]
            collect_signals();
        return queue_.collect();
    }
    void collect_signals();
    bool consume_stop() noexcept;

    std::error_code watch(HandlerEntry& entry, Events events, Poller::Key key);
    void tell_poller();
    void unwatch_running();
    void set_adrift(HandlerEntry& entry) noexcept;
    std::error_code watch_again(HandlerEntry& entry, Poller::Key key);
    void watch_adrift();
    void lose(HandlerEntry& entry, std::error_code error);
    static bool is_shortage(std::error_code error);
    void report_lost(Fd fd, const Chain& chain, std::error_code error);
    void bury(HandlerEntry& entry);
    void drop(HandlerEntry& entry) noexcept;
    void tell_change(ChangeKind change, Poller::Key key, const HandlerEntry& entry) noexcept;
    void tell_change(ChangeKind change, Timeout id) noexcept;
    void tell_change(ChangeRecord& record) noexcept;
    void begin_record();
    void tell_turn();
    void tell_before(Call& call);
    void tell_after(Call& call, const std::exception_ptr& error);
    void rebuild_poller();
    bool turn_attended(Duration timeout, Spend& spend, Turn& out);
    bool rest_attended(Spend& spend, Turn& out);
    /// If the loop is paused, lets who asked for it attend to that. True if there is no pause (any more).
    bool attend_pause(Duration timeout) { return !paused_ || attend_to_pause(timeout); }
    bool attend_to_pause(Duration timeout);
    void wait_while_paused();
    /// Brings the loop's own time in line with what was asked for. Another thread may have ended a pause.
    void apply_hold() {
        if ((special_ & Special::held) != 0) [[unlikely]]
            change_hold();
    }
    void change_hold();
    /// The outermost run_ call returns: from here on posts must reach the host, which asked to be told. True: it is to be rung now,
    /// as there is something else to wait for.
    bool park();
    void park_outside();
    bool has_host() const noexcept { return handle_watched_ || has_host_waker_; }
    void set_alarm() noexcept;
    /// The first timeout may be another one now. (Within a run_ call park() looks, once, at the end.)
    void first_timeout_changed() {
        if (tells_plan()) [[unlikely]]
            tell_plan_outside();
    }
    /// Somebody wants to hear of each timeout that comes or goes.
    bool timeouts_are_told() const noexcept { return observer_ != nullptr || tells_plan(); }
    /// The host wants to hear of it when what it waits for changes.
    bool tells_plan() const noexcept { return deadlines_ == Deadlines::included || ring_for_changes_; }
    void descriptors_changed();
    bool plan_changed();
    void tell_plan();
    void tell_plan_outside();
    void notify() noexcept {
        // Sequentially consistent on both sides (see wait() and park()): either we see that the loop is parked,
        // or the loop sees what we queued before it parks.
        if (parked_.load() != Parked::no) [[unlikely]]
            unpark();
    }
    void unpark() noexcept;
    void wake_poller() noexcept;
    void ring_host();
    void drop_everything(bool all_fds);
    Chain chain_at(SiteId site) const noexcept;
    Timeout arm_in_full(TimePoint deadline, Callback&& callback, const Origin& origin, const char* member);
    template <class... C>
    Timeout begin_timeout(TimePoint deadline, Callback&& callback, SiteId site, C&&... context) noexcept;
    bool remove_in_full(Timeout id) noexcept;
    bool post_in_full(Callback&& callback, const Origin& origin, bool detached);
    template <class R, class... Args> static Context context_for(const Function<R(Args...)>& callable);
    void run_signal_handler(std::uint64_t number);
    void run_signals_in_pause();
    void tell_watchdog() noexcept;
    std::vector<std::shared_ptr<SignalHandler>> release_signals() noexcept;

    // Made once.
    std::pmr::memory_resource* memory_;
    Clock* clock_;
    std::unique_ptr<Poller> poller_;
    std::uint64_t home_thread_;
    std::uint32_t fork_generation_;

    // What is registered.
    HandlerTable handlers_;
    std::pmr::vector<Poller::Key> narrowed_; ///< of which the poller has not been told
    TimePoint retry_at_{};                   ///< when those that are adrift are added again, by the clock
    ClosureBlocks closures_;                 ///< of timeouts
    SlotMap<TimeoutEntry> timeouts_;
    mutable TimeoutQueue timeout_queue_; ///< mutable: to say which deadline is first, it tidies up
    CallbackQueue queue_;
    std::vector<std::shared_ptr<SignalHandler>> signal_handlers_;
    std::uint64_t signal_handlers_made_ = 0;

    // The turn under way.
    std::uint8_t special_ = 0; ///< of Special. Of the loop's thread
    Phase phase_ = Phase::wait;
    std::uint64_t turn_ = 0;
    std::pmr::vector<Poller::Ready> ready_;
    std::size_t ready_count_ = 0;
    std::size_t ready_next_ = 0;
    std::vector<Poller::Ready> injected_; ///< readiness that the next wait shall report
    std::size_t batch_left_ = 0;          ///< callbacks of this turn that have not run
    std::pmr::vector<Timeout> due_;
    std::size_t due_next_ = 0;
    std::uint32_t due_left_ = 0; ///< of them, still to be called
    TurnRecord record_;
    mutable TimePoint now_{};
    mutable bool now_known_ = false;
    TimePoint instant_{}; ///< the clock as read last for measuring; only used right after it was read
    bool instant_ends_call_ = false; ///< it was read as the last call ended, which was observed throughout

    // The stack.
    Call* frame_ = nullptr;
    bool abandoned_ = false; ///< the loop object was destroyed by a callable

    // Between threads: apart from what changes with each call, as who posts reads it.
    alignas(cache_line)
        BiasedLock lock_; ///< of the thread inside run_ calls; belongs to the one that was last
    std::atomic<bool> stop_{false};
    std::atomic<bool> closed_{false};
    std::atomic<Parked> parked_{Parked::no};
    std::atomic<std::uint32_t> wakers_{0}; ///< threads inside wake_poller()
    mutable std::atomic<std::uint64_t> foreign_calls_{0};
    mutable std::atomic<const char*> foreign_member_{nullptr};
    mutable std::atomic<SiteId> foreign_site_{SiteId::none};
    std::atomic<std::uint32_t> pulse_{0}; ///< changes when a paused start() should look again
    std::shared_mutex host_waker_mutex_; ///< shared by those who ring: a waker may wait for locks of its host
    Function<void()> host_waker_;
    std::atomic<bool> has_host_waker_{false};
    bool handle_watched_ = false; ///< native_handle() was asked for
    Deadlines deadlines_ = Deadlines::apart;
    TimePoint alarm_for_ = never;   ///< the deadline that the poller's alarm is set for
    TimePoint alarm_rings_ = never; ///< and when, in the system's time

    // What the host believes, if it wants to be told of changes.
    bool ring_for_changes_ = false;
    bool descriptors_changed_ = false; ///< and the host cannot wait on a handle instead
    TimePoint told_deadline_ = never;

    Watchdog::Owner watchdog_; ///< null: disarmed

    // Pausing and suspending.
    bool holding_ = false;
    TimePoint held_at_{};
    std::shared_ptr<Function<void(Duration)>> on_pause_; ///< shared: it may replace itself
    bool attending_ = false;                             ///< it is on the stack

    std::shared_ptr<Gate> gate_;
    std::vector<std::pair<const void*, std::unique_ptr<Service>>> services_;
    std::shared_ptr<ErrorHook> error_hook_; ///< shared: the hook may replace itself
    std::uint64_t error_hook_id_ = 0;       ///< none
    mutable Statistics statistics_;
    CallRecord next_; ///< what the observer is asked about; made once, as that is before each call
    SignalQueue
        signal_queue_; ///< last: it is three pages long, and what each turn reads shall be near to each other
};

/// A callable on the stack of the loop's thread.
class IOLoop::Impl::Call {
public:
    inline Call(Impl& loop, CallKind kind, std::uint64_t id, const Chain& chain); // call.hpp
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    inline ~Call();

    /// What an observer is told, from its beginning to its end.
    struct Told {
        Observer* observer;
        CallRecord record;
        CallbackArena::Mark posts; ///< what is posted from here on, it posted
    };

    Chain chain;
    std::uint64_t id; ///< of a handler: its key
    Call* const outer;
    const CallKind kind;
    Fd fd; ///< handlers only, as the next: else not set
    Events events;
    std::optional<Told> told; ///< nothing: nobody looks
    TimePoint ready_at;       ///< posted or due; zero: not known. Set if there is an observer

private:
    Impl& loop_;
};

} // namespace ioloop
