// SPDX-License-Identifier: MIT
/// Many players in one program, and whether they hear each other.
#include "arena_fixture.hpp"
#include "swarm.hpp"

using namespace arena;
using namespace std::chrono_literals;

TEST(ArenaHeard, every_line_that_is_not_there_is_counted) {
    Heard heard;
    heard.hear(0, 1);
    EXPECT_EQ(heard.count(), 0U) << "it has not begun";
    heard.begin({4, 0});
    heard.hear(0, 4); // said before
    heard.hear(0, 5);
    heard.hear(1, 1);
    EXPECT_EQ(heard.count(), 2U);
    EXPECT_EQ(heard.lost(), 0U);
    heard.hear(0, 8);
    EXPECT_EQ(heard.lost(), 2U);
    heard.hear(0, 7); // out of order is as bad
    heard.hear(9, 1); // nobody we know
    EXPECT_EQ(heard.count(), 3U);
    heard.end({9, 3});
    EXPECT_EQ(heard.lost(), 2U + 1 + 2);
    heard.end({9, 3});
    EXPECT_EQ(heard.lost(), 5U) << "once";
}

TEST_F(ArenaNetwork, twenty_of_a_swarm_join_and_hear_every_line) {
    Server::Options options;
    options.players = 20;
    serve_as(options);
    Swarm::Options how;
    how.clients = 20;
    how.link.host = address.host();
    how.link.port = address.port();
    how.link.name = "drone";
    Swarm swarm(loop, how, [this](const std::string& line) { log.push_back(line); });
    pass(3s);
    swarm.hush();
    pass(100ms);
    EXPECT_EQ(swarm.totals().playing, 20U);
    swarm.stop();
    const Swarm::Totals all = swarm.totals();
    EXPECT_EQ(all.joined, 20U);
    EXPECT_EQ(all.playing, 0U);
    EXPECT_EQ(all.losses, 0U);
    EXPECT_EQ(all.reconnects, 0U);
    EXPECT_GE(all.lines_sent, 50U);
    EXPECT_GE(all.lines_heard, 3 * (all.lines_sent - 5)) << "but for those before they were there";
    EXPECT_LE(all.lines_heard, 3 * all.lines_sent);
    EXPECT_EQ(all.lines_lost, 0U);
    EXPECT_EQ(all.garbage, 0U);
    EXPECT_GE(all.snapshots, 20U * 2 * ticks_per_second);
    EXPECT_EQ(all.snapshots_lost, 0U);
    EXPECT_GE(swarm.pings().count(), 20U * 8);
    EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
    EXPECT_EQ(server->counters().dropped, 0U);
}

TEST_F(ArenaNetwork, a_swarm_finds_its_server_back) {
    serve();
    Swarm::Options how;
    how.clients = 10;
    how.link.host = address.host();
    how.link.port = address.port();
    Swarm swarm(loop, how, [](const std::string&) {});
    EXPECT_TRUE(eventually([&] { return swarm.totals().playing == 10; }));
    Server::Options same;
    same.bind = address;
    server.reset();
    EXPECT_TRUE(eventually([&] { return swarm.totals().losses == 10; }));
    serve_as(same);
    EXPECT_TRUE(eventually([&] { return swarm.totals().reconnects == 10; }));
    EXPECT_EQ(swarm.totals().joined, 10U);
}
