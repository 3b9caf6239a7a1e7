// SPDX-License-Identifier: MIT
/// The six ways in which a frame of the game lives with the loop: what is measured of them, and that changing them while
/// the game runs loses nothing. Real time, as it is what they are about.
#include "client.hpp"
#include "latency_probe.hpp"
#include "pacing.hpp"
#include "server.hpp"
#include "support/os.hpp"
#include "support/sdl_fixture.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

using namespace arena;
using namespace std::chrono_literals;

namespace {

constexpr LatencyProbe::Options often{.mean = 2ms, .seed = 20};

TEST(LatencyProbe, it_measures_what_a_loop_takes_that_is_asleep) {
    ioloop::IOLoop loop;
    LatencyProbe probe(loop, often);
    while (probe.latencies().count() < 100) loop.run_once(5s);
    EXPECT_GT(probe.latencies().percentile(0.5), 0ns);
    EXPECT_LT(probe.latencies().percentile(0.5), at_once);
}

TEST(LatencyProbe, what_waits_for_a_frame_is_measured_as_waiting_for_it) {
    ioloop::IOLoop loop;
    LatencyProbe probe(loop, often);
    while (probe.latencies().count() < 100) {
        std::this_thread::sleep_for(20ms);
        loop.run_ready();
    }
    EXPECT_GT(probe.latencies().percentile(0.5), 4ms) << "half of what comes at random waits half of 20 ms";
    EXPECT_GT(probe.latencies().longest(), 10ms);
}

TEST(LatencyProbe, begun_anew_it_forgets_also_what_is_under_way) {
    ioloop::IOLoop loop;
    LatencyProbe probe(loop, often);
    while (probe.latencies().count() < 10) loop.run_once(5s);
    std::this_thread::sleep_for(200ms); // stamps wait in the socket
    probe.begin_anew();
    EXPECT_EQ(probe.latencies().count(), 0U);
    const ioloop::TimePoint begin = ioloop::steady_clock().now();
    while (probe.latencies().count() < 20) loop.run_once(5s);
    EXPECT_LE(probe.latencies().longest(), ioloop::steady_clock().now() - begin);
}

TEST(LatencyProbe, what_came_before_the_rest_began_is_told_apart) {
    ioloop::IOLoop loop;
    LatencyProbe probe(loop, often);
    while (probe.latencies_of_busy().count() < 20 || probe.latencies().count() < 20) {
        std::this_thread::sleep_for(20ms); // a frame is drawn
        probe.begin_rest();
        loop.run_until(loop.time() + 20ms);
    }
    EXPECT_GT(probe.latencies_of_busy().percentile(0.5), 4ms);
    EXPECT_LT(probe.latencies().percentile(0.5), probe.latencies_of_busy().percentile(0.5));
}

TEST(LatencyProbe, it_goes_without_a_trace_also_when_nobody_reads) {
    const auto before = os::open_descriptors();
    {
        ioloop::IOLoop loop;
        { const LatencyProbe at_once_again(loop, often); }
        LatencyProbe probe(loop, {.mean = 10us, .seed = 1});
        std::this_thread::sleep_for(50ms); // more than the socket takes is written
        loop.run_ready();
        EXPECT_EQ(loop.statistics().handlers, 1U);
    }
    EXPECT_EQ(os::open_descriptors(), before);
}

TEST(LatencyProbe, its_end_does_not_wait_for_the_next_moment) {
    ioloop::IOLoop loop;
    const Stopwatch watch;
    { const LatencyProbe probe(loop, {.mean = 1h, .seed = 1}); }
    EXPECT_LT(watch.elapsed(), 10s);
}

TEST(Pacing, every_mode_has_a_name_that_leads_back_to_it) {
    for (const Pacing pacing : all_pacings) {
        EXPECT_EQ(pacing_of(name_of(pacing)), pacing);
        EXPECT_THAT(words_of(pacing), testing::Not(testing::StrEq("?")));
    }
    EXPECT_EQ(pacing_of("vsync"), std::nullopt);
    EXPECT_EQ(pacing_of(""), std::nullopt);
}

/// The game as it is without arguments: server and client on one loop, in a program of SDL's.
class ArenaModes : public WithSdl {
protected:
    ArenaModes() {
        Server::Options options;
        options.bots = 2;
        server = std::make_unique<Server>(loop, options);
        Link::Options link;
        link.host = server->address().host();
        link.port = server->address().port();
        link.name = "Ada";
        ada = std::make_unique<Client>(loop, link, [](const std::string&) {});
        ada->start();
        for (int frames = 0; frames < 1000 && !ada->link().joined(); ++frames) frame(Pacing::pump_until);
    }

    void frame(Pacing pacing) {
        pacer.begin_frame();
        SDL_Event event;
        while (SDL_PollEvent(&event) != 0) handle(event);
        host.pump(pacer);
        spend_rest(host, pacer, pacing, [this](const SDL_Event& late) { handle(late); });
    }
    void handle(const SDL_Event& event) {
        if (event.type == SDL_USEREVENT) events.push_back(event.user.code);
    }

    ioloop::IOLoop loop;
    ioloop::sdl2::Host host{loop};
    ioloop::FramePacer pacer{{.rate = 200}};
    std::unique_ptr<Server> server;
    std::unique_ptr<Client> ada;
    std::vector<int> events;
};

TEST_F(ArenaModes, switching_through_all_of_them_under_load_loses_no_message) {
    ASSERT_TRUE(ada->link().joined());
    std::vector<int> posted;
    std::atomic<int> sent = 0;
    std::atomic<bool> enough = false;
    std::thread load([&] {
        while (!enough) {
            const int number = sent++;
            loop.add_callback([&posted, number] { posted.push_back(number); });
            push(number);
            std::this_thread::sleep_for(500us);
        }
    });
    LatencyProbe probe(loop, often);
    std::map<Pacing, std::uint64_t> snapshots;
    for (int round = 0; round < 3; ++round) {
        for (const Pacing pacing : all_pacings) {
            const std::uint64_t before = ada->sight().snapshots();
            probe.begin_anew();
            ada->say(name_of(pacing));
            for (int frames = 0; frames < 30; ++frames) frame(pacing);
            snapshots[pacing] += ada->sight().snapshots() - before;
            EXPECT_GT(probe.latencies().count(), 0U) << name_of(pacing);
        }
        for (const Pacing pacing : all_pacings) frame(pacing); // and from each to the next at once
    }
    enough = true;
    load.join();
    const auto all_there = [&] {
        return std::ssize(posted) == sent && std::ssize(events) == sent &&
               ada->link().counters().messages_in == server->counters().messages_out &&
               ada->link().counters().messages_out == server->counters().messages_in;
    };
    for (int frames = 0; frames < 400 && !all_there(); ++frames) frame(Pacing::by_hand);

    std::vector<int> all(static_cast<std::size_t>(sent));
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int>(i);
    EXPECT_EQ(posted, all) << "what threads post comes, and in order";
    EXPECT_EQ(events, all) << "and so do SDL's events";
    EXPECT_TRUE(ada->link().joined());
    EXPECT_EQ(ada->link().counters().losses, 0U);
    EXPECT_EQ(ada->link().counters().messages_in, server->counters().messages_out);
    EXPECT_EQ(ada->link().counters().messages_out, server->counters().messages_in);
    for (const auto& [pacing, count] : snapshots) EXPECT_GT(count, 3U) << name_of(pacing);
}

TEST_F(ArenaModes, whoever_sleeps_in_the_loop_hears_sooner_than_whoever_pumps_by_hand) {
    std::map<Pacing, ioloop::Duration> half;
    pacer = ioloop::FramePacer({.rate = 30});
    for (const Pacing pacing : {Pacing::by_hand, Pacing::pump_until}) {
        LatencyProbe probe(loop, often);
        for (int frames = 0; frames < 20; ++frames) frame(pacing);
        half[pacing] = probe.latencies().percentile(0.5);
    }
    EXPECT_GT(half[Pacing::by_hand], 5ms);
    EXPECT_LT(half[Pacing::pump_until], half[Pacing::by_hand]);
}

TEST_F(ArenaModes, a_loop_that_is_stopped_ends_no_game) {
    for (const Pacing pacing : all_pacings) {
        loop.add_callback([this] { loop.stop(); });
        frame(pacing);
        frame(pacing);
    }
    const std::uint64_t before = ada->sight().snapshots();
    for (int frames = 0; frames < 60; ++frames) frame(Pacing::guest);
    EXPECT_GT(ada->sight().snapshots(), before);
}

TEST_F(ArenaModes, frames_keep_their_time_while_the_loop_is_paused) {
    loop.set_paused(true);
    for (const Pacing pacing : all_pacings) {
        const Stopwatch watch;
        for (int frames = 0; frames < 10; ++frames) frame(pacing);
        EXPECT_GT(watch.elapsed(), 20ms) << name_of(pacing) << " does not sleep";
        EXPECT_LT(watch.elapsed(), 5s) << name_of(pacing) << " does not wake";
    }
    loop.set_paused(false);
}

} // namespace
