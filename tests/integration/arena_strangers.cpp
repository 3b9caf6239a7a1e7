// SPDX-License-Identifier: MIT
/// The game's server among strangers: garbage, floods, slow readers and peers that vanish cost their connection and
/// nothing else.
#include "arena_fixture.hpp"

#include <optional>

#include <sys/resource.h>
#include <unistd.h>

using namespace arena;
using namespace std::chrono_literals;

TEST_F(ArenaNetwork, garbage_over_tcp_costs_the_connection_and_nothing_else) {
    serve(1);
    const auto ada = player("Ada");
    const std::vector<Buffer> rubbish{
        {0xff, 0xff, 0xff, 0xff, 1, 2, 3}, // an impossible length
        {0, 0, 4, 1},                      // one that is too large by one
        {0, 0, 0, 0},                      // no message at all
        {0, 0, 0, 1, 99},                  // an unknown kind
        {0, 0, 0, 2, 1, 1},                // a message cut short
        Buffer(10'000, 0x41),              // HTTP, for all we know
        Stranger::framed(Say{"before joining"}),
        Stranger::framed(Hello{protocol_version + 1, "from the future"}),
    };
    for (const Buffer& bytes : rubbish) {
        Stranger eve(address);
        pass(10ms);
        eve.send(bytes);
        EXPECT_TRUE(eventually([&] { return eve.receive(), eve.hung_up; }));
    }
    Stranger twice(address);
    pass(10ms);
    twice.say(Hello{protocol_version, "Eve"});
    twice.say(Hello{protocol_version, "Eve"});
    EXPECT_TRUE(eventually([&] { return twice.receive(), twice.hung_up; })) << "joining twice";
    EXPECT_EQ(dropped_for(Server::Why::garbage), 6U);
    EXPECT_EQ(dropped_for(Server::Why::disorder), 2U);
    EXPECT_EQ(dropped_for(Server::Why::version), 1U);
    EXPECT_TRUE(eventually([&] { return server->world().players() == 2; }));
    expect_unhurt(*ada);
}

TEST_F(ArenaNetwork, garbage_over_udp_is_counted_and_answered_by_nothing) {
    serve(1);
    const auto ada = player("Ada");
    Stranger eve(address);
    const std::uint64_t before = server->counters().garbage;
    eve.send_datagram(Buffer{1});
    eve.send_datagram(Buffer(1400, 0x52));
    eve.send_datagram(encode(DatagramToServer(Ping{0, 1})));
    eve.send_datagram(encode(DatagramToServer(Ping{0x1122334455667788U, 1})));
    eve.send_datagram(encode(DatagramToServer(Inputs{0, 1, {Input{}}})));
    EXPECT_TRUE(eventually([&] { return server->counters().garbage == before + 5; }));
    pass(200ms);
    EXPECT_FALSE(eve.has_datagram());
    expect_unhurt(*ada);
}

TEST_F(ArenaNetwork, a_flood_of_good_messages_ends_the_connection) {
    serve(1);
    const auto ada = player("Ada");
    Stranger eve(address);
    pass(10ms);
    eve.say(Hello{protocol_version, "Eve"});
    const Buffer say = Stranger::framed(Say{"spam"});
    EXPECT_TRUE(eventually([&] {
        for (int i = 0; i < 20 && !eve.hung_up; ++i) eve.send(say);
        return eve.receive(), eve.hung_up;
    }));
    const auto spam = std::count_if(ada->said().begin(), ada->said().end(),
                                    [](const Client::Said& said) { return said.text == "spam"; });
    EXPECT_LE(spam, 4);
    EXPECT_EQ(dropped_for(Server::Why::messages), 1U);
    expect_unhurt(*ada);
}

TEST_F(ArenaNetwork, a_flood_of_datagrams_does_not_stop_the_game) {
    serve(1);
    const auto ada = player("Ada");
    Stranger eve(address);
    const Buffer noise(100, 7);
    const std::uint32_t tick = server->world().tick();
    const ioloop::TimePoint end = world.now() + 1s;
    while (world.now() < end) {
        for (int i = 0; i < 300; ++i) eve.send_datagram(noise);
        loop.run_once(ioloop::no_wait);
        world.advance(5ms); // the flood never dries up, so simulated time must be helped along
    }
    EXPECT_GE(server->world().tick(), tick + 20);
    expect_unhurt(*ada);
}

TEST_F(ArenaNetwork, who_stays_within_the_limits_is_heard_and_who_goes_beyond_is_dropped) {
    Server::Options options = with_bots(1);
    options.limits = {10, 2, 100};
    serve_as(options);
    const auto ada = player("Ada");
    const auto bob = player("Bob");
    pass(1s);
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(bob->say("line"));
    pass(100ms);
    const auto lines = std::count_if(ada->said().begin(), ada->said().end(),
                                     [](const Client::Said& said) { return said.text == "line"; });
    EXPECT_EQ(lines, 2) << "the others are not heard";
    EXPECT_TRUE(bob->link().joined());
    for (int i = 0; i < 6; ++i) bob->say("line");
    EXPECT_TRUE(eventually([&] { return dropped_for(Server::Why::messages) == 1; }, 100ms));
    expect_unhurt(*ada);
}

TEST_F(ArenaNetwork, a_player_who_floods_with_datagrams_of_his_own_is_dropped) {
    Server::Options options = with_bots(1);
    options.limits.datagrams = 100;
    serve_as(options);
    const auto ada = player("Ada");
    Stranger eve(address);
    pass(10ms);
    eve.say(Hello{protocol_version, "Eve"});
    std::optional<std::uint64_t> token;
    ioloop::FrameReader messages(longest_message);
    ASSERT_TRUE(eventually([&] {
        messages.feed(eve.receive());
        while (const auto message = messages.next()) {
            const auto decoded = decode_to_client(*message);
            if (const auto* welcome = std::get_if<Welcome>(&*decoded)) token = welcome->token;
        }
        return token.has_value();
    }));
    pass(1s);
    for (int i = 0; i < 90; ++i) eve.send_datagram(encode(DatagramToServer(Ping{*token, 1})));
    pass(1s);
    EXPECT_FALSE(eve.hung_up);
    EXPECT_EQ(server->counters().dropped, 0U);
    for (int i = 0; i < 110; ++i) eve.send_datagram(encode(DatagramToServer(Ping{*token, 1})));
    EXPECT_TRUE(eventually([&] { return dropped_for(Server::Why::datagrams) == 1; }, 1s));
    EXPECT_TRUE((eve.receive(), eve.hung_up));
    expect_unhurt(*ada);
}

TEST_F(ArenaNetwork, who_connects_and_says_nothing_is_shown_the_door) {
    serve();
    Stranger eve(address);
    EXPECT_TRUE(eventually([&] { return server->connections() == 1; }));
    EXPECT_TRUE(eventually([&] { return server->connections() == 0; }, 6s));
    EXPECT_EQ(dropped_for(Server::Why::silent), 1U);
}

TEST_F(ArenaNetwork, a_player_who_vanishes_is_gone_after_a_while) {
    serve();
    const auto ada = player("Ada");
    Stranger eve(address);
    pass(10ms);
    eve.say(Hello{protocol_version, "Eve"});
    EXPECT_TRUE(eventually([&] { return server->world().players() == 2; }));
    EXPECT_TRUE(eventually([&] { return server->world().players() == 1; }, 6s));
    EXPECT_TRUE(eventually([&] { return heard(*ada, "Eve left"); }));
    expect_unhurt(*ada);
}

TEST_F(ArenaNetwork, of_more_strangers_than_allowed_the_first_are_closed_and_a_player_gets_in) {
    Server::Options options = with_bots(0);
    options.players = 1;
    options.most_strangers = 3;
    serve_as(options);
    std::vector<std::unique_ptr<Stranger>> crowd;
    for (int i = 0; i < 20; ++i) crowd.push_back(std::make_unique<Stranger>(address));
    EXPECT_TRUE(eventually([&] { return server->counters().dropped == 16; }, 1s));
    EXPECT_EQ(server->connections(), 4U);
    EXPECT_EQ(dropped_for(Server::Why::crowded), 16U);
    const auto ada = player("Ada"); // who says what she wants; those who have waited longest go
    EXPECT_EQ(server->world().players(), 1);
    EXPECT_EQ(dropped_for(Server::Why::crowded), 17U);
}

TEST_F(ArenaNetwork, running_out_of_descriptors_is_survived_without_spinning) {
    serve(1);
    const auto ada = player("Ada");
    loop.run_once(ioloop::no_wait);
    Stranger late(address);

    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit small = before;
    small.rlim_cur = 256;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &small), 0);
    std::vector<int> hoard;
    for (int fd = 0; (fd = ::dup(0)) >= 0;) hoard.push_back(fd);

    EXPECT_TRUE(eventually([&] { return late.receive(), late.hung_up; })) << "rather than left to wait";
    EXPECT_EQ(server->counters().refused, 1U);
    const std::uint64_t turns = loop.statistics().turns;
    expect_unhurt(*ada);
    EXPECT_LE(loop.statistics().turns, turns + 1000);

    for (const int fd : hoard) ::close(fd);
    ::setrlimit(RLIMIT_NOFILE, &before);
    pass(1s);
    Stranger later(address);
    pass(10ms);
    later.say(Hello{protocol_version, "Late"});
    EXPECT_TRUE(eventually([&] { return heard(*ada, "Late joined"); }));
}

TEST_F(ArenaNetwork, a_player_who_does_not_read_is_given_up) {
    Server::Options options = with_bots(1);
    options.most_unread = 4096;
    options.silence = 1h; // that is not why
    serve_as(options);
    const auto ada = player("Ada");
    const auto bob = player("Bob");
    Stranger eve(address);
    eve.read_little();
    pass(10ms);
    eve.say(Hello{protocol_version, "Eve"});
    EXPECT_TRUE(eventually([&] { return server->world().players() == 4; }));
    for (int second = 0; second < 120 && server->world().players() == 4; ++second) {
        for (int i = 0; i < 4; ++i) bob->say(std::string(longest_line, 'x'));
        pass(1s);
    }
    EXPECT_TRUE(heard(*ada, "Eve left"));
    EXPECT_EQ(dropped_for(Server::Why::slow), 1U);
    expect_unhurt(*ada);
    expect_unhurt(*bob);
}
