// SPDX-License-Identifier: MIT
#include <ioloop/context.hpp>
#include <ioloop/enet.hpp>
#include <ioloop/net/watch_set.hpp>
#include <ioloop/poster.hpp>

#include <cerrno>
#include <new>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace ioloop::enet {

class Host::State : public std::enable_shared_from_this<State> {
public:
    State(IOLoop& loop, const Options& options, OnEvent on_event)
        : loop_(loop),
          options_(options),
          on_event_(std::move(on_event)) {
        if (!on_event_ || options.events_per_call < 1)
            throw std::invalid_argument("enet::Host: no callback, or no events");
        static const int started = ::enet_initialize();
        const ENetAddress at{options.address, options.port};
        errno = 0;
        if (started == 0) host = ::enet_host_create(&at, options.peers, options.channels, 0, 0);
        if (host == nullptr)
            throw std::system_error(errno != 0 ? errno : EINVAL, std::generic_category(), "enet::Host");
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() { shut_down(); }

    void start(IOLoop& loop, const Origin& origin) {
        watches_.emplace(
            loop, "enet host", [this](Fd, Events) { service(); }, [this] { service(); }, origin);
        watches_->set(static_cast<Fd>(host->socket), Events::read);
    }
    /// Nothing is called afterwards.
    void shut_down() noexcept {
        watches_.reset();
        if (host != nullptr) ::enet_host_destroy(std::exchange(host, nullptr));
    }

    void service_soon() {
        if (posted_) return;
        const NullContext none;
        posted_ = loop_.add_callback(
            [weak = weak_from_this()] {
                const auto self = weak.lock();
                if (self == nullptr) return;
                self->posted_ = false;
                if (self->host != nullptr) self->service();
            },
            "enet service");
    }

    ENetHost* host = nullptr; ///< null: shut down

private:
    /// Sends, receives, and tells of it, until there is nothing more or it has told enough.
    void service() {
        const auto kept = shared_from_this();
        // Whatever comes of it, also if the user's callable throws.
        struct Next {
            ~Next() {
                if (state.host != nullptr) state.arrange(more);
            }
            State& state;
            bool more = true;
        } next{*this};
        for (int n = 0; n < options_.events_per_call; ++n) {
            ENetEvent event{};
            const int found = ::enet_host_service(host, &event, 0);
            if (found < 0) {
                next.more = false;
                throw std::system_error(errno, std::generic_category(), "enet_host_service");
            }
            if (found == 0) {
                next.more = false;
                return;
            }
            struct Packet {
                ~Packet() {
                    if (event.packet != nullptr) ::enet_packet_destroy(event.packet);
                }
                ENetEvent& event;
            } const packet{event};
            on_event_(event);
            if (host == nullptr) return;
        }
    }

    void arrange(bool more) {
        if (more) service_soon();
        bool busy = false;
        bool alive = false;
        for (std::size_t n = 0; n < host->peerCount; ++n) {
            const ENetPeer& peer = host->peers[n];
            if (peer.state == ENET_PEER_STATE_DISCONNECTED) continue;
            alive = true;
            busy = busy || peer.state != ENET_PEER_STATE_CONNECTED || peer.reliableDataInTransit > 0;
        }
        watches_->set_timer(busy ? options_.busy : alive ? options_.idle : forever);
    }

    Poster loop_;
    Options options_;
    OnEvent on_event_;
    bool posted_ = false;
    std::optional<WatchSet> watches_;
};

Host::Host(IOLoop& loop, const Options& options, OnEvent on_event, Origin origin)
    : state_(std::make_shared<State>(loop, options, std::move(on_event))) {
    state_->start(loop, origin);
}

Host::~Host() { state_->shut_down(); }

ENetHost* Host::get() const noexcept { return state_->host; }

ENetAddress Host::address() const noexcept {
    ENetAddress at{};
    ::enet_socket_get_address(state_->host->socket, &at);
    return at;
}

ENetPeer* Host::connect(const ENetAddress& to, enet_uint32 data) {
    ENetPeer* const peer = ::enet_host_connect(state_->host, &to, state_->host->channelLimit, data);
    if (peer == nullptr) throw std::length_error("enet::Host: it has all the peers it may have");
    flush_soon();
    return peer;
}

bool Host::send(ENetPeer* peer, enet_uint8 channel, std::span<const std::uint8_t> bytes, enet_uint32 flags) {
    ENetPacket* const packet = ::enet_packet_create(bytes.data(), bytes.size(), flags);
    if (packet == nullptr) throw std::bad_alloc();
    if (::enet_peer_send(peer, channel, packet) != 0) {
        ::enet_packet_destroy(packet);
        return false;
    }
    flush_soon();
    return true;
}

void Host::flush_soon() { state_->service_soon(); } // which sends, too, and sees to the timer

} // namespace ioloop::enet
