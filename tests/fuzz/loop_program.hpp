// SPDX-License-Identifier: MIT
/// LoopProgram: a random program over a loop. It draws what to do from bytes, and notes down all that can be seen of it.
///
/// Two derive from it: LoopSubject does it with the loop, LoopModel with pen and paper. Both are given the same bytes, so
/// they do the same as long as the same comes of it; and what they have noted down must be the same.
///
/// Callables have numbers. What one does when it is called is drawn then. They are noted down when they are called and
/// when they are destroyed. What is destroyed at one stroke, in an order that nobody promises, is noted down by number.
#pragma once

#include "fuzz/descriptors.hpp"
#include "fuzz/notes.hpp"
#include "support/fuzz.hpp"

#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

class LoopProgram {
public:
    using Duration = ioloop::Duration;
    using Events = ioloop::Events;
    using TimePoint = ioloop::TimePoint;

    explicit LoopProgram(const Choices& choices) : choices_(choices) {}
    LoopProgram(const LoopProgram&) = delete;
    LoopProgram& operator=(const LoopProgram&) = delete;
    virtual ~LoopProgram() = default;

    void play() {
        for (int rest = 400; rest > 0 && !choices_.exhausted() && !gone_; --rest) {
            if (closed_) rest = std::min(rest, 10);
            draw(3) == 0 ? run_loop() : act();
            if (!gone_ && draw(16) == 1) look();
        }
        if (!gone_) end();
    }

    const std::vector<Note>& notes() const { return notes_; }
    std::uint64_t operations() const { return operations_; }

protected:
    /// What is thrown on purpose.
    struct Thrown {};

    enum class By : std::uint8_t { loop, poster, elsewhere, scope, scope_poster };
    enum class Run : std::uint8_t { once, ready, until, start };
    static constexpr unsigned no_scope = ~0U;
    static constexpr const char* handler_called = "handler # is called: #";
    static constexpr const char* callback_called = "callback # is called";
    static constexpr const char* timeout_called = "timeout's callable # is called";
    static constexpr unsigned scopes = 2;

    struct Callable {
        unsigned scope = no_scope;
        bool posts_at_end = false; ///< its destructor does
        bool plain = false;        ///< has no destructor, as it may be posted by a signal handler
    };

    // ---- what a program can do. Wrong use throws a logic_error ----

    virtual bool post(By by, bool detached, unsigned id) = 0;
    virtual bool post_from_signal(unsigned id) = 0;
    /// By call_at(), or by call_later(). Timeouts are numbered in the order of arming.
    virtual void arm(bool at, Duration when, unsigned id) = 0;
    virtual bool remove_timeout(unsigned timeout) = 0;
    virtual bool update_timeout(unsigned timeout, Duration delay) = 0;
    virtual TimePoint deadline_of(unsigned timeout) = 0;
    virtual std::error_code add_handler(unsigned number, Events interest, unsigned id) = 0;
    virtual std::error_code update_handler(unsigned scope, unsigned number, Events interest) = 0;
    virtual bool remove_handler(unsigned scope, unsigned number) = 0;
    virtual bool inject(unsigned number, Events events) = 0;
    virtual Descriptors& descriptors() = 0;
    virtual void clear_scope(unsigned scope, bool destroy) = 0;
    virtual void advance(Duration by) = 0;
    virtual void stop(bool elsewhere) = 0;
    virtual void wake(bool elsewhere) = 0;
    virtual void interrupt() = 0; ///< the next wait is
    virtual void set_paused(bool paused) = 0;
    virtual bool paused() = 0;
    virtual void suspend(bool suspended) = 0;
    virtual void skip_time(Duration gap) = 0;
    virtual void attend_to_pauses(bool attend) = 0;
    virtual void observe(bool observed) = 0;
    virtual void set_host_waker(bool given, bool for_changes) = 0;
    virtual void watch_handle() = 0; ///< as a host does
    virtual ioloop::Turn run(Run how, Duration timeout, ioloop::Budget budget) = 0;
    virtual ioloop::Turn step(ioloop::StepKind kind) = 0;
    virtual void close() = 0;
    virtual void destroy() = 0;
    virtual void misuse(unsigned how) = 0;
    virtual void look(bool closely) = 0;
    virtual Duration time_to_deadline() = 0;
    /// What another thread does with the next wait happens just before the loop makes up its mind to sleep.
    virtual void hurry_meanwhile() = 0;
    virtual TimePoint time() = 0; ///< of the world

    // ---- what comes of it ----

    void note(const char* what, std::int64_t a = 0, std::int64_t b = 0, std::int64_t c = 0) {
        notes_.push_back({what, a, b, c});
    }
    void note_deadline(bool in_call, TimePoint next, Duration left, TimePoint time) {
        // Within a call, what is to be done now is so since this phase read the clock, which it does if it is asked.
        if (in_call && left == Duration{})
            return note("work waits (next_deadline() is not later than now: #)", next <= time);
        note("next_deadline() is #, in #", next.time_since_epoch().count(), left.count());
    }
    void note_sorted(std::vector<Note>& all) {
        std::sort(all.begin(), all.end(), [](const Note& x, const Note& y) {
            return std::tuple(std::string_view(x.what), x.a, x.b, x.c) <
                   std::tuple(std::string_view(y.what), y.a, y.b, y.c);
        });
        notes_.insert(notes_.end(), all.begin(), all.end());
    }
    void call(const char* kind, unsigned id, Events events = Events::none) {
        note(kind, id, static_cast<std::int64_t>(events));
        ++calls_;
        struct Leave {
            ~Leave() { --calls; }
            int& calls;
        } const leave{calls_};
        static constexpr unsigned acts[] = {0, 1, 1, 0, 2, 1, 0, 3};
        for (unsigned n = acts[draw(8)]; n > 0 && !gone_; --n) act();
    }
    /// A callable is destroyed.
    void over(unsigned id) {
        note_death({destroyed, id});
        if (callables_[id].posts_at_end) post(By::poster, false, make_callable());
    }
    /// A handler was dropped, as its descriptor was closed.
    void dead() { note_death({dropped}); }
    /// It was not, but cannot be watched.
    void adrift() { note("a handler is adrift"); }
    /// A callable threw. True: the error hook throws that on.
    bool failed() {
        note("the error hook is told");
        return draw(8) == 1;
    }
    /// What somebody else does while the loop is about to wait.
    void meanwhile() {
        if (++waits_ >= 30) stop(false); // for those who would go on for ever
        meanwhile_early();
    }
    void meanwhile_early() {
        in_meanwhile_ = true;
        struct Leave {
            ~Leave() { in_meanwhile = false; }
            bool& in_meanwhile;
        } const leave{in_meanwhile_};
        switch (std::exchange(meanwhile_, Meanwhile::nothing)) {
        case Meanwhile::nothing: break;
        case Meanwhile::post: post(By::elsewhere, false, make_callable()); break;
        case Meanwhile::post_from_signal: post_from_signal(make_callable({no_scope, false, true})); break;
        case Meanwhile::stop: stop(false); break;
        case Meanwhile::wake: wake(false); break;
        }
    }
    /// The host's waker is called. To who posts while run_once() looks without waiting, the loop may still be between
    /// run_ calls, and is called once more than need be.
    void ring() {
        if (!in_meanwhile_ && !quiet_) note("the host is rung");
    }
    bool pause_before() { return draw(32) == 1; }
    /// The loop is paused; `waits`: in start(), which does nothing else until that is over.
    void attend(bool waits) {
        note(waits ? "who attends to the pause may wait" : "somebody attends to the pause");
        if (waits) {
            draw(2) == 0 ? set_paused(false) : stop(false);
            return;
        }
        const unsigned wish = draw(8);
        if (wish == 1) set_paused(false);
        if (wish != 2 || runs_ >= deepest) return;
        attending_ = true;
        struct Leave {
            ~Leave() { attending = false; }
            bool& attending;
        } const leave{attending_};
        step_loop();
    }

    const Callable& callable(unsigned id) const { return callables_[id]; }
    bool closed() const { return closed_; }
    bool gone() const { return gone_; } ///< the loop is destroyed

    bool memory_is_short_ = false; ///< the poller can take nothing

private:
    enum class Meanwhile : std::uint8_t { nothing, post, post_from_signal, stop, wake };
    static constexpr int deepest = 3;
    static constexpr const char* destroyed = "callable # is destroyed";
    static constexpr const char* dropped = "a handler is dropped: its descriptor was closed";

    unsigned draw(std::size_t below) { return static_cast<unsigned>(choices_.draw(below)); }
    unsigned make_callable() { return make_callable(Callable()); }
    unsigned make_callable(Callable made) {
        callables_.push_back(made);
        return static_cast<unsigned>(callables_.size() - 1);
    }
    unsigned draw_callable(unsigned scope = no_scope) {
        return make_callable({scope, scope == no_scope && draw(8) == 1, false});
    }
    unsigned draw_scope() { return draw(4) == 1 ? draw(scopes) : no_scope; }
    Duration draw_delay() {
        switch (draw(8)) {
        case 0: return {};
        case 1: return Duration(draw(1000));
        case 2: return std::chrono::seconds(draw(60));
        case 3: return draw(8) == 1 ? ioloop::forever : Duration(std::chrono::hours(draw(48)));
        default: return std::chrono::milliseconds(draw(8)) - std::chrono::milliseconds(1);
        }
    }
    Events draw_events() {
        static constexpr Events all[] = {Events::read, Events::write, Events::read | Events::write,
                                         Events::none};
        return all[draw(4)];
    }
    /// The younger ones, rather; of those that there ever were.
    unsigned draw_timeout() {
        const unsigned back = draw(4) == 0 ? timeouts_ : std::min(timeouts_, 6U);
        return timeouts_ - 1 - draw(back);
    }
    void note_death(Note death) {
        const auto rank = [](const Note& n) { return std::pair(n.is(dropped), n.a); };
        auto at = notes_.end();
        while (at != notes_.begin() && (at[-1].is(destroyed) || at[-1].is(dropped)) &&
               rank(death) < rank(at[-1]))
            --at;
        notes_.insert(at, death);
    }
    void note_error(std::error_code error) {
        note("-> error #", !error                                          ? 0
                           : error == std::errc::file_exists               ? 1
                           : error == std::errc::bad_file_descriptor       ? 2
                           : error == std::errc::no_such_file_or_directory ? 3
                                                                           : 4);
    }

    /// One of them, by weight.
    void act();
    void act_on_callbacks(unsigned wish);
    void act_on_timeouts(unsigned wish);
    void act_on_handlers(unsigned wish);
    void act_on_descriptors(unsigned wish);
    void act_on_scopes(unsigned wish);
    void act_on_loop(unsigned wish);
    void act_rarely();
    void throw_something();
    void look() { look(draw(4) == 1); }
    void end() {
        note("the end");
        gone_ = true;
        destroy();
    }

    void run_loop();
    void step_loop();
    void note_turn(const ioloop::Turn& turn) {
        note("-> ended #, left #, at #", static_cast<int>(turn.ended), turn.left,
             time().time_since_epoch().count());
        note("   made # handlers, # callbacks, # timeouts", turn.handlers, turn.callbacks, turn.timeouts);
        note("   waited #, busy #", turn.waited.count(), turn.busy.count());
    }
    struct Nested {
        Nested(LoopProgram& p, bool s) : program(p), starts(s) {
            ++program.runs_;
            program.starts_ += starts;
        }
        Nested(const Nested&) = delete;
        Nested& operator=(const Nested&) = delete;
        ~Nested() {
            --program.runs_;
            program.starts_ -= starts;
        }
        LoopProgram& program;
        bool starts;
    };

    /// Notes down what is refused and, between run_ calls, what is thrown.
    template <class F> void attempt(F f) {
        try {
            f();
        } catch (const std::logic_error&) {
            note("refused");
        } catch (...) {
            if (calls_ > 0) throw;
            note("left by an exception");
        }
    }

    Choices choices_;
    std::vector<Note> notes_;
    std::vector<Callable> callables_;
    std::uint64_t operations_ = 0;
    unsigned timeouts_ = 0;

    struct Number {
        bool open = true;
        bool hung_up = false;
        bool duplicated = false;
        bool duplicate_hung_up = false;
    };
    Number numbers_[Descriptors::count];

    int calls_ = 0; ///< on the stack
    int runs_ = 0;
    int starts_ = 0;
    int waits_ = 0; ///< since the outermost run_ call began
    bool attending_ = false;
    bool closed_ = false;
    bool gone_ = false;
    Meanwhile meanwhile_ = Meanwhile::nothing;
    bool in_meanwhile_ = false;
    bool quiet_ = false; ///< rings are not noted down
};
