// SPDX-License-Identifier: MIT
#include "modes.hpp"
#include "report.hpp"
#include "trace.hpp"

#include <iostream>

namespace arena {

/// A game without a screen: 60 frames a second, each of which has nothing to do but to pump.
int play_headless(const Options& options) {
    Trace trace(options.trace);
    Session session(options);
    ioloop::IOLoop& loop = session.loop();
    LongestCall longest;
    loop.set_observer(&trace.recorder());

    FrameLog frames;
    const ioloop::TimePoint begin = loop.time();
    const ioloop::TimePoint end = options.duration ? ioloop::after(begin, *options.duration) : ioloop::never;
    ioloop::TimePoint next = begin;
    while (!session.quitting() && (options.frames == 0 || frames.frames < options.frames)) {
        next += frame_length;
        frames.add(loop.run_until(next));
        session.look();
        longest.look_at(trace.recorder());
        const ioloop::TimePoint now = loop.time();
        frames.end_frame(now - next);
        if (now >= end) break;
        if (now > next + frame_length) next = now; // what is missed is missed
    }
    std::cout << report(session, frames, loop.time() - begin, longest) << std::flush;
    // For scripts. A server of its own is there, however short the game; another one may not be.
    const bool in_vain = !options.host.empty() && !session.client().link().ever_joined();
    if (in_vain) log_line("never in play at " + session.client().link().server());
    session.client().stop();
    return trace.save(loop) && !in_vain ? 0 : 1;
}

} // namespace arena
