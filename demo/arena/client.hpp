// SPDX-License-Identifier: MIT
/// Client: a player. Holds what he sees and what is said, and sends what he does, over a Link that mends
/// itself.
///
/// Everything happens on the loop: the player's inputs go out on a 30 Hz grid of their own, whatever the
/// frame rate.
#pragma once

#include "bot.hpp"
#include "link.hpp"
#include "sight.hpp"

#include <ioloop/ioloop.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace arena {

class Client {
public:
    struct Said {
        ioloop::TimePoint at;
        PlayerId from = nobody;
        std::string name; ///< empty: the server itself
        std::string text;
    };

    /// `log` gets a line for people whenever the connection changes.
    Client(ioloop::IOLoop& loop, Link::Options options, std::function<void(const std::string&)> log);

    void start() { link_.start(); }
    void stop() { link_.stop(); }
    void set_network(const Impairment::Options& network) { link_.set_network(network); }

    void steer(Input input) noexcept { input_ = input; }
    /// Plays by itself from now on, or no more.
    void set_autopilot(bool on, std::uint32_t seed = 7);
    bool autopilot() const noexcept { return autopilot_.has_value(); }
    bool say(std::string_view text);

    /// For who watches. Neither may destroy the client.
    void set_on_joined(std::function<void()> on_joined) { on_joined_ = std::move(on_joined); }
    void set_on_said(std::function<void(const Said&)> on_said) { on_said_ = std::move(on_said); }

    const Link& link() const noexcept { return link_; }
    Sight& sight() noexcept { return sight_; }
    std::uint16_t motd_port() const noexcept { return motd_port_; } ///< of the server; 0: it has no page
    PlayerId id() const noexcept { return sight_.me(); }
    const Roster& roster() const noexcept { return roster_; }
    const Roster::Entry* entry(PlayerId id) const noexcept;
    const Roster::Entry* me() const noexcept { return entry(sight_.me()); }
    const std::deque<Said>& said() const noexcept { return said_; } ///< the last lines

private:
    void tick();
    void on_joined(const Welcome& welcome);
    void on_lost(const std::string& reason);
    void on_message(const ToClient& message);
    void take(const Roster& part);
    void note(PlayerId from, const std::string& text);

    ioloop::IOLoop& loop_;
    std::function<void(const std::string&)> log_;
    std::function<void()> on_joined_;
    std::function<void(const Said&)> on_said_;
    Sight sight_;
    Roster roster_;
    Roster coming_; ///< the parts of the next one that are here
    std::deque<Said> said_;
    Input input_;
    std::deque<Input> sent_; ///< the last few, to be sent again
    std::uint32_t number_ = 0;
    std::uint16_t motd_port_ = 0;
    std::optional<Bot> autopilot_;
    ioloop::PeriodicCallback tick_;
    Link link_; ///< last: the first to go, as it calls the others
};

} // namespace arena
