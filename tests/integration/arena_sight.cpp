// SPDX-License-Identifier: MIT
/// What a player sees over networks good and bad, compared with what there is. Minutes of the game, in simulated time.
#include "client.hpp"
#include "server.hpp"
#include "sight_error.hpp"
#include "support/sim_loop.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>

#include <gtest/gtest.h>

using namespace arena;
using namespace std::chrono_literals;

namespace arena {
static void PrintTo(const Spread& spread, std::ostream* out) {
    *out << "median " << spread.percentile(0.5) << ", p99 " << spread.percentile(0.99) << ", worst "
         << spread.worst() << ", of " << spread.count();
}
} // namespace arena

namespace {

constexpr ioloop::Duration frame = 16'666'667ns;

// ---- a game over a network --------------------------------------------------------------------------------------

/// A player who is flown by a bot, among others.
struct ArenaOver : SimLoop {
    std::unique_ptr<Server> server;
    std::unique_ptr<Client> client;
    std::unique_ptr<SightError> error = std::make_unique<SightError>();

    void join(const Impairment::Options& network, int bots = 5) {
        Server::Options rules;
        rules.bots = bots;
        server = std::make_unique<Server>(loop, rules);
        Link::Options options;
        options.host = server->address().host();
        options.port = server->address().port();
        options.network = network;
        client = std::make_unique<Client>(loop, options, [](const std::string&) {});
        client->set_autopilot(true);
        client->start();
        play(3s); // the first second, in which the clocks find their places, is another matter
        error = std::make_unique<SightError>();
    }
    void play(ioloop::Duration time) {
        for (const ioloop::TimePoint end = world.now() + time; world.now() < end;) {
            loop.run_until(world.now() + frame);
            error->look(client->sight(), &server->world(), world.now());
        }
    }
    Ship own() {
        for (const Ship& ship : client->sight().ships(world.now())) {
            if (ship.id == client->id()) return ship;
        }
        return {};
    }
    void TearDown() override {
        client.reset();
        server.reset();
        SimLoop::TearDown();
    }
};

} // namespace

TEST_F(ArenaOver, a_good_network_shows_the_others_as_they_were_a_tick_ago_and_oneself_as_one_is) {
    join({});
    play(60s);
    EXPECT_GT(error->prediction().count(), 1000U);
    EXPECT_GT(error->interpolation().count(), 3000U);
    EXPECT_LE(error->prediction().percentile(0.99), 3) << testing::PrintToString(error->prediction());
    EXPECT_LE(error->interpolation().worst(), 0.1) << "the grain of a snapshot";
    EXPECT_LE(error->jump().percentile(0.99), 3) << testing::PrintToString(error->jump());
    EXPECT_NEAR(error->behind().worst(), 33.3, 1);
}

// Measured with nine seeds, at most (p99, worst): prediction 11.7, 16.4; correction 9.0, 16.5; interpolation 0.3, 6.0;
// jump 1.8, 6.0; behind 152, 152. What predictions are off by is what nobody can foresee: hits, and inputs that came
// too late to be played in their tick.
TEST_F(ArenaOver, a_bad_network_of_100_ms_20_ms_jitter_and_2_percent_loss_is_hardly_seen) {
    join({100ms, 20ms, 0.02});
    play(60s);
    EXPECT_GT(client->sight().lost(), 10U);
    EXPECT_LE(error->prediction().percentile(0.5), 0.5) << testing::PrintToString(error->prediction());
    EXPECT_LE(error->prediction().percentile(0.99), ship_radius)
        << testing::PrintToString(error->prediction());
    EXPECT_LE(error->correction().percentile(0.99), ship_radius)
        << testing::PrintToString(error->correction());
    EXPECT_LE(error->interpolation().percentile(0.99), 0.5) << testing::PrintToString(error->interpolation());
    EXPECT_LE(error->interpolation().worst(), ship_radius) << testing::PrintToString(error->interpolation());
    EXPECT_LE(error->jump().percentile(0.99), 3) << testing::PrintToString(error->jump());
    EXPECT_LE(error->jump().worst(), ship_radius) << testing::PrintToString(error->jump());
    EXPECT_GE(error->behind().percentile(0.5), 133) << "the latency, and a tick";
    EXPECT_LE(error->behind().percentile(0.99), 160) << "and the jitter, but no more";
}

// Measured, at most: prediction 14.4, 28.7; correction 14.4, 15.4; interpolation 0.8, 8.8; jump 2.0, 10.6;
// behind 129, 129.
TEST_F(ArenaOver, a_worse_one_of_50_ms_50_ms_jitter_and_10_percent_loss_is_shown_later_and_as_smoothly) {
    join({50ms, 50ms, 0.1});
    play(60s);
    EXPECT_LE(error->interpolation().percentile(0.99), 1) << testing::PrintToString(error->interpolation());
    EXPECT_LE(error->jump().percentile(0.99), 3) << testing::PrintToString(error->jump());
    EXPECT_LE(error->behind().percentile(0.99), 140);
    EXPECT_NEAR(client->sight().loss(), 0.1, 0.08);
}

TEST_F(ArenaOver, the_own_ship_turns_in_the_very_tick_of_the_input_however_late_the_network_is) {
    join({100ms, 20ms, 0.02}, 0); // nobody who shoots it down
    client->set_autopilot(false);
    for (int i = 0; i < 20; ++i) {
        client->steer({});
        play(500ms);
        ASSERT_TRUE(own().alive);
        const Ship before = own();
        client->steer({false, true, false, false});
        play(tick_length);
        EXPECT_GT(turned(own().angle - before.angle), 0.01F);
    }
}

TEST_F(ArenaOver, a_network_that_becomes_slower_by_200_ms_in_the_middle_of_it_stops_nothing) {
    join({20ms, 5ms, 0});
    play(2s);
    EXPECT_LE(error->behind().worst(), 70);
    double tick = client->sight().shown_tick(world.now());
    int stood = 0;
    const auto watch = [&](ioloop::Duration time) {
        for (const ioloop::TimePoint end = world.now() + time; world.now() < end;) {
            play(frame);
            const double now = client->sight().shown_tick(world.now());
            EXPECT_GT(now, tick) << "time never stands still, and does not run backwards";
            stood += now - tick < 0.25 ? 1 : 0;
            EXPECT_LT(now - tick, 0.75) << "and never runs half as fast again";
            tick = now;
        }
    };
    client->set_network({220ms, 5ms, 0});
    watch(5s);
    client->set_network({20ms, 5ms, 0});
    watch(5s);
    EXPECT_EQ(stood, 0) << "nor at half its pace";
    error = std::make_unique<SightError>();
    play(1s);
    EXPECT_LE(error->behind().worst(), 70) << "and what was late is no longer waited for";
}

// ---- snapshots that come when they are told to ------------------------------------------------------------------

namespace {

/// A world with the player and one other, who flies to the right; and what the player sees of it.
struct ArenaSight : testing::Test {
    static constexpr PlayerId me = 0;
    static constexpr PlayerId other = 1;
    static constexpr ioloop::TimePoint start{1000s};

    ArenaSight() { sight.set_me(me); }

    static ioloop::TimePoint at(double tick) {
        return start + std::chrono::duration_cast<ioloop::Duration>(tick_length * tick);
    }
    static Snapshot snapshot(std::uint32_t tick) {
        const Ship mine{me, true, false, false, {800, 450}, {}, 0, full_health};
        const Ship his{other,    true, false,      false, {100 + 8 * static_cast<float>(tick), 50},
                       {240, 0}, 0,    full_health};
        return {tick, 0, {mine, his}, {}};
    }
    /// It takes half a tick.
    void take(std::uint32_t tick) { sight.take(snapshot(tick), at(tick + 0.5)); }
    float shown_x(double tick) {
        for (const Ship& ship : sight.ships(at(tick))) {
            if (ship.id == other) return ship.position.x;
        }
        return NAN;
    }

    Sight sight;
};

} // namespace

TEST_F(ArenaSight, a_tick_is_shown_one_tick_after_it_came) {
    for (std::uint32_t tick = 1; tick <= 30; ++tick) take(tick);
    EXPECT_NEAR(sight.shown_tick(at(30.5)), 29, 0.01);
    EXPECT_NEAR(shown_x(30.75), 100 + 8 * 29.25, 0.05);
    EXPECT_NEAR(seconds(sight.held_back(at(30.5))), seconds(tick_length), 1e-4);
}

TEST_F(ArenaSight, the_clock_follows_a_network_that_becomes_slower_and_back) {
    for (std::uint32_t tick = 1; tick <= 30; ++tick) take(tick);
    for (std::uint32_t tick = 31; tick <= 300; ++tick) {
        sight.take(snapshot(tick), at(tick + 4.5));
        EXPECT_GE(sight.held_back(at(tick + 4.5)), 0ns);
    }
    EXPECT_NEAR(sight.shown_tick(at(304.5)), 299, 0.05);
    EXPECT_NEAR(seconds(sight.held_back(at(304.5))), seconds(tick_length), 2e-3);
    for (std::uint32_t tick = 301; tick <= 600; ++tick)
        sight.take(snapshot(tick), at(std::max(tick + 0.5, 304.5)));
    EXPECT_NEAR(sight.shown_tick(at(600.5)), 599, 0.05);
}

TEST_F(ArenaSight, without_snapshots_the_others_fly_on_for_three_ticks_and_stand_then) {
    for (std::uint32_t tick = 1; tick <= 30; ++tick) take(tick);
    EXPECT_NEAR(shown_x(31.5 + 2), 100 + 8 * 32, 0.5) << "a little less, as there is drag";
    const float last = shown_x(31.5 + 3);
    EXPECT_NEAR(last, 100 + 8 * 33, 1);
    EXPECT_FLOAT_EQ(shown_x(31.5 + 10), last);
    EXPECT_FLOAT_EQ(shown_x(31.5 + 1000), last);
}

TEST_F(ArenaSight, a_lost_snapshot_is_bridged) {
    for (std::uint32_t tick = 1; tick <= 40; ++tick) {
        if (tick == 30) continue;
        take(tick);
        if (tick <= 20) continue;
        for (const double part : {0.5, 0.7, 0.9, 1.1, 1.3}) {
            EXPECT_NEAR(shown_x(tick + part), 100 + 8 * (tick + part - 1.5), 0.3) << tick;
        }
    }
    EXPECT_EQ(sight.lost(), 1U);
}

TEST_F(ArenaSight, one_that_was_overtaken_is_not_lost_and_one_that_comes_twice_is_not_two) {
    for (std::uint32_t tick = 1; tick <= 30; ++tick) take(tick);
    sight.take(snapshot(32), at(32));
    EXPECT_EQ(sight.lost(), 1U);
    EXPECT_GT(sight.loss(), 0);
    sight.take(snapshot(31), at(32.1));
    sight.take(snapshot(31), at(32.2));
    sight.take(snapshot(32), at(32.3));
    EXPECT_EQ(sight.lost(), 0U);
    EXPECT_EQ(sight.loss(), 0);
    EXPECT_EQ(sight.snapshots(), 34U) << "that came";
}

TEST_F(ArenaSight, one_of_long_ago_is_not_listened_to) {
    for (std::uint32_t tick = 100; tick <= 300; ++tick) take(tick);
    const double shown = sight.shown_tick(at(301));
    sight.take(snapshot(5), at(301));
    EXPECT_EQ(sight.lost(), 0U);
    EXPECT_EQ(sight.shown_tick(at(301)), shown);
}

TEST_F(ArenaSight, a_game_that_was_stopped_for_minutes_goes_on_at_once) {
    for (std::uint32_t tick = 1; tick <= 30; ++tick) take(tick);
    for (std::uint32_t tick = 3000; tick <= 3010; ++tick) sight.take(snapshot(tick), at(tick - 2900));
    EXPECT_NEAR(sight.shown_tick(at(110)), 3009, 0.01);
}

TEST_F(ArenaSight, SightError_tells_how_far_the_picture_is_from_the_world) {
    World there(1);
    ASSERT_EQ(there.join(), me);
    ASSERT_EQ(there.join(), other);
    SightError error;
    std::uint32_t number = 0;
    for (int i = 0; i < 60; ++i) {
        there.steer(me, {false, false, true, false});
        there.step();
        const ioloop::TimePoint now = at(there.tick());
        sight.foresee(++number, {false, false, true, false}, now);
        Snapshot lie{there.tick(), number, {there.pilot(me)->ship, there.pilot(other)->ship}, {}};
        lie.ships[other].position = lie.ships[other].position + Vec{3, 4};
        if (i == 40) lie.ships[me].position = lie.ships[me].position + Vec{0, 12};
        sight.take(lie, now);
        error.look(sight, &there, now);
    }
    EXPECT_NEAR(error.interpolation().percentile(0.5), 5, 0.11);
    EXPECT_NEAR(error.interpolation().worst(), 5, 0.01);
    EXPECT_NEAR(error.jump().worst(), 0, 0.01) << "steadily wrong is smooth";
    EXPECT_NEAR(error.behind().worst(), 33.3, 0.1);
    EXPECT_NEAR(error.correction().worst(), 12, 0.1);
    EXPECT_NEAR(error.correction().percentile(0.5), 0, 0.11);
    EXPECT_NEAR(error.prediction().worst(), 12, 0.1);
    EXPECT_GE(error.prediction().count(), 55U);
}

TEST(ArenaSpread, percentiles_are_rounded_up_to_the_grain_and_the_worst_is_exact) {
    Spread spread(0.1F);
    EXPECT_EQ(spread.percentile(0.99), 0) << "of nothing";
    for (int i = 1; i <= 100; ++i) spread.add(static_cast<float>(i) * 0.1F - 0.05F);
    EXPECT_NEAR(spread.percentile(0.5), 5, 0.001);
    EXPECT_NEAR(spread.percentile(0.99), 9.9, 0.001);
    EXPECT_NEAR(spread.percentile(1), 9.95, 0.001);
    spread.add(5000);
    EXPECT_EQ(spread.worst(), 5000);
    EXPECT_EQ(spread.percentile(1), 5000);
    EXPECT_NEAR(spread.percentile(0.99), 10, 0.06);
    EXPECT_EQ(spread.count(), 101U);
    EXPECT_EQ(spread.recent_begin(), 101U) << "where there was none yet";
    EXPECT_EQ(spread.recent()[100], 5000);
}
