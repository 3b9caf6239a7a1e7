// SPDX-License-Identifier: MIT
// Any bytes at all, and real messages that were damaged, given to the decoders of Arena's protocol. A program is fifty of
// them, for each of the four decoders. What is understood is in range, and says the same once more.
#include "support/fuzz.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <protocol.hpp> // Arena's

using namespace arena;

namespace {

const std::vector<Buffer>& real_messages() {
    static const std::vector<Buffer> all = [] {
        Snapshot snapshot{77, 1234, {}, {}};
        for (PlayerId id = 0; id < 3; ++id) {
            Ship ship;
            ship.id = id;
            ship.alive = true;
            ship.health = 60;
            snapshot.ships.push_back(ship);
            snapshot.shots.push_back({id, id, {1600, 0}, {620, -620}});
        }
        Roster roster;
        roster.players = {{1, true, 2, 3, "Brook"}, {15, false, 65535, 0, ""}};
        return std::vector<Buffer>{
            encode(ToServer(Hello{protocol_version, "Ada"})),
            encode(ToServer(Say{"good day"})),
            encode(ToServer(Heartbeat{})),
            encode(ToServer(Goodbye{})),
            encode(ToClient(Welcome{.you = 3, .token = 0x0123456789abcdefU})),
            encode(ToClient(Refusal{"full"})),
            encode(ToClient(roster)),
            encode(ToClient(Line{nobody, "Ada joined"})),
            encode(ToClient(Heartbeat{})),
            encode(DatagramToServer(Inputs{42, 7, {{true, false, true, false}, {}}})),
            encode(DatagramToServer(Ping{42, 99})),
            encode(DatagramToClient(snapshot)),
            encode(DatagramToClient(Pong{99})),
        };
    }();
    return all;
}

/// Half of them noise, the others damaged: noise alone hardly gets past the first byte.
Buffer bytes_of_a_stranger(Choices& choices) {
    if (choices.draw(2) == 0) {
        Buffer noise(choices.draw(24));
        std::generate(noise.begin(), noise.end(), [&] { return choices.byte(); });
        return noise;
    }
    Buffer bytes = real_messages()[choices.draw(real_messages().size())];
    for (std::size_t hits = choices.draw(4); hits > 0; --hits)
        bytes[choices.draw(bytes.size())] = choices.byte();
    if (choices.draw(8) == 0) bytes.resize(choices.draw(2 * bytes.size()));
    return bytes;
}

// ---- what a decoder may give ------------------------------------------------------------------------

bool in_range(const Hello& hello) { return hello.name.size() <= longest_name; }
bool in_range(const Say& say) { return say.text.size() <= longest_line; }
bool in_range(const Welcome& welcome) { return welcome.you < max_players; }
bool in_range(const Refusal& refusal) { return refusal.reason.size() <= longest_line; }
bool in_range(const Line& line) { return line.text.size() <= longest_line; }
bool in_range(const Roster& roster) {
    return roster.part < roster.parts && roster.players.size() <= players_in_roster &&
           std::all_of(roster.players.begin(), roster.players.end(), [](const Roster::Entry& entry) {
               return entry.id < max_players && entry.name.size() <= longest_name;
           });
}
bool in_range(const Inputs& inputs) {
    return !inputs.inputs.empty() && inputs.inputs.size() <= inputs_in_datagram;
}
bool in_range(Vec place) { return std::isfinite(place.x) && std::isfinite(place.y); }
bool in_range(const Snapshot& snapshot) {
    return snapshot.ships.size() <= ships_in_snapshot &&
           snapshot.shots.size() <= shots_in_snapshot(snapshot.ships.size()) &&
           std::all_of(snapshot.ships.begin(), snapshot.ships.end(),
                       [](const Ship& ship) {
                           return ship.id < max_players && ship.health <= full_health &&
                                  std::isfinite(ship.angle) && in_range(ship.position) &&
                                  in_range(ship.velocity);
                       }) &&
           std::all_of(snapshot.shots.begin(), snapshot.shots.end(), [](const Shot& shot) {
               return shot.owner < max_players && in_range(shot.position) && in_range(shot.velocity);
           });
}
template <class Any> bool in_range(const Any&) { return true; } // every number will do

template <class Decode> std::string decoded(const Buffer& bytes, Decode decode) {
    const auto value = decode(bytes);
    if (!value) return {};
    if (!std::visit([](const auto& kind) { return in_range(kind); }, *value)) return "out of range";
    const Buffer said = encode(*value);
    const auto heard = decode(said);
    if (!heard) return "not understood once more";
    return encode(*heard) == said ? "" : "another one";
}

std::string messages(Choices& choices) {
    for (int i = 0; i < 50; ++i) {
        const Buffer bytes = bytes_of_a_stranger(choices);
        for (const std::string& wrong :
             {decoded(bytes, decode_to_server), decoded(bytes, decode_to_client),
              decoded(bytes, decode_datagram_to_server), decoded(bytes, decode_datagram_to_client)}) {
            if (!wrong.empty()) return wrong;
        }
    }
    return {};
}

} // namespace

FUZZ_TEST(ArenaMessages, whatever_is_understood_is_in_range_and_says_the_same_once_more, messages)
