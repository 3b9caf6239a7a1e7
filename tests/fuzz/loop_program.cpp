// SPDX-License-Identifier: MIT
// What a random program draws.
#include "fuzz/loop_program.hpp"

#include "fuzz/descriptors.hpp"
#include "support/os.hpp"

#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <system_error>
#include <utility>

using ioloop::Duration;
using ioloop::Events;

void LoopProgram::act() {
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

void LoopProgram::act_on_callbacks(unsigned wish) {
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

void LoopProgram::act_on_timeouts(unsigned wish) {
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

void LoopProgram::act_on_handlers(unsigned wish) {
    const unsigned number = draw(Descriptors::count);
    if (wish < 9) {
        const Events interest = draw_events();
        const unsigned id = make_callable({draw_scope(), false, false});
        note("add handler # of number # for #", id, number, static_cast<std::int64_t>(interest));
        attempt([&] { note_error(add_handler(number, interest, id)); });
    } else if (wish < 16) {
        const Events interest = draw_events();
        const unsigned scope = draw_scope();
        note("update handler of number # to # (scope #)", number, static_cast<std::int64_t>(interest), scope);
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

void LoopProgram::act_on_descriptors(unsigned wish) {
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

void LoopProgram::act_on_scopes(unsigned wish) {
    const unsigned scope = draw(scopes);
    const bool destroy = wish >= 4 && !closed_; // and another one made in its place
    note(destroy ? "destroy scope # and make it anew" : "clear scope #", scope);
    quiet_ = true; // in whichever order it drops them
    clear_scope(scope, destroy);
    quiet_ = false;
}

void LoopProgram::act_on_loop(unsigned wish) {
    switch (wish) {
    case 0:
    case 1:
    case 2:
    case 3: {
        Duration by = std::chrono::milliseconds(draw(4));
        if (wish == 3) by = draw(2) == 0 ? Duration(draw(1000)) : Duration(std::chrono::minutes(draw(200)));
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

void LoopProgram::act_rarely() {
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
    } else if (wish == 0 || wish == 2) {
        memory_is_short_ = !memory_is_short_;
        note("memory is short: #", memory_is_short_);
    } else if (wish > 2 && !closed_) {
        note("misuse #", wish - 3);
        attempt([&] { misuse(wish - 3); });
    }
}

void LoopProgram::throw_something() {
    if (calls_ == 0) return;
    note("throw");
    if (draw(4) == 1) throw std::system_error(os::broken_pipe, std::system_category());
    throw Thrown();
}

void LoopProgram::run_loop() {
    ++operations_;
    if (memory_is_short_ && draw(16) == 1) {
        memory_is_short_ = false;
        note("there is memory again");
    }
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
    const unsigned what = draw(256); // (the first takes much longer than all others: it takes another thread)
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

void LoopProgram::step_loop() {
    ++operations_;
    const auto kind = static_cast<ioloop::StepKind>(draw(2));
    note(kind == ioloop::StepKind::call ? "step a call" : "step a turn");
    if (runs_ == 0) waits_ = 0;
    Nested const nested(*this, false);
    attempt([&] { note_turn(step(kind)); });
}
