// SPDX-License-Identifier: MIT
#include "link.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace arena {

using namespace std::chrono_literals;

namespace {
constexpr ioloop::Duration ping_period = 250ms;
constexpr int datagrams_a_turn = 64;
} // namespace

const char* name_of(Link::State state) noexcept {
    switch (state) {
    case Link::State::idle: return "idle";
    case Link::State::resolving: return "looking up the server";
    case Link::State::connecting: return "connecting";
    case Link::State::joining: return "joining";
    case Link::State::joined: return "in play";
    case Link::State::waiting: return "waiting to reconnect";
    }
    return "?";
}

Link::Link(ioloop::IOLoop& loop, Options options, Events events)
    : loop_(loop),
      options_(std::move(options)),
      events_(std::move(events)),
      resolver_(loop),
      heartbeat_(
          loop, options_.heartbeat, [this] { send(Heartbeat{}); }, "heartbeat to server"),
      ping_timer_(
          loop, ping_period, [this] { send_ping(); }, "ping timer"),
      random_(std::random_device{}()) {}

Link::~Link() { hang_up(); }

void Link::start() {
    if (state_ == State::idle) begin();
}

void Link::stop() {
    if (stream_ && joined()) send(Goodbye{});
    hang_up();
    state_ = State::idle;
}

// ---- one attempt --------------------------------------------------------------------------------

void Link::begin() {
    state_ = State::resolving;
    ++counters_.attempts;
    resolver_.resolve(options_.host, options_.port, options_.connect_timeout,
                      [this](std::error_code error, std::vector<Address> addresses) {
                          if (error) {
                              fail("no address for '" + options_.host + "': " + error.message());
                          } else {
                              connect(std::move(addresses));
                          }
                      });
}

void Link::connect(std::vector<Address> addresses) {
    state_ = State::connecting;
    connector_ =
        std::make_unique<Connector>(loop_, std::move(addresses), options_.connect_timeout,
                                    [this](std::error_code error, Socket socket, const Address& peer) {
                                        if (error) {
                                            fail("no connection: " + error.message());
                                        } else {
                                            join(std::move(socket), peer);
                                        }
                                    });
}

void Link::join(Socket socket, const Address& peer) {
    state_ = State::joining;
    peer_ = peer;
    std::error_code error;
    datagrams_ = Socket::datagram_to(peer, error);
    if (error) {
        fail("no socket for UDP: " + error.message());
        return;
    }
    datagrams_.watch(
        loop_, [this](ioloop::Fd, ioloop::Events) { on_datagrams(); }, ioloop::Events::read, "server, UDP");
    stream_ = std::make_unique<MessageStream>(
        loop_, std::move(socket),
        MessageStream::Events{[this](Bytes bytes) { on_message(bytes); },
                              [this](const std::string& reason) { fail(reason); }},
        ioloop::Origin("server link")); // here, and not in make_unique()
    silence_ = loop_.call_later(
        options_.connect_timeout, [this] { fail("the server is silent"); }, "server silence");
    stream_->send(encode(ToServer(Hello{protocol_version, options_.name})));
}

void Link::welcome(const Welcome& welcome) {
    token_ = welcome.token;
    state_ = State::joined;
    failures_ = 0;
    if (std::exchange(ever_joined_, true)) ++counters_.reconnects;
    heartbeat_.start();
    ping_timer_.start();
    send_ping();
    if (events_.on_joined) events_.on_joined(welcome);
}

/// Whatever was under way is over; there will be another attempt.
void Link::fail(const std::string& reason) {
    const bool was_joined = joined();
    hang_up();
    state_ = State::waiting;

    const double exponent = std::min(failures_++, 16);
    const ioloop::Duration pause =
        std::min(options_.longest_pause,
                 std::chrono::duration_cast<ioloop::Duration>(options_.first_pause * std::exp2(exponent)));
    const double chance = std::uniform_real_distribution(0.75, 1.25)(random_);
    const auto delay = std::chrono::duration_cast<ioloop::Duration>(pause * chance);
    next_attempt_ = loop_.time() + delay;
    retry_ = loop_.call_at(
        next_attempt_, [this] { begin(); }, "reconnect");

    const auto in =
        std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(delay).count()) + " ms";
    if (was_joined) {
        ++counters_.losses;
        if (events_.on_trouble) events_.on_trouble("lost the server: " + reason + "; trying again in " + in);
        if (events_.on_lost) events_.on_lost(reason);
    } else if (events_.on_trouble) {
        events_.on_trouble(reason + "; trying again in " + in);
    }
}

void Link::hang_up() noexcept {
    if (stream_) {
        counters_.messages_in += stream_->counters().messages_in;
        counters_.messages_out += stream_->counters().messages_out;
    }
    resolver_.cancel();
    connector_.reset();
    stream_.reset();
    datagrams_.close();
    heartbeat_.stop();
    ping_timer_.stop();
    loop_.remove_timeout(silence_);
    loop_.remove_timeout(retry_);
    last_ping_.reset();
}

// ---- what comes ---------------------------------------------------------------------------------

void Link::alive() {
    const auto patience = joined() ? options_.silence : options_.connect_timeout;
    loop_.update_timeout(silence_, loop_.now() + patience);
}

void Link::on_message(Bytes bytes) {
    const auto message = decode_to_client(bytes);
    if (!message) {
        ++counters_.garbage;
        fail("the server sends garbage");
        return;
    }
    if (const auto* refusal = std::get_if<Refusal>(&*message)) {
        fail("the server refused: " + refusal->reason);
        return;
    }
    if (const auto* welcomed = std::get_if<Welcome>(&*message)) {
        if (state_ == State::joining) welcome(*welcomed);
        return;
    }
    alive();
    if (joined() && events_.on_message) events_.on_message(*message);
}

void Link::on_datagrams() {
    std::array<std::uint8_t, 2048> buffer;
    for (int i = 0; i < datagrams_a_turn && datagrams_; ++i) {
        const Transfer got = datagrams_.receive(buffer);
        if (got.status == Transfer::Status::later) return;
        if (!got.done()) continue; // "refused" comes this way; the TCP connection will tell, if it is true
        ++counters_.datagrams_in;
        const auto datagram = decode_datagram_to_client(Bytes(buffer).first(got.size));
        if (!datagram) {
            ++counters_.garbage;
        } else if (joined()) {
            alive();
            if (const auto* snapshot = std::get_if<Snapshot>(&*datagram)) {
                if (events_.on_snapshot) events_.on_snapshot(*snapshot);
            } else {
                on_pong(std::get<Pong>(*datagram));
            }
        }
    }
}

void Link::on_pong(const Pong& pong) {
    // Not now(): the answer may come in the very turn of the question.
    const auto now = static_cast<std::uint64_t>(loop_.time().time_since_epoch().count());
    constexpr std::uint64_t oldest = ioloop::Duration(10s).count();
    if (pong.stamp > now || now - pong.stamp > oldest) return; // not a stamp of ours
    const ioloop::Duration took(static_cast<std::int64_t>(now - pong.stamp));
    const ioloop::Duration change = last_ping_ ? std::chrono::abs(took - *last_ping_) : ioloop::Duration{};
    ping_ = last_ping_ ? (ping_ * 7 + took) / 8 : took;
    jitter_ = last_ping_ ? (jitter_ * 15 + change) / 16 : ioloop::Duration{}; // as RTP does it
    last_ping_ = took;
}

// ---- what goes ----------------------------------------------------------------------------------

bool Link::send(const ToServer& message) { return joined() && stream_ && stream_->send(encode(message)); }

void Link::send_inputs(std::span<const Input> inputs, std::uint32_t newest) {
    if (!joined() || inputs.empty()) return;
    inputs = inputs.last(std::min(inputs.size(), inputs_in_datagram));
    send_datagram(Inputs{token_, newest, {inputs.begin(), inputs.end()}});
}

void Link::send_ping() {
    send_datagram(Ping{token_, static_cast<std::uint64_t>(loop_.time().time_since_epoch().count())});
}

void Link::send_datagram(const DatagramToServer& datagram) {
    if (!datagrams_) return;
    if (datagrams_.send(encode(datagram)).done()) ++counters_.datagrams_out;
}

Link::Counters Link::counters() const {
    Counters all = counters_;
    if (stream_) {
        all.messages_in += stream_->counters().messages_in;
        all.messages_out += stream_->counters().messages_out;
    }
    return all;
}

} // namespace arena
