// SPDX-License-Identifier: MIT
/// A player drags the game's window for five seconds. SDL_PollEvent does not return, and the match goes on.
#include "client.hpp"
#include "server.hpp"
#include "support/sdl_fixture.hpp"
#include "support/sim_world.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace arena;
using namespace std::chrono_literals;

namespace {

/// The player's program has a host; the server is another program, and nobody drags its window.
class ArenaDragged : public WithSdl {
protected:
    ArenaDragged() {
        Server::Options options;
        options.bots = 2;
        server.emplace(servers_loop, options);
        Link::Options link;
        link.host = server->address().host();
        link.port = server->address().port();
        link.name = "Ada";
        ada.emplace(loop, link, [this](const std::string& line) { log.push_back(line); });
        ada->start();
        for (int frames = 0; frames < 300 && !playing(); ++frames) frame();
    }
    bool playing() { return ada->link().joined() && ada->sight().snapshots() > 10 && ada->link().measured(); }

    void pass(ioloop::Duration time) {
        world.advance(time);
        servers_loop.run_ready();
    }
    void frame() {
        pass(10ms);
        host.pump();
    }
    /// SDL_PollEvent does not come back for five seconds. The window system tells SDL of the window every 10 to 15 ms, as
    /// Windows does; or, before SDL 2.30, nothing.
    void drag(bool told, ioloop::Duration how_long = 5s) {
        const ioloop::TimePoint end = world.now() + how_long;
        for (int i = 0; world.now() < end; ++i) {
            pass(10ms + i % 6 * 1ms);
            if (told) window_is_dragged(1, SDL_WINDOWEVENT_EXPOSED);
        }
    }

    SimWorld world;
    ioloop::IOLoop servers_loop{world.options()};
    ioloop::IOLoop loop{world.options()};
    ioloop::sdl2::Host host{loop, stuck_at_once()};
    std::optional<Server> server;
    std::optional<Client> ada;
    std::vector<std::string> log;
};

TEST_F(ArenaDragged, T5_five_seconds_of_dragging_are_five_seconds_of_playing) {
    ASSERT_TRUE(playing());
    const std::uint64_t snapshots = ada->sight().snapshots();
    const std::uint64_t sent = ada->link().counters().datagrams_out;
    const std::uint64_t rescued = host.rescued_turns();

    drag(true);

    EXPECT_TRUE(ada->link().joined());
    EXPECT_EQ(ada->link().counters().losses, 0U);
    EXPECT_GE(ada->sight().snapshots() - snapshots, 5U * ticks_per_second - 5);
    EXPECT_GE(ada->link().counters().datagrams_out - sent, 5U * ticks_per_second - 5) << "inputs go out, too";
    EXPECT_LE(ada->link().ping(), 30ms) << "two turns of the drag";
    EXPECT_GE(host.rescued_turns() - rescued, 390U);
    EXPECT_EQ(server->world().players(), 3);
    EXPECT_EQ(server->counters().dropped, 0U);

    const std::uint64_t dragged = ada->sight().snapshots();
    for (int frames = 0; frames < 100; ++frames) frame(); // the player lets go
    EXPECT_TRUE(ada->link().joined());
    EXPECT_GE(ada->sight().snapshots() - dragged, 1U * ticks_per_second - 2);
}

TEST_F(ArenaDragged, T5_a_window_system_that_tells_nothing_stops_the_game_and_costs_the_player_his_place) {
    ASSERT_TRUE(playing());
    const std::uint64_t snapshots = ada->sight().snapshots();
    drag(false);
    EXPECT_EQ(ada->sight().snapshots(), snapshots);
    EXPECT_EQ(host.rescued_turns(), 0U);
    drag(false, 1s);
    EXPECT_EQ(server->world().players(), 2) << "silent for too long";
    for (int frames = 0; frames < 200; ++frames) frame();
    EXPECT_EQ(ada->link().counters().losses, 1U);
}

} // namespace
