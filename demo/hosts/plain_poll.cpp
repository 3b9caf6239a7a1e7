// SPDX-License-Identifier: MIT
/// Our loop in a main loop of your own, made of poll(2): it waits for the loop's handle, until the loop's deadline.
#include "visit.hpp"

#include <algorithm>

#include <poll.h>

using namespace ioloop;
using namespace std::chrono;

int main() {
    IOLoop loop;
    bool playing = true;
    Visit visit(loop, [&] { playing = false; });
    pollfd handle{loop.native_handle(), POLLIN, 0};
    TimePoint tick = loop.time() + Visit::period;
    while (playing) {
        // Asked for just before the wait: whoever armed a timeout since the last one, it counts.
        const Duration left = std::min(until(tick, loop.time()), loop.time_to_deadline());
        const auto wait = ceil<milliseconds>(left); // rounded down, it would spin
        ::poll(&handle, 1, static_cast<int>(wait.count()));
        loop.run_once(no_wait, Budget{2ms}); // reads the handle itself
        if (loop.time() < tick) continue;
        tick += Visit::period;
        visit.tick();
    }
    return visit.result();
}
