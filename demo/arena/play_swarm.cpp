// SPDX-License-Identifier: MIT
#include "modes.hpp"
#include "report.hpp"
#include "session.hpp"
#include "signals.hpp"
#include "swarm.hpp"

#include <chrono>
#include <iostream>
#include <utility>

namespace arena {

int play_swarm(const Options& options) {
    ioloop::IOLoop loop;
    Swarm::Options made;
    made.clients = static_cast<std::size_t>(options.swarm);
    made.link.host = options.host;
    made.link.port = options.port;
    made.link.name = options.name;
    Swarm swarm(loop, made, log_line);

    // What was said last has time to arrive.
    bool ending = false;
    const auto end = [&] {
        if (std::exchange(ending, true)) return;
        swarm.hush();
        loop.call_later(
            std::chrono::milliseconds(300), [&] { loop.stop(); }, "swarm ends");
    };
    const Signals signals(loop, end);
    if (options.duration) loop.call_later(*options.duration, end, "--seconds");
    const ioloop::TimePoint begin = loop.time();
    loop.start();

    const std::size_t playing = swarm.totals().playing;
    swarm.stop();
    std::cout << swarm_report(swarm, playing, loop.time() - begin) << std::flush;
    if (swarm.totals().joined > 0) return 0;
    log_line("nobody was ever in play");
    return 1;
}

} // namespace arena
