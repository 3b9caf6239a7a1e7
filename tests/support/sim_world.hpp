// SPDX-License-Identifier: MIT
/// SimWorld: poller and clock in one, so that a test of time is exact and instant.
///
/// Its wait() returns real readiness of real descriptors if there is any; otherwise it advances the clock by
/// the timeout it was given and returns at once. The loop under test is the real one. (The idea is Tornado's
/// FakeTimeSelect.)
///
///     SimWorld world;
///     IOLoop loop(world.options());
///     loop.call_later(1h, ...);
///     loop.run_once(forever);      // takes no time; world.now() has advanced by an hour
#pragma once

#include <ioloop/ioloop.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

class SimWorld final : public ioloop::Clock {
public:
    using Duration = ioloop::Duration;
    using TimePoint = ioloop::TimePoint;

    TimePoint now() const noexcept override { return TimePoint(now_.load()); }
    /// Work takes time: call it from within a callable.
    void advance(Duration by) { now_ = now_.load() + by; }
    void set_now(TimePoint at) { now_ = at.time_since_epoch(); }
    Duration elapsed() const { return now() - start; }

    /// Waits so far that were allowed to sleep, and how long the last one was to be.
    int sleeps = 0;
    Duration last_timeout{};
    /// The next so many waits are interrupted by a signal that is not there.
    int interrupts = 0;
    /// Called at the beginning of every wait: what a signal's handler or another thread does meanwhile.
    std::function<void()> on_wait;
    /// Called in a wait that nothing will ever end, and ends it. Not given: that is an error of the test.
    std::function<void()> on_endless_wait;
    /// How often the poller was woken.
    std::atomic<int> wakes{0};
    /// How often its alarm was set, and what it was set to last.
    int alarms = 0;
    Duration alarm = ioloop::forever;
    /// The poller that readiness comes from.
    std::string readiness_from;

    /// Time begins at a round number other than zero: a forgotten initialisation shows.
    static constexpr TimePoint start{std::chrono::seconds(1000)};

    /// `real` is where readiness comes from: by default the poller that IOLOOP_POLLER names, so that every test of the
    /// loop can be run over every poller.
    ioloop::IOLoop::Options options(ioloop::PollerKind real = ioloop::PollerKind::automatic) {
        return options(ioloop::make_poller(real));
    }
    ioloop::IOLoop::Options options(std::unique_ptr<ioloop::Poller> real) {
        ioloop::IOLoop::Options options;
        options.name = "simulated";
        options.clock = this;
        options.custom_poller = std::make_unique<SimPoller>(*this, std::move(real));
        options.make_current = ioloop::MakeCurrent::never;
        return options;
    }

private:
    class SimPoller final : public ioloop::Poller {
    public:
        SimPoller(SimWorld& world, std::unique_ptr<ioloop::Poller> real)
            : world_(world),
              real_(std::move(real)) {
            world_.readiness_from = real_->name();
        }

        std::error_code add(ioloop::Fd fd, ioloop::Events e, Key k) override { return real_->add(fd, e, k); }
        std::error_code modify(ioloop::Fd fd, ioloop::Events e, Key k) override {
            return real_->modify(fd, e, k);
        }
        std::error_code remove(ioloop::Fd fd) override { return real_->remove(fd); }
        std::error_code reset() override { return real_->reset(); }
        ioloop::Fd native_handle() const noexcept override { return real_->native_handle(); }
        bool set_alarm(Duration in) noexcept override { // runs in real time
            ++world_.alarms;
            world_.alarm = in;
            return real_->set_alarm(in);
        }
        std::string_view name() const noexcept override { return "simulated"; }
        void wake() noexcept override {
            woken_ = true;
            ++world_.wakes;
            real_->wake();
        }

        std::error_code wait(std::span<Ready> ready, Duration timeout, std::size_t& count) override {
            count = 0;
            if (world_.on_wait) world_.on_wait();
            if (timeout > ioloop::no_wait) {
                ++world_.sleeps;
                world_.last_timeout = timeout;
            }
            if (world_.interrupts > 0) {
                --world_.interrupts;
                return make_error_code(std::errc::interrupted);
            }
            if (const auto error = real_->wait(ready, ioloop::no_wait, count)) return error;
            if (woken_.exchange(false) || count > 0 || timeout == ioloop::no_wait) return {};
            if (timeout == ioloop::forever) {
                if (!world_.on_endless_wait) throw std::runtime_error("SimWorld: nothing will ever happen");
                world_.on_endless_wait();
                woken_ = false;
                return {};
            }
            world_.advance(timeout);
            return {};
        }

    private:
        SimWorld& world_;
        std::unique_ptr<ioloop::Poller> real_;
        std::atomic<bool> woken_{false};
    };

    std::atomic<Duration> now_{start.time_since_epoch()};
};
