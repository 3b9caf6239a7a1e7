// SPDX-License-Identifier: MIT
#include "modes.hpp"
#include "report.hpp"
#include "server.hpp"
#include "session.hpp"
#include "signals.hpp"
#include "trace.hpp"

#include <ioloop/inspect/dump_text.hpp>
#include <ioloop/inspect/inspector_server.hpp>

#include <csignal>
#include <iostream>
#include <memory>
#include <utility>

namespace arena {

namespace {

/// For viewers: demo/inspect.
std::unique_ptr<ioloop::InspectorServer> let_inspect(ioloop::IOLoop& loop, const Options& options,
                                                     Trace& trace) {
    if (options.inspect.empty()) return nullptr;
    ioloop::InspectorServer::Options made;
    made.address = options.inspect;
    made.token = options.inspect_token;
    made.allow_commands = options.inspect_control;
    if (!options.trace.empty()) made.source.recorder = &trace.recorder();
    auto inspector = std::make_unique<ioloop::InspectorServer>(loop, made);
    log_line("inspector at " + inspector->address());
    return inspector;
}

} // namespace

int serve(const Options& options) {
    Trace trace(options.trace);
    ioloop::IOLoop loop;
    if (!options.trace.empty()) loop.set_observer(&trace.recorder());
    const auto page = motd_page(loop, options);
    Server::Options made = server_options(options);
    if (page) made.motd_port = page->port();
    Server server(loop, made);
    bool ending = false;
    const auto end = [&] {
        if (std::exchange(ending, true)) return;
        log_line("closing");
        loop.add_future(server.close(), [&](const ioloop::Future<>&) { loop.stop(); });
    };
    const Signals signals(loop, end);
    if (options.duration) loop.call_later(*options.duration, end, "--seconds");
    loop.add_signal_handler(
        SIGUSR1, [&] { ioloop::dump_text(loop, std::cerr); }, "dump");
    const auto inspector = let_inspect(loop, options, trace);
    ioloop::PeriodicCallback metrics(
        loop, options.metrics.value_or(std::chrono::seconds(1)),
        [&] { std::cout << metrics_line(server) << std::flush; }, "metrics");
    if (options.metrics) metrics.start();
    std::cout << serving_line(server) << std::flush;
    loop.start();
    std::cout << served_line(server) << std::flush;
    return trace.save(loop) ? 0 : 1;
}

} // namespace arena
