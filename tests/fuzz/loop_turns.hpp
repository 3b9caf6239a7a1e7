// SPDX-License-Identifier: MIT
/// LoopTurns: the part of the model of a loop (loop_model.hpp) that runs a turn: the wait, handlers, callbacks, timeouts, each
/// within a budget. With the slowest and plainest means.
#pragma once

#include "fuzz/loop_books.hpp"

#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <system_error>
#include <utility>
#include <vector>

class LoopTurns : public LoopBooks {
public:
    using LoopBooks::LoopBooks;

protected:
    using Turn = ioloop::Turn;
    /// Of a run_ call's budget.
    struct Spend {
        std::uint32_t calls = ioloop::unlimited;
        Duration time = ioloop::forever;
        TimePoint limit = ioloop::never; ///< no call is begun later
        bool stepping = false;
        std::uint32_t made = 0;
        bool measuring = false;
        TimePoint begin{};
    };

    /// A turn, or the rest of one. False if the budget is spent with calls left.
    bool turn(Duration timeout, Spend& spend, Turn& out) {
        tell_poller();
        if (phase_ != Phase::wait) {
            const std::uint32_t before = spend.made;
            if (!finish_turn(spend, out)) return false;
            if (spend.made != before || gone()) return true;
        }
        begin_turn();
        wait(timeout, out);
        phase_ = Phase::handlers;
        return finish_turn(spend, out);
    }
    void begin_turn() {
        ++turn_;
        turn_observed_ = observed_;
        ready_.clear();
        due_.clear();
    }
    /// From where it stands: any call may have run the rest of it, or of its phase, in a nested one.
    bool finish_turn(Spend& spend, Turn& out) {
        const std::uint64_t turn = turn_;
        bool within_budget = true;
        while (within_budget && turn_ == turn && phase_ != Phase::wait) within_budget = go_on(spend, out);
        if (spend.measuring && !gone()) {
            const Duration busy = now_ - spend.begin;
            out.busy += busy;
            if (depth_ == 1) statistics_.busy += busy;
            if (spend.time != ioloop::forever) spend.time -= busy;
            spend.measuring = false;
        }
        return within_budget;
    }

private:
    /// The poller hears of what could wait, and of what it could not take.
    void tell_poller() {
        while (!narrowed_.empty()) {
            const auto handler = handlers_.find(narrowed_.back());
            narrowed_.pop_back();
            if (handler == handlers_.end() || !handler->second.registered || handler->second.unwatched)
                continue;
            if (handler->second.told == handler->second.interest) continue;
            const auto error = watch(handler->second, handler->second.interest);
            if (error == std::errc::not_enough_memory) {
                poller_.remove(fd(handler->second.number));
                set_adrift(handler->second);
            } else if (error) {
                bury(handler->second);
            }
        }
        if (some_are_adrift_ && retry_at_ <= now_) watch_adrift();
    }
    void wait(Duration timeout, Turn& out) {
        for (const unsigned id : running_) { // they are not called again, and so shall not end the wait
            const auto handler = handlers_.find(id);
            if (handler == handlers_.end() || !handler->second.registered || handler->second.unwatched)
                continue;
            poller_.remove(fd(handler->second.number));
            handler->second.unwatched = true;
        }
        for (bool interrupted = true; interrupted;) {
            Duration limit = std::max(timeout, Duration{});
            const TimePoint first = first_deadline();
            const Duration due = ioloop::until(first, loop_time());
            if (first != ioloop::never && due <= limit && (due == Duration{} || !holding_)) limit = due;
            if (anything_queued()) limit = {};
            if (some_are_adrift_) limit = std::min(limit, ioloop::until(retry_at_, now_));
            if (limit > Duration{}) parked_ = Parked::sleeping;
            meanwhile();
            parked_ = Parked::no;
            if (anything_queued() || stop_) limit = {};
            interrupted = interrupts_ > 0;
            if (interrupted) {
                --interrupts_;
                continue;
            }
            ioloop::Poller::Ready ready[64];
            std::size_t count = 0;
            poller_.wait(ready, limit, count);
            ready_.assign(ready, ready + count);
            const bool woken = std::exchange(woken_, false);
            if (count > 0 || woken || limit == Duration{}) continue;
            if (limit == ioloop::forever) {
                stop_ = true; // by somebody who had enough
            } else {
                now_ += limit;
                out.waited += limit;
                statistics_.waited += limit;
            }
        }
        for (const auto& injected : injected_) {
            if (!is_registered(injected.key)) continue;
            const auto found = std::find_if(ready_.begin(), ready_.end(),
                                            [&](const auto& ready) { return ready.key == injected.key; });
            if (found != ready_.end()) {
                found->events |= injected.events;
            } else {
                ready_.push_back(injected);
            }
        }
        injected_.clear();
    }
    bool is_registered(ioloop::Poller::Key key) const {
        const auto handler = handlers_.find(static_cast<unsigned>(key));
        return handler != handlers_.end() && handler->second.registered;
    }

    /// One call, or on to the next phase. False if the budget is spent.
    bool go_on(Spend& spend, Turn& out) {
        switch (phase_) {
        case Phase::handlers:
            if (!ready_.empty()) return handle(spend, out);
            phase_ = Phase::due;
            return true;
        case Phase::due:
            batch_ = collect();
            for (unsigned t = 0; t < timeouts_.size(); ++t) {
                if (timeouts_[t].state != State::armed || timeouts_[t].deadline > loop_time()) continue;
                timeouts_[t].state = State::due;
                due_.push_back(t);
            }
            std::sort(due_.begin(), due_.end(), [this](unsigned a, unsigned b) {
                return std::pair(timeouts_[a].deadline, timeouts_[a].order) <
                       std::pair(timeouts_[b].deadline, timeouts_[b].order);
            });
            phase_ = Phase::callbacks;
            return true;
        case Phase::callbacks:
            if (batch_ > 0) return run_callback(spend, out);
            phase_ = Phase::timeouts;
            return true;
        case Phase::timeouts:
            if (!due_.empty()) return run_timeout(spend, out);
            phase_ = Phase::report;
            return true;
        default:
            ++statistics_.turns;
            phase_ = Phase::wait;
            if (observed_ && turn_observed_) ++told_turns_;
            return true;
        }
    }
    bool handle(Spend& spend, Turn& out) {
        const ioloop::Poller::Ready ready = ready_.front();
        if (!is_registered(ready.key)) {
            ready_.pop_front();
            ++statistics_.stale_events;
            if (removed_in_[static_cast<unsigned>(ready.key)] == turn_) return true;
            ++statistics_.orphan_events; // it was closed before it was removed, and a duplicate lives
            rebuild_poller();
            return true;
        }
        Handler& handler = handlers_[static_cast<unsigned>(ready.key)];
        const Events events = ready.events & (handler.interest | Events::error);
        if (ready.gone) {
            ready_.pop_front();
            bury(handler);
            return true;
        }
        if (!any(events) || handler.running) {
            ready_.pop_front();
            return true;
        }
        if (!may_call(spend)) return false;
        ready_.pop_front();
        // A handler that is always ready may be that of a closed descriptor: now and then somebody has a look.
        handler.streak = handler.last_turn + 1 == turn_ ? handler.streak + 1 : 1;
        if (handler.streak % 64 == 0 && !handler.unwatched) {
            const auto error = watch(handler, handler.interest);
            if (error && error != std::errc::not_enough_memory) {
                bury(handler);
                rebuild_poller();
                return true;
            }
        }
        handler.last_turn = turn_;
        ++handler.calls;
        ++statistics_.handlers_run;
        ++out.handlers;
        handler.running = true;
        bool died = false;
        const unsigned id = static_cast<unsigned>(ready.key);
        make_call(handler_called, id, events, [&] {
            Handler& h = handlers_[id];
            h.running = false;
            if (!h.registered) {
                handlers_.erase(id);
                end(id);
            } else if (h.unwatched) {
                const auto error = watch_again(h);
                if (error == std::errc::not_enough_memory) set_adrift(h);
                if (!error || error == std::errc::not_enough_memory) return;
                died = true;
                ++statistics_.dead_handlers;
                drop(h);
            }
        });
        if (died) report_dead();
        return true;
    }
    bool run_callback(Spend& spend, Turn& out) {
        if (!may_call(spend)) return false;
        const unsigned id = queue_.front();
        queue_.pop_front();
        --batch_;
        ++statistics_.callbacks_run;
        ++out.callbacks;
        make_call(callback_called, id, Events::none, [&] {
            if (!callable(id).plain) end(id);
        });
        return true;
    }
    bool run_timeout(Spend& spend, Turn& out) {
        const unsigned t = due_.front();
        if (timeouts_[t].state != State::due) {
            due_.erase(due_.begin());
            return true;
        }
        if (!may_call(spend)) return false;
        due_.erase(due_.begin());
        timeouts_[t].state = State::running;
        ++statistics_.timeouts_run;
        ++out.timeouts;
        make_call(timeout_called, timeouts_[t].id, Events::none, [&] {
            Timeout& timeout = timeouts_[t];
            if (timeout.state == State::rearmed) {
                timeout.state = State::armed;
            } else {
                timeout.state = State::gone;
                end(timeout.id);
            }
        });
        return true;
    }
    bool may_call(Spend& spend) {
        if (paused_ && !spend.stepping) return false;
        if (spend.made > 0) { // there is always budget for the first
            if (spend.made >= spend.calls || now_ >= spend.limit) return false;
            if (spend.time <= Duration{} || (spend.measuring && now_ - spend.begin >= spend.time))
                return false;
        }
        if (!spend.measuring) spend.begin = now_;
        spend.measuring = true;
        if (observed_ && !spend.stepping && pause_before()) {
            set_paused(true);
            return false;
        }
        ++spend.made;
        return true;
    }
    template <class F> void make_call(const char* kind, unsigned id, Events events, F after) {
        struct Leave {
            ~Leave() { running.pop_back(); }
            std::vector<unsigned>& running;
        };
        const bool observed = observed_;
        if (observed) ++told_calls_;
        try {
            const Leave leave{running_};
            running_.push_back(id);
            struct Body {
                LoopTurns& model;
                unsigned id;
                ~Body() { // a callable of a scope that was cleared meanwhile
                    if (model.is_cleared(id)) model.end(id);
                }
            };
            try {
                if (is_cleared(id)) {
                    // there is nothing in it any more
                } else {
                    const Body body{*this, id};
                    call(kind, id, events);
                }
            } catch (...) {
                if (observed && observed_) ++told_ends_;
                throw_on(kind);
                after();
                return;
            }
        } catch (...) {
            after();
            throw;
        }
        if (observed && observed_ && !gone()) ++told_ends_;
        after();
    }
    /// What becomes of the exception that is being handled.
    void throw_on(const char* kind) {
        try {
            throw;
        } catch (const std::system_error&) {
            if (kind == handler_called) return; // a broken pipe: the peer went away
            ++statistics_.errors;
            if (failed()) throw;
        } catch (const Thrown&) {
            ++statistics_.errors;
            if (failed()) throw;
        }
    }
};
