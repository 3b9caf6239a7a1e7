// SPDX-License-Identifier: MIT
/// Server, chapter 1: its sockets, and who is connected.
#include "server.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace arena {

using namespace std::chrono_literals;

namespace {

/// What of a player's is not looked at yet: he may send some messages a second, and no large ones.
constexpr std::size_t most_unheard = std::size_t{8} << 10;

std::uint64_t strong_seed() {
    std::random_device random;
    return std::uint64_t{random()} << 32 | random();
}

ioloop::TcpServer::Options listener_options(const Server::Options& options) {
    ioloop::TcpServer::Options made;
    made.accepts_per_turn = 16;
    made.pause = options.accept_pause;
    return made;
}

} // namespace

const char* name_of(Server::Why why) noexcept {
    constexpr std::array<const char*, Server::reasons> names{"garbage", "disorder", "messages", "datagrams",
                                                             "slow",    "silent",   "version",  "full",
                                                             "crowded", "lost"};
    return names[static_cast<std::size_t>(why)];
}

Server::Server(ioloop::IOLoop& loop, const Options& options)
    : loop_(loop),
      options_(options),
      listener_(
          loop, [this](ioloop::Socket socket, const ioloop::SocketAddress&) { greet(std::move(socket)); },
          listener_options(options_), "arena listener"),
      world_(options_.seed, std::clamp(options_.players, 1, int{max_players})),
      tick_(
          loop, tick_length, [this] { tick(); }, "simulation tick"),
      quotas_(
          loop, 1s,
          [this] {
              for (auto& [id, peer] : peers_) peer.used = {0, 0, 0};
          },
          "limits of players"),
      heartbeat_(
          loop, 1s, [this] { broadcast(Heartbeat{}); }, "heartbeat to clients"),
      tokens_(strong_seed()),
      scope_(loop, "arena server") {
    bind();
    add_bots();
    tick_.start();
    tick_due_ = loop_.time() + tick_length;
    quotas_.start();
    heartbeat_.start();
}

Server::~Server() {
    if (closed_) closed_->future().cancel();
    for (auto& [id, peer] : peers_) peer.reading.cancel();
}

/// TCP and UDP on one port. If the system chooses it, it knows only what is free for TCP; so it may take
/// some tries.
void Server::bind() {
    const auto wanted = options_.bind ? options_.bind : ioloop::SocketAddress::loopback(0);
    std::error_code error;
    ioloop::Socket datagrams;
    for (int attempt = 0; attempt < 20; ++attempt) {
        listener_.stop();
        listener_.listen(wanted, error);
        if (error) break;
        address_ = listener_.addresses().front();
        datagrams = ioloop::Socket::datagram(address_, error);
        if (!error || wanted.port() != 0) break;
    }
    if (error) throw std::system_error(error, "cannot serve at " + wanted.to_string());
    datagrams_.emplace(
        loop_, std::move(datagrams),
        [this](Bytes bytes, const ioloop::SocketAddress& from) { on_datagram(bytes, from); },
        ioloop::Origin("arena, UDP")); // here, and not in emplace()
}

ioloop::Future<> Server::close(ioloop::Duration patience) {
    listener_.stop();
    tick_.stop();
    heartbeat_.stop();
    announce("the server is closing");
    auto done = closed_.emplace(loop_, ioloop::Origin("server closes")).future();
    for (auto at = peers_.begin(); at != peers_.end();) {
        const auto peer = at++;
        if (peer->second.player) {
            peer->second.stream.finish(); // when he has read all, he reads the end, and hangs up
        } else {
            remove(peer->first);
        }
    }
    scope_.call_later(
        patience, [this] { tell_closed(); }, "server closes");
    if (peers_.empty()) tell_closed();
    return done;
}

void Server::tell_closed() {
    if (!closed_->done()) closed_->set_value();
}

Server::Counters Server::counters() const {
    Counters all = counters_;
    const ioloop::UdpSocket::Counters& udp = datagrams_->counters();
    all.datagrams_in = udp.dispatched;
    all.datagrams_out = udp.sent;
    all.datagrams_dropped = udp.dropped + udp.truncated + udp.system_drops + udp.send_failures;
    all.refused = listener_.counters().refused;
    return all;
}

// ---- connections --------------------------------------------------------------------------------

void Server::greet(ioloop::Socket socket) {
    if (peers_.size() >= static_cast<std::size_t>(options_.players) + options_.most_strangers) {
        // Whoever wants to play says so at once. To refuse the last who came would let a crowd that says nothing in, and
        // keep players out.
        const auto oldest = std::find_if(peers_.begin(), peers_.end(),
                                         [](const auto& entry) { return !entry.second.player; });
        if (oldest == peers_.end()) return count_drop(Why::crowded); // closed as it is
        drop(oldest->first, Why::crowded);
    }
    socket.set_buffer_sizes(0, static_cast<int>(options_.most_unread));
    ioloop::StreamOptions how;
    how.max_buffer = most_unheard;
    how.max_write_buffer = options_.most_unread;
    ioloop::TcpStream stream(loop_, std::move(socket), how, "player connection");
    const PeerId id = next_peer_++;
    Peer& peer = peers_[id];
    peer.stream = std::move(stream);
    peer.silence = scope_.call_later(
        options_.join_timeout, [this, id] { drop(id, Why::silent); }, "player silence");
    peer.reading = ioloop::spawn(loop_, listen_to(id), "player connection");
}

/// What one peer says in one turn is bounded: who says too much is dropped.
/// Lifetime: cancelled before the peer, or the server, goes.
ioloop::Task<> Server::listen_to(PeerId id) {
    Why why = Why::lost;
    try {
        for (auto at = peers_.find(id); at != peers_.end(); at = peers_.find(id)) {
            const std::string message =
                co_await ioloop::read_frame(at->second.stream, longest_message, "player connection");
            on_message(id, bytes_of(message));
        }
        co_return; // somebody has removed it
    } catch (const ioloop::StreamClosed& end) {
        if (peers_.at(id).slow) {
            why = Why::slow;
        } else if (end.error() == std::errc::message_size) {
            why = Why::garbage;
            ++counters_.garbage;
        }
    }
    if (closed_) {
        remove(id);
    } else {
        drop(id, why);
    }
}

void Server::on_message(PeerId id, Bytes bytes) {
    ++counters_.messages_in;
    Peer& peer = peers_.at(id);
    const auto message = decode_to_server(bytes);
    if (!message) {
        ++counters_.garbage;
        drop(id, Why::garbage);
        return;
    }
    if (++peer.used.messages > options_.limits.messages) {
        drop(id, Why::messages);
        return;
    }
    if (const auto* hello = std::get_if<Hello>(&*message)) {
        join(id, *hello);
        return;
    }
    if (!peer.player) {
        drop(id, Why::disorder);
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
    if (peer.player) return drop(id, Why::disorder);
    if (hello.version != protocol_version) {
        return refuse(id, Why::version,
                      "this server speaks version " + std::to_string(protocol_version) + ", not " +
                          std::to_string(hello.version));
    }
    peer.player = world_.join();
    if (!peer.player) return refuse(id, Why::full, "the arena is full");

    names_[*peer.player] = {free_name(hello.name), false};
    do {
        peer.token = tokens_();
    } while (peer.token == 0);
    ++counters_.joined;
    loop_.update_timeout(peer.silence, loop_.now() + options_.silence);
    send(peer, encode(ToClient(Welcome{protocol_version, *peer.player, peer.token, options_.motd_port})));
    roster_changed();
    announce(names_[*peer.player].name + " joined");
}

void Server::say(Peer& peer, const std::string& text) {
    if (++peer.used.lines > options_.limits.lines || text.find_first_not_of(' ') == std::string::npos) return;
    broadcast(Line{*peer.player, text});
}

/// A stream that overflows is closed, and its reader is told in a later turn: the map stays as it is.
void Server::send(Peer& peer, Bytes message) {
    if (closed_) return; // all is said
    const auto sent = ioloop::write_frame(peer.stream, text_of(message), "player connection");
    if (sent.done() && sent.exception()) {
        peer.stream.close();
        peer.slow = !peer.stream.error(); // nothing else was wrong with it
    } else {
        ++counters_.messages_out;
    }
}

void Server::refuse(PeerId id, Why why, const std::string& text) {
    send(peers_.at(id), encode(ToClient(Refusal{text})));
    drop(id, why);
}

/// Ends what the peer did not end itself.
void Server::drop(PeerId id, Why why) {
    if (!peers_.contains(id)) return;
    count_drop(why);
    remove(id);
}

void Server::count_drop(Why why) noexcept {
    ++counters_.dropped;
    ++counters_.dropped_for[static_cast<std::size_t>(why)];
}

void Server::remove(PeerId id) {
    const auto at = peers_.find(id);
    if (at == peers_.end()) return;
    Peer peer = std::move(at->second);
    peers_.erase(at);
    loop_.remove_timeout(peer.silence);
    peer.reading.cancel();
    if (closed_ && peers_.empty()) tell_closed();
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

void Server::on_datagram(Bytes bytes, const ioloop::SocketAddress& from) {
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
    if (++peer.used.datagrams > options_.limits.datagrams) return drop(at->first, Why::datagrams);
    peer.datagrams = from;
    if (const auto* inputs = std::get_if<Inputs>(&*datagram)) {
        take_inputs(peer, *inputs);
    } else {
        // One that the system does not take is lost, as any other may be.
        datagrams_->send_to(encode(DatagramToClient(Pong{std::get<Ping>(*datagram).stamp})), from);
    }
}

} // namespace arena
