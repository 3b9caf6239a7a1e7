// SPDX-License-Identifier: MIT
// Random programs, run by the loop and by an obvious model of it: both must call the same things in the same order.
//
// A program is a seed. What a callable does when it is called is drawn from its own number, so the loop and
// the model do the same as long as they call the same. IOLOOP_FUZZ_SEED runs one seed, IOLOOP_FUZZ_ROUNDS
// more of them.
#include "support/fuzz.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using Random = std::minstd_rand;

unsigned draw(Random& random, unsigned below) {
    return std::uniform_int_distribution<unsigned>(0, below - 1)(random);
}

/// What a program can do. One descriptor, as the order of several is the poller's affair.
class World {
public:
    World() = default;
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    virtual ~World() = default;

    virtual void post(unsigned id) = 0;
    virtual void arm(Duration delay, unsigned id) = 0; ///< timeouts are numbered in the order of arming
    virtual bool remove(std::size_t timeout) = 0;
    virtual bool update(std::size_t timeout, Duration delay) = 0;
    virtual bool add_handler(Events interest, unsigned id) = 0;
    virtual bool update_handler(Events interest) = 0;
    virtual bool remove_handler() = 0;
    virtual void send() = 0;
    virtual void drain() = 0;
    virtual void advance(Duration by) = 0;
    virtual void run(Duration timeout, std::uint32_t calls) = 0;

    /// A few random things, and their results.
    void act(Random& random, unsigned how_many) {
        while (how_many-- > 0) {
            const Duration delay = (static_cast<int>(draw(random, 8)) - 1) * 1ms;
            const auto interest = static_cast<Events>(draw(random, 2) + 4 * draw(random, 2));
            switch (draw(random, 11)) {
            case 0:
            case 1: post(next_id_++); break;
            case 2:
            case 3:
                arm(delay, next_id_++);
                ++timeouts_;
                break;
            case 4: note("remove", timeouts_ > 0 && remove(draw(random, timeouts_))); break;
            case 5: note("update", timeouts_ > 0 && update(draw(random, timeouts_), delay)); break;
            case 6: note("add_handler", add_handler(interest, next_id_++)); break;
            case 7: note("update_handler", update_handler(interest)); break;
            case 8: note("remove_handler", remove_handler()); break;
            case 9: draw(random, 2) == 0 ? send() : drain(); break;
            case 10: advance(draw(random, 3) * 1ms); break;
            default: break;
            }
        }
    }
    /// A callable is called.
    void call(const char* kind, unsigned id) {
        log.push_back(std::string(kind) + " " + std::to_string(id));
        Random random(seed * 7919 + id);
        act(random, draw(random, 3));
    }
    void note(const char* what, bool result) { log.push_back(std::string(what) + (result ? " yes" : " no")); }

    unsigned seed = 0;
    std::vector<std::string> log;

private:
    unsigned next_id_ = 1;
    unsigned timeouts_ = 0;
};

class RealWorld final : public World {
public:
    void post(unsigned id) override {
        loop_.add_callback([this, id] { call("callback", id); });
    }
    void arm(Duration delay, unsigned id) override {
        timeouts_.push_back(loop_.call_later(delay, [this, id] { call("timeout", id); }));
    }
    bool remove(std::size_t timeout) override { return loop_.remove_timeout(timeouts_[timeout]); }
    bool update(std::size_t timeout, Duration delay) override {
        return loop_.update_timeout(timeouts_[timeout], loop_.time() + delay);
    }
    bool add_handler(Events interest, unsigned id) override {
        std::error_code error;
        loop_.add_handler(
            pair_.a,
            [this, id](Fd, Events events) {
                log.push_back("events " + std::to_string(static_cast<unsigned>(events)));
                call("handler", id);
            },
            interest, error);
        return !error;
    }
    bool update_handler(Events interest) override {
        std::error_code error;
        loop_.update_handler(pair_.a, interest, error);
        return !error;
    }
    bool remove_handler() override { return loop_.remove_handler(pair_.a); }
    void send() override { pair_.send_to_a(); }
    void drain() override { pair_.read_a(); }
    void advance(Duration by) override { world_.advance(by); }
    void run(Duration timeout, std::uint32_t calls) override {
        const Turn turn = loop_.run_once(timeout, Budget{forever, calls});
        log.push_back("ran " + std::to_string(turn.calls()) + (turn.ended == Ended::budget ? "+" : "") +
                      " at " + std::to_string(world_.elapsed().count()));
    }

private:
    SimWorld world_;
    SocketPair pair_;
    IOLoop loop_{world_.options()};
    std::vector<Timeout> timeouts_;
};

/// The turn, as io_loop.hpp tells it, with the slowest and plainest means.
class Model final : public World {
public:
    void post(unsigned id) override { queue_.push_back(id); }
    void arm(Duration delay, unsigned id) override {
        timeouts_.push_back({id, now_ + delay, armings_++, State::armed});
    }
    bool remove(std::size_t timeout) override {
        State& state = timeouts_[timeout].state;
        if (state == State::gone || state == State::running) return false;
        state = State::gone;
        return true;
    }
    bool update(std::size_t timeout, Duration delay) override {
        Armed& t = timeouts_[timeout];
        if (t.state == State::gone) return false;
        t.deadline = now_ + delay;
        t.order = armings_++;
        t.state = t.state == State::running || t.state == State::rearmed ? State::rearmed : State::armed;
        return true;
    }
    bool add_handler(Events interest, unsigned id) override {
        if (handler_ != 0) return false;
        handler_ = id;
        interest_ = interest;
        return true;
    }
    bool update_handler(Events interest) override {
        if (handler_ != 0) interest_ = interest;
        return handler_ != 0;
    }
    bool remove_handler() override { return std::exchange(handler_, 0) != 0; }
    void send() override { readable_ = true; }
    void drain() override { readable_ = false; }
    void advance(Duration by) override { now_ += by; }

    void run(Duration timeout, std::uint32_t calls) override {
        calls_ = std::max(calls, 1U);
        made_ = 0;
        bool complete = finish_turn();
        if (complete && made_ == 0) {
            wait_and_handle(timeout);
            set_aside();
            complete = finish_turn();
        }
        log.push_back("ran " + std::to_string(made_) + (complete ? "" : "+") + " at " +
                      std::to_string(now_.count()));
    }

private:
    enum class State { armed, due, running, rearmed, gone };
    struct Armed {
        unsigned id;
        Duration deadline;
        unsigned order;
        State state;
    };

    void wait_and_handle(Duration timeout) {
        const Events ready = (readable_ ? Events::read | Events::write : Events::write) & interest_;
        if (handler_ != 0 && any(ready)) {
            ++made_;
            log.push_back("events " + std::to_string(static_cast<unsigned>(ready)));
            call("handler", handler_);
            return;
        }
        if (!queue_.empty()) return;
        Duration limit = timeout;
        for (const Armed& t : timeouts_) {
            if (t.state == State::armed) limit = std::min(limit, std::max(t.deadline - now_, Duration{}));
        }
        now_ += limit;
    }
    void set_aside() {
        batch_ = queue_.size();
        due_.clear();
        for (std::size_t i = 0; i < timeouts_.size(); ++i) {
            if (timeouts_[i].state != State::armed || timeouts_[i].deadline > now_) continue;
            timeouts_[i].state = State::due;
            due_.push_back(i);
        }
        std::sort(due_.begin(), due_.end(), [this](std::size_t a, std::size_t b) {
            return std::pair(timeouts_[a].deadline, timeouts_[a].order) <
                   std::pair(timeouts_[b].deadline, timeouts_[b].order);
        });
    }
    /// False if the budget is spent with calls left.
    bool finish_turn() {
        for (; batch_ > 0; --batch_) {
            if (made_ == calls_) return false;
            ++made_;
            const unsigned id = queue_.front();
            queue_.pop_front();
            call("callback", id);
        }
        while (!due_.empty()) {
            const std::size_t i = due_.front();
            if (timeouts_[i].state == State::due) {
                if (made_ == calls_) return false;
                ++made_;
                timeouts_[i].state = State::running;
                call("timeout", timeouts_[i].id);
                State& state = timeouts_[i].state; // (the vector may have grown)
                state = state == State::rearmed ? State::armed : State::gone;
            }
            due_.erase(due_.begin());
        }
        return true;
    }

    Duration now_{};
    std::deque<unsigned> queue_;
    std::vector<Armed> timeouts_;
    unsigned armings_ = 0;
    unsigned handler_ = 0; ///< 0: none
    Events interest_ = Events::none;
    bool readable_ = false;

    std::size_t batch_ = 0;
    std::vector<std::size_t> due_;
    std::uint32_t calls_ = 0;
    std::uint32_t made_ = 0;
};

void run_program(World& world, unsigned seed) {
    world.seed = seed;
    Random random(seed + 1);
    for (int i = 0; i < 60; ++i) {
        if (draw(random, 3) != 0) {
            world.act(random, 1 + draw(random, 3));
        } else {
            const std::uint32_t calls = draw(random, 2) == 0 ? unlimited : draw(random, 4);
            world.run(draw(random, 4) * 1ms, calls);
        }
    }
}

TEST(LoopOps, the_loop_does_what_the_model_does) {
    for_each_fuzz_seed([](unsigned seed) {
        Model model;
        RealWorld real;
        run_program(model, seed);
        run_program(real, seed);
        EXPECT_EQ(real.log, model.log);
    });
}

// ---- chaos --------------------------------------------------------------------------------------

/// Nested turns, exceptions, pauses, observers and destruction of the loop at any moment. No model; but
/// nothing may crash, no callable be entered while it is on the stack, and none be lost or destroyed twice.
class Chaos {
public:
    explicit Chaos(unsigned seed) : random_(seed + 1) { loop_ = std::make_unique<IOLoop>(options()); }
    void run() {
        for (int i = 0; i < 80 && loop_; ++i) act(0);
        loop_.reset();
        EXPECT_EQ(alive_, 0);
    }

private:
    /// Counts callables, and knows whether it is being called.
    struct Body {
        explicit Body(Chaos& c) : chaos(&c) { ++c.alive_; }
        Body(Body&& other) noexcept : chaos(std::exchange(other.chaos, nullptr)) {}
        Body& operator=(Body&&) = delete;
        ~Body() {
            if (chaos == nullptr) return;
            EXPECT_FALSE(on_stack) << "destroyed while it runs";
            --chaos->alive_;
            if (chaos->loop_ && draw(chaos->random_, 10) == 0) chaos->harmless_act();
        }
        void operator()(auto&&...) {
            EXPECT_FALSE(on_stack) << "entered twice";
            Chaos& c = *chaos;
            on_stack = true;
            struct Left {
                bool& flag;
                ~Left() { flag = false; }
            } const left{on_stack};
            for (unsigned n = draw(c.random_, 3); n > 0 && c.loop_; --n) c.act(1);
            if (c.loop_ && draw(c.random_, 12) == 0) throw std::runtime_error("chaos");
        }
        Chaos* chaos;
        bool on_stack = false;
    };

    IOLoop::Options options() {
        IOLoop::Options options = world_.options();
        options.on_error = [this](const std::exception_ptr& error, const Origin&, CallKind) {
            if (draw(random_, 4) == 0) std::rethrow_exception(error);
        };
        return options;
    }
    void harmless_act() {
        loop_->add_callback([] {});
        if (!timeouts_.empty()) loop_->remove_timeout(timeouts_[draw(random_, size())]);
    }
    unsigned size() const { return static_cast<unsigned>(timeouts_.size()); }

    void act(int depth) {
        const Duration delay = (static_cast<int>(draw(random_, 4)) - 1) * 1ms;
        const Budget budget{forever, draw(random_, 2) == 0 ? unlimited : draw(random_, 4)};
        SocketPair& pair = pairs_[draw(random_, 3)];
        std::error_code error;
        try {
            switch (draw(random_, depth == 0 ? 16 : 19)) {
            case 0:
            case 1: loop_->add_callback(Body(*this)); break;
            case 2:
            case 3: timeouts_.push_back(loop_->call_later(delay, Body(*this))); break;
            case 4:
                if (!timeouts_.empty()) loop_->remove_timeout(timeouts_[draw(random_, size())]);
                break;
            case 5:
            case 6:
                if (!timeouts_.empty()) {
                    loop_->update_timeout(timeouts_[draw(random_, size())], loop_->time() + delay);
                }
                break;
            case 7: loop_->add_handler(pair.a, Body(*this), Events::read, error); break;
            case 8:
                loop_->update_handler(pair.a, static_cast<Events>(1 + 4 * draw(random_, 2)), error);
                break;
            case 9: loop_->remove_handler(pair.a); break;
            case 10: draw(random_, 2) == 0 ? pair.send_to_a() : void(pair.read_a()); break;
            case 11:
            case 12: loop_->run_once(draw(random_, 3) * 1ms, budget); break;
            case 13: loop_->run_ready(Budget{forever, 1 + draw(random_, 6)}); break;
            case 14: loop_->set_paused(!loop_->paused()); break;
            case 15:
                if (loop_->paused()) loop_->step(draw(random_, 2) == 0 ? StepKind::call : StepKind::turn);
                break;
            case 16: loop_->set_observer(loop_->observer() == nullptr ? &recorder_ : nullptr); break;
            case 17: // closed behind the loop's back, its number used again
                if (draw(random_, 4) == 0) {
                    const SocketPair fresh;
                    os::replace(pair.a, fresh.a);
                }
                break;
            case 18:
                if (draw(random_, 30) == 0) loop_.reset();
                break;
            default: break;
            }
        } catch (const std::runtime_error&) {}
    }

    Random random_;
    SimWorld world_;
    Recorder recorder_;
    SocketPair pairs_[3];
    std::vector<Timeout> timeouts_;
    int alive_ = 0;
    std::unique_ptr<IOLoop> loop_;
};

TEST(LoopOps, chaos_loses_nothing_and_enters_nothing_twice) {
    for_each_fuzz_seed([](unsigned seed) { Chaos(seed).run(); });
}

} // namespace
