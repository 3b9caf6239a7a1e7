// SPDX-License-Identifier: MIT
/// The game's server and clients on one simulated loop, over real sockets: time passes only when nothing is
/// ready, so minutes of silence take no time.
#include "client.hpp"
#include "server.hpp"
#include "support/sim_world.hpp"

#include <algorithm>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace arena;
using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;

namespace {

/// A peer that speaks for itself: no client of ours would say such things.
class Stranger {
public:
    explicit Stranger(const Address& server) : server_(server) {
        std::error_code error;
        tcp_ = Socket::connect(server, error);
        EXPECT_FALSE(error) << error.message();
        udp_ = Socket::datagram_to(server, error);
        EXPECT_FALSE(error) << error.message();
    }
    bool send(Bytes bytes) { return tcp_.send(bytes).done(); }
    void send_datagram(Bytes bytes) { udp_.send(bytes); }

    /// What has come, until there is no more; `closed` if the server has hung up.
    Buffer receive() {
        Buffer all;
        std::uint8_t chunk[4096];
        while (true) {
            const Transfer got = tcp_.receive(chunk);
            hung_up = hung_up || (!got.done() && got.status != Transfer::Status::later);
            if (!got.done()) return all;
            all.insert(all.end(), chunk, chunk + got.size);
        }
    }
    bool has_datagram() {
        std::uint8_t chunk[2048];
        return udp_.receive(chunk).done();
    }
    bool hung_up = false;

private:
    Address server_;
    Socket tcp_;
    Socket udp_;
};

class ArenaNetwork : public testing::Test {
protected:
    static Server::Options with_bots(int bots) {
        Server::Options options;
        options.bots = bots;
        return options;
    }
    void serve(int bots = 0) { serve_as(with_bots(bots)); }
    void serve_as(const Server::Options& options) {
        server.reset();
        server = std::make_unique<Server>(loop, options);
        address = server->address();
    }

    std::unique_ptr<Client> client(const std::string& name) {
        Link::Options options;
        options.host = address.host();
        options.port = address.port();
        options.name = name;
        return std::make_unique<Client>(loop, options,
                                        [this](const std::string& line) { log.push_back(line); });
    }
    std::unique_ptr<Client> player(const std::string& name) {
        auto made = client(name);
        made->start();
        EXPECT_TRUE(eventually([&] { return sees_the_arena(*made); })) << name;
        return made;
    }
    static bool sees_the_arena(Client& client) { return client.link().joined() && !client.sight().empty(); }

    /// Runs the loop until it is so; false if it is not so within `limit` of simulated time.
    template <class Predicate> bool eventually(Predicate predicate, ioloop::Duration limit = 20s) {
        const ioloop::TimePoint end = world.now() + limit;
        while (!predicate()) {
            if (world.now() >= end) return false;
            loop.run_once(end - world.now());
        }
        return true;
    }
    void pass(ioloop::Duration time) {
        eventually([] { return false; }, time);
    }
    /// The same player is still in play, and has been all the time.
    void expect_unhurt(Client& client) {
        const std::uint64_t before = client.sight().snapshots();
        pass(1s);
        EXPECT_TRUE(client.link().joined());
        EXPECT_EQ(client.link().counters().losses, 0U);
        EXPECT_GE(client.sight().snapshots(), before + ticks_per_second - 5);
    }
    static bool heard(const Client& client, const std::string& text) {
        return std::any_of(client.said().begin(), client.said().end(),
                           [&](const Client::Said& said) { return said.text == text; });
    }

    SimWorld world;
    ioloop::IOLoop loop{world.options()};
    std::unique_ptr<Server> server;
    Address address;
    std::vector<std::string> log;
};

} // namespace

// ---- playing ------------------------------------------------------------------------------------

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

// ---- losing the server --------------------------------------------------------------------------

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
    std::error_code error;
    const Socket deaf =
        Socket::listen(Address::numeric("127.0.0.1", 0), error); // the kernel connects; nobody speaks
    ASSERT_FALSE(error);
    address = deaf.address();
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

// ---- strangers ----------------------------------------------------------------------------------

TEST_F(ArenaNetwork, garbage_over_tcp_costs_the_connection_and_nothing_else) {
    serve(1);
    const auto ada = player("Ada");
    const Buffer hello = encode(ToServer(Hello{protocol_version, "Eve"}));
    const std::vector<Buffer> rubbish{
        {0xff, 0xff, 1, 2, 3}, // an impossible length
        {0, 0},                // no length at all
        {1, 0, 99},            // an unknown kind
        {2, 0, 1, 1},          // a message cut short
        Buffer(10'000, 0x41),  // HTTP, for all we know
        encode(ToServer(Say{"before joining"})),
        encode(ToServer(Hello{protocol_version + 1, "from the future"})),
    };
    for (const Buffer& bytes : rubbish) {
        Stranger eve(address);
        pass(10ms);
        eve.send(bytes);
        EXPECT_TRUE(eventually([&] { return eve.receive(), eve.hung_up; }));
    }
    Stranger twice(address);
    pass(10ms);
    twice.send(hello);
    twice.send(hello);
    EXPECT_TRUE(eventually([&] { return twice.receive(), twice.hung_up; })) << "joining twice";
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
    eve.send(encode(ToServer(Hello{protocol_version, "Eve"})));
    const Buffer say = encode(ToServer(Say{"spam"}));
    EXPECT_TRUE(eventually([&] {
        for (int i = 0; i < 20 && !eve.hung_up; ++i) eve.send(say);
        return eve.receive(), eve.hung_up;
    }));
    const auto spam = std::count_if(ada->said().begin(), ada->said().end(),
                                    [](const Client::Said& said) { return said.text == "spam"; });
    EXPECT_LE(spam, 4);
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

TEST_F(ArenaNetwork, who_connects_and_says_nothing_is_shown_the_door) {
    serve();
    Stranger eve(address);
    EXPECT_TRUE(eventually([&] { return server->connections() == 1; }));
    EXPECT_TRUE(eventually([&] { return server->connections() == 0; }, 6s));
}

TEST_F(ArenaNetwork, a_player_who_vanishes_is_gone_after_a_while) {
    serve();
    const auto ada = player("Ada");
    Stranger eve(address);
    pass(10ms);
    eve.send(encode(ToServer(Hello{protocol_version, "Eve"})));
    EXPECT_TRUE(eventually([&] { return server->world().players() == 2; }));
    EXPECT_TRUE(eventually([&] { return server->world().players() == 1; }, 6s));
    EXPECT_TRUE(eventually([&] { return heard(*ada, "Eve left"); }));
    expect_unhurt(*ada);
}

TEST_F(ArenaNetwork, more_connections_than_allowed_are_closed_at_once) {
    Server::Options options = with_bots(0);
    options.most_connections = 4;
    serve_as(options);
    std::vector<std::unique_ptr<Stranger>> crowd;
    for (int i = 0; i < 20; ++i) crowd.push_back(std::make_unique<Stranger>(address));
    EXPECT_TRUE(eventually([&] { return server->counters().dropped == 16; }, 1s));
    EXPECT_EQ(server->connections(), 4U);
}

TEST_F(ArenaNetwork, running_out_of_descriptors_is_survived_without_spinning) {
    serve(1);
    const auto ada = player("Ada");
    Stranger bob(address);
    loop.run_once(ioloop::no_wait);
    Stranger late(address); // waits in the kernel's queue

    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit small = before;
    small.rlim_cur = 256;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &small), 0);
    std::vector<int> hoard;
    for (int fd = 0; (fd = ::dup(0)) >= 0;) hoard.push_back(fd);

    pass(2s);
    EXPECT_GE(server->counters().accept_failures, 5U) << "it tried again";
    EXPECT_LE(server->counters().accept_failures, 15U) << "but not all the time";
    expect_unhurt(*ada);

    for (const int fd : hoard) ::close(fd);
    ::setrlimit(RLIMIT_NOFILE, &before);
    pass(1s);
    late.send(encode(ToServer(Hello{protocol_version, "Late"})));
    EXPECT_TRUE(eventually([&] { return heard(*ada, "Late joined"); }));
}

// ---- one stream ---------------------------------------------------------------------------------

TEST_F(ArenaNetwork, a_stream_to_a_peer_that_does_not_read_is_given_up) {
    std::error_code error;
    Socket listener = Socket::listen(Address::numeric("127.0.0.1", 0), error);
    ASSERT_FALSE(error);
    const Stranger sleeper(listener.address());
    Transfer outcome;
    Socket accepted;
    for (int i = 0; i < 1000 && !accepted; ++i) accepted = listener.accept(outcome);
    ASSERT_TRUE(accepted);

    std::string reason;
    std::unique_ptr<MessageStream> stream;
    stream = std::make_unique<MessageStream>(loop, std::move(accepted),
                                             MessageStream::Events{[](Bytes) {},
                                                                   [&](const std::string& why) {
                                                                       reason = why;
                                                                       stream.reset(); // as an owner does
                                                                   }},
                                             "stream under test");
    const Buffer message(1000, 1);
    int sent = 0;
    while (stream->send(message) && sent < 100'000) {
        ++sent;
        ASSERT_LE(stream->queued(), MessageStream::most_queued);
    }
    EXPECT_LT(sent, 100'000);
    EXPECT_FALSE(stream->open());
    EXPECT_EQ(reason, "") << "not from within send()";
    loop.run_once();
    EXPECT_THAT(reason, HasSubstr("does not read"));
    EXPECT_EQ(stream, nullptr);
}
