// SPDX-License-Identifier: MIT
/// Session: one loop and all that lives on it: a client, the server that is embedded unless another one is
/// asked for, and the signals; and how true the picture is that the client has of the server. All on one thread.
#pragma once

#include "client.hpp"
#include "motd_page.hpp"
#include "options.hpp"
#include "server.hpp"
#include "sight_error.hpp"
#include "signals.hpp"

#include <ioloop/ioloop.hpp>

#include <memory>
#include <string>

namespace arena {

/// One line on stderr: stdout is for results.
void log_line(const std::string& text);

/// Errors: std::runtime_error if the address to bind is none; std::system_error if it cannot be had.
Server::Options server_options(const Options& options);

/// The page of a server: with the file that is asked for, or with `otherwise`. None, if that is empty.
/// Errors: std::runtime_error if the file cannot be read, or is too long; std::system_error as above.
std::unique_ptr<MotdPage> motd_page(ioloop::IOLoop& loop, const Options& options, std::string otherwise = {});

class Session {
public:
    /// Errors: those of Server.
    explicit Session(const Options& options);

    ioloop::IOLoop& loop() noexcept { return loop_; }
    Client& client() noexcept { return *client_; }
    const Server* server() const noexcept { return server_.get(); }

    /// Once a frame, for sight_error().
    void look();
    const SightError& sight_error() const noexcept { return sight_error_; }

    void quit() noexcept { quit_ = true; }
    bool quitting() const noexcept { return quit_; }

private:
    ioloop::IOLoop loop_;
    Signals signals_;
    std::unique_ptr<MotdPage> motd_page_; ///< of the server
    std::unique_ptr<Server> server_;
    std::unique_ptr<Client> client_;
    SightError sight_error_;
    bool quit_ = false;
};

} // namespace arena
