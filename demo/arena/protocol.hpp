// SPDX-License-Identifier: MIT
/// Protocol: what server and client say to each other, as values, and their bytes.
///
/// Over TCP, what must arrive: joining, who is there, chat, and a heartbeat. A message is a frame of ioloop's
/// (ioloop/net/frame.hpp):
///
///     u32 length of what follows, the highest byte first; at most 1024 | u8 kind | fields
///
/// Over UDP, what is old when it is late: inputs, snapshots of the arena, pings. A datagram is
///
///     u16 magic | u8 version | u8 kind | fields
///
/// The decoders take bytes from strangers: whatever they are given, they answer with a value whose every
/// field is in range, or with nothing. All other numbers are little-endian.
#pragma once

#include "bytes.hpp"
#include "world.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace arena {

inline constexpr std::uint8_t protocol_version = 2;
inline constexpr std::size_t longest_message = 1024;  ///< a length that says more ends the connection
inline constexpr std::size_t longest_datagram = 1200; ///< passes every network without being cut in pieces
inline constexpr std::size_t longest_name = 16;
inline constexpr std::size_t longest_line = 200;
inline constexpr std::size_t players_in_roster = 40; ///< of one message, whatever their names are
inline constexpr std::size_t ships_in_snapshot = 40;
/// Shots that a datagram has room for beside so many ships.
constexpr std::size_t shots_in_snapshot(std::size_t ships) noexcept {
    return (longest_datagram - 14 - 13 * ships) / 11;
}
inline constexpr std::size_t inputs_in_datagram =
    6; ///< each is sent again, so that one lost datagram loses none

// ---- over TCP, to the server --------------------------------------------------------------------

struct Hello {
    std::uint8_t version = protocol_version;
    std::string name;
};
struct Say {
    std::string text;
};
struct Heartbeat {};
struct Goodbye {};
using ToServer = std::variant<Hello, Say, Heartbeat, Goodbye>;

// ---- over TCP, to the client --------------------------------------------------------------------

struct Welcome {
    std::uint8_t version = protocol_version;
    PlayerId you = 0;
    std::uint64_t token = 0;     ///< proves, over UDP, to be who joined over TCP
    std::uint16_t motd_port = 0; ///< where the server's MotdPage is; 0: it has none
};
struct Refusal {
    std::string reason;
};
/// Who is there. More than one message holds come in several, one after the other.
struct Roster {
    struct Entry {
        PlayerId id = 0;
        bool bot = false;
        std::uint16_t score = 0;
        std::uint16_t deaths = 0;
        std::string name;
    };
    std::uint8_t part = 0;  ///< which one this is, from 0
    std::uint8_t parts = 1; ///< how many there are
    std::vector<Entry> players;
};
struct Line {
    PlayerId from = nobody; ///< nobody: the server itself
    std::string text;
};
using ToClient = std::variant<Welcome, Refusal, Roster, Line, Heartbeat>;

// ---- over UDP -----------------------------------------------------------------------------------

struct Inputs {
    std::uint64_t token = 0;
    std::uint32_t newest = 0;  ///< number of inputs.back(); those before it count down
    std::vector<Input> inputs; ///< one a tick; at least one
};
struct Ping {
    std::uint64_t token = 0;
    std::uint64_t stamp = 0; ///< comes back as it is
};
using DatagramToServer = std::variant<Inputs, Ping>;

/// What is nearest to the receiver; himself, if he is there at all.
struct Snapshot {
    std::uint32_t tick = 0;
    std::uint32_t input = 0; ///< the last of the receiver's inputs that is in here
    std::vector<Ship> ships;
    std::vector<Shot> shots;
};
struct Pong {
    std::uint64_t stamp = 0;
};
using DatagramToClient = std::variant<Snapshot, Pong>;

// ---- and their bytes ----------------------------------------------------------------------------

/// Messages are without their length: write_frame() writes it, and read_frame() takes it away.
Buffer encode(const ToServer& message);
Buffer encode(const ToClient& message);
Buffer encode(const DatagramToServer& datagram);
Buffer encode(const DatagramToClient& datagram);

std::optional<ToServer> decode_to_server(Bytes message);
std::optional<ToClient> decode_to_client(Bytes message);
std::optional<DatagramToServer> decode_datagram_to_server(Bytes datagram);
std::optional<DatagramToClient> decode_datagram_to_client(Bytes datagram);

/// True if `a` comes after `b`, for numbers that wrap around.
constexpr bool later(std::uint32_t a, std::uint32_t b) noexcept {
    return static_cast<std::int32_t>(a - b) > 0;
}

} // namespace arena
