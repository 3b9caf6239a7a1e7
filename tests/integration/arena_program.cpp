// SPDX-License-Identifier: MIT
/// The game as a program: its reports, and what it does when its server is killed. Real processes, real time.
#include "arena_child.hpp"
#include "support/sanitizers.hpp"
#include "support/trace_check.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

using Json = nlohmann::json;
using testing::HasSubstr;

namespace {

// A sanitizer makes everything several times as slow; there, only that no frame is lost to waiting is looked
// at.
constexpr bool sanitized = UNDER_ADDRESS_SANITIZER || UNDER_THREAD_SANITIZER;
constexpr double longest_pump_us = sanitized ? 100'000 : 4'000;

std::vector<std::string> arena(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), ARENA_PROGRAM);
    return arguments;
}

/// The same, where there is no display.
std::vector<std::string> offscreen(const std::vector<std::string>& arguments) {
    // The graphics driver is unloaded before leaks are looked for, so its own cannot be told by name.
    const char* set = std::getenv("ASAN_OPTIONS");
    std::vector<std::string> command{"/usr/bin/env",    "-u", "DISPLAY",        "-u",
                                     "WAYLAND_DISPLAY", "-u", "SDL_VIDEODRIVER"};
    command.push_back(std::string("ASAN_OPTIONS=") + (set != nullptr ? set : "") + ":detect_leaks=0");
    command.push_back(ARENA_PROGRAM);
    command.insert(command.end(), arguments.begin(), arguments.end());
    return command;
}

int port_of(Child& server) {
    EXPECT_TRUE(server.says("\n")) << server.err();
    return Json::parse(server.out()).at("port").get<int>();
}

std::string at(int port) { return "127.0.0.1:" + std::to_string(port); }

/// What a game reports whose server was killed and started again in the middle of it.
Json play_through_a_loss() {
    auto server = std::make_unique<Child>(arena({"--serve", "--port", "0", "--bots", "3"}));
    const int port = port_of(*server);
    Child client(arena({"--headless", "--connect", at(port)}));
    EXPECT_TRUE(client.says("in play")) << client.err();

    server->signal(SIGKILL);
    EXPECT_EQ(server->wait(), -SIGKILL);
    EXPECT_TRUE(client.says("lost the server")) << client.err();

    server = std::make_unique<Child>(arena({"--serve", "--port", std::to_string(port), "--bots", "3"}));
    EXPECT_EQ(port_of(*server), port);
    EXPECT_TRUE(client.says("in play")) << client.err();

    client.signal(SIGINT);
    EXPECT_EQ(client.wait(), 0) << client.err();
    server->signal(SIGTERM);
    EXPECT_EQ(server->wait(), 0) << server->err();
    return Json::parse(client.out());
}

} // namespace

TEST(ArenaProgram, a_client_survives_its_server_and_misses_no_frame) {
    // The pump is measured by the clock on the wall, and the machine may be busy with something else: three
    // tries.
    Json report;
    for (int attempt = 0; attempt < 3; ++attempt) {
        report = play_through_a_loss();
        if (HasFailure() || report["longest_pump_us"].get<double>() < longest_pump_us) break;
    }
    EXPECT_LT(report["longest_pump_us"].get<double>(), longest_pump_us) << report.dump(2);
    EXPECT_EQ(report["losses"], 1) << report.dump(2);
    EXPECT_EQ(report["reconnects"], 1);
    EXPECT_EQ(report["state"], "in play");
}

TEST(ArenaProgram, a_window_survives_its_server_too) {
    auto server = std::make_unique<Child>(arena({"--serve", "--port", "0", "--bots", "3"}));
    const int port = port_of(*server);
    Child client(offscreen({"--connect", at(port), "--autopilot", "--inspector", "--seconds", "60",
                            "--report", "--screenshot", testing::TempDir() + "never_saved.png"}));
    EXPECT_TRUE(client.says("in play")) << client.err();
    for (int round = 0; round < 2; ++round) {
        server->signal(SIGKILL);
        EXPECT_TRUE(client.says("lost the server")) << client.err();
        server = std::make_unique<Child>(arena({"--serve", "--port", std::to_string(port), "--bots", "3"}));
        EXPECT_TRUE(client.says("in play")) << client.err();
    }
    client.signal(SIGINT);
    EXPECT_EQ(client.wait(), 0) << client.err();
    const Json report = Json::parse(client.out());
    EXPECT_EQ(report["losses"], 2);
    EXPECT_EQ(report["reconnects"], 2);
}

TEST(ArenaProgram, a_window_plays_in_every_mode_and_measures_it) {
    for (const char* mode : {"by-hand", "pump-until", "guest", "merge", "slack", "pump"}) {
        Child game(offscreen({"--pacing", mode, "--modes", "--width", "320", "--height", "240", "--frames",
                              "30", "--report", "--screenshot", testing::TempDir() + "mode.png"}));
        ASSERT_EQ(game.wait(), 0) << mode << game.err();
        const Json report = Json::parse(game.out());
        EXPECT_EQ(report["frames"], 29) << mode << ", and one more that is saved";
        EXPECT_EQ(report["state"], "in play") << mode;
    }
    Child game(arena({"--pacing", "vsync"}));
    EXPECT_NE(game.wait(), 0);
    EXPECT_THAT(game.err(), HasSubstr("no such mode: 'vsync'"));
}

TEST(ArenaProgram, a_window_has_every_size_and_its_text_too) {
    const std::vector<std::vector<std::string>> sizes{
        {"--width", "320", "--height", "240"},
        {"--width", "1920", "--height", "1080"},
        {"--width", "640", "--height", "360", "--scale", "4"},
        {"--width", "320", "--height", "240", "--scale", "0.5", "--modes", "--inspector"},
    };
    for (std::vector<std::string> arguments : sizes) {
        arguments.insert(arguments.end(), {"--frames", "5", "--screenshot", testing::TempDir() + "size.png"});
        Child game(offscreen(arguments));
        EXPECT_EQ(game.wait(), 0) << arguments[1] << game.err();
    }
    Child game(arena({"--scale", "9"}));
    EXPECT_NE(game.wait(), 0);
    EXPECT_THAT(game.err(), HasSubstr("--scale"));
}

TEST(ArenaProgram, headless_plays_against_bots_and_prints_nothing_but_its_report) {
    Child game(arena({"--headless", "--seconds", "2", "--bots", "4"}));
    ASSERT_EQ(game.wait(), 0) << game.err();
    const Json report = Json::parse(game.out());
    EXPECT_GE(report["frames"].get<int>(), sanitized ? 20 : 60);
    EXPECT_LE(report["frames"].get<int>(), 122);
    EXPECT_GT(report["turns"].get<int>(), 30);
    EXPECT_GT(report["messages_in"].get<int>(), 2);
    EXPECT_GE(report["messages_out"].get<int>(), 1);
    EXPECT_GT(report["datagrams_in"].get<int>(), 20);
    EXPECT_GT(report["datagrams_out"].get<int>(), 20);
    EXPECT_EQ(report["reconnects"], 0);
    EXPECT_EQ(report["players"], 5);
    EXPECT_GT(report["longest_pump_us"].get<double>(), 0);
    EXPECT_FALSE(report["longest_call"]["name"].get<std::string>().empty());
}

TEST(ArenaProgram, the_network_is_as_bad_as_it_is_asked_to_be) {
    Child game(arena({"--headless", "--seconds", "2", "--latency", "60", "--jitter", "10", "--loss", "20"}));
    ASSERT_EQ(game.wait(), 0) << game.err();
    const Json report = Json::parse(game.out());
    EXPECT_GE(report["ping_us"].get<double>(), 100'000) << "there and back";
    EXPECT_GT(report["snapshots_lost"].get<int>(), 0);
    EXPECT_EQ(report["losses"], 0);
    const Json& sight = report["sight"];
    EXPECT_GE(sight["behind_ms"]["p50"].get<double>(), 60);
    for (const char* what : {"prediction", "correction", "interpolation", "jump", "behind_ms"}) {
        EXPECT_GT(sight[what]["count"].get<int>(), 0) << what;
        EXPECT_LE(sight[what]["p50"].get<double>(), sight[what]["p99"].get<double>()) << what;
        EXPECT_LE(sight[what]["p99"].get<double>(), sight[what]["worst"].get<double>()) << what;
    }
}

TEST(ArenaProgram, a_message_of_the_day_that_cannot_be_read_is_said_before_anything_begins) {
    const std::string path = testing::TempDir() + "arena_motd_" + std::to_string(::getpid());
    Child without(arena({"--serve", "--port", "0", "--motd", path}));
    EXPECT_EQ(without.wait(), 1);
    EXPECT_THAT(without.err(), HasSubstr("--motd: cannot read '" + path + "'"));
    std::ofstream(path) << std::string(65'537, 'x');
    Child too_long(arena({"--headless", "--seconds", "1", "--motd", path}));
    EXPECT_EQ(too_long.wait(), 1);
    EXPECT_THAT(too_long.err(), HasSubstr("has more than 65536 bytes"));
    std::ofstream(path) << std::string(65'536, 'x');
    Child server(arena({"--serve", "--port", "0", "--motd", path, "--seconds", "0.2"}));
    EXPECT_EQ(server.wait(), 0) << server.err();
    ::unlink(path.c_str());
}

/// Of a file that is then gone.
Json trace_in(const std::string& path) {
    std::ifstream file(path);
    Json trace = Json::parse(file);
    ::unlink(path.c_str());
    EXPECT_THAT(trace_check::faults_of(trace), testing::IsEmpty());
    return trace;
}

TEST(ArenaProgram, both_sides_leave_a_trace_that_a_viewer_understands) {
    const std::string path = testing::TempDir() + "arena_program_" + std::to_string(::getpid());
    Child server(arena({"--serve", "--port", "0", "--bots", "3", "--trace", path + "_server.json"}));
    const int port = port_of(server);
    Child client(
        arena({"--headless", "--connect", at(port), "--seconds", "1.5", "--trace", path + "_client.json"}));
    ASSERT_EQ(client.wait(), 0) << client.err();
    server.signal(SIGTERM);
    ASSERT_EQ(server.wait(), 0) << server.err();
    for (const char* side : {"_server.json", "_client.json"}) {
        const Json trace = trace_in(path + side);
        EXPECT_GT(trace_check::events_of(trace, "X", "turn").size(), 10U) << side;
        EXPECT_GT(trace_check::events_of(trace, "X", "handler").size(), 10U) << side;
        EXPECT_GT(trace_check::events_of(trace, "X", "timeout").size(), 1U) << side;
        EXPECT_EQ(trace["otherData"]["calls"], trace["otherData"]["calls_seen"]) << "there was room";
    }
}

TEST(ArenaProgram, a_server_says_what_its_loop_holds_when_asked_by_a_signal) {
    Child server(arena({"--serve", "--port", "0", "--bots", "3"}));
    port_of(server);
    server.signal(SIGUSR1);
    EXPECT_TRUE(server.says("IOLoop 'ioloop': ")) << server.err();
    EXPECT_TRUE(server.says("tcp listener")) << server.err();
    EXPECT_TRUE(server.says("Queued callbacks: none")) << server.err();
    server.signal(SIGTERM);
    EXPECT_EQ(server.wait(), 0) << server.err();
}

TEST(ArenaProgram, a_server_that_is_asked_to_end_does_so_in_good_order_and_when_asked_twice_at_once) {
    for (const int signal : {SIGINT, SIGTERM}) {
        Child server(arena({"--serve", "--port", "0", "--bots", "3"}));
        Child client(arena({"--headless", "--connect", at(port_of(server))}));
        EXPECT_TRUE(client.says("in play")) << client.err();
        server.signal(signal);
        EXPECT_EQ(server.wait(), 0) << server.err();
        EXPECT_THAT(server.out(), HasSubstr("served"));
        EXPECT_TRUE(client.says("lost the server: the connection was closed")) << client.err();
    }
    Child server(arena({"--serve", "--port", "0", "--bots", "3"}));
    Child client(arena({"--headless", "--connect", at(port_of(server))}));
    EXPECT_TRUE(client.says("in play")) << client.err();
    client.signal(SIGSTOP); // it does not hang up
    server.signal(SIGTERM);
    EXPECT_TRUE(server.says("closing")) << server.err();
    server.signal(SIGTERM);
    EXPECT_EQ(server.wait(), -SIGTERM);
}

TEST(ArenaProgram, a_server_prints_how_it_is_every_so_often) {
    Child server(arena({"--serve", "--port", "0", "--bots", "3", "--metrics", "0.2"}));
    Child client(arena({"--headless", "--connect", at(port_of(server))}));
    EXPECT_TRUE(client.says("in play")) << client.err();
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(server.says("\"metrics\""));
    EXPECT_TRUE(server.says("\n"));
    server.signal(SIGTERM);
    EXPECT_EQ(server.wait(), 0);
    std::istringstream lines(server.out());
    std::vector<Json> metrics;
    for (std::string line; std::getline(lines, line);) {
        const Json json = Json::parse(line);
        if (json.contains("metrics")) metrics.push_back(json["metrics"]);
    }
    ASSERT_GE(metrics.size(), 5U);
    const Json& last = metrics.back();
    EXPECT_EQ(last["players"], 4);
    EXPECT_EQ(last["connections"], 1);
    EXPECT_GT(last["ticks"], metrics.front()["ticks"]);
    EXPECT_GT(last["messages_in"].get<int>(), 0);
    EXPECT_GT(last["messages_out"].get<int>(), 0);
    EXPECT_GT(last["datagrams_in"].get<int>(), 5);
    EXPECT_GT(last["datagrams_out"].get<int>(), 5);
    EXPECT_EQ(last["datagrams_dropped"], 0);
    EXPECT_EQ(last["garbage"], 0);
    EXPECT_EQ(last["dropped"]["garbage"], 0);
    EXPECT_GE(last["tick_late_ms"]["worst"], last["tick_late_ms"]["p99"]);
    EXPECT_GE(last["tick_late_ms"]["p99"], last["tick_late_ms"]["p50"]);
    // Each line has the ticks since the line before it; on a busy machine two lines come with no tick between them.
    const auto worst = [](const Json& line) { return line["tick_late_ms"]["worst"].get<double>(); };
    EXPECT_TRUE(std::ranges::any_of(metrics, [&](const Json& line) { return worst(line) > 0; }));
    EXPECT_GT(last["cpu_seconds"].get<double>(), 0);
    EXPECT_GT(last["resident_kib"].get<int>(), 500);
}

TEST(ArenaProgram, a_swarm_of_twenty_plays_for_two_seconds_and_loses_no_line) {
    Child server(arena({"--serve", "--port", "0", "--bots", "0", "--players", "20"}));
    Child swarm(arena({"--swarm", "20", "--connect", at(port_of(server)), "--seconds", "2"}));
    ASSERT_EQ(swarm.wait(), 0) << swarm.err();
    const Json report = Json::parse(swarm.out());
    EXPECT_EQ(report["joined"], 20) << report.dump(2);
    EXPECT_EQ(report["playing"], 20) << report.dump(2);
    EXPECT_EQ(report["losses"], 0);
    EXPECT_EQ(report["reconnects"], 0);
    EXPECT_GE(report["lines_sent"].get<int>(), sanitized ? 5 : 20);
    EXPECT_GE(report["lines_heard"].get<int>(), sanitized ? 10 : 40);
    EXPECT_EQ(report["lines_lost"], 0) << report.dump(2);
    EXPECT_EQ(report["garbage"], 0);
    EXPECT_GT(report["snapshots"].get<int>(), 20 * 10);
    EXPECT_GT(report["ping_us"]["p50"].get<double>(), 0);
    EXPECT_GE(report["ping_us"]["p99"], report["ping_us"]["p50"]);
    EXPECT_GT(report["cpu_seconds"].get<double>(), 0);
    server.signal(SIGTERM);
    EXPECT_EQ(server.wait(), 0);
    EXPECT_EQ(Json::parse(server.out().substr(server.out().find('\n')))["served"]["dropped"], 0);
}

TEST(ArenaProgram, a_swarm_that_finds_no_server_fails) {
    Child swarm(arena({"--swarm", "3", "--connect", "nobody.invalid:4242", "--seconds", "0.3"}));
    EXPECT_EQ(swarm.wait(), 1);
    EXPECT_THAT(swarm.err(), HasSubstr("nobody was ever in play"));
    EXPECT_EQ(Json::parse(swarm.out())["joined"], 0);
}

TEST(ArenaProgram, a_trace_that_cannot_be_saved_is_told_before_the_game) {
    Child game(arena({"--headless", "--seconds", "60", "--trace", "/nowhere/trace.json"}));
    EXPECT_EQ(game.wait(), 1);
    EXPECT_THAT(game.err(), HasSubstr("cannot write the trace to '/nowhere/trace.json'"));
    EXPECT_EQ(game.out(), "");
}

TEST(ArenaProgram, a_name_is_looked_up_while_frames_go_on) {
    Child server(arena({"--serve", "--port", "0"}));
    const int port = port_of(server);
    Child client(arena({"--headless", "--connect", "localhost:" + std::to_string(port)}));
    EXPECT_TRUE(client.says("in play")) << client.err();
    client.signal(SIGTERM);
    EXPECT_EQ(client.wait(), 0);
    EXPECT_EQ(Json::parse(client.out())["state"], "in play");
}

TEST(ArenaProgram, a_name_that_does_not_exist_is_reported_and_costs_no_frame) {
    Child client(arena({"--headless", "--connect", "nobody.invalid:4242"}));
    EXPECT_TRUE(client.says("trying again")) << client.err();
    client.signal(SIGINT);
    EXPECT_EQ(client.wait(), 1) << "it was never in play";
    EXPECT_THAT(client.err(), HasSubstr("never in play at nobody.invalid"));
    EXPECT_EQ(Json::parse(client.out())["losses"], 0);
}

TEST(ArenaProgram, a_port_that_is_taken_is_one_clear_sentence) {
    Child first(arena({"--serve", "--port", "0"}));
    const int port = port_of(first);
    Child second(arena({"--serve", "--port", std::to_string(port)}));
    EXPECT_EQ(second.wait(), 1);
    EXPECT_EQ(second.out(), "");
    EXPECT_THAT(second.err(), HasSubstr("cannot serve at " + at(port)));
}

TEST(ArenaProgram, mistakes_on_the_command_line_are_refused) {
    for (const std::vector<std::string>& wrong : {std::vector<std::string>{"--connect", "no-port"},
                                                  {"--connect", ":12"},
                                                  {"--connect", "host:0"},
                                                  {"--connect", "host:99999"},
                                                  {"--seconds", "-1"},
                                                  {"--seconds", "nan"},
                                                  {"--seconds", "2s"},
                                                  {"--frames", "-1"},
                                                  {"--frames", "0"},
                                                  {"--headless", "--screenshot", "never_saved.png"},
                                                  {"--serve", "--report"},
                                                  {"--trace", "never_saved.json"},
                                                  {"--bots", "99"},
                                                  {"--metrics", "1"},
                                                  {"--swarm", "3"},
                                                  {"--swarm", "0", "--connect", "127.0.0.1:1"},
                                                  {"--serve", "--metrics", "0"},
                                                  {"--serve", "--players", "201"},
                                                  {"--loss", "101"},
                                                  {"--serve", "--latency", "100"},
                                                  {"--serve", "--headless"},
                                                  {"extra"}}) {
        Child game(arena(wrong));
        EXPECT_NE(game.wait(), 0) << wrong.front();
        EXPECT_EQ(game.out(), "");
        EXPECT_NE(game.err(), "");
    }
}

TEST(ArenaProgram, a_number_out_of_range_is_told_its_range) {
    const auto what_it_says = [](const std::string& option, const std::string& value) {
        Child game(arena({option, value}));
        EXPECT_NE(game.wait(), 0) << option;
        return game.err();
    };
    EXPECT_THAT(what_it_says("--port", "80000"), HasSubstr("expected 0..65535, not '80000'"));
    EXPECT_THAT(what_it_says("--width", "12"), HasSubstr("expected 320..7680, not '12'"));
    for (const char* wrong : {"0", "x"}) {
        EXPECT_THAT(
            what_it_says("--seconds", wrong),
            HasSubstr("expected more than 0 and at most 1000000 seconds, not '" + std::string(wrong)));
    }
}

TEST(ArenaProgram, help_keeps_its_lines_short) {
    Child game(arena({"--help"}));
    ASSERT_EQ(game.wait(), 0);
    std::istringstream help(game.out());
    for (std::string line; std::getline(help, line);) EXPECT_LE(line.size(), 140U) << line;
}

TEST(ArenaProgram, a_display_that_cannot_be_opened_is_named) {
    std::vector<std::string> command = offscreen({"--frames", "2", "--screenshot", "/dev/null"});
    command.insert(command.end() - 5, "DISPLAY=:4242"); // before the program
    Child game(command);
    ASSERT_EQ(game.wait(), 0) << game.err();
    EXPECT_THAT(game.err(), HasSubstr("no display (cannot open display :4242)"));
    EXPECT_EQ(game.out(), "") << "nobody asked for a report";
}

TEST(ArenaProgram, without_a_display_it_plays_offscreen_and_leaves_a_picture) {
    const std::string picture = testing::TempDir() + "arena_program_" + std::to_string(::getpid()) + ".png";
    Child game(offscreen({"--seconds", "1", "--inspector", "--report", "--screenshot", picture}));
    ASSERT_EQ(game.wait(), 0) << game.err();
    EXPECT_THAT(game.err(), HasSubstr("no display"));
    const Json report = Json::parse(game.out());
    EXPECT_GT(report["frames"].get<int>(), 2);
    EXPECT_FALSE(report["longest_call"]["name"].get<std::string>().empty());
    EXPECT_GT(report["longest_call"]["us"].get<double>(), 0);

    std::ifstream file(picture, std::ios::binary);
    std::string head(24, '\0');
    file.read(head.data(), 24);
    EXPECT_EQ(head.substr(1, 3), "PNG");
    EXPECT_EQ(head.substr(16, 8), std::string("\0\0\x05\0\0\0\x02\xd0", 8)) << "1280 x 720";
    ::unlink(picture.c_str());
}
