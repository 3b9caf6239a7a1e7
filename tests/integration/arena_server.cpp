// SPDX-License-Identifier: MIT
/// The game's server: players join, play, chat and leave.
#include "arena_fixture.hpp"

using namespace arena;
using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;

TEST_F(ArenaNetwork, players_join_chat_and_leave_and_the_others_see_it) {
    serve(2);
    const auto ada = player("Ada B");
    const auto bob = player("Bob");
    EXPECT_TRUE(
        eventually([&] { return ada->roster().players.size() == 4 && bob->roster().players.size() == 4; }));
    ASSERT_NE(bob->me(), nullptr);
    EXPECT_EQ(bob->me()->name, "Bob");
    EXPECT_TRUE(heard(*ada, "Bob joined"));

    EXPECT_TRUE(bob->say("good day"));
    EXPECT_TRUE(eventually([&] { return heard(*ada, "good day"); }));
    EXPECT_EQ(ada->said().back().name, "Bob");
    EXPECT_TRUE(eventually([&] { return heard(*bob, "good day"); })) << "who speaks hears himself";

    bob->stop();
    EXPECT_TRUE(eventually([&] { return ada->roster().players.size() == 3; }));
    EXPECT_TRUE(heard(*ada, "Bob left"));
    EXPECT_EQ(server->counters().dropped, 0U) << "who says goodbye is not dropped";
}

TEST_F(ArenaNetwork, two_players_of_one_name_are_told_apart) {
    serve();
    const auto one = player("Ada");
    const auto two = player("Ada");
    const auto nameless = player("   ");
    EXPECT_TRUE(eventually([&] { return one->roster().players.size() == 3; }));
    std::vector<std::string> names;
    for (const auto& entry : one->roster().players) names.push_back(entry.name);
    EXPECT_THAT(names, testing::UnorderedElementsAre("Ada", "Ada 2", "player"));
}

TEST_F(ArenaNetwork, the_own_ship_moves_at_once_and_the_server_agrees) {
    serve();
    const auto ada = player("Ada");
    pass(1s);
    const auto where = [&] {
        for (const Ship& ship : ada->sight().ships(world.now())) {
            if (ship.id == ada->id()) return ship;
        }
        return Ship{};
    };
    const Ship before = where();
    ada->steer({false, true, true, false});
    pass(tick_length);
    EXPECT_GT(std::abs(turned(where().angle - before.angle)), 0.01F)
        << "in the next tick, not after a round trip";
    pass(2s);
    ada->steer({});
    pass(500ms);
    const Ship seen = where();
    const Pilot* pilot = server->world().pilot(ada->id());
    ASSERT_NE(pilot, nullptr);
    EXPECT_NEAR(turned(seen.angle - pilot->ship.angle), 0, 0.02);
    EXPECT_LT(length(seen.position - pilot->ship.position), 40);
}

TEST_F(ArenaNetwork, bots_fight) {
    serve(8);
    const auto ada = player("Ada");
    EXPECT_TRUE(eventually(
        [&] {
            return std::any_of(ada->roster().players.begin(), ada->roster().players.end(),
                               [](const Roster::Entry& entry) { return entry.bot && entry.score > 0; });
        },
        60s));
}

TEST_F(ArenaNetwork, a_full_arena_refuses_and_the_refused_tries_again) {
    serve(15);
    const auto last = player("Ada");
    auto late = client("Bob");
    late->start();
    EXPECT_TRUE(eventually([&] { return !log.empty() && log.back().find("full") != std::string::npos; }));
    last->stop();
    EXPECT_TRUE(eventually([&] { return late->link().joined(); }));
}

TEST_F(ArenaNetwork, what_passes_is_counted_for_the_inspector) {
    serve(1);
    const auto ada = player("Ada");
    ASSERT_TRUE(ada->say("good day"));
    pass(2s);
    ioloop::Snapshot snapshot;
    loop.snapshot(snapshot);
    for (const char* name : {"player connection", "server link", "arena, UDP", "server, UDP"}) {
        const auto at = std::find_if(snapshot.handlers.begin(), snapshot.handlers.end(),
                                     [&](const auto& info) { return std::string(info.origin.name) == name; });
        ASSERT_NE(at, snapshot.handlers.end()) << name;
        ASSERT_TRUE(at->flow) << name;
        EXPECT_GE(at->flow->messages_in, 3U) << name;
        EXPECT_GE(at->flow->messages_out, 3U) << name;
        EXPECT_EQ(at->flow->dropped, 0U) << name;
    }
}

TEST_F(ArenaNetwork, all_that_is_registered_has_a_name) {
    serve(1);
    const auto ada = player("Ada");
    ioloop::Snapshot snapshot;
    loop.snapshot(snapshot);
    std::vector<std::string> names;
    for (const auto& info : snapshot.handlers)
        names.emplace_back(info.origin.name != nullptr ? info.origin.name : "");
    for (const auto& info : snapshot.timeouts)
        names.emplace_back(info.origin.name != nullptr ? info.origin.name : "");
    EXPECT_THAT(names,
                testing::IsSupersetOf({"arena listener", "arena, UDP", "player connection", "server link",
                                       "server, UDP", "simulation tick", "send inputs", "heartbeat to server",
                                       "ping timer", "server silence", "player silence"}));
    EXPECT_THAT(names, testing::Not(Contains("")));
}

// ---- closing ------------------------------------------------------------------------------------

TEST_F(ArenaNetwork, a_server_that_closes_tells_its_players_and_takes_nobody_any_more) {
    serve(1);
    const auto ada = player("Ada");
    const auto bob = player("Bob");
    Stranger eve(address);
    EXPECT_TRUE(eventually([&] { return server->connections() == 3; }));
    const ioloop::TimePoint before = world.now();
    const auto closed = server->close();
    const auto late = client("Late");
    late->start();
    EXPECT_TRUE(eventually([&] { return closed.done(); }));
    EXPECT_LT(world.now() - before, 100ms) << "they hang up at once";
    EXPECT_EQ(server->connections(), 0U);
    EXPECT_EQ(server->counters().dropped, 0U);
    for (const auto* one : {ada.get(), bob.get()}) {
        EXPECT_TRUE(heard(*one, "the server is closing"));
        EXPECT_FALSE(one->link().joined());
    }
    EXPECT_TRUE((eve.receive(), eve.hung_up));
    pass(1s);
    EXPECT_FALSE(late->link().ever_joined());
    EXPECT_THAT(log, Contains(HasSubstr("no connection")));
}

TEST_F(ArenaNetwork, what_was_said_before_arrives_before_the_end) {
    Server::Options options;
    options.silence = 1h;
    serve_as(options);
    Stranger eve(address);
    pass(10ms);
    eve.say(Hello{protocol_version, "Eve"});
    const auto bob = player("Bob");
    for (int second = 0; second < 60; ++second) {
        for (int i = 0; i < 4; ++i) bob->say(std::string(longest_line, 'x'));
        pass(1s);
    }
    ASSERT_EQ(server->world().players(), 2);
    const auto closed = server->close();
    Buffer all;
    EXPECT_TRUE(eventually([&] {
        const Buffer more = eve.receive();
        all.insert(all.end(), more.begin(), more.end());
        return eve.hung_up || closed.done();
    }));
    EXPECT_TRUE(eve.hung_up);
    ioloop::FrameReader messages(longest_message);
    messages.feed(all);
    std::string last;
    int lines = 0;
    while (const auto message = messages.next()) {
        const auto decoded = decode_to_client(*message);
        ASSERT_TRUE(decoded);
        if (const auto* line = std::get_if<Line>(&*decoded)) last = (++lines, line->text);
    }
    EXPECT_GE(lines, 240);
    EXPECT_EQ(last, "the server is closing");
    EXPECT_EQ(messages.unread(), 0U);
}

TEST_F(ArenaNetwork, who_does_not_hang_up_delays_the_end_by_a_second_at_most) {
    serve();
    Stranger eve(address);
    pass(10ms);
    eve.say(Hello{protocol_version, "Eve"});
    EXPECT_TRUE(eventually([&] { return server->world().players() == 1; }));
    const ioloop::TimePoint before = world.now();
    const auto closed = server->close();
    EXPECT_TRUE(eventually([&] { return closed.done(); }));
    EXPECT_EQ(world.now() - before, 1s);
}

TEST_F(ArenaNetwork, a_server_may_be_destroyed_while_it_closes) {
    serve();
    const auto ada = player("Ada");
    const auto closed = server->close();
    server.reset();
    EXPECT_TRUE(closed.done()) << "nobody waits in vain";
    EXPECT_TRUE(eventually([&] { return !ada->link().joined(); }));
}
