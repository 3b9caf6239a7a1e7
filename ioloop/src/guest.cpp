// SPDX-License-Identifier: MIT
#include "raise.hpp"
#include "waiter.hpp"

#include <ioloop/guest.hpp>
#include <ioloop/poster.hpp>

#include <atomic>
#include <exception>
#include <thread>
#include <utility>
#include <vector>

namespace ioloop {

class Guest::State : public std::enable_shared_from_this<State> {
public:
    State(IOLoop& loop, PostToHost&& post_to_host, Budget budget)
        : loop_(&loop),
          poster_(loop),
          post_to_host_(std::move(post_to_host)),
          budget_(budget) {
        if (!post_to_host_) raise(std::invalid_argument("Guest: null function to post to the host"));
        if (budget.time == forever && budget.calls == unlimited) {
            raise(std::invalid_argument(
                "Guest: a budget without any limit, with which a callback that posts itself keeps the host"));
        }
    }

    void start();
    void stop() noexcept;
    bool running() const noexcept { return running_; }
    Statistics statistics() const noexcept;

private:
    class Tenancy;

    void turn();
    void plan();
    bool post_turn() noexcept;
    void rung();
    void report(std::exception_ptr error) const noexcept;
    void loop_closed() noexcept;
    void end() noexcept;

    IOLoop* loop_; ///< null when it is closed
    Poster poster_;
    PostToHost post_to_host_;
    const Budget budget_;
    std::thread::id host_;
    bool running_ = false;
    bool turning_ = false; ///< in a turn of ours
    Fd handle_ = invalid_fd;
    Snapshot snapshot_; ///< for what to watch if there is no handle
    std::vector<Waiter::Interest> interests_;
    std::atomic<bool> posted_{false};
    std::atomic<bool> refused_{false}; ///< the last post was, by the host

    std::atomic<std::uint64_t> turns_{0};
    std::atomic<std::uint64_t> posts_{0};
    Waiter::Owner waiter_; ///< while running
    std::uint64_t earlier_sleeps_ = 0;
    std::uint64_t earlier_interrupts_ = 0;
};

/// Who is the loop's guest; and how the guest hears of its end.
class Guest::State::Tenancy final : public Service {
public:
    explicit Tenancy(IOLoop&) {}
    Tenancy(const Tenancy&) = delete;
    Tenancy& operator=(const Tenancy&) = delete;
    ~Tenancy() override {
        if (const auto guest = tenant.lock()) guest->loop_closed();
    }
    std::weak_ptr<State> tenant;
};

void Guest::State::start() {
    if (running_) return;
    if (loop_ == nullptr) raise(std::logic_error("Guest::start: the loop is closed"));
    auto& tenancy = loop_->service<Tenancy>();
    if (const auto other = tenancy.tenant.lock(); other != nullptr && other->running_) {
        raise(std::logic_error("Guest::start: the loop is another guest's"));
    }
    handle_ = loop_->native_handle();
    waiter_.reset(new Waiter([this] { return post_turn(); }));
    host_ = std::this_thread::get_id();
    tenancy.tenant = weak_from_this();
    running_ = true;
    loop_->set_host_waker(
        [weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->rung();
        },
        RingFor::changes);
    if (!post_turn()) waiter_->tell_soon();
}

void Guest::State::stop() noexcept {
    if (!running_) return;
    // In a forked child the loop is the parent's, and nobody rings.
    if (loop_ != nullptr && !waiter_->forked()) loop_->set_host_waker(nullptr); // waits for those who ring
    end();
}

void Guest::State::end() noexcept {
    running_ = false;
    if (!waiter_) return;
    earlier_sleeps_ += waiter_->sleeps();
    earlier_interrupts_ += waiter_->interrupts();
    waiter_.reset();
}

void Guest::State::loop_closed() noexcept {
    loop_ = nullptr;
    end();
}

/// What is posted: on the host's thread.
void Guest::State::turn() {
    posted_ = false;
    if (!running_ || turning_) return; // or: a modal loop inside a turn; the outer one goes on afterwards
    if (std::this_thread::get_id() != host_) {
        raise(std::logic_error("Guest: the host called a turn on another thread than start() was called on"));
    }
    waiter_->hold();
    turning_ = true;
    turns_.fetch_add(1, std::memory_order_relaxed);
    struct Finish { // whatever an error hook throws: a guest that does not plan sleeps for ever
        explicit Finish(State& s) : state(s) {}
        Finish(const Finish&) = delete;
        Finish& operator=(const Finish&) = delete;
        ~Finish() {
            state.turning_ = false;
            if (!state.running_) return;
            stopped ? state.stop() : state.plan();
        }
        State& state;
        bool stopped = false;
    } finish(*this);
    finish.stopped = loop_->run_ready(budget_).ended == Ended::stopped;
}

/// Between turns: is there another one to make, or what is to be waited for?
void Guest::State::plan() {
    const Duration wait = loop_->time_to_deadline();
    if (wait <= no_wait) {
        if (!post_turn()) waiter_->tell_soon();
        return;
    }
    if (loop_->paused()) return; // it rings when that is over
    interests_.clear();
    if (handle_ != invalid_fd) {
        interests_.push_back({handle_, Events::read});
    } else {
        loop_->snapshot(snapshot_);
        for (const HandlerInfo& handler : snapshot_.handlers) {
            if (handler.adrift) continue; // its readiness would end the wait, and the loop not see it
            interests_.push_back({handler.fd, handler.interest});
        }
    }
    // The loop's clock may be a simulated one; the waiter's is not.
    waiter_->arm(interests_, after(steady_clock().now(), wait));
}

/// Called by the loop: by any thread for work, by its own for changes.
void Guest::State::rung() {
    const bool host = std::this_thread::get_id() == host_;
    if (host && turning_) return; // it plans when it ends
    // While paused it has nothing to plan; but it rings no more before a run_ call has heard it.
    if (host && !loop_->paused()) return plan();
    if (!post_turn()) waiter_->tell_soon();
}

/// False if the host would not take it. Thread: any.
bool Guest::State::post_turn() noexcept {
    if (posted_.exchange(true)) return true;
    posts_.fetch_add(1, std::memory_order_relaxed);
#if IOLOOP_EXCEPTIONS
    try {
#endif
        post_to_host_([weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->turn();
        });
        refused_ = false;
        return true;
#if IOLOOP_EXCEPTIONS
    } catch (...) {
        posted_ = false;
        if (!refused_.exchange(true)) report(std::current_exception());
        return false;
    }
#endif
}

#if IOLOOP_EXCEPTIONS
/// To the loop's error hook, as what a callback throws. Thread: any.
void Guest::State::report(std::exception_ptr error) const noexcept {
    try {
        poster_.spawn_callback([error = std::move(error)] { std::rethrow_exception(error); },
                               "posting a turn to the host");
    } catch (...) { // NOLINT(bugprone-empty-catch): no memory to say so
    }
}
#endif

Guest::Statistics Guest::State::statistics() const noexcept {
    Statistics statistics{turns_, posts_, earlier_sleeps_, earlier_interrupts_};
    if (waiter_) {
        statistics.sleeps += waiter_->sleeps();
        statistics.interrupts += waiter_->interrupts();
    }
    return statistics;
}

Guest::Guest(IOLoop& loop, PostToHost post_to_host, Budget budget)
    : state_(std::make_shared<State>(loop, std::move(post_to_host), budget)) {}
Guest::~Guest() { stop(); }

void Guest::start() { state_->start(); }
void Guest::stop() noexcept { state_->stop(); }
bool Guest::running() const noexcept { return state_->running(); }
Guest::Statistics Guest::statistics() const noexcept { return state_->statistics(); }

} // namespace ioloop
