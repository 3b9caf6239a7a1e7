// SPDX-License-Identifier: MIT
/// Somebody pauses the loop of the demo in the inspector, looks around for ten seconds, and resumes.
#include "client.hpp"
#include "server.hpp"
#include "support/sim_world.hpp"

#include <ioloop/inspect/linter.hpp>
#include <ioloop/inspect/local_source.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

using namespace arena;
using namespace std::chrono_literals;

namespace {

/// The demo without arguments: the server and its player live on one loop.
class ArenaPaused : public testing::Test {
protected:
    ArenaPaused() {
        Server::Options options;
        options.bots = 2;
        server.emplace(loop, options);
        Link::Options link;
        link.host = server->address().host();
        link.port = server->address().port();
        link.name = "Ada";
        ada.emplace(loop, link, [this](const std::string& line) { log.push_back(line); });
        ada->start();
        for (int frames = 0; frames < 300 && !playing(); ++frames) frame();
    }
    bool playing() { return ada->link().joined() && ada->sight().snapshots() > 10 && ada->link().measured(); }
    ioloop::Turn frame() {
        world.advance(10ms);
        return loop.run_ready();
    }
    void ask(ioloop::Command::Kind kind) {
        ioloop::Command command;
        command.kind = kind;
        source.request(command);
    }

    SimWorld world;
    ioloop::IOLoop loop{world.options()};
    ioloop::LocalSource source{loop};
    std::optional<Server> server;
    std::optional<Client> ada;
    std::vector<std::string> log;
};

} // namespace

TEST_F(ArenaPaused,
       ten_seconds_of_pause_cost_neither_the_connection_nor_a_message_and_nothing_storms_afterwards) {
    ASSERT_TRUE(playing());
    std::uint32_t usual = 0; // calls in a frame
    for (int frames = 0; frames < 100; ++frames) usual = std::max(usual, frame().calls());

    ASSERT_TRUE(ada->say("before the pause"));
    ask(ioloop::Command::Kind::pause);
    const std::uint64_t snapshots = ada->sight().snapshots();
    for (int frames = 0; frames < 1000; ++frames) EXPECT_EQ(frame().ended, ioloop::Ended::paused);
    EXPECT_EQ(ada->sight().snapshots(), snapshots) << "nothing runs";
    ada->say("during the pause");
    ask(ioloop::Command::Kind::resume);

    std::uint32_t most = 0;
    for (int frames = 0; frames < 100; ++frames) most = std::max(most, frame().calls());
    EXPECT_LE(most, usual + 6) << "what was due is due as much later; only the two lines of chat are more";
    EXPECT_TRUE(ada->link().joined());
    EXPECT_EQ(ada->link().counters().losses, 0U);
    EXPECT_EQ(server->counters().dropped, 0U);
    EXPECT_EQ(server->world().players(), 3);
    EXPECT_GE(ada->sight().snapshots() - snapshots, 1U * ticks_per_second - 2);
    const auto heard = [&](const std::string& text) {
        return std::any_of(ada->said().begin(), ada->said().end(),
                           [&](const Client::Said& said) { return said.text == text; });
    };
    EXPECT_TRUE(heard("before the pause"));
    EXPECT_TRUE(heard("during the pause"));
}

TEST_F(ArenaPaused, a_step_runs_exactly_one_call) {
    ASSERT_TRUE(playing());
    world.advance(100ms); // several calls are due
    ask(ioloop::Command::Kind::pause);
    const std::uint64_t before = loop.statistics().calls_run();
    for (int steps = 1; steps <= 3; ++steps) {
        ask(ioloop::Command::Kind::step_call);
        EXPECT_EQ(loop.statistics().calls_run() - before, static_cast<std::uint64_t>(steps));
    }
    ask(ioloop::Command::Kind::resume);
    for (int frames = 0; frames < 100; ++frames) frame();
    EXPECT_TRUE(ada->link().joined());
    EXPECT_EQ(ada->link().counters().losses, 0U);
}

TEST_F(ArenaPaused, a_breakpoint_stops_the_demo_before_the_call_and_the_game_goes_on_from_there) {
    ASSERT_TRUE(playing());
    ioloop::Snapshot snapshot;
    loop.snapshot(snapshot);
    const auto tick = std::max_element(snapshot.timeouts.begin(), snapshot.timeouts.end(),
                                       [](const auto& a, const auto& b) { return a.fires < b.fires; });
    ASSERT_NE(tick, snapshot.timeouts.end());
    ioloop::Command command;
    command.kind = ioloop::Command::Kind::add_breakpoint;
    command.breakpoint.on = ioloop::Breakpoint::On::site;
    command.breakpoint.site = tick->chain.site();
    source.request(command);
    for (int frames = 0; frames < 20 && !loop.paused(); ++frames) frame();
    ASSERT_TRUE(loop.paused());
    EXPECT_EQ(source.recorder().breakpoints().last_hit().call.chain.site(), tick->chain.site());
    world.advance(10s);
    command.kind = ioloop::Command::Kind::remove_breakpoint;
    source.request(command);
    ask(ioloop::Command::Kind::resume);
    for (int frames = 0; frames < 100; ++frames) frame();
    EXPECT_TRUE(ada->link().joined());
    EXPECT_EQ(ada->link().counters().losses, 0U);
}
