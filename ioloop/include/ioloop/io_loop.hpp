// SPDX-License-Identifier: MIT
/// IOLoop: the event loop. Floor 2. **Read this file first.**
///
/// Tornado's IOLoop for a program that already has a main loop. Register descriptors, post callbacks, arm
/// timeouts; then either give the thread away (`start()`), or keep it and call `run_once()` from your frame:
///
///     ioloop::IOLoop loop;
///     loop.add_handler(socket, [&](Fd, Events) { receive(); }, Events::read, "server link");
///     loop.call_later(5s, [&] { give_up(); }, "connect timeout");
///     while (playing) {
///         handle_input();
///         loop.run_once(no_wait, Budget{2ms});    // never blocks, never takes more than 2 ms plus one call
///         draw();
///     }
///
/// **The turn.** Everything the loop does, it does in turns. run_once() is exactly one:
///
///     1 wait       at most min(timeout, next deadline, 0 if anything is queued)
///     2 handlers   of descriptors that are ready, still registered and still interested; one at a time
///     3 due        the clock is read; timeouts that are due now are set aside
///     4 callbacks  those queued when this phase begins, first in first out; what they post waits for the next turn
///     5 timeouts   those set aside, by (deadline, order of arming), each checked again just before its call
///     6 report     statistics, observer, the Turn
///
/// So a callback that posts itself, a zero timeout that re-arms itself and a descriptor that is always ready
/// each run once a turn, and none can starve another. What a handler posts or arms for now runs in the same
/// turn.
///
/// **Budget.** A call that has spent its budget comes back; the next one continues the turn where it
/// stopped, in the same order, before it polls again.
///
/// **Nesting.** run_once() inside a callable is legal (a modal dialog, a window being dragged): it continues
/// the turn under way, then makes new ones. A callable that is on the stack is never entered again; the
/// descriptor of a handler on the stack is not watched until the handler returns.
///
/// **Lifetime.** Any callable may remove itself, remove anything else, post, stop, or destroy its owner, and
/// even the loop, while it runs. Callables are destroyed right after their last call or their removal, on
/// the loop's thread, never under a lock. The loop owns no descriptor: remove it from the loop, then close
/// it.
///
/// **Context.** A callable runs in the context in which it was registered (context.hpp), whoever runs the loop.
///
/// **Errors of user code.** A callable that throws stops nothing: the error hook gets the exception, and the
/// rest of the batch runs. `broken_pipe` from a handler is dropped (the peer went away; Tornado's rule).
///
/// **Errors of use.** Wrong use (start() inside start(), a foreign thread, a closed loop, a null callable)
/// throws std::logic_error and says what and where. What the system refuses throws std::system_error; the
/// overloads with an std::error_code do not throw for that. A call that fails has changed nothing.
///
/// Thread: every member is for the loop's thread, unless it says otherwise. That is the thread that is
/// inside a run_ call; between such calls, the one that made the loop or the one that ran it last.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/events.hpp>
#include <ioloop/fd.hpp>
#include <ioloop/flow.hpp>
#include <ioloop/function.hpp>
#include <ioloop/ids.hpp>
#include <ioloop/observer.hpp>
#include <ioloop/origin.hpp>
#include <ioloop/poller.hpp>
#include <ioloop/service.hpp>
#include <ioloop/site.hpp>
#include <ioloop/snapshot.hpp>
#include <ioloop/stall.hpp>
#include <ioloop/statistics.hpp>
#include <ioloop/turn.hpp>

#include <concepts>
#include <cstdint>
#include <exception>
#include <memory>
#include <memory_resource>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

namespace ioloop {

using Callback = Function<void()>;
using Handler = Function<void(Fd, Events)>;

template <class T = void> class Future; // future.hpp
class Executor;                         // executor.hpp
class Poster;                           // poster.hpp
class Scope;                            // scope.hpp

/// Told of every exception that leaves a callable, and of descriptors that the loop cannot watch any more. What it
/// throws itself leaves the run_ call; the loop stays sound.
using ErrorHook = Function<void(std::exception_ptr, const Origin&, CallKind)>;

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow" // gcc 12 takes a scoped enumerator for a rival of ioloop::never
#endif
/// Whether a new loop becomes this thread's current() one.
enum class MakeCurrent : std::uint8_t {
    if_none,  ///< if there is none yet
    required, ///< and it is an error (std::logic_error) if there is one
    never,
};
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

/// What a host is told of between run_ calls.
enum class RingFor : std::uint8_t {
    work,    ///< something to run now: a post, a stop
    changes, ///< also: a next_deadline() that has become earlier and, over a poller without a native_handle(),
             ///< other descriptors. For who waits in the loop's place, as Guest does
};

/// Whether native_handle() becomes readable when a deadline comes, too.
enum class Deadlines : std::uint8_t { apart, included };

/// What stands for a descriptor: the socket class of a program. If it has a close(), close(all_fds) uses that.
template <class T>
concept HasFileno = requires(std::remove_reference_t<T>& object) {
    { object.fileno() } -> std::convertible_to<Fd>;
};

class IOLoop {
public:
    struct Options {
        const char* name = "ioloop"; ///< for logs and the inspector. Not copied
        PollerKind poller = PollerKind::automatic;
        std::unique_ptr<Poller> custom_poller = nullptr; ///< if given, `poller` does not matter
        Clock* clock = nullptr;                          ///< null: steady_clock()
        /// For slots, queue and heap; used by the loop's thread alone. When it is used up, who asks for more gets std::bad_alloc;
        /// what other threads post, and results on their way to who waits for them, take the default resource. Null: that one.
        /// Lifetime: longer than the loop, and than the run_ call in which a callable destroys it.
        std::pmr::memory_resource* memory = nullptr;
        MakeCurrent make_current = MakeCurrent::if_none;
        ErrorHook on_error = nullptr; ///< null: one line on stderr
    };

    IOLoop();
    explicit IOLoop(Options options);
    IOLoop(const IOLoop&) = delete;
    IOLoop& operator=(const IOLoop&) = delete;
    /// Closes. Inside a callable of this loop: nothing more is called, and the run_ call comes back as stopped.
    ~IOLoop();

    // ---- running --------------------------------------------------------------------------------

    /// Runs until stop(). Phases 3 to 5 come first, then whole turns; whether to stop is looked at only
    /// between turns, just before the wait. So callbacks and due timeouts of the turn in which stop() is
    /// called still run, and after a stop() in a handler the callbacks and timeouts of that turn do. A
    /// stop() that came before makes start() return at once, with nothing run; two such stops count as one.
    /// Errors: logic_error if start() is running already.
    void start();

    /// Asks start(), run_ready() or run_until() to return after the turn, and run_once() to report `stopped`.
    /// The first run_ call that can tell its caller consumes the request. Thread: any.
    void stop() noexcept;

    /// True inside start(). Thread: any; informational, as it may change the moment it is read.
    bool running() const noexcept;

    /// One turn. Waits at most `timeout` for something to do.
    Turn run_once(Duration timeout = no_wait, Budget budget = {});

    /// Turns without waiting, until one finds nothing to do or the budget is spent. Give it a budget: a
    /// callback that posts itself is always ready.
    Turn run_ready(Budget budget = {});

    /// Serves until `deadline`, sleeping inside the loop: what arrives in the slack of a frame is handled at
    /// once, not a frame later. Handlers are not begun after the deadline, but for one call if none was
    /// made.
    Turn run_until(TimePoint deadline, Budget budget = {});

    /// Drops what is registered, queued and armed, and gives the system's resources back. From then on posts
    /// are refused and everything else but destruction is an error. Idempotent. With `all_fds`, closes the
    /// registered descriptors.
    /// Errors: logic_error inside a run_ call.
    void close(bool all_fds = false);

    // ---- descriptors: level-triggered -----------------------------------------------------------

    /// Calls `handler(fd, events)` in every turn in which `fd` is ready for one of `events`, or for
    /// Events::error, which is always watched. The call has only the events asked for, and error.
    /// Lifetime: `fd` stays the caller's; remove_handler() comes before it is closed.
    /// Errors: file_exists if it has a handler (which stays as it is, unless its file was closed and the number is
    /// another file's now: then that handler goes); else what the system says.
    void add_handler(Fd fd, Handler handler, Events events, const Origin& origin = Origin::here());
    void add_handler(Fd fd, Handler handler, Events events, std::error_code& error,
                     const Origin& origin = Origin::here());

    /// Replaces the events; effective at once, also for readiness that waits in this turn. The system hears of more of
    /// them at once, and of fewer before the next wait: to ask for `write` and take it back within a turn costs nothing.
    /// Errors: no_such_file_or_directory if `fd` has no handler; what the system says if it is not the file any more
    /// that was added. (For fewer events it is asked later, and then the handler goes, as of a closed descriptor.)
    void update_handler(Fd fd, Events events);
    void update_handler(Fd fd, Events events, std::error_code& error);

    /// After it returns the handler is not called again. False if there was none, which is no error.
    bool remove_handler(Fd fd) noexcept;

    /// The same with an object instead of its number. `handler(object, events)` is called with what was given (or
    /// with the number, if it takes one). An rvalue moves into the loop and stays until it is removed, a shared_ptr is
    /// shared; an lvalue stays the caller's, as a number does.
    template <HasFileno T, class F>
    void add_handler(T&& object, F handler, Events events, const Origin& origin = Origin::here());
    template <HasFileno T, class F>
    void add_handler(std::shared_ptr<T> object, F handler, Events events,
                     const Origin& origin = Origin::here());
    template <HasFileno T> void update_handler(T& object, Events events) {
        update_handler(static_cast<Fd>(object.fileno()), events);
    }
    template <HasFileno T> bool remove_handler(T& object) noexcept {
        return remove_handler(static_cast<Fd>(object.fileno()));
    }

    // ---- callbacks ------------------------------------------------------------------------------

    /// Runs `callback` in the next turn; first in, first out. False, and dropped, after close().
    /// Thread: any. Enters the kernel only if the loop sleeps. On the thread that ran the loop last it takes no lock.
    bool add_callback(Callback callback, const Origin& origin = Origin::here());
    /// The same for a closure that captures two pointers, say: it is written straight to where it will be called.
    template <class F>
        requires(Callback::fits_words<F>)
    bool add_callback(const F& closure, const Origin& origin = Origin::here()) {
        return try_post(Callback::operations_of<F>(), Callback::words_of(closure), origin) ||
               add_callback(Callback(closure), origin);
    }

    /// As add_callback(), but not as a consequence of what is running now: it starts a chain of its own, and runs in no
    /// context (Tornado's rule).
    /// Thread: any.
    bool spawn_callback(Callback callback, const Origin& origin = Origin::here());

    /// As spawn_callback(), out of a signal handler: no lock, no allocation, errno stays as it is. `callback` is
    /// trivially copyable and at most Callback::inline_size bytes: pointers and numbers, not owners. These
    /// run in their own order, after what was posted before. False, and dropped, if 64 wait already
    /// (counted in the statistics), after close(), or for a null pointer to a function.
    /// A host between run_ calls is told through native_handle(), but not by its waker, which takes a lock.
    /// Lifetime: the signal is silenced before the loop is destroyed.
    /// Thread: any, signal-safe (where Poller::wake() is).
    template <class F>
    bool add_callback_from_signal(F callback, const Origin& origin = Origin::here()) noexcept {
        static_assert(std::is_invocable_v<F&>, "add_callback_from_signal: call it with f()");
        static_assert(
            std::is_trivially_copyable_v<F>,
            "add_callback_from_signal: the callable must be trivially copyable; a signal handler may "
            "neither allocate nor count references. Capture pointers and numbers");
        static_assert(sizeof(F) <= Callback::inline_size && alignof(F) <= alignof(void*),
                      "add_callback_from_signal: the callable must fit into Callback::inline_size bytes; a "
                      "signal handler may not allocate. Capture a pointer to the rest");
        if constexpr (std::is_invocable_v<F&>) {
            static_assert(
                !detail::keeps_running<std::invoke_result_t<F&>>,
                "add_callback_from_signal: the callable may not be a coroutine; a signal handler may not "
                "allocate its closure. Let the callable spawn() the Task");
        }
        return post_from_signal(Callback(std::move(callback)), origin);
    }

    // ---- signals of the system, for those who want them -----------------------------------------

    /// Runs `callback` as a callback of this loop when the process gets `signal`, whichever thread it hits.
    /// Raises coalesce: however many come before it runs, it runs once. A signal that is not asked for here
    /// is never touched, and what was installed before is restored on removal, close() and destruction;
    /// unless the program has installed another handler in the meantime, which then stays.
    /// System calls of the program are restarted (SA_RESTART), as far as the system does so: signal(7).
    /// Errors: file_exists if a loop of this process handles it already; invalid_argument for a number that is
    /// no signal, or one that cannot be caught.
    void add_signal_handler(int signal, Callback callback, const Origin& origin = Origin::here());
    void add_signal_handler(int signal, Callback callback, std::error_code& error,
                            const Origin& origin = Origin::here());

    /// After it returns the callback is not called again, also if the signal was raised before. False if this
    /// loop does not handle it, which is no error.
    bool remove_signal_handler(int signal) noexcept;

    // ---- timeouts: never early, first armed first among equal deadlines -------------------------

    /// Runs `callback` once, at `deadline` or as soon after as the loop is run. A deadline in the past is now.
    Timeout call_at(TimePoint deadline, Callback callback, const Origin& origin = Origin::here());
    /// Runs `callback` once, after `delay` from this moment (not from the beginning of the turn).
    Timeout call_later(Duration delay, Callback callback, const Origin& origin = Origin::here());

    /// Tornado's spelling of the two.
    Timeout add_timeout(TimePoint deadline, Callback callback, const Origin& origin = Origin::here());
    Timeout add_timeout(Duration delay, Callback callback, const Origin& origin = Origin::here());

    /// After it returns the callback cannot run. False if it ran already, was removed, or never was.
    bool remove_timeout(Timeout timeout) noexcept;

    /// Moves the deadline, keeping callback and id: the idle-timeout pattern. Legal inside the timeout's own
    /// callback, where it makes a repeating one. False if there is no such timeout.
    bool update_timeout(Timeout timeout, TimePoint deadline) noexcept;

    /// When it is due; within its own callback, when it was. It moves with pauses. `never` if there is no such
    /// timeout.
    TimePoint deadline_of(Timeout timeout) const noexcept;

    /// Tells the inspector that this timeout repeats itself. Changes nothing else.
    bool note_period(Timeout timeout, Duration period) noexcept;

    /// The clock. Stands still while the loop is paused or suspended.
    TimePoint time() const noexcept;
    /// The clock as this turn read it: one reading serves all calls of a phase. Outside a turn, time().
    TimePoint now() const noexcept;

    // ---- doors for hosts ------------------------------------------------------------------------

    /// Becomes readable when a descriptor is ready, or something was posted; wait on it in a loop of your
    /// own, together with next_deadline(), and call run_once() then. invalid_fd where the poller has none.
    ///
    /// Once asked for with Deadlines::included, it also becomes readable when next_deadline() has come, whatever is
    /// armed, moved, removed or suspended meanwhile: wait on it alone, without a timeout. The alarm runs in the
    /// system's time; a loop with another clock sets it for as long as that has to go, after each run_ call.
    /// invalid_fd where the poller has no alarm (Poller::set_alarm()), and then nothing has changed.
    ///
    /// Lifetime: the loop's; never read or close it.
    Fd native_handle(Deadlines deadlines = Deadlines::apart);

    /// When run_once() must be called again at the latest: now if work waits, `never` if nothing is armed, and nothing to be
    /// watched again (HandlerInfo::adrift).
    TimePoint next_deadline() const noexcept;
    /// How long a host may wait until then: zero if it has come, `forever` if there is none. Round it up.
    Duration time_to_deadline() const noexcept;

    /// Ends the wait under way, or else the next one. Thread: any, signal-safe.
    void wake() noexcept;

    /// Called when a post or a stop() finds the loop between run_ calls: once, until the next
    /// run_ call. Ask your main loop to run this one soon, and return. With RingFor::changes, also when
    /// the loop's thread leaves behind another picture than the host has: at the end of the outermost run_ call, and
    /// inside the members that arm, move or register. The thread that is asked need not be the same each time: the run_ call
    /// that has parked the loop does not refuse it; and if another one has begun, that has seen what the ring was for.
    /// Thread: any calls it, several at once perhaps; it must neither throw, nor call set_host_waker(), nor
    /// change the loop. After this member returns the earlier waker is not running and will not be called.
    void set_host_waker(Function<void()> waker, RingFor ring_for = RingFor::work);

    /// From here to resume() the loop's time stands still: the game is paused, or was stopped in a debugger. Handlers
    /// and callbacks run as ever; timeouts wait, and on resuming each has as long to go as it had. Idempotent.
    void suspend();
    void resume();
    bool suspended() const noexcept;
    /// The same afterwards: all that is armed has `gap` longer to go, as if the loop had been suspended so long. For a
    /// hitch that is noticed when it is over: a level was loaded, a breakpoint was hit.
    /// Errors: invalid_argument if `gap` is negative.
    void skip_time(Duration gap);

    // ---- futures, tasks and other threads -------------------------------------------------------

    /// Runs `callback(future)` when the future has its result, always in a later call, even if it has it now.
    /// See future.hpp. Thread: any.
    template <class T, class F>
    void add_future(Future<T> future, F callback, const Origin& origin = Origin::here());

    /// Runs `f()` on `executor`, by default a small pool of threads that the loop makes when it is first needed;
    /// result or exception come back as a future. See executor.hpp.
    template <class F>
    Future<std::invoke_result_t<std::decay_t<F>&>> run_in_executor(F&& f, Executor* executor = nullptr,
                                                                   const Origin& origin = Origin::here());
    /// Null: back to the loop's own. Lifetime: longer than the loop, or until replaced.
    void set_default_executor(Executor* executor);

    /// Runs the loop until the result of `f()` is there, and gives it back: a value, or what a Future or a Task
    /// comes to. For main() and tests. See run_sync.hpp.
    /// Errors: TimeoutError after `timeout`; StoppedError if somebody stopped the loop before; logic_error inside
    /// start(); and what `f` or its task throws.
    template <class F> decltype(auto) run_sync(F&& f, std::optional<Duration> timeout = {});

    /// The S of this loop, made by `S(IOLoop&)` if there is none yet. S derives from Service.
    /// Errors: logic_error in the name of `member`, the call that needs it.
    template <class S> S& service(const char* member = "service") {
        require_thread(member);
        Service* found = find_service(&detail::service_key<S>);
        if (found == nullptr) found = &keep_service(&detail::service_key<S>, std::make_unique<S>(*this));
        return static_cast<S&>(*found);
    }
    /// Or null: not made yet, or closed.
    template <class S> S* existing_service() noexcept {
        return static_cast<S*>(find_service(&detail::service_key<S>));
    }

    // ---- which loop is current (Tornado) --------------------------------------------------------

    /// The loop that runs on this thread, else the one made current. If there is none: instance() or, on
    /// request, null.
    static IOLoop* current(bool instance = true);
    void make_current();
    static void clear_current() noexcept;

    /// The process's main loop; made on first use. Thread: any.
    static IOLoop& instance();
    /// True if there is one. Makes none. Thread: any.
    static bool initialized() noexcept;
    /// Makes this loop the instance(). Errors: logic_error if there is one, or if this is closed. Thread: any.
    void install();
    /// Forgets the instance; destroys it if instance() made it. Thread: any.
    static void clear_instance() noexcept;

    // ---- stalls ---------------------------------------------------------------------------------

    /// Calls `action`, once for each stall and while it lasts, when the loop is busy for longer than
    /// `threshold`: from the end of a wait (or the beginning of a run_ call) to the next wait (or the end of the
    /// run_ call), with handlers, callbacks and timeouts as one block. Never while it sleeps, nor between
    /// run_ calls. In real time, whatever the loop's clock says. `nullopt` disarms: after it returns the
    /// action is not running and will not be called. A null action is log_stack.
    ///
    /// While armed the loop has a thread for this. The stack of the stalled thread is there on Linux with glibc:
    /// a real-time signal that the program does not use is borrowed for the moment, so a system call in the
    /// stalled code may fail with EINTR. Elsewhere Stall::frames is empty.
    ///
    /// Thread: the action runs on the watchdog's. It may post to this loop, but not wait for it, nor destroy it.
    /// Errors: invalid_argument for a threshold that is not positive.
    void set_blocking_signal_threshold(std::optional<Duration> threshold,
                                       Function<void(const Stall&)> action = log_stack);
    /// The same with log_stack: one line and the stack on stderr.
    void set_blocking_log_threshold(std::optional<Duration> threshold);

    // ---- errors ---------------------------------------------------------------------------------

    /// Null: back to one line on stderr. Gives the earlier one back.
    ErrorHook set_error_hook(ErrorHook hook);
    /// Names the hook that is set, by which who removes his own sees whether it still is. One that is put back is the same again.
    /// 0: none.
    std::uint64_t error_hook_id() const noexcept;

    // ---- seeing inside --------------------------------------------------------------------------

    /// Copies out what there is. Reuses the memory of `out`.
    void snapshot(Snapshot& out) const;
    const Statistics& statistics() const noexcept;

    /// Lifetime: until replaced, or the loop is gone. Null: none.
    void set_observer(Observer* observer) noexcept;
    Observer* observer() const noexcept;

    /// While paused nothing is called, waited for or lost, and the loop's time stands still: on resuming
    /// every pending deadline has moved by the length of the pause, so nothing storms. A start() that finds
    /// itself paused sleeps until resumed or stopped. Handlers of signals are the exception: they run, so that a
    /// program that is told to end can. Thread: any may resume; pausing is the loop's.
    void set_paused(bool paused);
    bool paused() const noexcept;
    /// While the loop is paused each run_ call calls `attend(timeout)`, after the callable that paused it has returned:
    /// start() as often as it likes, with a timeout for which it may wait; the others once, with none. For who debugs
    /// the loop from elsewhere: it may look, step, resume and register, and is no call of the loop itself. If it has
    /// resumed, the run_ call goes on where it was. What it throws leaves the run_ call. Null: nobody.
    void set_on_pause(Function<void(Duration)> attend);
    /// Runs one call, or the rest of one turn, while paused. Does not wait.
    /// Errors: logic_error if not paused.
    Turn step(StepKind kind);

    /// In the next turn the handler of `fd` is called with `events`, as if that were ready: those of them that it asked
    /// for, and error. For inspectors, and for who debugs a handler. False if it has none.
    bool inject_readiness(Fd fd, Events events);

    /// From here on snapshot() also tells what passes through `fd`: its owner counts it there. Null: no more. False if
    /// it has no handler. Lifetime: until remove_handler(), or another set_flow().
    bool set_flow(Fd fd, const Flow* flow) noexcept;

    /// True within a callable of this loop.
    bool in_call() const noexcept;
    /// Where that callable was registered; outside, an Origin without name and place.
    const Origin& running_origin() const noexcept;
    /// And what led to that; empty outside.
    Chain running_chain() const noexcept;

    const char* name() const noexcept;

private:
    friend class Poster;
    friend class Scope;
    class Impl;
    class Gate;

    void add_object(Fd fd, Handler handler, Events events, std::shared_ptr<void> object,
                    void (*closer)(void*), const Origin& origin);
    void require_thread(const char* member) const;
    /// HandlerInfo::id of what is registered for `fd`; 0: nothing.
    std::uint64_t registration_of(Fd fd) const noexcept;
    Service* find_service(const void* key) noexcept;
    Service& keep_service(const void* key, std::unique_ptr<Service> made);
    bool try_post(const Callback::Operations& operations, detail::ClosureWords closure, const Origin& origin);
    bool post_from_signal(Callback&& callback, const Origin& origin) noexcept;

    Impl* impl_ = nullptr; ///< ours, but for the run_ calls on the stack: a callable may destroy the loop
    std::shared_ptr<IOLoop*> self_; ///< what current() of any thread holds weakly
};

// ---- handlers of objects ------------------------------------------------------------------------

template <HasFileno T, class F>
void IOLoop::add_handler(T&& object, F handler, Events events, const Origin& origin) {
    using Object = std::remove_reference_t<T>;
    if constexpr (std::is_lvalue_reference_v<T>) {
        // Shares nothing: the caller's.
        add_handler(std::shared_ptr<Object>(std::shared_ptr<Object>(), &object), std::move(handler), events,
                    origin);
    } else {
        add_handler(std::make_shared<Object>(std::forward<T>(object)), std::move(handler), events, origin);
    }
}

template <HasFileno T, class F>
void IOLoop::add_handler(std::shared_ptr<T> object, F handler, Events events, const Origin& origin) {
    void (*closer)(void*) = nullptr;
    if constexpr (requires { object->close(); }) {
        closer = [](void* o) { static_cast<T*>(o)->close(); };
    }
    if (detail::is_null(handler)) {
        return add_object(invalid_fd, nullptr, events, nullptr, nullptr, origin);
    }
    const Fd fd = object != nullptr ? static_cast<Fd>(object->fileno()) : invalid_fd;
    std::shared_ptr<void> kept = std::const_pointer_cast<std::remove_const_t<T>>(object);
    if constexpr (std::invocable<F&, T&, Events>) {
        auto call = [object = object.get(), handler = std::move(handler)](Fd, Events e) mutable {
            return handler(*object, e);
        };
        add_object(fd, std::move(call), events, std::move(kept), closer, origin);
    } else if constexpr (std::invocable<F&, const std::shared_ptr<T>&, Events>) {
        auto call = [object, handler = std::move(handler)](Fd, Events e) mutable {
            return handler(object, e);
        };
        add_object(fd, std::move(call), events, std::move(kept), closer, origin);
    } else {
        add_object(fd, std::move(handler), events, std::move(kept), closer, origin);
    }
}

} // namespace ioloop
