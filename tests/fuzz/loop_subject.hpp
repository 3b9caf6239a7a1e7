// SPDX-License-Identifier: MIT
/// LoopSubject: a random program (loop_program.hpp), done with the loop. Time is a SimWorld's, whatever the poller.
#pragma once

#include "fuzz/elsewhere.hpp"
#include "fuzz/loop_program.hpp"
#include "fuzz/paper_files.hpp"
#include "support/sim_world.hpp"

#include <ioloop/ioloop.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

class LoopSubject final : public LoopProgram {
public:
    LoopSubject(const Choices& choices, std::unique_ptr<Descriptors> descriptors,
                std::unique_ptr<ioloop::Poller> poller)
        : LoopProgram(choices),
          descriptors_(std::move(descriptors)),
          clock_(world_) {
        world_.on_wait = [this] { meanwhile(); };
        world_.on_endless_wait = [this] { loop_->stop(); };
        ioloop::IOLoop::Options options =
            world_.options(std::make_unique<SortedPoller>(std::move(poller), memory_is_short_));
        options.clock = &clock_;
        options.on_error = [this](const std::exception_ptr& error, const ioloop::Origin&, ioloop::CallKind) {
            on_error(error);
        };
        loop_ = std::make_unique<ioloop::IOLoop>(std::move(options));
        poster_ = ioloop::Poster(*loop_);
        for (auto& scope : scopes_) scope.emplace(*loop_, "fuzzed");
    }

private:
    using IOLoop = ioloop::IOLoop;

    /// A callable. Knows whether it is on the stack, and tells when it is destroyed.
    class Body {
    public:
        Body(LoopSubject& subject, unsigned id, const char* kind)
            : subject_(&subject),
              id_(id),
              kind_(kind) {}
        Body(Body&& other) noexcept
            : subject_(std::exchange(other.subject_, nullptr)),
              id_(other.id_),
              kind_(other.kind_) {}
        Body& operator=(Body&&) = delete;
        ~Body() {
            if (subject_ == nullptr) return;
            if (on_stack_) subject_->note("callable # is destroyed while it runs", id_);
            subject_->over(id_);
        }
        void operator()() { enter(Events::none); }
        void operator()(ioloop::Fd, Events events) { enter(events); }

    private:
        void enter(Events events) {
            if (on_stack_) subject_->note("callable # is entered twice", id_);
            struct Leave {
                ~Leave() { on_stack = false; }
                bool& on_stack;
            } const leave{on_stack_ = true};
            subject_->call(kind_, id_, events);
        }

        LoopSubject* subject_;
        unsigned id_;
        const char* kind_;
        bool on_stack_ = false;
    };

    class Watcher final : public ioloop::Observer {
    public:
        explicit Watcher(LoopSubject& subject) : subject_(subject) {}
        bool pause_before(const ioloop::CallRecord&) override { return subject_.pause_before(); }
        void before_call(const ioloop::CallRecord&) override { ++calls; }
        void after_call(const ioloop::CallRecord&) override { ++ends; }
        void after_turn(const ioloop::TurnRecord&) override { ++turns; }
        int calls = 0;
        int ends = 0;
        int turns = 0;

    private:
        LoopSubject& subject_;
    };

    /// SimWorld's, and does something when it is read next.
    class Clock final : public ioloop::Clock {
    public:
        explicit Clock(const SimWorld& world) : world_(world) {}
        TimePoint now() const noexcept override {
            if (on_reading) std::exchange(on_reading, nullptr)();
            return world_.now();
        }
        mutable std::function<void()> on_reading;

    private:
        const SimWorld& world_;
    };

    // ---- callbacks and timeouts -----------------------------------------------------------------

    bool post(By by, bool detached, unsigned id) override {
        Body body(*this, id, callback_called);
        switch (by) {
        case By::loop:
            return detached ? loop_->spawn_callback(std::move(body)) : loop_->add_callback(std::move(body));
        case By::poster:
            return detached ? poster_.spawn_callback(std::move(body)) : poster_.add_callback(std::move(body));
        case By::elsewhere: {
            bool posted = false;
            elsewhere().run([&] {
                posted = detached ? poster_.spawn_callback(std::move(body))
                                  : poster_.add_callback(std::move(body));
            });
            return posted;
        }
        case By::scope: {
            ioloop::Scope& scope = scope_of(id);
            return detached ? scope.spawn_callback(std::move(body)) : scope.add_callback(std::move(body));
        }
        case By::scope_poster: return scope_of(id).poster().add_callback(std::move(body));
        }
        return false;
    }
    bool post_from_signal(unsigned id) override {
        return loop_->add_callback_from_signal([this, id] { call(callback_called, id); });
    }
    void arm(bool at, Duration when, unsigned id) override {
        Body body(*this, id, timeout_called);
        const TimePoint deadline = ioloop::after(loop_->time(), when);
        if (callable(id).scope != no_scope) {
            ioloop::Scope& scope = scope_of(id);
            timeouts_.push_back(at ? scope.call_at(deadline, std::move(body))
                                   : scope.call_later(when, std::move(body)));
        } else {
            timeouts_.push_back(at ? loop_->call_at(deadline, std::move(body))
                                   : loop_->call_later(when, std::move(body)));
        }
    }
    bool remove_timeout(unsigned timeout) override { return loop_->remove_timeout(timeouts_[timeout]); }
    bool update_timeout(unsigned timeout, Duration delay) override {
        return loop_->update_timeout(timeouts_[timeout], ioloop::after(loop_->time(), delay));
    }
    TimePoint deadline_of(unsigned timeout) override { return loop_->deadline_of(timeouts_[timeout]); }

    // ---- handlers -------------------------------------------------------------------------------

    std::error_code add_handler(unsigned number, Events interest, unsigned id) override {
        std::error_code error;
        Body body(*this, id, handler_called);
        if (callable(id).scope != no_scope) {
            scope_of(id).add_handler(fd(number), std::move(body), interest, error);
        } else {
            loop_->add_handler(fd(number), std::move(body), interest, error);
        }
        return error;
    }
    std::error_code update_handler(unsigned scope, unsigned number, Events interest) override {
        std::error_code error;
        if (scope != no_scope) {
            scopes_[scope]->update_handler(fd(number), interest, error);
        } else {
            loop_->update_handler(fd(number), interest, error);
        }
        return error;
    }
    bool remove_handler(unsigned scope, unsigned number) override {
        return scope != no_scope ? scopes_[scope]->remove_handler(fd(number))
                                 : loop_->remove_handler(fd(number));
    }
    bool inject(unsigned number, Events events) override {
        return loop_->inject_readiness(fd(number), events);
    }
    ioloop::Fd fd(unsigned number) const { return descriptors_->number(number); }
    Descriptors& descriptors() override { return *descriptors_; }

    ioloop::Scope& scope_of(unsigned id) { return *scopes_[callable(id).scope]; }
    void clear_scope(unsigned scope, bool destroy) override {
        if (!destroy) return scopes_[scope]->clear();
        scopes_[scope].reset();
        scopes_[scope].emplace(*loop_, "fuzzed");
    }

    // ---- time, and who holds it -----------------------------------------------------------------

    TimePoint time() override { return world_.now(); }
    void advance(Duration by) override { world_.advance(by); }
    void set_paused(bool paused) override { loop_->set_paused(paused); }
    bool paused() override { return loop_->paused(); }
    void suspend(bool suspended) override { suspended ? loop_->suspend() : loop_->resume(); }
    void skip_time(Duration gap) override { loop_->skip_time(gap); }
    void attend_to_pauses(bool attends) override {
        ioloop::Function<void(Duration)> attendant;
        if (attends) attendant = [this](Duration timeout) { attend(timeout > Duration{}); };
        loop_->set_on_pause(std::move(attendant));
    }

    // ---- hosts and other threads ----------------------------------------------------------------

    static Elsewhere& elsewhere() {
        static Elsewhere thread;
        return thread;
    }
    void stop(bool from_elsewhere) override {
        from_elsewhere ? elsewhere().run([this] { loop_->stop(); }) : loop_->stop();
    }
    void wake(bool from_elsewhere) override {
        from_elsewhere ? elsewhere().run([this] { loop_->wake(); }) : loop_->wake();
    }
    void interrupt() override { ++world_.interrupts; }
    void hurry_meanwhile() override {
        clock_.on_reading = [this] { meanwhile_early(); };
    }
    void set_host_waker(bool given, bool for_changes) override {
        ioloop::Function<void()> waker;
        if (given) waker = [this] { ring(); };
        loop_->set_host_waker(std::move(waker),
                              for_changes ? ioloop::RingFor::changes : ioloop::RingFor::work);
    }
    void watch_handle() override { handle_ = loop_->native_handle(); }
    Duration time_to_deadline() override { return loop_->time_to_deadline(); }

    // ---- running --------------------------------------------------------------------------------

    ioloop::Turn run(Run how, Duration timeout, ioloop::Budget budget) override {
        switch (how) {
        case Run::once: return loop_->run_once(timeout, budget);
        case Run::ready: return loop_->run_ready(budget);
        case Run::until: return loop_->run_until(world_.now() + timeout, budget);
        case Run::start: loop_->start();
        }
        return {};
    }
    ioloop::Turn step(ioloop::StepKind kind) override { return loop_->step(kind); }
    void on_error(const std::exception_ptr& error) {
        try {
            std::rethrow_exception(error);
        } catch (const std::system_error& closed) {
            if (closed.code() == std::errc::bad_file_descriptor) return dead();
            if (closed.code() == std::errc::not_enough_memory) return adrift();
        } catch (const Thrown&) {}
        if (failed()) std::rethrow_exception(error);
    }

    void misuse(unsigned how) override {
        std::error_code error;
        switch (how) {
        case 0: loop_->call_later(Duration{}, nullptr); break;
        case 1: loop_->add_handler(fd(0), nullptr, Events::read, error); break;
        case 2: loop_->skip_time(Duration(-1)); break;
        case 3: loop_->add_callback(nullptr); break;
        default: scopes_[0]->call_later(Duration{}, nullptr); break;
        }
    }

    // ---- looking --------------------------------------------------------------------------------

    void observe(bool observed) override { loop_->set_observer(observed ? &watcher_ : nullptr); }
    void look(bool closely) override {
        const ioloop::Statistics& s = loop_->statistics();
        note("there are # handlers, # timeouts, # callbacks", s.handlers, s.timeouts, s.callbacks);
        note("# turns, # budgets spent, depth #", number(s.turns), number(s.budget_spent), s.depth);
        note("# handlers, # callbacks, # timeouts ran", number(s.handlers_run), number(s.callbacks_run),
             number(s.timeouts_run));
        note("# errors, # dead handlers, # posts refused", number(s.errors), number(s.dead_handlers),
             number(s.signal_posts_refused));
        note("waited #, busy #, held #", s.waited.count(), s.busy.count(), s.held.count());
        note("it is #, for the loop #", world_.now().time_since_epoch().count(),
             loop_->time().time_since_epoch().count());
        note("the observer saw # calls begin, # end, and # turns", watcher_.calls, watcher_.ends,
             watcher_.turns);
        note_deadline(loop_->in_call(), loop_->next_deadline(), loop_->time_to_deadline(), loop_->time());
        for (unsigned scope = 0; scope < scopes; ++scope)
            note("scope # has #", scope, number(scopes_[scope]->size()));
        if (!closely) return;

        std::vector<Note> all;
        loop_->snapshot(snapshot_);
        for (const ioloop::HandlerInfo& handler : snapshot_.handlers) {
            all.push_back({"number #: interest #, # calls", handler.fd - fd(0),
                           static_cast<std::int64_t>(handler.interest) + (handler.running ? 1000 : 0) +
                               (handler.adrift ? 2000 : 0),
                           number(handler.calls)});
        }
        for (const ioloop::TimeoutInfo& timeout : snapshot_.timeouts)
            all.push_back({"due at # (#)", timeout.deadline.time_since_epoch().count(), timeout.due});
        note_sorted(all);
        if (handle_ != ioloop::invalid_fd && loop_->statistics().depth == 0 && !loop_->paused() &&
            !closed()) {
            const bool work = snapshot_.in_turn || !snapshot_.callbacks.empty();
            if (work && !os::readable(handle_)) note("the handle does not tell the host");
        }
        note("# queued, turn #", number(snapshot_.callbacks.size()), number(snapshot_.turn));
        note("in turn #, in call #, flags #", snapshot_.in_turn, snapshot_.in_call,
             4 * snapshot_.paused + 2 * snapshot_.suspended + snapshot_.running);
    }
    static std::int64_t number(std::uint64_t count) { return static_cast<std::int64_t>(count); }

    // ---- the end --------------------------------------------------------------------------------

    void close() override { loop_->close(); }
    void destroy() override { loop_.reset(); }

    SimWorld world_;
    std::unique_ptr<Descriptors> descriptors_;
    Clock clock_;
    Watcher watcher_{*this};
    ioloop::Snapshot snapshot_;
    ioloop::Fd handle_ = ioloop::invalid_fd; ///< the loop's, once somebody watches it
    std::vector<ioloop::Timeout> timeouts_;
    std::optional<ioloop::Scope> scopes_[scopes]; ///< before the loop: what is destroyed with that may look
    std::unique_ptr<IOLoop> loop_;
    ioloop::Poster poster_;
};
