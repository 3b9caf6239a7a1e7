// SPDX-License-Identifier: MIT
#include "session.hpp"

#include <iostream>
#include <stdexcept>

namespace arena {
namespace {

ioloop::IOLoop::Options loop_options() {
    ioloop::IOLoop::Options options;
    options.name = "arena";
    return options;
}

} // namespace

void log_line(const std::string& text) { std::cerr << "arena: " << text << std::endl; }

Server::Options server_options(const Options& options) {
    Server::Options server;
    server.bind =
        ioloop::SocketAddress::numeric(options.bind, options.host.empty() ? options.port : std::uint16_t{0});
    if (!server.bind) throw std::runtime_error("--bind wants a numeric address, not '" + options.bind + "'");
    server.players = options.players;
    server.bots = options.bots;
    server.seed = options.seed;
    return server;
}

Session::Session(const Options& options) : loop_(loop_options()), signals_(loop_, [this] { quit(); }) {
    Link::Options link;
    link.host = options.host;
    link.port = options.port;
    link.name = options.name;
    link.network = options.network;
    if (options.host.empty()) {
        server_ = std::make_unique<Server>(loop_, server_options(options));
        // Whoever serves at "any address" is at home, too.
        const bool any = server_->address().host() == "0.0.0.0";
        link.host = any ? "127.0.0.1" : server_->address().host();
        link.port = server_->address().port();
    }
    client_ = std::make_unique<Client>(loop_, link, log_line);
    client_->set_autopilot(options.autopilot || options.mode == Options::Mode::headless);
    client_->start();
}

void Session::look() {
    sight_error_.look(client_->sight(), server_ ? &server_->world() : nullptr, loop_.time());
}

} // namespace arena
