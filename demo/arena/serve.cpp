// SPDX-License-Identifier: MIT
#include "modes.hpp"
#include "report.hpp"
#include "server.hpp"
#include "session.hpp"
#include "signals.hpp"
#include "trace.hpp"

#include <ioloop/inspect/dump_text.hpp>

#include <csignal>
#include <iostream>

namespace arena {

int serve(const Options& options) {
    Trace trace(options.trace);
    ioloop::IOLoop loop;
    if (!options.trace.empty()) loop.set_observer(&trace.recorder());
    const Signals signals(loop, [&] { loop.stop(); });
    const Server server(loop, server_options(options));
    if (options.duration) {
        loop.call_later(
            *options.duration, [&] { loop.stop(); }, "--seconds");
    }
    loop.add_signal_handler(
        SIGUSR1, [&] { ioloop::dump_text(loop, std::cerr); }, "dump");
    std::cout << serving_line(server) << std::flush;
    loop.start();
    std::cout << served_line(server) << std::flush;
    return trace.save(loop) ? 0 : 1;
}

} // namespace arena
