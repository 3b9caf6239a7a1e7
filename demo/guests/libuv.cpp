// SPDX-License-Identifier: MIT
/// libuv's loop in ours: a handler waits for its backend, a timeout for its timers.
#include <ioloop/ioloop.hpp>

#include <uv.h> // and <stdio.h>

using namespace std::chrono_literals;

static void job(uv_work_t*) { puts("3 libuv: a job on another thread"); }
static void on_job_done(uv_work_t*, int) { ioloop::IOLoop::current()->stop(); }
static void on_timer(uv_timer_t* timer) {
    puts("2 libuv: the timer");
    static uv_work_t work;
    uv_queue_work(timer->loop, &work, job, on_job_done);
}

int main() {
    ioloop::IOLoop loop;
    uv_loop_t* const guest = uv_default_loop();
    ioloop::Timeout turn = loop.call_later(0ms, [&] {
        uv_run(guest, UV_RUN_NOWAIT);
        uv_update_time(guest); // the wait counts from when libuv has looked at the clock, as timers do
        const int wait = uv_loop_alive(guest) != 0 ? uv_backend_timeout(guest) : -1; // else it says 0
        loop.update_timeout(turn, wait < 0 ? ioloop::never : loop.time() + wait * 1ms);
    });
    // For libuv itself, and for code of ours that has given it something to do.
    const auto soon = [&](auto...) { loop.update_timeout(turn, loop.time()); };
    loop.add_handler(uv_backend_fd(guest), soon, ioloop::Events::read, "libuv");
    uv_timer_t timer;
    uv_timer_init(guest, &timer);
    loop.call_later(20ms, [&] {
        puts("1 ioloop: a timeout arms a timer of libuv's");
        uv_update_time(guest);
        uv_timer_start(&timer, on_timer, 20, 0);
        soon();
    });
    loop.start();
    return loop.statistics().turns < 20 ? 0 : 1; // it slept in between
}
