// SPDX-License-Identifier: MIT
/// LoopModel: what io_loop.hpp says of the loop, with the slowest and plainest means: what the run_ calls make of turns
/// (loop_turns.hpp) that go by the books (loop_books.hpp). Where the loop differs from it, one of them is wrong.
#pragma once

#include "fuzz/loop_turns.hpp"

#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

class LoopModel final : public LoopTurns {
public:
    using LoopTurns::LoopTurns;

private:
    using Budget = ioloop::Budget;
    using Ended = ioloop::Ended;

    // ---- running --------------------------------------------------------------------------------

    struct Inside {
        explicit Inside(LoopModel& m) : model(m) {
            if (model.closed_) refuse();
            ++model.depth_;
            model.parked_ = Parked::no;
        }
        Inside(const Inside&) = delete;
        Inside& operator=(const Inside&) = delete;
        ~Inside() {
            if (--model.depth_ == 0 && !model.gone()) model.park();
        }
        LoopModel& model;
    };

    Turn run(Run how, Duration timeout, Budget budget) override {
        if (how == Run::start) return start(), Turn{};
        const Inside inside(*this);
        Turn out;
        Spend spend;
        spend.calls = budget.calls;
        spend.time = budget.time;
        if (how == Run::once) {
            if (!attend_pause()) {
                out.ended = gone() ? Ended::stopped : Ended::paused;
                return out;
            }
            const bool complete = turn_attended(timeout, spend, out);
            return conclude(spend, out, complete, consume_stop());
        }
        const TimePoint begin = now_;
        if (how == Run::until) {
            spend.limit = ioloop::after(now_, timeout);
        } else if (budget.time != ioloop::forever) { // it never sleeps: all of its time is spent
            spend.limit = now_ + budget.time;
            spend.time = ioloop::forever;
        }
        const TimePoint deadline = ioloop::after(now_, timeout);
        attend_pause();
        bool complete = true;
        bool stopped = consume_stop();
        for (bool made = true; made && complete && !stopped && !paused_ && !gone();) {
            const std::uint32_t before = spend.made;
            complete =
                turn_attended(how == Run::until ? ioloop::until(deadline, now_) : Duration{}, spend, out);
            stopped = complete && consume_stop();
            made = how == Run::until ? now_ < deadline : spend.made != before;
        }
        if (how == Run::ready && budget.time != ioloop::forever && !gone()) out.busy = now_ - begin;
        return conclude(spend, out, complete, stopped);
    }
    void start() {
        if (running_loop_) refuse();
        const Inside inside(*this);
        if (std::exchange(stop_, false)) return;
        struct Running {
            explicit Running(LoopModel& m) : model(m) { model.running_loop_ = true; }
            ~Running() { model.running_loop_ = model.stop_ = false; }
            LoopModel& model;
        } const running(*this);
        Spend spend;
        Turn out;
        if (phase_ == Phase::wait && !paused_) {
            begin_turn();
            phase_ = Phase::due;
            finish_turn(spend, out);
        }
        while (!stop_ && !gone()) paused_ ? attend_pause(true) : turn(ioloop::forever, spend, out);
    }
    Turn step(ioloop::StepKind kind) override {
        if (!paused_) refuse();
        const Inside inside(*this);
        Turn out;
        Spend spend;
        spend.stepping = true;
        if (kind == ioloop::StepKind::call) spend.calls = 1;
        const bool complete = turn({}, spend, out);
        return conclude(spend, out, complete, false);
    }
    Turn conclude(const Spend& spend, Turn out, bool complete, bool stopped) {
        out.left = left();
        if (gone() || stopped) {
            out.ended = Ended::stopped;
        } else if (paused_ && !spend.stepping) {
            out.ended = Ended::paused;
        } else if (!complete) {
            out.ended = Ended::budget;
            ++statistics_.budget_spent;
        } else {
            out.ended = spend.made > 0 ? Ended::ran : Ended::idle;
            out.left = 0;
        }
        return out;
    }
    std::uint32_t left() const {
        std::size_t count = phase_ == Phase::handlers ? ready_.size() + queue_.size() : batch_;
        for (const unsigned t : due_) count += timeouts_[t].state == State::due;
        return static_cast<std::uint32_t>(count);
    }
    bool consume_stop() {
        const bool stopped = stop_;
        if (depth_ == 1) stop_ = false;
        return stopped;
    }
    bool turn_attended(Duration timeout, Spend& spend, Turn& out) {
        bool complete = turn(timeout, spend, out);
        while (!complete && !gone() && paused_ && attend_pause()) complete = turn({}, spend, out);
        return complete;
    }

    // ---- looking --------------------------------------------------------------------------------

    void observe(bool observed) override {
        observed_ = observed;
        turn_observed_ = false;
    }
    void look(bool closely) override {
        std::size_t handlers = 0;
        for (const auto& [id, handler] : handlers_) handlers += handler.registered;
        // One that runs counts until it is over.
        const auto timeouts = std::count_if(timeouts_.begin(), timeouts_.end(),
                                            [](const Timeout& t) { return t.state != State::gone; });
        note("there are # handlers, # timeouts, # callbacks", static_cast<int>(handlers), timeouts,
             static_cast<int>(queue_.size() + from_signals_.size()));
        note("# turns, # budgets spent, depth #", static_cast<std::int64_t>(statistics_.turns),
             static_cast<std::int64_t>(statistics_.budget_spent), depth_);
        note("# handlers, # callbacks, # timeouts ran", static_cast<std::int64_t>(statistics_.handlers_run),
             static_cast<std::int64_t>(statistics_.callbacks_run),
             static_cast<std::int64_t>(statistics_.timeouts_run));
        note("# errors, # dead handlers, # posts refused", static_cast<std::int64_t>(statistics_.errors),
             static_cast<std::int64_t>(statistics_.dead_handlers),
             static_cast<std::int64_t>(statistics_.signal_posts_refused));
        note("waited #, busy #, held #", statistics_.waited.count(), statistics_.busy.count(),
             statistics_.held.count());
        note("it is #, for the loop #", now_.time_since_epoch().count(),
             loop_time().time_since_epoch().count());
        note("the observer saw # calls begin, # end, and # turns", static_cast<std::int64_t>(told_calls_),
             static_cast<std::int64_t>(told_ends_), static_cast<std::int64_t>(told_turns_));
        note_deadline(!running_.empty(), next_deadline(), time_to_deadline(), loop_time());
        for (unsigned scope = 0; scope < scopes; ++scope)
            note("scope # has #", scope, static_cast<int>(size_of_scope(scope)));
        if (!closely) return;

        std::vector<Note> all;
        for (const auto& [id, handler] : handlers_) {
            if (handler.registered)
                all.push_back({"number #: interest #, # calls", handler.number,
                               static_cast<std::int64_t>(handler.interest) + (handler.running     ? 1000
                                                                              : handler.unwatched ? 2000
                                                                                                  : 0),
                               static_cast<std::int64_t>(handler.calls)});
        }
        for (const Timeout& t : timeouts_) {
            if (t.state == State::gone || t.state == State::running) continue;
            all.push_back({"due at # (#)", t.deadline.time_since_epoch().count(), t.state == State::due});
        }
        collect();
        note_sorted(all);
        note("# queued, turn #", static_cast<int>(queue_.size()), static_cast<std::int64_t>(turn_));
        note("in turn #, in call #, flags #", phase_ != Phase::wait, !running_.empty(),
             4 * paused_ + 2 * suspended_ + running_loop_);
    }

    // ---- the end --------------------------------------------------------------------------------

    void close() override {
        if (depth_ > 0) refuse();
        drop_everything();
    }
    void destroy() override { drop_everything(); }
    void drop_everything() {
        closed_ = true;
        has_waker_ = rings_for_changes_ = false;
        phase_ = Phase::wait;
        ready_.clear();
        due_.clear();
        narrowed_.clear();
        injected_.clear();
        from_signals_.clear();
        queue_.clear();
        batch_ = 0;
        for (Timeout& t : timeouts_) t.state = State::gone;
        for (auto handler = handlers_.begin(); handler != handlers_.end();) {
            handler->second.registered = false;
            handler = handler->second.running ? std::next(handler) : handlers_.erase(handler);
        }
        const std::vector<unsigned> all = alive_;
        for (const unsigned id : all) {
            if (std::find(running_.begin(), running_.end(), id) == running_.end()) end(id);
        }
    }
};
