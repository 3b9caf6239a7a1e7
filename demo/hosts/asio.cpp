// SPDX-License-Identifier: MIT
/// Our loop in Asio's: a stream_descriptor waits for the loop's handle, a steady_timer for its deadline.
#include "visit.hpp"

#include <asio.hpp>

using namespace ioloop;
using namespace std::chrono_literals;

static void serve(IOLoop& loop, asio::posix::stream_descriptor& handle) {
    loop.run_once(no_wait, Budget{2ms});
    handle.async_wait(handle.wait_read, [&](asio::error_code) { serve(loop, handle); });
}

static void tick(Visit& visit, asio::steady_timer& timer) {
    visit.tick();
    timer.expires_after(Visit::period);
    timer.async_wait([&](asio::error_code) { tick(visit, timer); });
}

int main() {
    IOLoop loop;
    asio::io_context host;
    Visit visit(loop, [&] { host.stop(); });
    asio::posix::stream_descriptor handle(host, ::dup(loop.native_handle())); // Asio closes what it is given
    asio::steady_timer deadline(host), timer(host);
    serve(loop, handle);
    tick(visit, timer);
    for (; !host.stopped(); host.run_one()) {
        // Just before each wait: whoever armed a timeout since the last one, it counts. (With host.run() instead, the
        // place for this is serve(), and who arms a timeout outside of that calls loop.wake().)
        if (deadline.expiry() == loop.next_deadline()) continue;
        deadline.expires_at(loop.next_deadline()); // ends the wait for the old one
        deadline.async_wait([&](asio::error_code) { loop.run_once(no_wait, Budget{2ms}); });
    }
    return visit.result();
}
