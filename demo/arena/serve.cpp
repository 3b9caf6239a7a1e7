// SPDX-License-Identifier: MIT
#include "modes.hpp"
#include "report.hpp"
#include "server.hpp"
#include "session.hpp"
#include "signals.hpp"

#include <iostream>

namespace arena {

int serve(const Options& options) {
    ioloop::IOLoop loop;
    const Signals signals(loop, [&] { loop.stop(); });
    const Server server(loop, server_options(options));
    if (options.duration) {
        loop.call_later(
            *options.duration, [&] { loop.stop(); }, "--seconds");
    }
    std::cout << serving_line(server) << std::flush;
    loop.start();
    std::cout << served_line(server) << std::flush;
    return 0;
}

} // namespace arena
