// SPDX-License-Identifier: MIT
/// Our loop in libevent's: one event waits for the loop's handle, with the loop's deadline for its timeout.
#include "visit.hpp"

#include <event2/event.h>

using namespace ioloop;
using namespace std::chrono;

static void run(evutil_socket_t, short, void* loop) {
    static_cast<IOLoop*>(loop)->run_once(no_wait, Budget{2ms});
}
static void on_tick(evutil_socket_t, short, void* visit) { static_cast<Visit*>(visit)->tick(); }

static timeval to_timeval(Duration delay) {
    const auto count = ceil<microseconds>(delay).count();
    return {static_cast<time_t>(count / 1'000'000), static_cast<suseconds_t>(count % 1'000'000)};
}

int main() {
    IOLoop loop;
    event_base* const host = event_base_new();
    Visit visit(loop, [&] { event_base_loopbreak(host); });
    event* const serve = event_new(host, loop.native_handle(), EV_READ | EV_PERSIST, run, &loop);
    event* const tick = event_new(host, -1, EV_PERSIST, on_tick, &visit);
    const timeval period = to_timeval(Visit::period);
    event_add(tick, &period);
    while (event_base_got_break(host) == 0) {
        // Just before each wait: whoever armed a timeout since the last one, it counts.
        const timeval wait = to_timeval(loop.time_to_deadline());
        event_add(serve, &wait);
        event_base_loop(host, EVLOOP_ONCE);
    }
    event_free(serve);
    event_free(tick);
    event_base_free(host);
    return visit.result();
}
