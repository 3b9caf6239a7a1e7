// SPDX-License-Identifier: MIT
/// Server, chapter 1: its sockets, and who is connected.
#include "server.hpp"

#include <algorithm>
#include <utility>

namespace arena {

using namespace std::chrono_literals;

namespace {

constexpr int accepts_a_turn = 16;
constexpr int datagrams_a_turn = 256;
constexpr int messages_a_second = 60;
constexpr int lines_a_second = 4;

std::uint64_t strong_seed() {
    std::random_device random;
    return std::uint64_t{random()} << 32 | random();
}

} // namespace

Server::Server(ioloop::IOLoop& loop, Options options)
    : loop_(loop),
      options_(std::move(options)),
      world_(options_.seed),
      tick_(
          loop, tick_length, [this] { tick(); }, "simulation tick"),
      quotas_(
          loop, 1s,
          [this] {
              for (auto& [id, peer] : peers_) peer.messages_this_second = peer.lines_this_second = 0;
          },
          "message quotas"),
      heartbeat_(
          loop, 1s, [this] { broadcast(Heartbeat{}); }, "heartbeat to clients"),
      tokens_(strong_seed()) {
    bind();
    add_bots();
    watch();
    tick_.start();
    quotas_.start();
    heartbeat_.start();
}

Server::~Server() {
    *alive_ = false;
    loop_.remove_timeout(accept_again_);
    for (auto& [id, peer] : peers_) loop_.remove_timeout(peer.silence);
}

/// TCP and UDP on one port. If the system chooses it, it knows only what is free for TCP; so it may take
/// some tries.
void Server::bind() {
    const Address wanted = options_.bind ? options_.bind : Address::numeric("127.0.0.1", 0);
    std::error_code error;
    for (int attempt = 0; attempt < 20; ++attempt) {
        listener_ = Socket::listen(wanted, error);
        if (error) break;
        address_ = listener_.address();
        datagrams_ = Socket::datagram(address_, error);
        if (!error || wanted.port() != 0) break;
    }
    if (error) throw std::system_error(error, "cannot serve at " + wanted.to_string());
}

void Server::watch() {
    listener_.watch(
        loop_, [this](ioloop::Fd, ioloop::Events) { accept(); }, ioloop::Events::read, "arena listener");
    datagrams_.watch(
        loop_, [this](ioloop::Fd, ioloop::Events) { on_datagrams(); }, ioloop::Events::read, "arena, UDP");
}

Server::Counters Server::counters() const {
    Counters all = counters_;
    for (const auto& [id, peer] : peers_) {
        all.messages_in += peer.stream->counters().messages_in;
        all.messages_out += peer.stream->counters().messages_out;
    }
    return all;
}

// ---- connections --------------------------------------------------------------------------------

void Server::accept() {
    for (int i = 0; i < accepts_a_turn; ++i) {
        Transfer outcome;
        Socket socket = listener_.accept(outcome);
        if (outcome.status == Transfer::Status::closed) continue;
        if (outcome.status == Transfer::Status::later) return;
        if (outcome.status == Transfer::Status::failed) {
            ++counters_.accept_failures;
            pause_accepting();
            return;
        }
        if (peers_.size() >= options_.most_connections) {
            ++counters_.dropped;
            continue; // closed as it is
        }
        const PeerId id = next_peer_++;
        Peer& peer = peers_[id];
        peer.stream = std::make_unique<MessageStream>(
            loop_, std::move(socket),
            MessageStream::Events{[this, id](Bytes bytes) { on_message(id, bytes); },
                                  [this, id](const std::string& reason) { drop(id, reason); }},
            ioloop::Origin("player connection")); // here, and not in make_unique()
        peer.silence = loop_.call_later(
            options_.join_timeout, [this, id] { drop(id, "silent"); }, "player silence");
    }
}

/// The connection stays in the kernel's queue and the listener stays ready: without a pause the loop would
/// spin.
void Server::pause_accepting() {
    listener_.watch_for(ioloop::Events::none);
    accept_again_ = loop_.call_later(
        options_.accept_pause, [this] { listener_.watch_for(ioloop::Events::read); }, "accept again");
}

void Server::on_message(PeerId id, Bytes bytes) {
    Peer& peer = peers_.at(id);
    const auto message = decode_to_server(bytes);
    if (!message) {
        ++counters_.garbage;
        drop(id, "sent garbage");
        return;
    }
    if (++peer.messages_this_second > messages_a_second) {
        drop(id, "flooding");
        return;
    }
    if (const auto* hello = std::get_if<Hello>(&*message)) {
        join(id, *hello);
        return;
    }
    if (!peer.player) {
        drop(id, "spoke before joining");
        return;
    }
    loop_.update_timeout(peer.silence, loop_.now() + options_.silence);
    if (const auto* line = std::get_if<Say>(&*message)) {
        say(peer, line->text);
    } else if (std::holds_alternative<Goodbye>(*message)) {
        remove(id);
    }
}

void Server::join(PeerId id, const Hello& hello) {
    Peer& peer = peers_.at(id);
    if (peer.player) return drop(id, "joined twice");
    if (hello.version != protocol_version) {
        return refuse(id, "this server speaks version " + std::to_string(protocol_version) + ", not " +
                              std::to_string(hello.version));
    }
    peer.player = world_.join();
    if (!peer.player) return refuse(id, "the arena is full");

    names_[*peer.player] = {free_name(hello.name), false};
    do {
        peer.token = tokens_();
    } while (peer.token == 0);
    ++counters_.joined;
    loop_.update_timeout(peer.silence, loop_.now() + options_.silence);
    peer.stream->send(encode(ToClient(Welcome{protocol_version, *peer.player, peer.token})));
    roster_changed();
    announce(names_[*peer.player].name + " joined");
}

void Server::say(Peer& peer, const std::string& text) {
    if (++peer.lines_this_second > lines_a_second || text.find_first_not_of(' ') == std::string::npos) return;
    broadcast(Line{*peer.player, text});
}

void Server::refuse(PeerId id, const std::string& why) {
    peers_.at(id).stream->send(encode(ToClient(Refusal{why})));
    drop(id, why);
}

/// Ends what the peer did not end itself.
void Server::drop(PeerId id, const std::string&) {
    if (!peers_.contains(id)) return;
    ++counters_.dropped;
    remove(id);
}

void Server::remove(PeerId id) {
    const auto at = peers_.find(id);
    if (at == peers_.end()) return;
    Peer peer = std::move(at->second);
    peers_.erase(at);
    loop_.remove_timeout(peer.silence);
    counters_.messages_in += peer.stream->counters().messages_in;
    counters_.messages_out += peer.stream->counters().messages_out;
    if (!peer.player) return;
    world_.leave(*peer.player);
    const std::string name = std::exchange(names_[*peer.player], {}).name;
    roster_changed();
    announce(name + " left");
}

std::string Server::free_name(const std::string& wanted) const {
    const bool blank = wanted.find_first_not_of(' ') == std::string::npos;
    const std::string base = blank ? "player" : wanted;
    std::string name = base;
    const auto taken = [&] {
        return std::any_of(names_.begin(), names_.end(),
                           [&](const Name& other) { return other.name == name; });
    };
    for (int number = 2; taken(); ++number) {
        std::string suffix(1, ' ');
        suffix += std::to_string(number);
        name = base.substr(0, longest_name - suffix.size()) + suffix;
    }
    return name;
}

// ---- datagrams ----------------------------------------------------------------------------------

void Server::on_datagrams() {
    std::array<std::uint8_t, 2048> buffer;
    for (int i = 0; i < datagrams_a_turn; ++i) {
        Address from;
        const Transfer got = datagrams_.receive_from(buffer, from);
        if (got.status == Transfer::Status::later) return;
        if (got.done()) on_datagram(Bytes(buffer).first(got.size), from);
    }
}

void Server::on_datagram(Bytes bytes, const Address& from) {
    ++counters_.datagrams_in;
    const auto datagram = decode_datagram_to_server(bytes);
    if (!datagram) {
        ++counters_.garbage;
        return;
    }
    const std::uint64_t token = std::visit([](const auto& kind) { return kind.token; }, *datagram);
    const auto at = std::find_if(peers_.begin(), peers_.end(), [&](const auto& entry) {
        return entry.second.player && entry.second.token == token;
    });
    if (at == peers_.end()) {
        ++counters_.garbage; // answered by nothing: who sends a false sender's address gets nobody bombarded
        return;
    }
    Peer& peer = at->second;
    peer.datagrams = from;
    if (const auto* inputs = std::get_if<Inputs>(&*datagram)) {
        take_inputs(peer, *inputs);
    } else {
        send_datagram(encode(DatagramToClient(Pong{std::get<Ping>(*datagram).stamp})), from);
    }
}

void Server::send_datagram(const Buffer& bytes, const Address& to) {
    // One that the kernel does not take is lost, as any other may be.
    if (datagrams_.send_to(bytes, to).done()) ++counters_.datagrams_out;
}

} // namespace arena
