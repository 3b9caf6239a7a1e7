// SPDX-License-Identifier: MIT
/// Server: the arena itself. Simulates at 30 Hz, lets players join and chat over TCP, takes inputs and sends
/// snapshots over UDP. Lives on a loop; alone in its process, or beside a client.
///
/// It trusts nobody: garbage, floods, slow readers and peers that vanish cost their connection and nothing
/// else; what one turn does for one peer is bounded; running out of descriptors is survived.
#pragma once

#include "bot.hpp"
#include "durations.hpp"
#include "protocol.hpp"
#include "world.hpp"

#include <ioloop/ioloop.hpp>
#include <ioloop/net.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace arena {

class Server {
public:
    /// What one player may send in a second. A player of ours sends a message, 30 inputs and 4 pings; after a stall of the
    /// server's, what has waited comes at once.
    struct Limits {
        int messages = 60;   ///< more: he is dropped
        int lines = 4;       ///< of chat; more are not heard
        int datagrams = 400; ///< that are his; more: he is dropped
    };
    struct Options {
        ioloop::SocketAddress bind; ///< none: 127.0.0.1 and a free port
        int players = 16;           ///< at most, bots among them; no more than max_players
        int bots = 0;
        std::uint32_t seed = 1;
        ioloop::Duration join_timeout = std::chrono::seconds(5);
        ioloop::Duration silence = std::chrono::seconds(5); ///< a player that is silent for so long is gone
        ioloop::Duration accept_pause = std::chrono::milliseconds(200); ///< when descriptors have run out
        std::size_t most_strangers = 32; ///< connections beyond the number of players
        /// Bytes that a player may leave unread, here and with the system, each: more is given up.
        std::size_t most_unread = std::size_t{64} * 1024;
        Limits limits{};
        std::uint16_t motd_port = 0; ///< of the MotdPage that clients are told of; 0: none
    };

    /// Why the server ends a connection.
    enum class Why : std::uint8_t {
        garbage,   ///< said what makes no sense
        disorder,  ///< said it before joining, or joined twice
        messages,  ///< said too much
        datagrams, ///< sent too many
        slow,      ///< does not read what it is sent
        silent,    ///< said nothing for too long
        version,   ///< speaks another protocol
        full,      ///< there is no place in the game
        crowded,   ///< too many connections
        lost,      ///< ended by the other side, or broken: without a goodbye
    };
    static constexpr std::size_t reasons = 10;

    struct Counters {
        std::uint64_t messages_in = 0;
        std::uint64_t messages_out = 0;
        std::uint64_t datagrams_in = 0;
        std::uint64_t datagrams_out = 0;
        std::uint64_t garbage = 0;           ///< messages and datagrams that made no sense
        std::uint64_t datagrams_dropped = 0; ///< both ways: there was no room for them, or they were too long
        std::uint64_t dropped = 0;           ///< connections that did not end with a goodbye
        std::array<std::uint64_t, reasons> dropped_for{}; ///< the same, by reason
        std::uint64_t joined = 0;
        std::uint64_t refused = 0; ///< connections that were closed at once, as descriptors had run out
    };

    /// Lifetime: the loop's is longer.
    /// Errors: std::system_error if the address cannot be had.
    Server(ioloop::IOLoop& loop, const Options& options);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();

    /// Ends the game in good order: takes nobody any more, and tells the players. Done when they have heard it and hung up,
    /// and after `patience` at the latest. To be called once.
    ioloop::Future<> close(ioloop::Duration patience = std::chrono::seconds(1));

    ioloop::SocketAddress address() const { return address_; } ///< of TCP and UDP both
    const World& world() const noexcept { return world_; }
    Counters counters() const;
    std::size_t connections() const noexcept { return peers_.size(); }
    /// How long after their time ticks came.
    Durations& lateness() noexcept { return lateness_; }

private:
    struct Peer {
        ioloop::TcpStream stream;
        ioloop::Future<> reading; ///< listen_to()
        bool slow = false;        ///< given up, as it does not read
        std::optional<PlayerId> player;
        std::uint64_t token = 0;
        ioloop::SocketAddress datagrams; ///< where its valid datagrams come from
        std::vector<Input> inputs;       ///< arrived and not yet played
        std::uint32_t newest_input = 0;
        std::uint32_t played_input = 0;
        int ticks_without_input = 0;
        ioloop::Timeout silence;
        Limits used{0, 0, 0}; ///< of them, in this second
    };
    using PeerId = std::uint32_t;
    struct Name {
        std::string name;
        bool bot = false;
    };

    void bind();
    void add_bots();

    void greet(ioloop::Socket socket);
    ioloop::Task<> listen_to(PeerId id);
    void on_message(PeerId id, Bytes bytes);
    void join(PeerId id, const Hello& hello);
    void say(Peer& peer, const std::string& text);
    void send(Peer& peer, Bytes message);
    void drop(PeerId id, Why why);
    void refuse(PeerId id, Why why, const std::string& text);
    void count_drop(Why why) noexcept;
    void remove(PeerId id);
    void tell_closed();

    void on_datagram(Bytes bytes, const ioloop::SocketAddress& from);
    void take_inputs(Peer& peer, const Inputs& inputs);

    void tick();
    void play_inputs();
    void think();
    void send_snapshots();
    void announce(const std::string& text);
    void broadcast(const ToClient& message);
    void roster_changed();
    void send_roster();
    std::string free_name(const std::string& wanted) const;

    ioloop::IOLoop& loop_;
    Options options_;
    ioloop::SocketAddress address_;
    ioloop::TcpServer listener_;
    std::optional<ioloop::UdpSocket> datagrams_; ///< from bind() on
    World world_;
    std::array<Name, max_players> names_;
    std::vector<std::pair<PlayerId, Bot>> bots_;
    std::map<PeerId, Peer> peers_; ///< by id, as a peer may go while one of its messages is on the stack
    PeerId next_peer_ = 1;
    ioloop::PeriodicCallback tick_;
    ioloop::TimePoint tick_due_{};
    Durations lateness_;
    ioloop::PeriodicCallback quotas_;
    ioloop::PeriodicCallback heartbeat_;
    bool roster_is_due_ = false;
    ioloop::TimePoint next_roster_{};         ///< not before
    std::optional<ioloop::Promise<>> closed_; ///< once it is closing
    std::mt19937_64 tokens_;
    Counters counters_;
    ioloop::Scope scope_; ///< last: the first to go, as what came through it calls the others
};

const char* name_of(Server::Why why) noexcept;

} // namespace arena
