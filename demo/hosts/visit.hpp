// SPDX-License-Identifier: MIT
/// Visit: what our loop does in each of these hosts, to see that they serve it well. How they do it is in the files
/// beside this one.
///
/// A timer of the host's arms a timeout of the loop, between two turns; the timeout asks another thread, which writes
/// into a pipe and posts its answer. All the while the host sleeps. Then the loop is flooded, and the host's timer
/// comes all the same.
#pragma once

#include <ioloop/ioloop.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <utility>

#include <unistd.h>

class Visit {
public:
    /// `leave` ends the host's loop.
    Visit(ioloop::IOLoop& loop, ioloop::Callback leave) : scope_(loop, "visit"), leave_(std::move(leave)) {
        if (loop.native_handle() != ioloop::invalid_fd && ::pipe(pipe_) == 0) return;
        std::puts("FAILED: the loop's poller has no handle to wait for, or there is no pipe");
        std::exit(1);
    }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;
    ~Visit() {
        scope_.clear();
        for (const int end : pipe_) ::close(end);
    }

    /// For a timer of the host's own to call, every `period`, as long as it gets true.
    bool tick() {
        if (++ticks_ == last_tick_) {
            if (flooded_) std::puts("5 the host's timer, in a flood");
            if (!flooded_) fail("the host does not run the loop when there is something to do");
            leave_();
        } else if (!staying_) {
            std::puts("1 the host's timer arms a timeout");
            began_ = loop().time();
            cpu_began_ = std::clock();
            turns_began_ = loop().statistics().turns;
            staying_ = true;
            scope_.call_later(period / 2, [this, armed_in = ticks_] { return stay(armed_in); });
        }
        return ticks_ < last_tick_;
    }
    static constexpr std::chrono::duration<unsigned, std::milli> period{50};

    /// What main() returns: 0 if all of this happened, in time, and the host slept while there was nothing to do.
    int result() const noexcept { return !failed_ && ticks_ == last_tick_ ? 0 : 1; }

private:
    ioloop::Task<> stay(int armed_in) {
        std::puts("2 the timeout");
        co_await loop().run_in_executor([this] { return ::write(pipe_[1], "!", 1); });
        std::puts("3 a post from another thread");
        co_await ioloop::readable(pipe_[0]);
        std::puts("4 a byte in a pipe");
        char byte = 0;
        staying_ = ::read(pipe_[0], &byte, 1) == 1 && ticks_ == armed_in;
        if (!staying_) co_return; // the host's timer woke it meanwhile, so this proves nothing: once more

        const std::chrono::duration<double> took = loop().time() - began_;
        const double busy = static_cast<double>(std::clock() - cpu_began_) / CLOCKS_PER_SEC;
        if (busy > took.count() / 2) fail("the host does not sleep when there is nothing to do");
        if (loop().statistics().turns - turns_began_ > 10)
            fail("the host runs the loop when there is nothing to do");

        scope_.add_handler(
            pipe_[1], [](ioloop::Fd, ioloop::Events) {}, ioloop::Events::write);
        post_again();
        flooded_ = true;
        last_tick_ = ticks_ + 2;
    }
    void post_again() {
        scope_.add_callback([this] { post_again(); });
    }
    void fail(const char* why) {
        std::printf("FAILED: %s\n", why);
        failed_ = true;
    }
    ioloop::IOLoop& loop() const { return scope_.loop(); }

    ioloop::Scope scope_;
    ioloop::Callback leave_;
    int pipe_[2] = {-1, -1};
    int ticks_ = 0;
    int last_tick_ = 10; ///< then it is hopeless
    bool staying_ = false;
    bool flooded_ = false;
    ioloop::TimePoint began_;
    std::clock_t cpu_began_ = 0;
    std::uint64_t turns_began_ = 0;
    bool failed_ = false;
};
