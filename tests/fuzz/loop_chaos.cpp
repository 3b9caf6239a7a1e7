// SPDX-License-Identifier: MIT
// Random programs without a model: nothing may crash, no callable be entered while it is on the stack, and none be lost
// or destroyed twice. (loop_ops.cpp has the model.) IOLOOP_FUZZ_SEED runs one seed, IOLOOP_FUZZ_ROUNDS more of them.
#include "support/fuzz.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <memory>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using Random = std::minstd_rand;

unsigned draw(Random& random, unsigned below) {
    return std::uniform_int_distribution<unsigned>(0, below - 1)(random);
}

/// Nested turns, exceptions, pauses, observers and destruction of the loop at any moment, and destructors that use it.
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

TEST(LoopChaos, chaos_loses_nothing_and_enters_nothing_twice) {
    for_each_fuzz_seed([](unsigned seed) { Chaos(seed).run(); });
}

} // namespace
