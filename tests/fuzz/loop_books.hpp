// SPDX-License-Identifier: MIT
/// LoopBooks: the part of the model of a loop (loop_model.hpp) that keeps account: of what is registered, queued and armed,
/// of who holds the time, and of who is to be told. With the slowest and plainest means.
#pragma once

#include "fuzz/loop_program.hpp"
#include "fuzz/paper_files.hpp"
#include "support/poller_traits.hpp"
#include "support/sim_world.hpp"

#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

class LoopBooks : public LoopProgram {
public:
    /// `has_handle`: a host can wait for the poller.
    LoopBooks(const Choices& choices, const PollerTraits& traits, bool has_handle)
        : LoopProgram(choices),
          poller_(std::make_unique<PaperPoller>(files_, traits), memory_is_short_),
          has_handle_(has_handle) {}

protected:
    enum class Phase { wait, handlers, due, callbacks, timeouts, report };
    enum class State { armed, due, running, rearmed, gone };
    struct Timeout {
        unsigned id;
        TimePoint deadline;
        unsigned order; ///< among equal deadlines
        State state = State::armed;
    };
    struct Handler {
        unsigned number;
        Events interest;
        Events told; ///< to the poller: the interest, or more
        bool registered = true;
        bool running = false;
        bool unwatched = false; ///< as it runs, and a nested turn waits; or as it is adrift
        bool told_adrift = false;
        unsigned streak = 0; ///< turns in a row in which it was ready
        std::uint64_t last_turn = 0;
        std::uint64_t calls = 0;
    };
    enum class Parked { no, sleeping, between_runs };

    // ---- callbacks ------------------------------------------------------------------------------

    bool post(By, bool, unsigned id) override {
        if (closed_) return over(id), false;
        queue_.push_back(id);
        alive(id);
        notify();
        return true;
    }
    bool post_from_signal(unsigned id) override {
        if (closed_) return false;
        if (from_signals_.size() == 64) return ++statistics_.signal_posts_refused, false;
        from_signals_.push_back(id);
        if (parked_ != Parked::no) woken_ = true;
        return true;
    }
    std::size_t collect() {
        queue_.insert(queue_.end(), from_signals_.begin(), from_signals_.end());
        from_signals_.clear();
        return queue_.size();
    }

    // ---- timeouts -------------------------------------------------------------------------------

    void arm(bool, Duration when, unsigned id) override {
        if (closed_) return over(id), refuse();
        timeouts_.push_back({id, ioloop::after(loop_time(), when), armings_++});
        alive(id);
        plan_changed();
    }
    bool remove_timeout(unsigned timeout) override {
        Timeout& t = timeouts_[timeout];
        if (t.state == State::gone || t.state == State::running) return false;
        const bool running = t.state == State::rearmed;
        t.state = State::gone;
        plan_changed();
        if (!running) end(t.id);
        return true;
    }
    bool update_timeout(unsigned timeout, Duration delay) override {
        Timeout& t = timeouts_[timeout];
        if (t.state == State::gone) return false;
        t.deadline = ioloop::after(loop_time(), delay);
        t.order = armings_++;
        t.state = t.state == State::running || t.state == State::rearmed ? State::rearmed : State::armed;
        plan_changed();
        return true;
    }
    TimePoint deadline_of(unsigned timeout) override {
        const Timeout& t = timeouts_[timeout];
        return t.state != State::gone ? t.deadline : ioloop::never;
    }
    TimePoint first_deadline() const {
        TimePoint first = ioloop::never;
        for (const Timeout& t : timeouts_) {
            if (t.state == State::armed) first = std::min(first, t.deadline);
        }
        return first;
    }
    void shift(Duration gap) {
        for (Timeout& t : timeouts_) {
            if (t.deadline != ioloop::never) t.deadline = ioloop::after(t.deadline, gap);
        }
    }

    // ---- handlers -------------------------------------------------------------------------------

    std::error_code add_handler(unsigned number, Events interest, unsigned id) override {
        if (closed_) over(id), refuse();
        Handler* const earlier = registered(number);
        auto error = earlier != nullptr && earlier->unwatched ? make_error_code(std::errc::file_exists)
                                                              : poller_.add(fd(number), interest, id);
        if (error) return over(id), error;
        handlers_[id] = {number, interest, interest};
        alive(id);
        descriptors_changed();
        if (earlier != nullptr) { // its file was closed, and the number is another file's now
            ++statistics_.dead_handlers;
            drop(*earlier);
        }
        return {};
    }
    std::error_code update_handler(unsigned scope, unsigned number, Events interest) override {
        if (closed_ && scope == no_scope) refuse();
        Handler* const handler = registered(number, scope);
        if (handler == nullptr) return make_error_code(std::errc::no_such_file_or_directory);
        if (handler->interest == interest) return {};
        if (!handler->unwatched) {
            const unsigned id = id_of(*handler);
            const bool somebody_waits = depth_ == 0 && handle_watched_;
            if (somebody_waits || any(interest & ~handler->told)) { // of more the poller hears at once
                if (const auto error = watch(*handler, interest)) return error;
            } else if (std::find(narrowed_.begin(), narrowed_.end(), id) == narrowed_.end()) {
                narrowed_.push_back(id);
            }
        }
        handler->interest = interest;
        descriptors_changed();
        return {};
    }
    bool remove_handler(unsigned scope, unsigned number) override {
        Handler* const handler = registered(number, scope);
        if (handler == nullptr) return false;
        if (!handler->unwatched) poller_.remove(fd(number));
        drop(*handler);
        descriptors_changed();
        return true;
    }
    bool inject(unsigned number, Events events) override {
        if (closed_) refuse();
        const Handler* const handler = registered(number);
        if (handler == nullptr) return false;
        injected_.push_back({id_of(*handler), events, false});
        notify();
        return true;
    }
    std::error_code watch(Handler& handler, Events interest) {
        const auto error = poller_.modify(fd(handler.number), interest, id_of(handler));
        if (!error) handler.told = interest;
        return error;
    }
    /// Ends a registration.
    void drop(Handler& handler) {
        const unsigned id = id_of(handler);
        handler.registered = false;
        removed_in_[id] = turn_;
        if (handler.running) return;
        handlers_.erase(id);
        end(id);
    }
    /// Its descriptor was closed.
    void bury(Handler& handler) {
        poller_.remove(fd(handler.number));
        drop(handler);
        ++statistics_.dead_handlers;
        report_dead();
    }
    void report_dead() {
        ++statistics_.errors;
        dead();
    }
    void rebuild_poller() {
        poller_.reset();
        for (auto& [id, handler] : handlers_) {
            if (handler.registered) set_adrift(handler);
        }
        watch_adrift();
    }
    void set_adrift(Handler& handler) {
        handler.unwatched = true;
        descriptors_changed();
        if (!std::exchange(some_are_adrift_, true)) retry_at_ = now_;
    }
    std::error_code watch_again(Handler& handler) {
        const auto error = poller_.add(fd(handler.number), handler.interest, id_of(handler));
        if (error) return error;
        handler.told = handler.interest;
        handler.unwatched = handler.told_adrift = false;
        return {};
    }
    void watch_adrift() {
        some_are_adrift_ = false;
        retry_at_ = now_ + std::chrono::milliseconds(10);
        std::vector<Handler*> closed;
        for (auto& [id, handler] : handlers_) {
            if (!handler.registered || handler.running || !handler.unwatched) continue;
            const auto error = watch_again(handler);
            if (error == std::errc::not_enough_memory) {
                some_are_adrift_ = true;
                if (std::exchange(handler.told_adrift, true)) continue;
                ++statistics_.errors;
                adrift();
            } else if (error) {
                closed.push_back(&handler);
            } else {
                descriptors_changed();
            }
        }
        for (Handler* const handler : closed) bury(*handler);
    }
    Handler* registered(unsigned number, unsigned scope = no_scope) {
        for (auto& [id, handler] : handlers_) {
            if (handler.registered && handler.number == number &&
                (scope == no_scope || callable(id).scope == scope))
                return &handler;
        }
        return nullptr;
    }
    unsigned id_of(const Handler& handler) const {
        return std::find_if(handlers_.begin(), handlers_.end(),
                            [&](const auto& entry) { return &entry.second == &handler; })
            ->first;
    }
    ioloop::Fd fd(unsigned number) const { return files_.number(number); }
    Descriptors& descriptors() override { return files_; }

    // ---- scopes ---------------------------------------------------------------------------------

    void clear_scope(unsigned scope, bool) override {
        const std::vector<unsigned> all = alive_;
        for (const unsigned id : all) {
            if (callable(id).scope != scope || is_cleared(id)) continue;
            cleared_.push_back(id); // if it is queued, there is nothing in it any more
            bool running = std::find(running_.begin(), running_.end(), id) != running_.end();
            for (unsigned t = 0; t < timeouts_.size(); ++t) {
                if (timeouts_[t].id == id) remove_timeout(t);
            }
            const auto handler = handlers_.find(id);
            if (handler != handlers_.end() && handler->second.registered)
                remove_handler(no_scope, handler->second.number);
            if (!running) end(id);
        }
    }
    bool is_cleared(unsigned id) const {
        return std::find(cleared_.begin(), cleared_.end(), id) != cleared_.end();
    }
    std::size_t size_of_scope(unsigned scope) const {
        return static_cast<std::size_t>(std::count_if(alive_.begin(), alive_.end(), [&](unsigned id) {
            return callable(id).scope == scope && !is_cleared(id);
        }));
    }

    // ---- time, and who holds it -----------------------------------------------------------------

    TimePoint time() override { return now_; }
    TimePoint loop_time() const { return holding_ ? held_at_ : now_; }
    void advance(Duration by) override { now_ += by; }
    void set_paused(bool paused) override {
        if (closed_ && paused) refuse();
        if (std::exchange(paused_, paused) == paused) return;
        apply_hold();
        plan_changed();
        if (!paused) notify();
    }
    bool paused() override { return paused_; }
    void suspend(bool suspended) override {
        if (closed_) refuse();
        suspended_ = suspended;
        apply_hold();
        plan_changed();
    }
    void apply_hold() {
        if ((paused_ || suspended_) == holding_) return;
        if (!holding_) held_at_ = now_;
        holding_ = !holding_;
        if (holding_) return;
        shift(now_ - held_at_);
        statistics_.held += now_ - held_at_;
    }
    void skip_time(Duration gap) override {
        if (closed_) refuse();
        shift(gap);
        plan_changed();
    }
    void attend_to_pauses(bool attend) override {
        if (closed_) refuse();
        attends_ = attend;
    }
    /// True if there is no pause (any more).
    bool attend_pause(bool waits = false) {
        if (!paused_) return true;
        if (!attends_ || attending_) return false;
        struct Leave {
            ~Leave() { attending = false; }
            bool& attending;
        } const leave{attending_ = true};
        attend(waits);
        return !paused_ && !gone();
    }

    // ---- hosts and other threads ----------------------------------------------------------------

    void stop(bool) override {
        stop_ = true;
        notify();
    }
    void wake(bool) override {
        if (!closed_) woken_ = true;
    }
    void interrupt() override { ++interrupts_; }
    void hurry_meanwhile() override {}
    void set_host_waker(bool given, bool for_changes) override {
        if (closed_) refuse();
        has_waker_ = given;
        rings_for_changes_ = given && for_changes;
        told_ = next_deadline();
        descriptors_changed_ = false;
        if (depth_ > 0) return;
        if (!has_waker_ && !handle_watched_) parked_ = Parked::no;
        park();
    }
    void watch_handle() override {
        if (closed_) refuse();
        handle_watched_ = true;
        if (depth_ == 0) park();
    }
    /// The loop is left to its host.
    void park() {
        if (!has_waker_ && !handle_watched_) return;
        parked_ = Parked::between_runs;
        if (handle_watched_) {
            for (const unsigned id : narrowed_) { // somebody else is about to wait for it
                const auto handler = handlers_.find(id);
                if (handler != handlers_.end() && handler->second.registered)
                    watch(handler->second, handler->second.interest);
            }
            if (!paused_ && (phase_ != Phase::wait || anything_queued())) woken_ = true;
        }
        tell_plan();
    }
    /// The first timeout may be another one now. Within a run_ call, who is to hear of that does at its end.
    void plan_changed() {
        if (depth_ == 0) tell_plan();
    }
    void descriptors_changed() {
        if (!rings_for_changes_ || has_handle_) return; // else the host waits for the handle
        descriptors_changed_ = true;
        plan_changed();
    }
    void tell_plan() {
        if (!rings_for_changes_) return;
        const bool sooner = next_deadline() < std::exchange(told_, next_deadline());
        if (std::exchange(descriptors_changed_, false) || sooner) ring();
    }
    /// Whoever queued something sees to it that the loop comes to know.
    void notify() {
        const Parked was = std::exchange(parked_, Parked::no);
        if (was != Parked::no && !closed_) woken_ = true;
        if (was == Parked::between_runs && has_waker_) ring();
    }
    bool work_waits() const { return phase_ != Phase::wait || anything_queued() || stop_; }
    bool anything_queued() const { return !queue_.empty() || !from_signals_.empty() || !injected_.empty(); }
    TimePoint next_deadline() const {
        if (closed_ || paused_) return ioloop::never;
        if (work_waits()) return loop_time();
        return std::min(next_timeout(), next_retry());
    }
    TimePoint next_timeout() const {
        return holding_ && first_deadline() > held_at_ ? ioloop::never : first_deadline();
    }
    TimePoint next_retry() const { return some_are_adrift_ ? retry_at_ : ioloop::never; }
    Duration time_to_deadline() override {
        if (closed_ || paused_) return ioloop::forever;
        if (work_waits()) return {};
        return std::min(ioloop::until(next_timeout(), loop_time()), ioloop::until(next_retry(), now_));
    }

    // ---- callables ------------------------------------------------------------------------------

    void misuse(unsigned) override { refuse(); }
    [[noreturn]] static void refuse() { throw std::logic_error("refused"); }

    void alive(unsigned id) { alive_.push_back(id); }
    /// The callable is destroyed, if it is still there.
    void end(unsigned id) {
        if (std::erase(alive_, id) > 0) over(id);
    }

    PaperFiles files_;
    SortedPoller poller_;
    TimePoint now_ = SimWorld::start;
    ioloop::Statistics statistics_;

    std::deque<unsigned> queue_;
    std::deque<unsigned> from_signals_;
    std::vector<Timeout> timeouts_;
    unsigned armings_ = 0;
    std::map<unsigned, Handler> handlers_;
    std::map<unsigned, std::uint64_t> removed_in_; ///< which turn
    std::vector<unsigned> narrowed_;               ///< of which the poller has not been told
    bool some_are_adrift_ = false;
    TimePoint retry_at_{};
    std::vector<ioloop::Poller::Ready> injected_;
    std::vector<unsigned> alive_;   ///< callables
    std::vector<unsigned> running_; ///< on the stack
    std::vector<unsigned> cleared_; ///< with their scopes

    Phase phase_ = Phase::wait;
    std::uint64_t turn_ = 0;
    std::deque<ioloop::Poller::Ready> ready_;
    std::size_t batch_ = 0; ///< callbacks of this turn
    std::vector<unsigned> due_;
    int depth_ = 0;

    bool stop_ = false;
    bool running_loop_ = false; ///< inside start()
    bool closed_ = false;
    bool paused_ = false;
    bool suspended_ = false;
    bool holding_ = false;
    TimePoint held_at_{};
    bool attends_ = false;
    bool attending_ = false;
    bool woken_ = false;
    int interrupts_ = 0;
    bool has_waker_ = false;
    bool handle_watched_ = false;
    const bool has_handle_;
    bool rings_for_changes_ = false;
    bool descriptors_changed_ = false;
    TimePoint told_ = ioloop::never; ///< to the host: the next deadline
    Parked parked_ = Parked::no;

    bool observed_ = false;
    bool turn_observed_ = false;
    std::uint64_t told_calls_ = 0;
    std::uint64_t told_ends_ = 0;
    std::uint64_t told_turns_ = 0;
};
