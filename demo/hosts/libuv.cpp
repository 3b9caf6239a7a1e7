// SPDX-License-Identifier: MIT
/// Our loop in libuv's: a uv_poll_t waits for the loop's handle, a uv_timer_t for its deadline.
#include "visit.hpp"

#include <uv.h>

using namespace ioloop;
using namespace std::chrono;

static IOLoop ours;
static uv_timer_t deadline, tick;

static void on_deadline(uv_timer_t*) { ours.run_once(no_wait, Budget{2ms}); }
static void on_tick(uv_timer_t*) { static_cast<Visit*>(tick.data)->tick(); }
static void close(uv_handle_t* handle, void*) { uv_close(handle, nullptr); }

/// Just before each wait: whoever armed a timeout since the last one, it counts.
static void before_wait(uv_prepare_t*) {
    const auto wait = ceil<milliseconds>(ours.time_to_deadline());
    uv_update_time(deadline.loop); // its timers count from when it looked at the clock, maybe long ago
    uv_timer_start(&deadline, on_deadline, static_cast<std::uint64_t>(wait.count()), 0);
}

int main() {
    uv_loop_t* const host = uv_default_loop();
    Visit visit(ours, [&] { uv_walk(host, close, nullptr); });
    uv_poll_t handle;
    uv_prepare_t prepare;
    uv_poll_init(host, &handle, ours.native_handle());
    uv_poll_start(&handle, UV_READABLE, [](uv_poll_t*, int, int) { ours.run_once(no_wait, Budget{2ms}); });
    uv_timer_init(host, &deadline);
    uv_prepare_init(host, &prepare);
    uv_prepare_start(&prepare, before_wait);
    uv_timer_init(host, &tick);
    tick.data = &visit;
    uv_timer_start(&tick, on_tick, Visit::period.count(), Visit::period.count());
    uv_run(host, UV_RUN_DEFAULT);
    return visit.result();
}
