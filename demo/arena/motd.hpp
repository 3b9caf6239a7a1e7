// SPDX-License-Identifier: MIT
/// Motd: fetches the server's message of the day, by HTTP, while the game is played.
///
/// It asks only the address that the game is connected to: no name is looked up, no proxy asked, no redirect followed. A
/// server without one, or one that fails, costs a line in the log at most.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/io_loop.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace arena {

class Motd {
public:
    /// What can be seen of it.
    struct View {
        bool loading = false;
        std::uint64_t done = 0;                  ///< bytes
        std::uint64_t total = 0;                 ///< 0: not known
        std::string text;                        ///< plain; lines end with \n. Empty: there is none
        ioloop::TimePoint since{};               ///< there is a text; of the loop
        ioloop::TimePoint until = ioloop::never; ///< dismissed
    };
    struct Options {
        ioloop::Duration timeout = std::chrono::seconds(10);
        std::size_t longest_shown = 2000; ///< bytes of the text
    };

    /// `log` gets a line for people when it comes to nothing.
    /// Lifetime: the loop's is longer.
    Motd(ioloop::IOLoop& loop, std::function<void(const std::string&)> log);
    Motd(ioloop::IOLoop& loop, std::function<void(const std::string&)> log, Options options);
    Motd(const Motd&) = delete;
    Motd& operator=(const Motd&) = delete;
    ~Motd();

    /// `server` is where the game is connected, "127.0.0.1:4242"; `port` is that of the page, 0: there is none. Asks once:
    /// may be called in each frame.
    void ask(const std::string& server, std::uint16_t port);
    /// The player has seen it.
    void dismiss();

    const View& view() const noexcept;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace arena
