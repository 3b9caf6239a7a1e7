// SPDX-License-Identifier: MIT
/// enet::Host: a host of ENet (reliable and unreliable packets over UDP) on an IOLoop. Floor 4.
///
///     enet::Host host(loop, {.port = 4242}, [&](ENetEvent& event) { ... });
///     ENetPeer* server = host.connect(address);
///     host.send(server, 0, bytes, ENET_PACKET_FLAG_RELIABLE);
///
/// What arrives is an event at once, whatever the frame rate; what is sent leaves in the next turn, several packets
/// together. While nothing happens the loop sleeps, but for what ENet has to send again, and its pings.
///
/// Everything else is ENet's own: get() is for all of its functions, but enet_host_service(), which is called here, and
/// enet_host_destroy(). After enet_peer_send() and the like, call flush_soon().
///
/// ENet has a clock of its own. While the loop is suspended, or not run, it sends nothing, and peers may give it up.
///
/// Lifetime: the host may be destroyed in its own event; the loop may be closed or destroyed first. Peers are not told
/// when the host goes: disconnect them before.
/// Thread: the loop's.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/function.hpp>
#include <ioloop/io_loop.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <enet/enet.h>

namespace ioloop::enet {

/// A packet is destroyed after the call, unless its pointer is taken and set to null. Called by the loop, never within
/// another member. What it throws goes to the loop's error hook.
using OnEvent = Function<void(ENetEvent&)>;

struct Options {
    enet_uint32 address = ENET_HOST_ANY; ///< of this machine, in network order
    enet_uint16 port = ENET_PORT_ANY;
    std::size_t peers = 32;
    std::size_t channels = 2;
    int events_per_call = 32;                       ///< then the loop sees to other things, and to its budget
    Duration busy = std::chrono::milliseconds(10);  ///< between looks, while something is not acknowledged
    Duration idle = std::chrono::milliseconds(100); ///< and else, while there are peers
};

class Host {
public:
    /// Errors: std::system_error if the port is taken; std::invalid_argument for a null callback or no events.
    Host(IOLoop& loop, const Options& options, OnEvent on_event, Origin origin = Origin::here());
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    ~Host();

    ENetHost* get() const noexcept;
    /// Where it can be reached: the port is the one that was given.
    ENetAddress address() const noexcept;

    /// The connection is there when ENET_EVENT_TYPE_CONNECT comes. Errors: std::length_error if it has all its peers.
    ENetPeer* connect(const ENetAddress& to, enet_uint32 data = 0);
    /// flags   ENET_PACKET_FLAG_RELIABLE...
    /// False, and dropped, if the peer is not connected, or there is no such channel.
    bool send(ENetPeer* peer, enet_uint8 channel, std::span<const std::uint8_t> bytes, enet_uint32 flags = 0);
    /// Sends what is queued, in the next turn.
    void flush_soon();

private:
    class State;
    std::shared_ptr<State> state_; ///< shared with the call on the stack
};

} // namespace ioloop::enet
