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
    void act() {
        ++operations_;
        const unsigned wish = draw(128);
        if (wish < 16) return act_on_callbacks(wish);
        if (wish < 46) return act_on_timeouts(wish - 16);
        if (wish < 70) return act_on_handlers(wish - 46);
        if (wish < 90) return act_on_descriptors(wish - 70);
        if (wish < 100) return runs_ < deepest ? run_loop() : void();
        if (wish < 106) return act_on_scopes(wish - 100);
        if (wish < 121) return act_on_loop(wish - 106);
        if (wish < 124) return throw_something();
        if (wish < 127) return look();
        act_rarely();
    }

    void act_on_callbacks(unsigned wish) {
        if (wish >= 14) {
            unsigned burst = wish == 14 && draw(8) == 1 ? 70 : 1;
            for (; burst > 0; --burst) {
                const bool posted = post_from_signal(make_callable({no_scope, false, true}));
                note("post from a signal handler: #", posted);
            }
            return;
        }
        const unsigned scope = draw_scope();
        static constexpr By ways[] = {By::loop, By::poster, By::loop, By::loop};
        const bool detached = draw(4) == 1;
        const By by = scope != no_scope ? (draw(4) == 1 ? By::scope_poster : By::scope)
                      : draw(128) == 1  ? By::elsewhere
                                        : ways[draw(4)];
        const unsigned id = draw_callable(scope);
        note("post # (by #, detached #)", id, static_cast<int>(by), detached);
        note("-> #", post(by, detached, id));
    }
    void act_on_timeouts(unsigned wish) {
        if (wish >= 12 && timeouts_ == 0) return;
        if (wish < 12) {
            const bool at = draw(4) == 1;
            const Duration delay = draw_delay();
            const unsigned id = draw_callable(draw_scope());
            note("arm # as timeout #, in # ns", id, timeouts_, delay.count());
            attempt([&] {
                arm(at, delay, id);
                ++timeouts_;
            });
        } else if (wish < 18) {
            const unsigned timeout = draw_timeout();
            note("remove timeout #", timeout);
            note("-> #", remove_timeout(timeout));
        } else if (wish < 28) {
            const unsigned timeout = draw_timeout();
            const Duration delay = draw_delay();
            note("move timeout # to in # ns", timeout, delay.count());
            note("-> #", update_timeout(timeout, delay));
        } else {
            const unsigned timeout = draw_timeout();
            note("timeout # is due at #", timeout, deadline_of(timeout).time_since_epoch().count());
        }
    }
    void act_on_handlers(unsigned wish) {
        const unsigned number = draw(Descriptors::count);
        if (wish < 9) {
            const Events interest = draw_events();
            const unsigned id = make_callable({draw_scope(), false, false});
            note("add handler # of number # for #", id, number, static_cast<std::int64_t>(interest));
            attempt([&] { note_error(add_handler(number, interest, id)); });
        } else if (wish < 16) {
            const Events interest = draw_events();
            const unsigned scope = draw_scope();
            note("update handler of number # to # (scope #)", number, static_cast<std::int64_t>(interest),
                 scope);
            attempt([&] { note_error(update_handler(scope, number, interest)); });
        } else if (wish < 21) {
            const unsigned scope = draw_scope();
            note("remove handler of number # (scope #)", number, scope);
            note("-> #", remove_handler(scope, number));
        } else {
            const auto events = static_cast<Events>(draw(2) + 4 * draw(2) + (draw(4) == 1 ? 0x18 : 0));
            note("inject into number #: #", number, static_cast<std::int64_t>(events));
            attempt([&] { note("-> #", inject(number, events)); });
        }
    }
    void act_on_descriptors(unsigned wish) {
        const unsigned i = draw(Descriptors::count);
        Number& number = numbers_[i];
        Descriptors& all = descriptors();
        if (wish < 9) {
            if (!number.open || number.hung_up) return;
            note("number # becomes readable", i);
            all.send(i);
        } else if (wish < 15) {
            if (!number.open) return;
            note("number # is drained", i);
            all.drain(i);
        } else if (wish == 15) {
            if (!number.open || number.hung_up) return;
            note("number # is hung up by its peer", i);
            all.hang_up(i);
            number.hung_up = true;
        } else if (wish < 18) {
            if (!number.open) {
                note("number # is opened again", i);
                all.reopen(i);
                number = {true, false, number.duplicated, number.duplicate_hung_up};
                return;
            }
            const bool duplicated = !number.duplicated && draw(2) == 0;
            note("number # is closed; a duplicate lives: #", i, duplicated);
            all.close(i, duplicated);
            if (duplicated) number.duplicated = true, number.duplicate_hung_up = number.hung_up;
            number.open = false;
            if (draw(4) == 1) { // its number is used again at once
                note("number # is opened again", i);
                all.reopen(i);
                number.open = true;
                number.hung_up = false;
            }
        } else if (number.duplicated) {
            if (wish == 18) {
                if (number.duplicate_hung_up) return;
                note("the duplicate of number # becomes readable", i);
                all.send_to_duplicate(i);
            } else {
                note("the duplicate of number # is closed", i);
                all.close_duplicate(i);
                number.duplicated = false;
            }
        }
    }
    void act_on_scopes(unsigned wish) {
        const unsigned scope = draw(scopes);
        const bool destroy = wish >= 4 && !closed_; // and another one made in its place
        note(destroy ? "destroy scope # and make it anew" : "clear scope #", scope);
        quiet_ = true; // in whichever order it drops them
        clear_scope(scope, destroy);
        quiet_ = false;
    }
    void act_on_loop(unsigned wish) {
        switch (wish) {
        case 0:
        case 1:
        case 2:
        case 3: {
            Duration by = std::chrono::milliseconds(draw(4));
            if (wish == 3)
                by = draw(2) == 0 ? Duration(draw(1000)) : Duration(std::chrono::minutes(draw(200)));
            note("# ns pass", by.count());
            return advance(by);
        }
        case 4: note("stop()"); return stop(draw(64) == 1);
        case 5: note("wake()"); return wake(draw(64) == 1);
        case 6: note("the next wait is interrupted"); return interrupt();
        case 7: {
            const bool pause = draw(3) == 1;
            note("set_paused(#)", pause);
            return attempt([&] { set_paused(pause); });
        }
        case 8:
        case 9: return runs_ < deepest ? step_loop() : void();
        case 10: {
            const bool hold = draw(2) == 1;
            note(hold ? "suspend()" : "resume()");
            return attempt([&] { suspend(hold); });
        }
        case 11: {
            const Duration gap = std::max(draw_delay(), Duration{});
            if (gap == ioloop::forever) return;
            note("skip_time(# ns)", gap.count());
            return attempt([&] { skip_time(gap); });
        }
        case 12: {
            const bool attends = starts_ > 0 || draw(2) == 1;
            note("somebody attends to pauses from here on: #", attends);
            return attempt([&] { attend_to_pauses(attends); });
        }
        case 13: {
            const bool observed = draw(2) == 1;
            note("set_observer(#)", observed);
            return observe(observed);
        }
        case 14: {
            if (draw(4) == 1) {
                note("native_handle()");
                return attempt([&] { watch_handle(); });
            }
            const bool given = draw(4) != 1;
            const bool for_changes = runs_ == 0 && draw(2) == 1;
            note("set_host_waker(#), for changes #", given, for_changes);
            return attempt([&] { set_host_waker(given, for_changes); });
        }
        default: return;
        }
    }
    void act_rarely() {
        const unsigned wish = draw(8);
        if (wish == 0 && calls_ > 0) {
            note("destroy the loop");
            gone_ = true;
            destroy();
        } else if (wish == 1 && (runs_ > 0 || draw(8) == 1)) {
            note("close the loop");
            attempt([&] {
                close();
                closed_ = true;
            });
        } else if (wish > 2 && !closed_) {
            note("misuse #", wish - 3);
            attempt([&] { misuse(wish - 3); });
        }
    }
    void throw_something() {
        if (calls_ == 0) return;
        note("throw");
        if (draw(4) == 1) throw std::system_error(os::broken_pipe, std::system_category());
        throw Thrown();
    }
    void look() { look(draw(4) == 1); }
    void end() {
        note("the end");
        gone_ = true;
        destroy();
    }

    void run_loop() {
        ++operations_;
        static constexpr Run ways[] = {Run::once, Run::once, Run::once,  Run::once,
                                       Run::once, Run::once, Run::ready, Run::until};
        Run how = ways[draw(8)];
        if (how == Run::until && draw(4) == 1) how = Run::start;
        if (how == Run::start && (attending_ || (!closed_ && starts_ > 0 && draw(4) != 1))) return;
        Duration timeout = draw(2) == 0 ? Duration{} : draw_delay();
        if (how == Run::until && timeout == ioloop::forever) timeout = std::chrono::hours(1);
        ioloop::Budget budget;
        if (draw(2) == 1 || how == Run::ready || how == Run::until) budget.calls = draw(8);
        if (draw(4) == 1) budget.time = std::chrono::milliseconds(draw(4));
        static constexpr const char* names[] = {"run_once in up to # ns, # calls, # ns",
                                                "run_ready (#), # calls, # ns",
                                                "run_until in # ns, # calls, # ns", "start"};
        note(names[static_cast<unsigned>(how)], timeout.count(), budget.calls, budget.time.count());
        if (how == Run::start && !closed_) attend_to_pauses(true);
        if (runs_ == 0) waits_ = 0;
        const unsigned what =
            draw(256); // (the first takes much longer than all others: it takes another thread)
        meanwhile_ = what < 2    ? Meanwhile::post
                     : what < 8  ? Meanwhile::post_from_signal
                     : what < 12 ? Meanwhile::stop
                     : what < 16 ? Meanwhile::wake
                                 : Meanwhile::nothing;
        if (meanwhile_ != Meanwhile::nothing && what % 2 == 0 && how == Run::once && runs_ == 0 && !closed_ &&
            !paused() && timeout > Duration{} && time_to_deadline() > Duration{})
            hurry_meanwhile();
        Nested const nested(*this, how == Run::start);
        attempt([&] { note_turn(run(how, timeout, budget)); });
    }
    void step_loop() {
        ++operations_;
        const auto kind = static_cast<ioloop::StepKind>(draw(2));
        note(kind == ioloop::StepKind::call ? "step a call" : "step a turn");
        if (runs_ == 0) waits_ = 0;
        Nested const nested(*this, false);
        attempt([&] { note_turn(step(kind)); });
    }
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
