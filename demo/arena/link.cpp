// SPDX-License-Identifier: MIT
#include "link.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>

namespace arena {

using namespace std::chrono_literals;

namespace {
constexpr ioloop::Duration ping_period = 250ms;
constexpr int messages_a_turn = 64; ///< then it is the turn of others

/// What may wait, of the server's for us and of ours for the server: in good order it is never much.
constexpr ioloop::StreamOptions stream_options{.max_buffer = std::size_t{16} << 10,
                                               .max_write_buffer = std::size_t{64} << 10};

std::string reason_of(const ioloop::StreamClosed& end) {
    if (!end.error()) return "the connection was closed";
    return end.error() == std::errc::message_size ? "it sends garbage" : end.error().message();
}
} // namespace

const char* name_of(Link::State state) noexcept {
    switch (state) {
    case Link::State::idle: return "idle";
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
      client_(loop),
      out_(loop, options_.network, 1),
      in_(loop, options_.network, 2),
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
    if (joined()) write(encode(ToServer(Goodbye{}))); // past the impairment, which goes with the connection
    hang_up();
    state_ = State::idle;
}

// ---- one attempt --------------------------------------------------------------------------------

void Link::begin() {
    state_ = State::connecting;
    ++counters_.attempts;
    connection_ = ioloop::spawn(loop_, connect(), "server link");
}

/// Lifetime: cancelled before this object goes.
ioloop::Task<> Link::connect() {
    std::string reason;
    try {
        ioloop::ConnectOptions how;
        how.timeout = options_.connect_timeout;
        how.stream = stream_options;
        connecting_ = client_.connect(options_.host, options_.port, how, "server link");
        stream_ = std::move(co_await connecting_);
        join();
        for (int count = 1; stream_; ++count) {
            if (count % messages_a_turn == 0) co_await ioloop::next_turn("server link");
            const std::string message = co_await ioloop::read_frame(stream_, longest_message, "server link");
            deliver([this, message] { on_message(bytes_of(message)); });
        }
        co_return; // it was hung up: whoever did that knows why
    } catch (const ioloop::StreamClosed& end) {
        reason = reason_of(end);
    } catch (const std::exception& error) {
        reason = std::string(state_ == State::connecting ? "no connection: " : "") + error.what();
    }
    deliver([this, reason] { fail(reason); });
}

void Link::join() {
    state_ = State::joining;
    peer_ = stream_.peer();
    datagrams_.emplace(
        loop_, ioloop::Socket::datagram_to(peer_),
        [this](Bytes bytes, const ioloop::SocketAddress&) {
            in_.pass([this, held = Buffer(bytes.begin(), bytes.end())] { on_datagram(held); });
        },
        ioloop::Origin("server, UDP")); // here, and not in emplace()
    silence_ = loop_.call_later(
        options_.join_timeout, [this] { fail("the server is silent"); }, "server silence");
    send_message(Hello{protocol_version, options_.name});
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
    if (connection_.valid()) std::exchange(connection_, {}).cancel();
    if (connecting_.valid()) std::exchange(connecting_, {}).cancel();
    stream_ = {};
    datagrams_.reset();
    out_.clear();
    in_.clear();
    heartbeat_.stop();
    ping_timer_.stop();
    loop_.remove_timeout(silence_);
    loop_.remove_timeout(retry_);
    last_ping_.reset();
}

void Link::set_network(const Impairment::Options& network) {
    out_.set_options(network);
    in_.set_options(network);
}

// ---- what comes ---------------------------------------------------------------------------------

void Link::deliver(ioloop::Callback message) {
    if (!in_.pass_in_order(std::move(message))) fail("more on its way than the network holds");
}

void Link::alive() {
    const auto patience = joined() ? options_.silence : options_.join_timeout;
    loop_.update_timeout(silence_, loop_.now() + patience);
}

void Link::on_message(Bytes bytes) {
    ++counters_.messages_in;
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

/// That the port is closed is no news to act on: the TCP connection will tell, if it is true.
void Link::on_datagram(Bytes bytes) {
    ++counters_.datagrams_in;
    const auto datagram = decode_datagram_to_client(bytes);
    if (!datagram) {
        ++counters_.garbage;
        return;
    }
    if (!joined()) return;
    alive();
    if (const auto* snapshot = std::get_if<Snapshot>(&*datagram)) {
        if (events_.on_snapshot) events_.on_snapshot(*snapshot);
    } else {
        on_pong(std::get<Pong>(*datagram));
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

bool Link::send(const ToServer& message) { return joined() && send_message(message); }

bool Link::send_message(const ToServer& message) {
    return out_.pass_in_order([this, bytes = encode(message)] { write(bytes); }) && stream_.is_open();
}

/// That the server has closed, or does not read, reading will tell.
void Link::write(Bytes message) {
    const auto sent = ioloop::write_frame(stream_, text_of(message), "server link");
    if (sent.done() && sent.exception()) {
        stream_.close();
    } else {
        ++counters_.messages_out;
    }
}

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
    out_.pass([this, bytes = encode(datagram)] {
        if (!datagrams_->send(bytes)) ++counters_.datagrams_out;
    });
}

} // namespace arena
