// SPDX-License-Identifier: MIT
/// Swarm: many players who fly by themselves, on one loop: a load for a server, and a check of what comes through.
///
/// Each says a numbered line now and then, and some listen whether every line arrives: over TCP nothing may be lost but
/// what a lost connection costs.
#pragma once

#include "client.hpp"
#include "durations.hpp"
#include "heard.hpp"

#include <ioloop/ioloop.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace arena {

class Swarm {
public:
    struct Options {
        std::size_t clients = 1;
        std::size_t listeners = 3;                               ///< of them
        ioloop::Duration between = std::chrono::milliseconds(5); ///< two of them that begin
        ioloop::Duration line_period =
            std::chrono::milliseconds(50); ///< of all together; each: a second, at least
        Link::Options link;                ///< the name gets a number
    };
    struct Totals {
        std::size_t joined = 0;  ///< clients that have ever been in play
        std::size_t playing = 0; ///< that are now
        std::uint64_t attempts = 0;
        std::uint64_t losses = 0;
        std::uint64_t reconnects = 0;
        std::uint64_t lines_sent = 0;
        std::uint64_t lines_heard = 0; ///< by the listeners
        std::uint64_t lines_lost = 0;  ///< by the listeners
        std::uint64_t messages_in = 0;
        std::uint64_t messages_out = 0;
        std::uint64_t datagrams_in = 0;
        std::uint64_t datagrams_out = 0;
        std::uint64_t snapshots = 0;
        std::uint64_t snapshots_lost = 0;
        std::uint64_t garbage = 0;
    };

    /// `log` gets the first client's lines, for people. Lifetime: the loop's is longer.
    Swarm(ioloop::IOLoop& loop, const Options& options, const std::function<void(const std::string&)>& log);
    Swarm(const Swarm&) = delete;
    Swarm& operator=(const Swarm&) = delete;

    /// Nobody speaks any more, so that what was said can arrive.
    void hush() { speaking_.stop(); }
    /// Counts as lost what has not arrived; all say goodbye. The end.
    void stop();

    Totals totals() const;
    const Durations& pings() const noexcept { return pings_; } ///< there and back, each

private:
    struct Member {
        std::unique_ptr<Client> client;
        Heard heard; ///< if it is a listener
    };

    void add(std::size_t index, std::function<void(const std::string&)> log);
    void speak();
    void hear(Member& member, const std::string& text);
    void look_at_pings();

    ioloop::IOLoop& loop_;
    Options options_;
    std::vector<Member> members_;
    std::vector<std::uint32_t> said_; ///< lines of each
    std::size_t next_speaker_ = 0;
    Durations pings_;
    ioloop::PeriodicCallback speaking_;
    ioloop::PeriodicCallback looking_;
    ioloop::Scope scope_; ///< last: the first to go, as what came through it calls the others
};

} // namespace arena
