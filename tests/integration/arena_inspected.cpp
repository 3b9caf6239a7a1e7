// SPDX-License-Identifier: MIT
// The game's server, a process of its own, looked into from this one, and with the viewer. Real processes, real time.
#include "arena_child.hpp"

#include <ioloop/inspect/remote_source.hpp>
#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::HasSubstr;

namespace {

constexpr const char* token = "sesame, open";

struct ArenaInspected : testing::Test {
    void start(std::vector<std::string> arguments = {}) {
        arguments.insert(arguments.begin(),
                         {"/usr/bin/env", std::string("ARENA_INSPECT_TOKEN=") + token, ARENA_PROGRAM,
                          "--serve", "--bots", "2", "--inspect", "127.0.0.1:0"});
        server = std::make_unique<Child>(arguments);
        ASSERT_TRUE(server->says("inspector at ")) << server->err();
        ASSERT_TRUE(server->says("\n"));
        const std::size_t at = server->err().find("inspector at ") + 13;
        address = server->err().substr(at, server->err().find('\n', at) - at);
        source = std::make_unique<RemoteSource>(loop, RemoteSource::Options{address, token});
    }
    bool run_until(const std::function<bool()>& done) {
        const auto end = steady_clock().now() + 20s;
        while (!done()) {
            if (steady_clock().now() > end) return false;
            loop.run_once(10ms);
            source->refresh(moment, 0);
        }
        return true;
    }
    const HandlerInfo* handler(const std::string& name) const {
        const auto& all = moment.snapshot.handlers;
        const auto found = std::find_if(all.begin(), all.end(), [&](const HandlerInfo& info) {
            return info.origin.name != nullptr && info.origin.name == name;
        });
        return found != all.end() ? &*found : nullptr;
    }

    std::unique_ptr<Child> server;
    std::string address;
    IOLoop loop;
    std::unique_ptr<RemoteSource> source;
    Moment moment;
};

TEST_F(ArenaInspected, the_descriptors_of_the_server_are_seen_from_here) {
    start();
    ASSERT_TRUE(run_until([&] { return handler("arena listener") != nullptr; })) << server->err();
    EXPECT_NE(handler("inspector viewer"), nullptr);
    ASSERT_TRUE(run_until([&] { return moment.turns.size() > 20; })) << "bots fly";
    const HandlerInfo listener = *handler("arena listener");
    const Descriptor* what = nullptr;
    double now = 0;
    ASSERT_TRUE(run_until(
        [&] { return (what = source->describe(listener.id, listener.fd, now += 0.1)) != nullptr; }));
    EXPECT_EQ(what->kind, Descriptor::Kind::tcp_listener);
    EXPECT_THAT(what->local, HasSubstr("127.0.0.1:"));
    EXPECT_THAT(source->refusal(), HasSubstr("look"));
    server->signal(SIGTERM);
    EXPECT_EQ(server->wait(), 0) << server->err();
}

TEST_F(ArenaInspected, a_server_that_a_viewer_has_paused_goes_on_when_the_viewer_is_gone) {
    start({"--inspect-control"});
    ASSERT_TRUE(run_until([&] { return moment.snapshot.running; })) << server->err();
    Command pause;
    pause.kind = Command::Kind::pause;
    EXPECT_STREQ(source->request(pause).c_str(), "sent");
    ASSERT_TRUE(run_until([&] { return moment.snapshot.paused; }));
    const std::uint64_t turn = moment.snapshot.turn;
    source->reconnect();
    ASSERT_TRUE(run_until([&] { return !moment.snapshot.paused && moment.snapshot.turn > turn; }));
    server->signal(SIGTERM);
    EXPECT_EQ(server->wait(), 0) << server->err();
}

TEST_F(ArenaInspected, the_viewer_shows_it_where_there_is_no_display_too) {
    start();
    const char* set = std::getenv("ASAN_OPTIONS");
    // The graphics driver is unloaded before leaks are looked for, so its own cannot be told by name.
    Child viewer({"/usr/bin/env", "-u", "DISPLAY", "-u", "WAYLAND_DISPLAY", "-u", "SDL_VIDEODRIVER",
                  std::string("ASAN_OPTIONS=") + (set != nullptr ? set : "") + ":detect_leaks=0",
                  std::string("ARENA_INSPECT_TOKEN=") + token, INSPECT_PROGRAM, address, "--moments", "3",
                  "--seconds", "30"});
    EXPECT_EQ(viewer.wait(), 0) << viewer.err();
    EXPECT_THAT(viewer.out(), HasSubstr("connected to "));
    EXPECT_THAT(viewer.out(), HasSubstr("read-only"));
}

TEST_F(ArenaInspected, a_viewer_with_another_token_is_told_so_and_fails) {
    start();
    Child viewer({"/usr/bin/env", "-u", "DISPLAY", "-u", "WAYLAND_DISPLAY", "-u", "SDL_VIDEODRIVER",
                  "ASAN_OPTIONS=detect_leaks=0", INSPECT_PROGRAM, address, "--token", "sesame", "--seconds",
                  "1"});
    EXPECT_EQ(viewer.wait(), 1) << viewer.err();
    EXPECT_THAT(viewer.out(), HasSubstr("the token is not the right one"));
}

} // namespace
