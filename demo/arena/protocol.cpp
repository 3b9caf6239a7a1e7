// SPDX-License-Identifier: MIT
#include "protocol.hpp"

#include <algorithm>
#include <cmath>

namespace arena {
namespace {

constexpr std::uint16_t magic = 0x5241; // "AR"
constexpr float position_grain = 1.0F / 32;
constexpr float velocity_grain = 1.0F / 16;
constexpr float angle_grain = 6.28318531F / 65536;

template <class... F> struct Overloaded : F... { using F::operator()...; };
template <class... F> Overloaded(F...) -> Overloaded<F...>;

/// The kind of a message is its place in its variant, counted from here. No kind is zero, as a stream of
/// zeroes is no message; and what is for the one side is no message for the other.
constexpr std::uint8_t to_server = 0x01;
constexpr std::uint8_t to_client = 0x81;

template <class Variant> std::uint8_t kind_of(const Variant& value, std::uint8_t first) {
    return static_cast<std::uint8_t>(first + value.index());
}

// ---- fields -------------------------------------------------------------------------------------

std::uint16_t pack(float value, float grain) {
    return static_cast<std::uint16_t>(std::clamp(std::round(value / grain), 0.0F, 65535.0F));
}
std::int16_t pack_signed(float value, float grain) {
    return static_cast<std::int16_t>(std::clamp(std::round(value / grain), -32767.0F, 32767.0F));
}
void put(ByteWriter& out, Vec position, Vec velocity) {
    out.number(pack(position.x, position_grain));
    out.number(pack(position.y, position_grain));
    out.signed16(pack_signed(velocity.x, velocity_grain));
    out.signed16(pack_signed(velocity.y, velocity_grain));
}
void get(ByteReader& in, Vec& position, Vec& velocity) {
    position.x = static_cast<float>(in.number<std::uint16_t>()) * position_grain;
    position.y = static_cast<float>(in.number<std::uint16_t>()) * position_grain;
    velocity.x = static_cast<float>(in.signed16()) * velocity_grain;
    velocity.y = static_cast<float>(in.signed16()) * velocity_grain;
}

std::uint8_t pack(Input input) {
    return static_cast<std::uint8_t>((input.left ? 1 : 0) | (input.right ? 2 : 0) | (input.thrust ? 4 : 0) |
                                     (input.fire ? 8 : 0));
}
Input unpack_input(std::uint8_t bits) {
    return {(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0};
}

void put(ByteWriter& out, const Ship& ship) {
    const int flags = (ship.alive ? 1 : 0) | (ship.thrusting ? 2 : 0) | (ship.shielded ? 4 : 0);
    out.number(ship.id);
    out.number(static_cast<std::uint8_t>(flags));
    put(out, ship.position, ship.velocity);
    out.signed16(pack_signed(turned(ship.angle), angle_grain));
    out.number(static_cast<std::uint8_t>(std::clamp(ship.health, 0, full_health)));
}
Ship get_ship(ByteReader& in) {
    Ship ship;
    ship.id = in.number<std::uint8_t>();
    const unsigned flags = in.number<std::uint8_t>();
    ship.alive = (flags & 1U) != 0;
    ship.thrusting = (flags & 2U) != 0;
    ship.shielded = (flags & 4U) != 0;
    get(in, ship.position, ship.velocity);
    ship.angle = static_cast<float>(in.signed16()) * angle_grain;
    ship.health = in.number<std::uint8_t>();
    in.demand(ship.id < max_players && ship.health <= full_health);
    return ship;
}

Shot get_shot(ByteReader& in) {
    Shot shot;
    shot.id = in.number<std::uint16_t>();
    shot.owner = in.number<std::uint8_t>();
    get(in, shot.position, shot.velocity);
    in.demand(shot.owner < max_players);
    return shot;
}

// ---- kinds --------------------------------------------------------------------------------------

Hello get_hello(ByteReader& in) {
    Hello hello;
    hello.version = in.number<std::uint8_t>();
    hello.name = in.text(longest_name);
    return hello;
}

Welcome get_welcome(ByteReader& in) {
    Welcome welcome;
    welcome.version = in.number<std::uint8_t>();
    welcome.you = in.number<std::uint8_t>();
    welcome.token = in.number<std::uint64_t>();
    welcome.motd_port = in.number<std::uint16_t>();
    in.demand(welcome.you < max_players);
    return welcome;
}

Roster get_roster(ByteReader& in) {
    Roster roster;
    roster.part = in.number<std::uint8_t>();
    roster.parts = in.number<std::uint8_t>();
    const std::size_t count = in.number<std::uint8_t>();
    in.demand(roster.part < roster.parts && count <= players_in_roster);
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        Roster::Entry entry;
        entry.id = in.number<std::uint8_t>();
        entry.bot = in.number<std::uint8_t>() != 0;
        entry.score = in.number<std::uint16_t>();
        entry.deaths = in.number<std::uint16_t>();
        entry.name = in.text(longest_name);
        in.demand(entry.id < max_players);
        roster.players.push_back(std::move(entry));
    }
    return roster;
}

Line get_line(ByteReader& in) {
    Line line;
    line.from = in.number<std::uint8_t>();
    line.text = in.text(longest_line);
    in.demand(line.from < max_players || line.from == nobody);
    return line;
}

Inputs get_inputs(ByteReader& in) {
    Inputs inputs;
    inputs.token = in.number<std::uint64_t>();
    inputs.newest = in.number<std::uint32_t>();
    const std::size_t count = in.number<std::uint8_t>();
    in.demand(count >= 1 && count <= inputs_in_datagram);
    for (std::size_t i = 0; i < count && in.ok(); ++i)
        inputs.inputs.push_back(unpack_input(in.number<std::uint8_t>()));
    return inputs;
}

Snapshot get_snapshot(ByteReader& in) {
    Snapshot snapshot;
    snapshot.tick = in.number<std::uint32_t>();
    snapshot.input = in.number<std::uint32_t>();
    const std::size_t ships = in.number<std::uint8_t>();
    const std::size_t shots = in.number<std::uint8_t>();
    in.demand(ships <= ships_in_snapshot && shots <= shots_in_snapshot(ships));
    for (std::size_t i = 0; i < ships && in.ok(); ++i) snapshot.ships.push_back(get_ship(in));
    for (std::size_t i = 0; i < shots && in.ok(); ++i) snapshot.shots.push_back(get_shot(in));
    return snapshot;
}

// ---- whole ones ---------------------------------------------------------------------------------

template <class Put> Buffer message(std::uint8_t kind, Put put_fields) {
    Buffer bytes;
    bytes.reserve(64);
    ByteWriter out(bytes);
    out.number(kind);
    put_fields(out);
    return bytes;
}

template <class Put> Buffer datagram(std::uint8_t kind, Put put_fields) {
    Buffer bytes;
    bytes.reserve(longest_datagram);
    ByteWriter out(bytes);
    out.number(magic);
    out.number(protocol_version);
    out.number(kind);
    put_fields(out);
    return bytes;
}

template <class Result, class Value> std::optional<Result> whole(const ByteReader& in, Value value) {
    if (!in.finished()) return std::nullopt;
    return Result(std::move(value));
}

std::uint8_t open_datagram(ByteReader& in) {
    in.demand(in.number<std::uint16_t>() == magic);
    in.demand(in.number<std::uint8_t>() == protocol_version);
    return in.number<std::uint8_t>();
}

} // namespace

Buffer encode(const ToServer& value) {
    return message(kind_of(value, to_server), [&](ByteWriter& out) {
        std::visit(Overloaded{
                       [&](const Hello& hello) {
                           out.number(hello.version);
                           out.text(std::string_view(hello.name).substr(0, longest_name));
                       },
                       [&](const Say& say) { out.text(std::string_view(say.text).substr(0, longest_line)); },
                       [](const Heartbeat&) {},
                       [](const Goodbye&) {},
                   },
                   value);
    });
}

Buffer encode(const ToClient& value) {
    return message(kind_of(value, to_client), [&](ByteWriter& out) {
        std::visit(Overloaded{
                       [&](const Welcome& welcome) {
                           out.number(welcome.version);
                           out.number(welcome.you);
                           out.number(welcome.token);
                           out.number(welcome.motd_port);
                       },
                       [&](const Refusal& refusal) {
                           out.text(std::string_view(refusal.reason).substr(0, longest_line));
                       },
                       [&](const Roster& roster) {
                           out.number(roster.part);
                           out.number(roster.parts);
                           out.number(static_cast<std::uint8_t>(roster.players.size()));
                           for (const Roster::Entry& entry : roster.players) {
                               out.number(entry.id);
                               out.number(static_cast<std::uint8_t>(entry.bot));
                               out.number(entry.score);
                               out.number(entry.deaths);
                               out.text(std::string_view(entry.name).substr(0, longest_name));
                           }
                       },
                       [&](const Line& line) {
                           out.number(line.from);
                           out.text(std::string_view(line.text).substr(0, longest_line));
                       },
                       [](const Heartbeat&) {},
                   },
                   value);
    });
}

Buffer encode(const DatagramToServer& value) {
    return datagram(kind_of(value, to_server), [&](ByteWriter& out) {
        std::visit(Overloaded{
                       [&](const Inputs& inputs) {
                           out.number(inputs.token);
                           out.number(inputs.newest);
                           out.number(static_cast<std::uint8_t>(inputs.inputs.size()));
                           for (const Input input : inputs.inputs) out.number(pack(input));
                       },
                       [&](const Ping& ping) {
                           out.number(ping.token);
                           out.number(ping.stamp);
                       },
                   },
                   value);
    });
}

Buffer encode(const DatagramToClient& value) {
    return datagram(kind_of(value, to_client), [&](ByteWriter& out) {
        std::visit(Overloaded{
                       [&](const Snapshot& snapshot) {
                           out.number(snapshot.tick);
                           out.number(snapshot.input);
                           out.number(static_cast<std::uint8_t>(snapshot.ships.size()));
                           out.number(static_cast<std::uint8_t>(snapshot.shots.size()));
                           for (const Ship& ship : snapshot.ships) put(out, ship);
                           for (const Shot& shot : snapshot.shots) {
                               out.number(shot.id);
                               out.number(shot.owner);
                               put(out, shot.position, shot.velocity);
                           }
                       },
                       [&](const Pong& pong) { out.number(pong.stamp); },
                   },
                   value);
    });
}

std::optional<ToServer> decode_to_server(Bytes bytes) {
    ByteReader in(bytes);
    switch (in.number<std::uint8_t>()) {
    case to_server: {
        Hello hello = get_hello(in);
        return whole<ToServer>(in, std::move(hello));
    }
    case to_server + 1: {
        Say say{in.text(longest_line)};
        return whole<ToServer>(in, std::move(say));
    }
    case to_server + 2: return whole<ToServer>(in, Heartbeat{});
    case to_server + 3: return whole<ToServer>(in, Goodbye{});
    default: return std::nullopt;
    }
}

std::optional<ToClient> decode_to_client(Bytes bytes) {
    ByteReader in(bytes);
    switch (in.number<std::uint8_t>()) {
    case to_client: {
        const Welcome welcome = get_welcome(in);
        return whole<ToClient>(in, welcome);
    }
    case to_client + 1: {
        Refusal refusal{in.text(longest_line)};
        return whole<ToClient>(in, std::move(refusal));
    }
    case to_client + 2: {
        Roster roster = get_roster(in);
        return whole<ToClient>(in, std::move(roster));
    }
    case to_client + 3: {
        Line line = get_line(in);
        return whole<ToClient>(in, std::move(line));
    }
    case to_client + 4: return whole<ToClient>(in, Heartbeat{});
    default: return std::nullopt;
    }
}

std::optional<DatagramToServer> decode_datagram_to_server(Bytes bytes) {
    ByteReader in(bytes);
    switch (open_datagram(in)) {
    case to_server: {
        Inputs inputs = get_inputs(in);
        return whole<DatagramToServer>(in, std::move(inputs));
    }
    case to_server + 1: {
        Ping ping;
        ping.token = in.number<std::uint64_t>();
        ping.stamp = in.number<std::uint64_t>();
        return whole<DatagramToServer>(in, ping);
    }
    default: return std::nullopt;
    }
}

std::optional<DatagramToClient> decode_datagram_to_client(Bytes bytes) {
    ByteReader in(bytes);
    switch (open_datagram(in)) {
    case to_client: {
        Snapshot snapshot = get_snapshot(in);
        return whole<DatagramToClient>(in, std::move(snapshot));
    }
    case to_client + 1: {
        const Pong pong{in.number<std::uint64_t>()};
        return whole<DatagramToClient>(in, pong);
    }
    default: return std::nullopt;
    }
}

} // namespace arena
