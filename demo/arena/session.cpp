// SPDX-License-Identifier: MIT
#include "session.hpp"

#include <fstream>
#include <iostream>
#include <stdexcept>
#include <utility>

namespace arena {
namespace {

constexpr const char* embedded_motd =
    "Welcome to the arena!\n"
    "\n"
    "Some bots would like to meet you. Each one you shoot down is a point;\n"
    "moons are hard, shots are soft, and who has just come is shielded.\n"
    "\n"
    "  arrows, WASD   fly            F1   look into the loop\n"
    "  space          fire           F3   make trouble in it\n"
    "  Enter          chat           F4   make the network worse\n"
    "  Tab            scores         F5   change how the loop sleeps\n"
    "  F2             let a bot fly  Esc  quit\n"
    "\n"
    "All of this is one thread: this page came by HTTP, from the program\n"
    "to itself, between two frames. Good luck!\n";

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

std::unique_ptr<MotdPage> motd_page(ioloop::IOLoop& loop, const Options& options, std::string otherwise) {
    MotdPage::Options page;
    page.text = std::move(otherwise);
    if (!options.motd.empty()) {
        std::ifstream file(options.motd, std::ios::binary);
        if (!file) throw std::runtime_error("--motd: cannot read '" + options.motd + "'");
        page.text.resize(longest_motd + 1);
        file.read(page.text.data(), static_cast<std::streamsize>(page.text.size()));
        page.text.resize(static_cast<std::size_t>(file.gcount()));
        if (file.bad()) throw std::runtime_error("--motd: cannot read '" + options.motd + "'");
        if (page.text.size() > longest_motd) {
            throw std::runtime_error("--motd: '" + options.motd + "' has more than " +
                                     std::to_string(longest_motd) + " bytes");
        }
    }
    if (page.text.empty()) return nullptr;
    page.at = ioloop::SocketAddress::numeric(options.bind, 0);
    page.bytes_per_second = options.motd_rate;
    return std::make_unique<MotdPage>(loop, std::move(page));
}

Session::Session(const Options& options) : loop_(loop_options()), signals_(loop_, [this] { quit(); }) {
    Link::Options link;
    link.host = options.host;
    link.port = options.port;
    link.name = options.name;
    link.network = options.network;
    if (options.host.empty()) {
        Server::Options server = server_options(options);
        motd_page_ = motd_page(loop_, options, embedded_motd);
        if (motd_page_) server.motd_port = motd_page_->port();
        server_ = std::make_unique<Server>(loop_, server);
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
