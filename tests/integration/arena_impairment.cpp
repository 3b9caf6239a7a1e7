// SPDX-License-Identifier: MIT
/// The game's bad network, exactly, in simulated time; and the game's connection over it.
#include "client.hpp"
#include "impairment.hpp"
#include "server.hpp"
#include "support/sim_loop.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

using namespace arena;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

struct ArenaImpairment : SimLoop {
    struct Arrival {
        int number;
        ioloop::Duration at;
        friend bool operator==(const Arrival&, const Arrival&) = default;
    };

    void pass(Impairment& network, int number) {
        network.pass([this, number] { arrived.push_back({number, world.elapsed()}); });
    }
    bool pass_in_order(Impairment& network, int number) {
        return network.pass_in_order([this, number] { arrived.push_back({number, world.elapsed()}); });
    }
    void run_for(ioloop::Duration time) {
        for (const ioloop::TimePoint end = world.now() + time; world.now() < end;)
            loop.run_once(end - world.now());
        loop.run_once(ioloop::no_wait);
    }
    /// What becomes of a datagram every 33 ms.
    std::vector<Arrival> fates(Impairment& network, int count) {
        arrived.clear();
        for (int i = 0; i < count; ++i) {
            pass(network, i);
            run_for(33ms);
        }
        run_for(2s);
        return std::exchange(arrived, {});
    }
    std::vector<int> numbers() const {
        std::vector<int> all;
        for (const Arrival& arrival : arrived) all.push_back(arrival.number);
        return all;
    }

    std::vector<Arrival> arrived;
};

} // namespace

TEST_F(ArenaImpairment, a_good_network_delivers_at_once) {
    Impairment network(loop, {});
    pass(network, 1);
    EXPECT_TRUE(pass_in_order(network, 2));
    EXPECT_THAT(arrived, ElementsAre(Arrival{1, 0ms}, Arrival{2, 0ms}));
    EXPECT_EQ(network.under_way(), 0U);
}

TEST_F(ArenaImpairment, what_is_passed_arrives_after_the_latency_and_not_a_nanosecond_sooner_or_later) {
    Impairment network(loop, {100ms, 0ms, 0});
    pass(network, 1);
    run_for(40ms);
    EXPECT_TRUE(pass_in_order(network, 2));
    run_for(1s);
    EXPECT_THAT(arrived, ElementsAre(Arrival{1, 100ms}, Arrival{2, 140ms}));
}

TEST_F(ArenaImpairment, jitter_spreads_datagrams_over_its_width_and_lets_them_overtake_each_other) {
    Impairment network(loop, {100ms, 50ms, 0});
    const auto all = fates(network, 1000);
    ASSERT_EQ(all.size(), 1000U);
    ioloop::Duration least = 1s, most{}, sum{};
    for (const Arrival& one : all) {
        const ioloop::Duration took = one.at - one.number * 33ms;
        least = std::min(least, took);
        most = std::max(most, took);
        sum += took;
    }
    EXPECT_GE(least, 50ms);
    EXPECT_LT(least, 52ms);
    EXPECT_LE(most, 150ms);
    EXPECT_GT(most, 148ms);
    EXPECT_NEAR(static_cast<double>((sum / 1000).count()), 100e6, 3e6);
    EXPECT_FALSE(std::is_sorted(all.begin(), all.end(),
                                [](const Arrival& a, const Arrival& b) { return a.number < b.number; }));
}

TEST_F(ArenaImpairment, nothing_arrives_before_it_was_sent_however_large_the_jitter) {
    Impairment network(loop, {10ms, 100ms, 0});
    for (const Arrival& one : fates(network, 300)) EXPECT_GE(one.at, one.number * 33ms);
}

TEST_F(ArenaImpairment, loss_takes_its_part_of_the_datagrams_and_none_of_a_stream) {
    Impairment network(loop, {0ms, 0ms, 0.2});
    const std::size_t arriving = fates(network, 5000).size();
    EXPECT_NEAR(static_cast<double>(arriving), 4000, 100);
    EXPECT_EQ(network.lost(), 5000 - arriving);

    network.set_options({10ms, 0ms, 1});
    for (int i = 0; i < 20; ++i) {
        pass(network, 100);
        EXPECT_TRUE(pass_in_order(network, i));
    }
    run_for(1s);
    EXPECT_EQ(arrived.size(), 20U);
    EXPECT_THAT(numbers(), testing::Not(testing::Contains(100)));
}

TEST_F(ArenaImpairment, a_stream_keeps_its_order_whatever_the_jitter_and_when_the_network_turns_good) {
    Impairment network(loop, {50ms, 50ms, 0});
    std::vector<int> sent;
    for (int i = 0; i < 200; ++i) {
        if (i == 190) network.set_options({});
        sent.push_back(i);
        EXPECT_TRUE(pass_in_order(network, i));
        if (i % 3 == 0) run_for(1ms);
    }
    run_for(1s);
    EXPECT_EQ(numbers(), sent);
    EXPECT_TRUE(pass_in_order(network, 200));
    EXPECT_EQ(numbers().back(), 200) << "nothing is before it: at once again";
}

TEST_F(ArenaImpairment, one_seed_is_one_network) {
    constexpr Impairment::Options bad{100ms, 60ms, 0.1};
    Impairment one(loop, bad, 7);
    Impairment other(loop, bad, 8);
    const auto once = fates(one, 200);
    Impairment same(loop, bad, 7);
    const ioloop::Duration later = world.elapsed();
    auto again = fates(same, 200);
    for (Arrival& arrival : again) arrival.at -= later;
    EXPECT_EQ(again, once);

    const ioloop::Duration later_still = world.elapsed();
    auto otherwise = fates(other, 200);
    for (Arrival& arrival : otherwise) arrival.at -= later_still;
    EXPECT_NE(otherwise, once);
}

TEST_F(ArenaImpairment, what_is_under_way_keeps_its_time_when_the_settings_change) {
    Impairment network(loop, {300ms, 0ms, 0});
    pass(network, 1);
    network.set_options({50ms, 0ms, 0});
    pass(network, 2);
    network.set_options({50ms, 0ms, 1});
    pass(network, 3);
    run_for(1s);
    EXPECT_THAT(arrived, ElementsAre(Arrival{2, 50ms}, Arrival{1, 300ms}));
}

TEST_F(ArenaImpairment, what_is_under_way_is_gone_with_its_owner) {
    auto network = std::make_unique<Impairment>(loop, Impairment::Options{50ms, 0ms, 0});
    pass(*network, 1);
    EXPECT_TRUE(pass_in_order(*network, 2));
    network->clear();
    EXPECT_EQ(network->under_way(), 0U);
    pass(*network, 3);
    EXPECT_TRUE(pass_in_order(*network, 4));
    run_for(1s);
    EXPECT_EQ(numbers(), (std::vector{3, 4}));

    pass(*network, 5);
    network.reset();
    run_for(1s);
    EXPECT_EQ(numbers(), (std::vector{3, 4}));
    EXPECT_THAT(reported, IsEmpty());
}

TEST_F(ArenaImpairment, may_be_destroyed_by_what_it_delivers) {
    for (const bool in_order : {false, true}) {
        for (const auto latency : {0ms, 10ms}) {
            auto network = std::make_unique<Impairment>(loop, Impairment::Options{latency, 0ms, 0});
            const auto end = [this, &network] {
                network.reset();
                arrived.push_back({1, world.elapsed()});
            };
            if (in_order) {
                network->pass_in_order(end);
            } else {
                network->pass(end);
            }
            run_for(20ms);
            EXPECT_EQ(network, nullptr);
        }
    }
    EXPECT_EQ(arrived.size(), 4U);
}

TEST_F(ArenaImpairment, holds_no_more_than_so_much) {
    Impairment network(loop, {1s, 0ms, 0});
    constexpr int most = static_cast<int>(Impairment::most_under_way);
    for (int i = 0; i < 2 * most; ++i) pass(network, i);
    EXPECT_EQ(network.under_way(), Impairment::most_under_way);
    EXPECT_EQ(network.lost(), Impairment::most_under_way);
    EXPECT_FALSE(pass_in_order(network, 0)) << "a stream is told";
    run_for(2s);
    EXPECT_EQ(arrived.size(), Impairment::most_under_way);
    EXPECT_TRUE(pass_in_order(network, 0));
}

TEST_F(ArenaImpairment, what_no_network_can_be_is_refused_and_changes_nothing) {
    Impairment network(loop, {100ms, 0ms, 0});
    const double no_number = std::numeric_limits<double>::quiet_NaN();
    for (const Impairment::Options& wrong : {Impairment::Options{-1ms, 0ms, 0},
                                             {0ms, -1ms, 0},
                                             {0ms, 0ms, -0.1},
                                             {0ms, 0ms, 1.1},
                                             {0ms, 0ms, no_number}}) {
        EXPECT_THROW(network.set_options(wrong), std::invalid_argument);
        EXPECT_THROW(Impairment(loop, wrong), std::invalid_argument);
    }
    EXPECT_EQ(network.options().latency, 100ms);
}

// ---- the game's connection over it ------------------------------------------------------------------------------

namespace {

struct ArenaOverImpairment : ArenaImpairment {
    std::unique_ptr<Client> player(const Impairment::Options& network) {
        Link::Options options;
        options.host = server.address().host();
        options.port = server.address().port();
        options.network = network;
        auto made =
            std::make_unique<Client>(loop, options, [this](const std::string& line) { log.push_back(line); });
        made->start();
        return made;
    }
    Server server{loop, {}};
    std::vector<std::string> log;
};

} // namespace

TEST_F(ArenaOverImpairment, a_round_trip_takes_twice_the_latency_by_tcp_and_by_udp) {
    const auto ada = player({100ms, 0ms, 0});
    run_for(190ms);
    EXPECT_FALSE(ada->link().joined());
    run_for(20ms);
    EXPECT_TRUE(ada->link().joined());
    run_for(5s);
    EXPECT_TRUE(ada->link().measured());
    EXPECT_NEAR(static_cast<double>(ada->link().ping().count()), 200e6, 1e6);
    EXPECT_LT(ada->link().jitter(), 1ms);
    EXPECT_EQ(ada->link().counters().losses, 0U);

    ASSERT_TRUE(ada->say("good day"));
    const auto heard = [&] { return !ada->said().empty() && ada->said().back().text == "good day"; };
    run_for(190ms);
    EXPECT_FALSE(heard());
    run_for(20ms);
    EXPECT_TRUE(heard());
}

TEST_F(ArenaOverImpairment, a_network_that_takes_every_datagram_stops_the_ship_and_not_the_chat) {
    const auto ada = player({20ms, 10ms, 1});
    run_for(10s);
    EXPECT_EQ(ada->link().counters().datagrams_in, 0U);
    EXPECT_TRUE(ada->link().joined());
    EXPECT_TRUE(ada->say("can you hear me"));
    run_for(1s);
    EXPECT_EQ(ada->said().back().text, "can you hear me");
    EXPECT_EQ(ada->link().counters().losses, 0U) << "the heartbeats of TCP are signs of life enough";
}

TEST_F(ArenaOverImpairment, what_was_under_way_when_a_connection_ended_does_not_reach_the_next) {
    const auto ada = player({400ms, 0ms, 0});
    run_for(2s);
    ASSERT_TRUE(ada->link().joined());
    ada->say("a last word");
    run_for(100ms);
    ada->stop();
    ada->start();
    run_for(3s);
    EXPECT_TRUE(ada->link().joined());
    EXPECT_TRUE(std::none_of(ada->said().begin(), ada->said().end(),
                             [](const Client::Said& said) { return said.text == "a last word"; }));
    EXPECT_EQ(ada->link().counters().garbage, 0U);
    EXPECT_THAT(reported, IsEmpty());
}

TEST_F(ArenaOverImpairment, a_client_on_a_bad_network_can_be_destroyed_at_any_moment) {
    for (int i = 0; i < 60; ++i) {
        const auto ada = player({30ms, 30ms, 0.1});
        run_for(i * 3ms);
    }
    run_for(1s);
    EXPECT_EQ(server.connections(), 0U);
    EXPECT_THAT(reported, IsEmpty());
}
