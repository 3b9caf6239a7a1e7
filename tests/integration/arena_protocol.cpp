// SPDX-License-Identifier: MIT
/// The game's protocol: whatever goes in comes out, and whatever else comes in does no harm.
#include "protocol.hpp"

#include <limits>

#include <gmock/gmock.h>

using namespace arena;
using testing::SizeIs;

namespace {

Snapshot full_snapshot(std::size_t ships = ships_in_snapshot) {
    Snapshot snapshot{77, 1234, {}, {}};
    for (PlayerId id = 0; id < ships; ++id) {
        Ship ship;
        ship.id = id;
        ship.alive = true;
        ship.shielded = id % 2 == 0;
        ship.position = {100.5F + id, 899};
        ship.velocity = {-429.5F, 12.25F};
        ship.angle = -1.5F;
        ship.health = 60;
        snapshot.ships.push_back(ship);
    }
    for (std::uint16_t i = 0; i < shots_in_snapshot(ships); ++i)
        snapshot.shots.push_back({i, 3, {1600, 0}, {620, -620}});
    return snapshot;
}

template <class Value, class Decoded> const Value& as(const Decoded& decoded) {
    EXPECT_TRUE(decoded.has_value());
    return std::get<Value>(decoded.value());
}

std::vector<Buffer> all_messages() {
    return {
        encode(ToServer(Hello{protocol_version, "Ada"})),
        encode(ToServer(Say{"good day"})),
        encode(ToServer(Heartbeat{})),
        encode(ToServer(Goodbye{})),
        encode(ToClient(Welcome{protocol_version, 3, 0x0123456789abcdefU, 8080})),
        encode(ToClient(Refusal{"full"})),
        encode(ToClient(Roster{1, 2, {{1, true, 2, 3, "Brook"}, {199, false, 65535, 0, ""}}})),
        encode(ToClient(Line{nobody, "Ada joined"})),
        encode(ToClient(Heartbeat{})),
    };
}

std::vector<Buffer> all_datagrams() {
    return {
        encode(DatagramToServer(Inputs{42, 7, {{true, false, true, false}, {}}})),
        encode(DatagramToServer(Ping{42, 99})),
        encode(DatagramToClient(full_snapshot())),
        encode(DatagramToClient(Pong{99})),
    };
}

} // namespace

TEST(ArenaProtocol, messages_to_the_server_come_back_as_they_were) {
    const Buffer hello = encode(ToServer(Hello{9, "Ada"}));
    EXPECT_EQ(as<Hello>(decode_to_server(hello)).version, 9);
    EXPECT_EQ(as<Hello>(decode_to_server(hello)).name, "Ada");
    EXPECT_EQ(as<Say>(decode_to_server(encode(ToServer(Say{"good day"})))).text, "good day");
    EXPECT_TRUE(std::holds_alternative<Heartbeat>(*decode_to_server(encode(ToServer(Heartbeat{})))));
    EXPECT_TRUE(std::holds_alternative<Goodbye>(*decode_to_server(encode(ToServer(Goodbye{})))));
}

TEST(ArenaProtocol, messages_to_the_client_come_back_as_they_were) {
    const auto welcome = decode_to_client(encode(ToClient(Welcome{2, 3, 0x0123456789abcdefU, 65535})));
    EXPECT_EQ(as<Welcome>(welcome).you, 3);
    EXPECT_EQ(as<Welcome>(welcome).token, 0x0123456789abcdefU);
    EXPECT_EQ(as<Welcome>(welcome).motd_port, 65535);

    const auto roster = decode_to_client(
        encode(ToClient(Roster{1, 2, {{1, true, 2, 3, "Brook"}, {199, false, 65535, 0, ""}}})));
    ASSERT_THAT(as<Roster>(roster).players, SizeIs(2));
    EXPECT_EQ(as<Roster>(roster).players[0].name, "Brook");
    EXPECT_TRUE(as<Roster>(roster).players[0].bot);
    EXPECT_EQ(as<Roster>(roster).players[1].score, 65535);

    const auto line = decode_to_client(encode(ToClient(Line{nobody, "Ada joined"})));
    EXPECT_EQ(as<Line>(line).from, nobody);
    EXPECT_EQ(as<Line>(line).text, "Ada joined");
}

TEST(ArenaProtocol, a_full_snapshot_fits_into_a_datagram_however_many_ships_are_in_it) {
    for (std::size_t ships = 0; ships <= ships_in_snapshot; ++ships) {
        const Buffer bytes = encode(DatagramToClient(full_snapshot(ships)));
        EXPECT_LE(bytes.size(), longest_datagram);
        EXPECT_GT(bytes.size(), longest_datagram - 11) << "there is no room for another shot";
        EXPECT_TRUE(decode_datagram_to_client(bytes));
    }
}

TEST(ArenaProtocol, a_full_roster_fits_into_a_message) {
    Roster roster{4, 5, {}};
    for (PlayerId id = 0; id < players_in_roster; ++id)
        roster.players.push_back({id, true, 65535, 65535, std::string(longest_name, 'x')});
    const Buffer bytes = encode(ToClient(roster));
    EXPECT_LE(bytes.size(), longest_message);
    const auto decoded = decode_to_client(bytes);
    const auto& got = as<Roster>(decoded);
    EXPECT_EQ(got.part, 4);
    EXPECT_EQ(got.parts, 5);
    EXPECT_THAT(got.players, SizeIs(players_in_roster));
}

TEST(ArenaProtocol, a_roster_of_no_parts_or_beyond_its_last_is_none) {
    EXPECT_FALSE(decode_to_client(encode(ToClient(Roster{0, 0, {}}))));
    EXPECT_FALSE(decode_to_client(encode(ToClient(Roster{2, 2, {}}))));
}

TEST(ArenaProtocol, a_snapshot_comes_back_within_the_grain) {
    const Snapshot sent = full_snapshot();
    const Buffer bytes = encode(DatagramToClient(sent));
    const auto decoded = decode_datagram_to_client(bytes);
    const auto& got = as<Snapshot>(decoded);
    EXPECT_EQ(got.tick, 77U);
    EXPECT_EQ(got.input, 1234U);
    ASSERT_THAT(got.ships, SizeIs(ships_in_snapshot));
    ASSERT_THAT(got.shots, SizeIs(shots_in_snapshot(ships_in_snapshot)));
    for (std::size_t i = 0; i < ships_in_snapshot; ++i) {
        EXPECT_EQ(got.ships[i].id, sent.ships[i].id);
        EXPECT_EQ(got.ships[i].alive, true);
        EXPECT_EQ(got.ships[i].shielded, sent.ships[i].shielded);
        EXPECT_EQ(got.ships[i].health, 60);
        EXPECT_NEAR(got.ships[i].position.x, sent.ships[i].position.x, 1.0 / 32);
        EXPECT_NEAR(got.ships[i].velocity.x, sent.ships[i].velocity.x, 1.0 / 16);
        EXPECT_NEAR(got.ships[i].angle, sent.ships[i].angle, 0.001);
    }
}

TEST(ArenaProtocol, inputs_come_back_as_they_were) {
    const auto decoded =
        decode_datagram_to_server(encode(DatagramToServer(Inputs{42, 7, {{true, false, true, false}, {}}})));
    const auto& inputs = as<Inputs>(decoded);
    EXPECT_EQ(inputs.token, 42U);
    EXPECT_EQ(inputs.newest, 7U);
    EXPECT_THAT(inputs.inputs, testing::ElementsAre(Input{true, false, true, false}, Input{}));
}

TEST(ArenaProtocol, names_and_lines_that_are_too_long_are_cut_by_the_sender) {
    const auto hello = decode_to_server(encode(ToServer(Hello{1, std::string(1000, 'x')})));
    EXPECT_THAT(as<Hello>(hello).name, SizeIs(longest_name));
    const auto say = decode_to_server(encode(ToServer(Say{std::string(1000, 'x')})));
    EXPECT_THAT(as<Say>(say).text, SizeIs(longest_line));
}

TEST(ArenaProtocol, text_that_would_move_a_cursor_does_not) {
    const auto say = decode_to_server(encode(ToServer(Say{"a\x1b[2J\r\nb"})));
    EXPECT_EQ(as<Say>(say).text, "a [2J  b");
}

TEST(ArenaProtocol, numbers_that_are_no_numbers_of_the_arena_are_packed_as_the_nearest) {
    Snapshot snapshot = full_snapshot();
    snapshot.ships.resize(1);
    snapshot.ships[0].position = {-5, 1e9F};
    snapshot.ships[0].velocity = {1e9F, -1e9F};
    snapshot.ships[0].health = 1000;
    const auto decoded = decode_datagram_to_client(encode(DatagramToClient(snapshot)));
    EXPECT_EQ(as<Snapshot>(decoded).ships[0].position.x, 0);
    EXPECT_EQ(as<Snapshot>(decoded).ships[0].health, full_health);
}

TEST(ArenaProtocol, nothing_that_is_cut_short_or_goes_on_too_long_is_a_message) {
    for (Buffer message : all_messages()) {
        for (std::size_t size = 0; size < message.size(); ++size) {
            EXPECT_FALSE(decode_to_server(Bytes(message).first(size)));
            EXPECT_FALSE(decode_to_client(Bytes(message).first(size)));
        }
        message.push_back(0);
        EXPECT_FALSE(decode_to_server(message));
        EXPECT_FALSE(decode_to_client(message));
    }
    for (Buffer datagram : all_datagrams()) {
        for (std::size_t size = 0; size < datagram.size(); ++size) {
            EXPECT_FALSE(decode_datagram_to_server(Bytes(datagram).first(size)));
            EXPECT_FALSE(decode_datagram_to_client(Bytes(datagram).first(size)));
        }
        datagram.push_back(0);
        EXPECT_FALSE(decode_datagram_to_server(datagram));
        EXPECT_FALSE(decode_datagram_to_client(datagram));
    }
}

TEST(ArenaProtocol, another_version_or_another_program_is_not_understood) {
    for (const std::size_t at : {0U, 1U, 2U, 3U}) {
        Buffer datagram = encode(DatagramToServer(Ping{42, 99}));
        datagram[at] = static_cast<std::uint8_t>(datagram[at] + 100);
        EXPECT_FALSE(decode_datagram_to_server(datagram)) << "byte " << at;
    }
}
