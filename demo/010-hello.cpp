// SPDX-License-Identifier: MIT
/// Callbacks, timeouts and descriptors, on a loop that has the thread to itself.
#include <ioloop/ioloop.hpp>

#include <cstdio>

#include <unistd.h>

using namespace std::chrono_literals;

int main() {
    ioloop::IOLoop loop;

    // As soon as possible, in the order in which they were added; from any thread.
    loop.add_callback([] { std::puts("hello"); }, "greeting");

    // Once, later. The names are optional; the inspector shows them.
    const ioloop::Timeout too_late = loop.call_later(
        1h, [] { std::puts("never seen"); }, "too late");

    // Again and again.
    int ticks = 0;
    ioloop::PeriodicCallback clock(
        loop, 10ms, [&] { std::printf("tick %d\n", ++ticks); }, "clock");
    clock.start();

    // When a descriptor is ready. The loop does not own it: remove it from the loop, then close it.
    int ends[2];
    if (::pipe(ends) != 0) return 1;
    loop.add_handler(
        ends[0],
        [&](ioloop::Fd fd, ioloop::Events) {
            char text[64];
            const auto size = ::read(fd, text, sizeof text);
            std::printf("the pipe says: %.*s\n", static_cast<int>(size), text);
            loop.remove_handler(fd);
        },
        ioloop::Events::read, "our pipe");
    if (::write(ends[1], "good day", 8) != 8) return 1;

    loop.call_later(
        55ms,
        [&] {
            clock.stop();
            loop.remove_timeout(too_late);
            loop.stop();
        },
        "the end");
    loop.start();

    ::close(ends[0]);
    ::close(ends[1]);
    std::printf("%d ticks, and nothing is left: goodbye\n", ticks);
    return ticks > 0 ? 0 : 1;
}
