// SPDX-License-Identifier: MIT
#include "net/datagram_ring.hpp"
#include "os/datagrams.hpp"
#include "raise.hpp"

#include <ioloop/clock.hpp>
#include <ioloop/flow.hpp>
#include <ioloop/net/udp_socket.hpp>
#include <ioloop/poster.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <utility>

namespace ioloop {
namespace {

/// While datagrams are dispatched, the system is asked for more that often: a budget may stretch one turn over many
/// frames, and it is not asked by the turn meanwhile.
constexpr Duration ask_again_after = std::chrono::milliseconds(1);

/// So much is taken at once, however fast the sender is; the rest in the next turn.
constexpr std::size_t most_at_once = 4096;

/// News of a datagram that was sent earlier, which the system tells to whoever asks it something next.
bool is_news(const std::error_code& error) noexcept {
    constexpr std::array codes{
        std::errc::connection_refused,  std::errc::connection_reset, std::errc::host_unreachable,
        std::errc::network_unreachable, std::errc::network_down,     std::errc::message_size,
        std::errc::permission_denied,   std::errc::protocol_error,   std::errc::operation_not_permitted,
        std::errc::no_protocol_option};
    return std::any_of(codes.begin(), codes.end(), [&](std::errc code) { return error == code; });
}

bool is_full(const std::error_code& error) noexcept {
    return error == std::errc::resource_unavailable_try_again;
}

} // namespace

class UdpSocket::State : public std::enable_shared_from_this<State> {
public:
    State(IOLoop& loop, Socket&& socket, OnDatagram&& on_datagram, const Options& options,
          const Origin& origin)
        : ring(options.ring_bytes, options.ring_datagrams),
          outgoing(options.outgoing_bytes, options.outgoing_datagrams),
          reader_(options.most_bytes),
          loop_(loop),
          socket_(std::move(socket)),
          on_datagram_(std::move(on_datagram)),
          origin_(origin) {}

    void watch(IOLoop& loop) {
        watch_drops(socket_.fd());
        auto handler = [weak = weak_from_this()](Fd, Events events) {
            if (const auto self = weak.lock()) self->on_ready(events);
        };
        socket_.watch(loop, std::move(handler), Events::read, origin_);
        socket_.set_flow(&flow_);
    }

    void close() noexcept {
        flush();
        socket_.close();
    }

    std::error_code send(std::span<const std::uint8_t> bytes, const SocketAddress& to) noexcept {
        std::error_code error = std::make_error_code(std::errc::operation_canceled);
        // What the system says may be of an earlier datagram; then this one was not sent.
        for (int tries = 2; socket_ && tries > 0; --tries) {
            socket_.send_datagram(bytes, to, error);
            if (error != std::errc::connection_refused) break;
            ++counters.refused;
        }
        if (error) {
            ++counters.send_failures;
        } else {
            count_sent(bytes.size());
        }
        tell();
        return error;
    }

    std::error_code queue(std::span<const std::uint8_t> bytes, const SocketAddress& to) {
        std::error_code error;
        if (!socket_ || loop_.closed() || (!full_ && !post_flush())) {
            error = std::make_error_code(std::errc::operation_canceled);
        } else if (!outgoing.push(bytes, to)) {
            flush();
            if (!outgoing.push(bytes, to)) error = std::make_error_code(std::errc::no_buffer_space);
        }
        if (error) ++counters.send_failures;
        tell();
        return error;
    }

    void flush() noexcept {
        bool again = true; // the first one, after news of an earlier one
        while (socket_ && !outgoing.empty()) {
            std::array<OutgoingDatagram, DatagramReader::batch> batch;
            const std::size_t count = std::min(batch.size(), outgoing.size());
            for (std::size_t i = 0; i < count; ++i) batch[i] = {outgoing.bytes(i), outgoing.address(i)};
            std::error_code error;
            const std::size_t sent = send_datagrams(socket_.fd(), std::span(batch).first(count), error);
            for (std::size_t i = 0; i < sent; ++i) {
                count_sent(batch[i].bytes.size());
                outgoing.pop();
            }
            if (sent > 0) again = true;
            if (!error) continue;
            if (is_full(error)) {
                tell();
                return wait_for_room(true);
            }
            const bool refused = error == std::errc::connection_refused;
            if (refused) ++counters.refused;
            if (refused && std::exchange(again, false)) continue;
            ++counters.send_failures;
            outgoing.pop();
            again = true;
        }
        tell();
        wait_for_room(false);
    }

    const Socket& socket() const noexcept { return socket_; }

    DatagramRing ring;
    DatagramRing outgoing;
    Counters counters;

private:
    void on_ready(Events events) {
        if (any(events & Events::write)) flush();
        if (any(events & ~Events::write)) take_all();
        post_calls();
    }

    /// From the system, into the ring.
    void take_all() {
        asked_at_ = steady_clock().now();
        std::error_code error;
        for (std::size_t taken = 0; taken < most_at_once; taken += DatagramReader::batch) {
            const std::size_t count = reader_.receive(socket_.fd(), error);
            for (std::size_t i = 0; i < count; ++i) keep(i);
            counters.system_drops = reader_.dropped();
            if (error && is_news(error)) {
                ++counters.refused;
            } else if (error || count < DatagramReader::batch) {
                break;
            }
        }
        tell();
        post_calls();
        if (!error || is_full(error) || is_news(error) || error == std::errc::no_buffer_space ||
            error == std::errc::not_enough_memory)
            return;
        socket_.unwatch(); // else the loop would spin
        raise(std::system_error(error, "receiving datagrams, " + describe(origin_)));
    }

    void keep(std::size_t index) noexcept {
        const auto bytes = reader_.bytes(index);
        if (reader_.truncated(index)) {
            ++counters.truncated;
        } else if (!ring.push(bytes, reader_.from(index))) {
            ++counters.dropped;
        } else {
            ++counters.received;
            counters.received_bytes += bytes.size();
        }
    }

    /// One call of the loop for each that waits, and for which there is none yet.
    void post_calls() {
        const std::size_t waiting = ring.size() - (calling_ ? 1 : 0);
        while (posted_ < waiting) {
            auto call = [weak = weak_from_this()] {
                if (const auto self = weak.lock()) self->call_next();
            };
            if (!loop_.add_callback(std::move(call), origin_)) return;
            ++posted_;
        }
    }

    void call_next() {
        --posted_;
        if (calling_ || !socket_) return; // the callback runs the loop: this one waits until it returns
        if (socket_.watched() && steady_clock().now() - asked_at_ >= ask_again_after) take_all();
        if (ring.empty()) return;
        struct Calling {
            explicit Calling(State& s) : state(s) { state.calling_ = true; }
            Calling(const Calling&) = delete;
            Calling& operator=(const Calling&) = delete;
            ~Calling() {
                state.ring.pop();
                state.calling_ = false;
                state.tell();
                // If calls came in vain meanwhile, others are to be posted; but here nothing may throw. The loop
                // calls on_ready() soon.
                if (state.posted_ < state.ring.size()) state.wait_for_room(true);
            }
            State& state;
        } const calling(*this);
        ++counters.dispatched;
        on_datagram_(ring.bytes(0), ring.address(0));
    }

    bool post_flush() {
        if (flush_posted_) return true;
        flush_posted_ = loop_.add_callback(
            [weak = weak_from_this()] {
                const auto self = weak.lock();
                if (self == nullptr) return;
                self->flush_posted_ = false;
                self->flush();
            },
            origin_);
        return flush_posted_;
    }

    void wait_for_room(bool full) noexcept {
        if (full_ == full) return;
        full_ = full;
        socket_.watch_for(full ? Events::read | Events::write : Events::read);
    }

    /// The inspector, if it looks.
    void tell() noexcept {
        flow_ = {counters.received_bytes,
                 counters.sent_bytes,
                 counters.received,
                 counters.sent,
                 ring.bytes(),
                 outgoing.bytes(),
                 counters.dropped + counters.truncated + counters.system_drops + counters.send_failures};
    }

    void count_sent(std::size_t bytes) noexcept {
        ++counters.sent;
        counters.sent_bytes += bytes;
    }

    DatagramReader reader_;
    Poster loop_;
    Socket socket_;
    OnDatagram on_datagram_;
    Origin origin_;
    Flow flow_; ///< read by the loop while the socket is watched
    TimePoint asked_at_{};
    std::size_t posted_ = 0; ///< calls of call_next() that are queued
    bool calling_ = false;   ///< the first of the ring is with the callback
    bool flush_posted_ = false;
    bool full_ = false; ///< the system's buffer: the loop says when there is room
};

UdpSocket::UdpSocket(IOLoop& loop, Socket socket, OnDatagram on_datagram, Origin origin)
    : UdpSocket(loop, std::move(socket), std::move(on_datagram), Options{}, origin) {}

UdpSocket::UdpSocket(IOLoop& loop, Socket socket, OnDatagram on_datagram, const Options& options,
                     Origin origin) {
    if (!on_datagram) detail::refuse_null("UdpSocket: null callback", origin);
    if (!socket) raise(std::invalid_argument("UdpSocket: no socket, " + describe(origin)));
    if (options.most_bytes == 0 || options.ring_bytes == 0 || options.ring_datagrams == 0 ||
        options.outgoing_bytes == 0 || options.outgoing_datagrams == 0) {
        raise(std::invalid_argument("UdpSocket: an option is 0, " + describe(origin)));
    }
    state_ = std::make_shared<State>(loop, std::move(socket), std::move(on_datagram), options, origin);
    state_->watch(loop);
}

UdpSocket& UdpSocket::operator=(UdpSocket&& other) noexcept {
    if (this == &other) return *this;
    close();
    state_ = std::move(other.state_);
    return *this;
}

UdpSocket::~UdpSocket() { close(); }

std::error_code UdpSocket::send(std::span<const std::uint8_t> bytes) { return state_->send(bytes, {}); }
std::error_code UdpSocket::send_to(std::span<const std::uint8_t> bytes, const SocketAddress& to) {
    return state_->send(bytes, to);
}
std::error_code UdpSocket::queue(std::span<const std::uint8_t> bytes) { return state_->queue(bytes, {}); }
std::error_code UdpSocket::queue_to(std::span<const std::uint8_t> bytes, const SocketAddress& to) {
    return state_->queue(bytes, to);
}
void UdpSocket::flush() { state_->flush(); }

void UdpSocket::close() noexcept {
    if (state_ != nullptr) state_->close();
}
bool UdpSocket::closed() const noexcept { return state_ == nullptr || !state_->socket(); }
SocketAddress UdpSocket::local() const noexcept { return state_->socket().local(); }
SocketAddress UdpSocket::peer() const noexcept { return state_->socket().peer(); }
std::size_t UdpSocket::waiting() const noexcept { return state_->ring.size(); }
std::size_t UdpSocket::queued() const noexcept { return state_->outgoing.size(); }
const UdpSocket::Counters& UdpSocket::counters() const noexcept { return state_->counters; }

} // namespace ioloop
