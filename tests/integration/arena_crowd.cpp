// SPDX-License-Identifier: MIT
/// More players than fit into a datagram, or into a message.
#include "arena_fixture.hpp"
#include "nearby.hpp"
#include "sight.hpp"

#include <set>

using namespace arena;
using namespace std::chrono_literals;
using testing::SizeIs;

namespace {

Ship ship_at(PlayerId id, Vec position) {
    Ship ship;
    ship.id = id;
    ship.alive = true;
    ship.position = position;
    ship.health = full_health;
    return ship;
}

std::set<PlayerId> ids_of(const std::vector<Ship>& ships) {
    std::set<PlayerId> ids;
    for (const Ship& ship : ships) ids.insert(ship.id);
    return ids;
}

bool has(const std::vector<Ship>& ships, PlayerId id) { return ids_of(ships).contains(id); }

} // namespace

// ---- what one player is told --------------------------------------------------------------------

TEST(ArenaNearby, a_few_are_told_all) {
    const std::vector<Ship> ships{ship_at(1, {0, 0}), ship_at(2, {1500, 800})};
    const std::vector<Shot> shots(88);
    Snapshot told;
    tell_nearby(ships, shots, 1, told);
    EXPECT_THAT(told.ships, SizeIs(2));
    EXPECT_THAT(told.shots, SizeIs(88));
}

TEST(ArenaNearby, of_a_crowd_those_are_told_that_are_nearest_and_the_datagram_is_not_too_long) {
    std::vector<Ship> ships;
    for (PlayerId id = 0; id < max_players; ++id)
        ships.push_back(ship_at(id, {static_cast<float>(id) * 7.0F, 450}));
    std::vector<Shot> shots;
    for (std::uint16_t i = 0; i < max_shots; ++i)
        shots.push_back({i, 0, {1400 - static_cast<float>(i) * 1.4F, 450}, {}});
    for (const PlayerId me : {PlayerId{0}, PlayerId{100}, PlayerId{199}}) {
        Snapshot told;
        tell_nearby(ships, shots, me, told);
        ASSERT_THAT(told.ships, SizeIs(ships_in_snapshot));
        EXPECT_THAT(ids_of(told.ships), SizeIs(ships_in_snapshot)) << "each once";
        EXPECT_TRUE(has(told.ships, me));
        for (const Ship& ship : told.ships) EXPECT_LE(std::abs(ship.id - me), int{ships_in_snapshot});
        ASSERT_THAT(told.shots, SizeIs(shots_in_snapshot(ships_in_snapshot)));
        for (const Shot& shot : told.shots)
            EXPECT_LE(std::abs(shot.position.x - static_cast<float>(me) * 7.0F), 100);
        EXPECT_LE(encode(DatagramToClient(told)).size(), longest_datagram);
    }
}

TEST(ArenaNearby, the_own_ship_is_told_even_if_all_are_in_one_place) {
    std::vector<Ship> ships;
    for (PlayerId id = 0; id < max_players; ++id) ships.push_back(ship_at(id, {800, 450}));
    for (PlayerId me = 0; me < max_players; ++me) {
        Snapshot told;
        tell_nearby(ships, {}, me, told);
        ASSERT_TRUE(has(told.ships, me)) << int{me};
        ASSERT_THAT(told.ships, SizeIs(ships_in_snapshot));
    }
}

// ---- what he sees -------------------------------------------------------------------------------

TEST(ArenaSight, a_ship_that_goes_out_of_sight_and_comes_back_elsewhere_does_not_fly_there) {
    Sight sight;
    sight.set_me(0);
    const Vec here{100, 100};
    const Vec elsewhere{900, 500};
    ioloop::TimePoint now{1000s};
    int seen_here = 0;
    int seen_nowhere = 0;
    int seen_elsewhere = 0;
    for (std::uint32_t tick = 1; tick <= 60; ++tick) {
        Snapshot snapshot{tick, 0, {ship_at(0, {800, 450})}, {}};
        if (tick <= 20) snapshot.ships.push_back(ship_at(7, here));
        if (tick > 40) snapshot.ships.push_back(ship_at(7, elsewhere));
        sight.take(snapshot, now);
        for (int frame = 0; frame < 3; ++frame) {
            now += tick_length / 3;
            const auto& ships = sight.ships(now);
            EXPECT_TRUE(has(ships, 0));
            if (!has(ships, 7)) {
                ++seen_nowhere;
                continue;
            }
            const Vec at = ships.back().position;
            seen_here += length(at - here) < 1 ? 1 : 0;
            seen_elsewhere += length(at - elsewhere) < 1 ? 1 : 0;
            EXPECT_TRUE(length(at - here) < 1 || length(at - elsewhere) < 1) << at.x << ", " << at.y;
        }
    }
    EXPECT_NEAR(seen_here, 60, 15);
    EXPECT_NEAR(seen_nowhere, 60, 15);
    EXPECT_NEAR(seen_elsewhere, 60, 15);
}

// ---- a crowd at a server ------------------------------------------------------------------------

TEST_F(ArenaNetwork, sixty_play_and_each_knows_all_and_sees_those_around_him) {
    Server::Options options = with_bots(5);
    options.players = 60;
    serve_as(options);
    std::vector<std::unique_ptr<Client>> crowd;
    for (int i = 0; i < 55; ++i) {
        crowd.push_back(client("Player " + std::to_string(i)));
        crowd.back()->set_autopilot(true);
        crowd.back()->start();
    }
    EXPECT_TRUE(eventually([&] {
        return std::all_of(crowd.begin(), crowd.end(), [](const auto& one) {
            return one->roster().players.size() == 60 && !one->sight().empty();
        });
    }));
    pass(2s);
    for (const auto& one : crowd) {
        const auto& ships = one->sight().ships(world.now());
        EXPECT_THAT(ships, SizeIs(ships_in_snapshot));
        EXPECT_TRUE(has(ships, one->id())) << "himself";
        EXPECT_EQ(one->link().counters().garbage, 0U);
        EXPECT_EQ(one->link().counters().losses, 0U);
        EXPECT_GE(one->sight().snapshots(), 2U * ticks_per_second - 5);
    }
    EXPECT_EQ(server->counters().garbage, 0U);
    EXPECT_EQ(server->counters().dropped, 0U);

    const auto late = client("Late");
    late->start();
    EXPECT_TRUE(eventually([&] { return !log.empty() && log.back().find("full") != std::string::npos; }));
}

TEST_F(ArenaNetwork, a_roster_in_parts_is_shown_when_it_is_whole) {
    ioloop::TcpStream there;
    ioloop::TcpServer slow(loop, [&](ioloop::Socket socket, const ioloop::SocketAddress&) {
        there = ioloop::TcpStream(loop, std::move(socket));
    });
    slow.listen(ioloop::SocketAddress::loopback(0));
    address = slow.addresses().front();
    const auto ada = client("Ada");
    ada->start();
    ASSERT_TRUE(eventually([&] { return static_cast<bool>(there); }));
    const auto say = [&](const ToClient& message) {
        ioloop::write_frame(there, text_of(encode(message)));
        pass(10ms);
    };
    say(Welcome{protocol_version, 1, 42});
    ASSERT_TRUE(ada->link().joined());

    say(Roster{1, 2, {{9, false, 0, 0, "nobody's"}}});
    EXPECT_THAT(ada->roster().players, SizeIs(0)) << "its beginning is not here";
    say(Roster{0, 2, {{1, false, 0, 0, "Ada"}}});
    EXPECT_THAT(ada->roster().players, SizeIs(0));
    say(Roster{1, 2, {{2, false, 0, 0, "Bob"}}});
    EXPECT_THAT(ada->roster().players, SizeIs(2));
    say(Roster{0, 2, {{1, false, 0, 0, "Ada"}}});
    EXPECT_THAT(ada->roster().players, SizeIs(2)) << "the earlier one, until this is whole";
    say(Roster{0, 1, {{1, false, 0, 0, "Ada"}}});
    EXPECT_THAT(ada->roster().players, SizeIs(1));
}
