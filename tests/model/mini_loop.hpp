// SPDX-License-Identifier: MIT
/// MiniLoop: what a loop does with its lock, its queues and its gate, for the scheduler. Those are the library's own sources
/// (modelled.hpp). What the loop does with them is not: its run_ calls know pollers and clocks. So MiniLoop repeats it, step by
/// step, with the place of each; who changes those lines changes these.
#pragma once

#include "model/modelled.hpp"
#include "model/scheduler.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <utility>

namespace model {

using ioloop::CallbackArena;
using ioloop::CallbackRecord;
using ioloop::SiteId;
using modelled::BiasedLock;
using modelled::CallbackQueue;
using modelled::SignalQueue;
using Callback = ioloop::Function<void()>;

/// A bug that a test puts in.
enum class Plant : std::uint8_t {
    nothing,
    no_second_look,    ///< the loop looks at the queue, says that it sleeps, and sleeps
    announced_late,    ///< looks twice, and then says that it sleeps
    announced_relaxed, ///< without a fence between that and the second look
    no_look_at_signals,
    told_first,       ///< a poster wakes the loop, and then posts
    glance_as_parked, ///< a glance leaves a host alone that a poster has told already
    no_look_in_park,  ///< what was posted before the loop was parked is for nobody
    parked_unsaid,    ///< who is rung is refused by the run_ call that has parked the loop
    no_adoption,      ///< close() does not wait for who posts past the inbox
    no_wait_for_wakers,
};

class MiniLoop : public Program {
public:
    enum class Host : std::uint8_t { none, watches_handle, has_waker };

    Plant plant = Plant::nothing;

    // ---- what threads do ----

    /// add_callback(). `number`: of its thread, from 0 up.
    void post(unsigned number) {
        const unsigned thread = begin_post(number);
        if (plant == Plant::told_first) notify();
        Callback callback([this, which = thread * most_posts + number] { note(which); });
        const SiteId site = site_of(thread, number);
        const bool accepted = try_post(*callback.operations(), callback.words(), site) ||
                              post_in_full(std::move(callback), site);
        end_post(thread, number, accepted);
    }
    /// add_callback_from_signal(). A handler is like a thread that nobody interrupts.
    void post_from_signal(unsigned number) {
        const unsigned thread = begin_post(number);
        Callback callback([this, which = thread * most_posts + number] { note(which); });
        const bool accepted =
            signals_->push(std::move(callback), ioloop::Origin("signal"), SignalQueue::Room::ordinary);
        if (accepted && parked_.load() != Parked::no) wake_poller();
        end_post(thread, number, accepted);
    }

    /// stop() (lifetime.cpp), of a loop that is not paused.
    void stop() {
        stop_.store(true);
        notify();
        done();
    }

    /// start() (run.cpp), until so many callbacks have run, or stop().
    void run(unsigned callbacks) {
        if (!lock_.enter()) return Scheduler::current().fail("nobody else runs it");
        parked_.store(Parked::no, std::memory_order_relaxed);
        if (!stop_.exchange(false)) {
            run_callbacks();
            while (ran_ < callbacks && !stop_) {
                count_turn();
                turn();
            }
            stop_ = false;
        }
        leave();
        done();
    }

    /// run_once(no_wait) (run.cpp): a glance; and if there is anything, all of it.
    void run_once() {
        pump_once();
        done();
    }

    /// A host that sleeps until the loop's handle is readable, or its waker was called, until so many callbacks have run.
    void host(unsigned callbacks) {
        while (ran_ < callbacks) {
            count_turn();
            if (host_ == Host::watches_handle) {
                Scheduler::current().wait_until([this] { return event_.peek(); });
            } else if (queue_.empty()) { // next_deadline() is now() else
                Scheduler::current().wait_until([this] { return rung_.peek(); });
                rung_.exchange(false);
            }
            at(Place::awake);
            pump_once();
        }
        done();
    }

    /// A thread that runs the loop if it is rung before so many posts were made, while another one runs it once.
    void run_if_rung(unsigned posts) {
        Scheduler::current().wait_until([=, this] { return rung_.peek() || accepted_ >= posts; });
        const bool left = left_;
        if (rung_.exchange(false) && !pump_once() && left)
            Scheduler::current().fail("who was rung is refused by a run_ call that has parked the loop");
        done();
    }

    /// drop_everything() (lifetime.cpp).
    void close() {
        if (!closes_) return Scheduler::current().fail("say so before");
        closed_.store(true);
        if (plant != Plant::no_adoption) lock_.adopt();
        queue_.close();
        if (signals_) signals_->close();
        while (plant != Plant::no_wait_for_wakers && wakers_.load() != 0) Scheduler::current().yield();
        poller_gone_ = true;
        {
            const Alone alone(*this);
            queue_.clear();
        }
        while (signals_ready()) signals_->pop();
        cleared_ = true;
        done();
    }

    // ---- what is made before they begin ----

    void has_signals() { signals_.emplace(); }
    /// native_handle() or set_host_waker(), which park the loop.
    void has_host(Host host) {
        host_ = host;
        parked_.store(Parked::between_runs);
    }
    /// A thread does so.
    void is_to_be_closed() { closes_ = true; }
    /// It has a chunk, so that posts go the short way.
    void is_used() {
        queue_.push([] {}, {});
        CallbackArena::Taker taker(queue_.queued());
        const CallbackArena::Taken taken(taker);
    }

    // ---- what the scheduler asks ----

    std::uint64_t digest() const override {
        std::uint64_t hash = mix(ran_, accepted_);
        for (const auto* counts : {&next_, &completed_, &done_}) {
            for (const unsigned count : *counts) hash = mix(hash, count);
        }
        for (const auto& earlier : earlier_) {
            for (const std::uint64_t posts : earlier) hash = mix(hash, posts);
        }
        hash = mix(mix(hash, ran_before_), turns_);
        hash =
            mix(hash, users_ * 8 + (streams(queue_) ? 4 : 0) + (poller_gone_ ? 2 : 0) + (cleared_ ? 1 : 0));
        hash = mix(hash, left_ ? 1 : 0);
        for (const CallbackArena* const arena : {&queue_.queued(), &inbox_of(queue_)}) {
            hash = mix(hash, arena->mark().chunk != nullptr ? 1 : 0);
            arena->for_each([&](std::uint64_t, const CallbackRecord& record) {
                hash = mix(hash, static_cast<std::uint64_t>(record.chain().site()));
            });
        }
        return hash;
    }
    std::string check() override {
        if (cleared_)
            return queue_.size() == 0 && !(signals_ && signals_->ready())
                       ? ""
                       : "a post was accepted after the queue was cleared";
        run_callbacks();
        return ran_ == accepted_ ? "" : "a post that was accepted has not run";
    }

private:
    enum class Parked : std::uint8_t { no, in_wait, between_runs };
    /// See at().
    enum class Place : std::uint8_t {
        between,
        // who posts
        outside,
        in_moment,
        not_in_moment,
        second_try,
        pushed,
        is_parked,
        wakes,
        // who runs it
        turn,
        queued,
        empty,
        announced,
        slept,
        collecting,
        ran,
        awake,
        glanced,
        parked,
    };
    static constexpr unsigned most_threads = 3;
    static constexpr unsigned most_posts = 3; ///< of a thread

    /// Somebody uses what is one thread's at a time.
    class Alone {
    public:
        explicit Alone(MiniLoop& loop) : loop_(loop) {
            if (++loop_.users_ != 1) Scheduler::current().fail("two threads use the queue at once");
        }
        Alone(const Alone&) = delete;
        Alone& operator=(const Alone&) = delete;
        ~Alone() { --loop_.users_; }

    private:
        MiniLoop& loop_;
    };

    /// A thread is between two things that it does, and has nothing in mind.
    void done() {
        ++done_[Scheduler::current().thread()];
        turns_ = 0;
        at(Place::between);
    }
    /// It is at this place, and what it has read decides nothing any more, but for `value`.
    void at(Place place, std::uint64_t value = 0) {
        if (!Scheduler::in_thread()) return;
        const unsigned done = done_[Scheduler::current().thread()];
        Scheduler::current().knows_only(mix(done * 64 + static_cast<std::uint64_t>(place), value));
    }
    /// Of a loop that runs, or a host: one at a time.
    void count_turn() {
        if (ran_ != ran_before_) turns_ = 0;
        ran_before_ = ran_;
        if (++turns_ == 10) Scheduler::current().fail("it turns again and again, for nothing");
        at(Place::turn);
    }

    // ---- which post came when ----

    static SiteId site_of(unsigned thread, unsigned number) {
        return static_cast<SiteId>(1 + thread * most_posts + number);
    }
    unsigned begin_post(unsigned number) {
        const auto thread = static_cast<unsigned>(Scheduler::current().thread());
        std::uint64_t earlier = 0;
        for (const unsigned posts : completed_) earlier = earlier * 16 + posts;
        earlier_[thread][number] = earlier;
        return thread;
    }
    void end_post(unsigned thread, unsigned number, bool accepted) {
        if (accepted) {
            ++accepted_;
            completed_[thread] = number + 1;
        } else {
            earlier_[thread][number] = 0;
        }
        done();
    }
    /// It runs. Which one is a word, so that the closure is two on each machine.
    void note(unsigned which) {
        const unsigned thread = which / most_posts;
        const unsigned number = which % most_posts;
        if (number != next_[thread]) Scheduler::current().fail("posts of a thread ran in another order");
        next_[thread] = number + 1;
        ++ran_;
        std::uint64_t earlier = std::exchange(earlier_[thread][number], 0);
        if (signals_) return; // those have a queue of their own
        for (unsigned other = most_threads; other > 0; earlier /= 16) {
            if (next_[--other] < earlier % 16) Scheduler::current().fail("it ran before an earlier post");
        }
    }

    // ---- registration.cpp ----

    bool try_post(const Callback::Operations& operations, ioloop::detail::ClosureWords closure, SiteId site) {
        if (lock_.inside())
            return queue_.is_clear() && queue_.queued().try_push(operations, closure, site, true);
        at(Place::outside);
        {
            const BiasedLock::Moment moment(lock_);
            at(moment ? Place::in_moment : Place::not_in_moment);
            if (moment) {
                const Alone alone(*this);
                if (!queue_.is_clear()) return false;
                step(); // all that is no cell takes its time
                if (!queue_.queued().try_push(operations, closure, site, true)) return false;
            } else if (queue_.stamps() || !queue_.push_from_thread(operations, closure, site)) {
                return false;
            }
        }
        if (plant != Plant::told_first) notify();
        return true;
    }
    bool post_in_full(Callback&& callback, SiteId site) {
        at(Place::second_try);
        ioloop::CallbackLabel label{ioloop::Chain{{site}}, {}, {}};
        if (lock_.inside()) return queue_.push(std::move(callback), std::move(label));
        at(Place::second_try, 1);
        if (const BiasedLock::Moment moment(lock_); moment) {
            at(Place::second_try, 2);
            const Alone alone(*this);
            if (!queue_.push(std::move(callback), std::move(label))) return false;
        } else {
            at(Place::second_try, 3);
            if (!queue_.push_from_thread(std::move(callback), std::move(label))) return false;
        }
        if (plant != Plant::told_first) notify();
        return true;
    }
    static void step() { Scheduler::current().step(); }

    // ---- io_loop_impl.hpp, lifetime.cpp ----

    void notify() {
        at(Place::pushed);
        if (parked_.load() != Parked::no) unpark();
    }
    void unpark() {
        at(Place::is_parked);
        const Parked was = parked_.exchange(Parked::no);
        if (was == Parked::no) return; // another poster was first
        at(Place::wakes, static_cast<std::uint64_t>(was));
        wake_poller();
        at(Place::wakes, static_cast<std::uint64_t>(was) + 4);
        if (was == Parked::between_runs && host_ == Host::has_waker) rung_.exchange(true);
    }
    void wake_poller() {
        if (!closes_) { // then nobody looks at the count, and there are half as many states
            event_.exchange(true);
            return;
        }
        wakers_.fetch_add(1);
        if (!closed_.load()) {
            step(); // a system call
            if (poller_gone_) Scheduler::current().fail("a poller was woken that is gone");
            event_.exchange(true);
        }
        wakers_.fetch_sub(1);
    }
    bool signals_ready() const { return signals_ && signals_->ready(); }
    bool anything_queued() const { return !queue_.empty() || signals_ready(); }

    // ---- turn.cpp ----

    void turn() {
        wait();
        run_callbacks();
    }
    /// Without a limit. A poller's wait takes the wake event in, however it ends.
    void wait() {
        const bool queued = anything_queued();
        at(queued ? Place::queued : Place::empty);
        if (queued) {
            queue_.let_gather();
            event_.exchange(false);
            return;
        }
        const bool looked_before = plant == Plant::announced_late && look_once_more();
        parked_.store(Parked::in_wait, plant == Plant::announced_relaxed ? std::memory_order_relaxed
                                                                         : std::memory_order_seq_cst);
        at(Place::announced, looked_before ? 1 : 0);
        const bool looks = plant != Plant::no_second_look && plant != Plant::announced_late;
        const bool sleeps = !looked_before && !(looks && look_once_more());
        at(Place::announced, sleeps ? 2 : 3);
        queue_.calm_down();
        if (sleeps) Scheduler::current().wait_until([this] { return event_.peek(); });
        event_.exchange(false);
        at(Place::slept);
        parked_.store(Parked::no);
    }
    bool look_once_more() const {
        return queue_.has_inbox() || (plant != Plant::no_look_at_signals && signals_ready()) || stop_;
    }
    /// collect_callbacks() and run_callbacks().
    void run_callbacks() {
        at(Place::collecting);
        const Alone alone(*this);
        for (; signals_ready(); signals_->pop()) queue_.push(std::move(signals_->front().callback), {});
        CallbackArena::Taker taker(queue_.queued());
        for (std::size_t left = queue_.collect(); left > 0; --left) {
            const CallbackArena::Taken callback(taker);
            (*callback)();
        }
        at(Place::ran);
    }

    // ---- run.cpp ----

    /// False if it is refused.
    bool pump_once() {
        bool inside = false;
        {
            BiasedLock::Moment moment(lock_);
            at(moment ? Place::in_moment : Place::not_in_moment);
            if (moment && !stop_) {
                event_.exchange(false);
                if (!anything_queued() && !stop_) {
                    const bool told = host_ != Host::none && plant != Plant::glance_as_parked &&
                                      parked_.load() == Parked::no;
                    if (!told) return true;
                } else {
                    moment.stay();
                    inside = true;
                }
            }
        }
        at(Place::glanced, inside ? 1 : 0);
        if (!inside && !lock_.enter()) return false; // where a run_ call throws: another thread runs it
        parked_.store(Parked::no, std::memory_order_relaxed);
        if (!inside) event_.exchange(false);
        run_callbacks();
        leave();
        return true;
    }
    void leave() {
        if (host_ != Host::none) {
            if (plant != Plant::parked_unsaid) lock_.about_to_leave();
            parked_.store(Parked::between_runs);
            left_ = true; // after it: what is no cell is seen at once
            at(Place::parked);
            if (host_ == Host::watches_handle && plant != Plant::no_look_in_park && anything_queued())
                event_.exchange(true);
        }
        lock_.leave();
    }

    BiasedLock lock_;
    CallbackQueue queue_{std::pmr::get_default_resource()};
    std::optional<SignalQueue> signals_;
    modelled_std::atomic<Parked> parked_{Parked::no};
    modelled_std::atomic<bool> stop_{false};
    modelled_std::atomic<bool> closed_{false};
    modelled_std::atomic<std::uint32_t> wakers_{0};
    modelled_std::atomic<bool> event_{false}; ///< the poller's, in the kernel
    modelled_std::atomic<bool> rung_{false};  ///< the host's own queue of events
    Host host_ = Host::none;
    bool left_ = false; ///< to a host, by somebody
    bool closes_ = false;
    bool poller_gone_ = false;
    bool cleared_ = false;
    unsigned users_ = 0;
    unsigned turns_ = 0; ///< since something ran
    unsigned ran_before_ = 0;
    unsigned ran_ = 0;
    unsigned accepted_ = 0;
    std::array<unsigned, most_threads> next_{};
    std::array<unsigned, most_threads> completed_{};
    std::array<unsigned, most_threads> done_{};
    /// How many posts of each thread were completed when it began, of one that is under way.
    std::array<std::array<std::uint64_t, most_posts>, most_threads> earlier_{};
};

} // namespace model
