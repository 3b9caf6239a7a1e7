// SPDX-License-Identifier: MIT
/// A player's link to his server: it is lost, and found again.
#include "arena_fixture.hpp"

using namespace arena;
using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;

TEST_F(ArenaNetwork, a_server_that_comes_back_finds_its_players_back) {
    serve();
    const auto ada = player("Ada");
    Server::Options same;
    same.bind = address;
    server.reset();
    EXPECT_TRUE(eventually([&] { return !ada->link().joined(); }));
    EXPECT_THAT(log, Contains(HasSubstr("lost the server")));
    pass(5s);
    serve_as(same);
    EXPECT_TRUE(eventually([&] { return ada->link().joined(); }));
    EXPECT_TRUE(eventually([&] { return ada->me() != nullptr; }));
    EXPECT_EQ(ada->link().counters().losses, 1U);
    EXPECT_EQ(ada->link().counters().reconnects, 1U);
}

TEST_F(ArenaNetwork, attempts_become_rarer_and_never_end) {
    serve();
    const auto ada = player("Ada");
    server.reset();
    pass(10s);
    const std::uint32_t early = ada->link().counters().attempts;
    EXPECT_GE(early, 5U);
    pass(60s);
    const std::uint32_t late = ada->link().counters().attempts - early;
    EXPECT_GE(late, 15U);
    EXPECT_LE(late, 30U) << "every three seconds, give or take a quarter";
}

TEST_F(ArenaNetwork, a_server_that_answers_nothing_is_noticed) {
    const auto deaf = // the kernel connects; nobody speaks
        ioloop::Socket::listen(ioloop::SocketAddress::loopback(0));
    address = deaf.local();
    const auto ada = client("Ada");
    ada->start();
    EXPECT_TRUE(eventually([&] { return ada->link().state() == Link::State::waiting; }, 10s));
    EXPECT_THAT(log, Contains(HasSubstr("silent")));
}

TEST_F(ArenaNetwork, an_address_with_nobody_behind_it_is_tried_again) {
    serve();
    server.reset();
    const auto ada = client("Ada");
    ada->start();
    pass(2s);
    EXPECT_GE(ada->link().counters().attempts, 3U);
    EXPECT_THAT(log, Contains(HasSubstr("no connection")));
}

TEST_F(ArenaNetwork, a_client_can_be_destroyed_at_any_moment) {
    serve(1);
    for (int turns = 0; turns < 60; ++turns) {
        auto ada = client("Ada");
        ada->start();
        for (int i = 0; i < turns; ++i) loop.run_once(tick_length / 4);
    }
    EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
    EXPECT_EQ(server->world().players(), 1);
    server.reset();
    ioloop::Snapshot snapshot;
    loop.run_once();
    loop.snapshot(snapshot);
    EXPECT_THAT(snapshot.handlers, testing::IsEmpty());
    EXPECT_THAT(snapshot.timeouts, testing::IsEmpty());
}
