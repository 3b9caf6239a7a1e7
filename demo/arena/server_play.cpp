// SPDX-License-Identifier: MIT
/// Server, chapter 2: the game that it runs.
#include "nearby.hpp"
#include "server.hpp"

#include <algorithm>
#include <utility>

namespace arena {

namespace {

/// Inputs that wait to be played. More of them is lag: then two are played in one tick, until they are few
/// again.
constexpr std::size_t inputs_kept = 3;
constexpr int longest_without_input = ticks_per_second / 2;
constexpr ioloop::Duration roster_period = std::chrono::milliseconds(250); ///< between two of them, at least

constexpr std::array<const char*, 15> bot_names{"Ada",    "Brook", "Cosmo",  "Dora", "Euler",
                                                "Faye",   "Gauss", "Halley", "Iris", "Juno",
                                                "Kepler", "Luna",  "Mira",   "Nova", "Orion"};

} // namespace

void Server::add_bots() {
    const int wanted = std::clamp(options_.bots, 0, static_cast<int>(bot_names.size()));
    for (int i = 0; i < wanted; ++i) {
        const auto id = world_.join();
        if (!id) break;
        names_[*id] = {bot_names[static_cast<std::size_t>(i)], true};
        bots_.emplace_back(*id, Bot(options_.seed + static_cast<std::uint32_t>(i)));
    }
}

void Server::tick() {
    const ioloop::Duration late = std::max(loop_.time() - tick_due_, ioloop::Duration::zero());
    lateness_.add(late);
    tick_due_ += tick_length * (1 + late / tick_length); // what is missed is missed
    play_inputs();
    think();
    world_.step();
    for (const Kill& kill : world_.kills()) {
        const std::string& victim = names_[kill.victim].name;
        const bool known = kill.killer < max_players && !names_[kill.killer].name.empty();
        announce(known ? names_[kill.killer].name + " shot down " + victim : victim + " was shot down");
        roster_changed();
    }
    send_snapshots();
}

void Server::take_inputs(Peer& peer, const Inputs& inputs) {
    const auto count = static_cast<std::uint32_t>(inputs.inputs.size());
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint32_t number = inputs.newest - (count - 1 - i);
        if (!later(number, peer.newest_input)) continue; // had it before
        peer.newest_input = number;
        peer.inputs.push_back(inputs.inputs[i]);
    }
    // Whoever sends more than there are ticks loses the oldest: time does not run faster for him.
    constexpr std::size_t most = 2 * inputs_kept;
    if (peer.inputs.size() > most) {
        peer.inputs.erase(peer.inputs.begin(), peer.inputs.end() - static_cast<std::ptrdiff_t>(most));
    }
}

/// One input a tick for each player. If none has come, what was held down is held down still; but not for ever.
void Server::play_inputs() {
    for (auto& [id, peer] : peers_) {
        if (!peer.player) continue;
        if (peer.inputs.empty()) {
            if (++peer.ticks_without_input == longest_without_input) world_.steer(*peer.player, {});
            continue;
        }
        peer.ticks_without_input = 0;
        if (peer.inputs.size() > inputs_kept) peer.inputs.erase(peer.inputs.begin());
        world_.steer(*peer.player, peer.inputs.front());
        peer.inputs.erase(peer.inputs.begin());
        peer.played_input = peer.newest_input - static_cast<std::uint32_t>(peer.inputs.size());
    }
}

void Server::think() {
    if (bots_.empty()) return;
    std::vector<Ship> ships;
    for (const auto& pilot : world_.pilots()) {
        if (pilot) ships.push_back(pilot->ship);
    }
    for (auto& [id, bot] : bots_) world_.steer(id, bot.think(ships, id));
}

void Server::send_snapshots() {
    std::vector<Ship> ships;
    for (const auto& pilot : world_.pilots()) {
        if (pilot) ships.push_back(pilot->ship);
    }
    Snapshot snapshot;
    snapshot.tick = world_.tick();
    for (const auto& [id, peer] : peers_) {
        if (!peer.player || !peer.datagrams) continue;
        snapshot.input = peer.played_input;
        tell_nearby(ships, world_.shots(), *peer.player, snapshot);
        datagrams_->queue_to(encode(DatagramToClient(snapshot)), peer.datagrams);
    }
    datagrams_->flush();
}

void Server::announce(const std::string& text) { broadcast(Line{nobody, text}); }

void Server::broadcast(const ToClient& message) {
    const Buffer bytes = encode(message);
    for (auto& [id, peer] : peers_) {
        if (peer.player) send(peer, bytes);
    }
}

/// Many changes make one roster: in a crowd somebody is shot down all the time, and it is long.
void Server::roster_changed() {
    if (std::exchange(roster_is_due_, true)) return;
    next_roster_ = std::max(loop_.now(), next_roster_ + roster_period);
    scope_.call_at(
        next_roster_, [this] { send_roster(); }, "send roster");
}

void Server::send_roster() {
    roster_is_due_ = false;
    std::vector<Roster::Entry> all;
    for (const auto& pilot : world_.pilots()) {
        if (!pilot) continue;
        const Name& name = names_[pilot->ship.id];
        const auto count = [](int value) { return static_cast<std::uint16_t>(std::min(value, 65535)); };
        all.push_back({pilot->ship.id, name.bot, count(pilot->score), count(pilot->deaths), name.name});
    }
    Roster roster;
    roster.parts = static_cast<std::uint8_t>((all.size() + players_in_roster - 1) / players_in_roster);
    for (; roster.part < roster.parts; ++roster.part) {
        const std::size_t from = roster.part * players_in_roster;
        const std::size_t to = std::min(all.size(), from + players_in_roster);
        roster.players.assign(all.begin() + static_cast<std::ptrdiff_t>(from),
                              all.begin() + static_cast<std::ptrdiff_t>(to));
        broadcast(roster);
    }
}

} // namespace arena
