// SPDX-License-Identifier: MIT
#include "options.hpp"

#include "world.hpp"

#include <charconv>
#include <chrono>
#include <iostream>
#include <limits>
#include <locale>
#include <sstream>

#include <CLI/CLI.hpp>

namespace arena {
namespace {

/// "host:port", "[::1]:port". Empty, or what is wrong with it.
std::string split(const std::string& text, std::string& host, std::uint16_t& port) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos) return "expected HOST:PORT, not '" + text + "'";
    host = text.substr(0, colon);
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    const char* begin = text.data() + colon + 1;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(begin, end, port);
    if (host.empty() || error != std::errc{} || stop != end || port == 0) {
        return "expected HOST:PORT, not '" + text + "'";
    }
    return {};
}

/// A check that the option's value is a whole number from `least` to `most`, in words of ours.
auto whole(std::int64_t least, std::int64_t most) {
    return [least, most](const std::string& text) -> std::string {
        std::int64_t value = 0;
        const char* end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data(), end, value);
        if (error == std::errc{} && stop == end && value >= least && value <= most) return {};
        return "expected " + std::to_string(least) + ".." + std::to_string(most) + ", not '" + text + "'";
    };
}

constexpr double most_seconds = 1'000'000;

std::string check_seconds(const std::string& text) {
    std::istringstream in(text);
    in.imbue(std::locale::classic());
    double value = 0;
    if (in >> value && in.peek() == std::istringstream::traits_type::eof() && value > 0 &&
        value <= most_seconds) {
        return {};
    }
    return "expected more than 0 and at most 1000000 seconds, not '" + text + "'";
}

} // namespace

std::optional<Options> parse_options(int argc, const char* const* argv, int& exit_code) {
    Options options;
    CLI::App app{"Arena: a small networked game on one thread, one event loop and one window.\n"
                 "Without arguments it starts a server with bots inside itself and plays there.\n"
                 "F1 shows the loop from inside, F3 makes trouble in it, F4 makes the network worse, F5 "
                 "compares modes.",
                 "arena"};
    bool serve = false;
    bool headless = false;
    std::string server;
    std::string pacing = name_of(options.pacing);
    double seconds = 0;
    int latency = 0;
    int jitter = 0;
    int loss = 0;
    double metrics = 0;

    auto* serve_flag =
        app.add_flag("--serve", serve, "Be a server only; prints its address as a line of JSON");
    auto* connect =
        app.add_option("--connect", server, "Play at this server, and embed none")->type_name("HOST:PORT");
    connect->check([](const std::string& text) {
        std::string host;
        std::uint16_t port = 0;
        return split(text, host, port);
    });
    connect->excludes(serve_flag);
    auto* headless_flag = app.add_flag("--headless", headless,
                                       "Play without a window; prints a report as JSON, and fails if "
                                       "it cannot join");
    headless_flag->excludes(serve_flag);
    app.add_option("--swarm", options.swarm,
                   "Be so many players, 1..400, who fly by themselves; prints a report as JSON")
        ->type_name("COUNT")
        ->check(whole(1, 400))
        ->needs(connect)
        ->excludes(serve_flag)
        ->excludes(headless_flag);
    app.add_option("--port", options.port, "Port to serve at, 0..65535; 0 is any free one")
        ->type_name("PORT")
        ->check(whole(0, 65535))
        ->capture_default_str();
    app.add_option("--bind", options.bind, "Address to serve at")
        ->type_name("ADDRESS")
        ->capture_default_str();
    app.add_option("--players", options.players, "Players on the server at most, bots among them, 1..200")
        ->type_name("COUNT")
        ->check(whole(1, max_players))
        ->capture_default_str();
    app.add_option("--bots", options.bots, "Bots on the server, 0..15")
        ->type_name("COUNT")
        ->check(whole(0, 15))
        ->capture_default_str();
    app.add_option("--seed", options.seed, "Seed of the bots and of the places where ships are born")
        ->type_name("NUMBER")
        ->check(whole(0, std::numeric_limits<std::uint32_t>::max()))
        ->capture_default_str();
    app.add_option("--motd", options.motd, "Message of the day: a text of 64 KiB at most, shown to who joins")
        ->type_name("FILE")
        ->excludes(connect);
    app.add_option("--motd-rate", options.motd_rate, "Send it so slowly that one can watch; 0 is at once")
        ->type_name("BYTES/S")
        ->check(whole(0, 1'000'000'000))
        ->capture_default_str()
        ->excludes(connect);
    app.add_option("--name", options.name, "Your name")->type_name("NAME")->capture_default_str();
    app.add_option("--latency", latency,
                   "Make the network slow, 0..1000 ms: one way, so a round trip takes twice as long")
        ->type_name("MS")
        ->check(whole(0, 1000))
        ->excludes(serve_flag);
    app.add_option("--jitter", jitter, "Up to so much more or less of it, 0..1000 ms: one way")
        ->type_name("MS")
        ->check(whole(0, 1000))
        ->excludes(serve_flag);
    app.add_option("--loss", loss, "Datagrams that get lost, 0..100 %: one way")
        ->type_name("PERCENT")
        ->check(whole(0, 100))
        ->excludes(serve_flag);
    app.add_flag("--autopilot", options.autopilot, "Let a bot fly for you");
    app.add_option("--seconds", seconds, "End after this many seconds")
        ->type_name("SECONDS")
        ->check(check_seconds);
    app.add_option("--metrics", metrics,
                   "With --serve: print a line of JSON every so many seconds: how it is")
        ->type_name("SECONDS")
        ->check(check_seconds)
        ->needs(serve_flag);
    app.add_option("--frames", options.frames, "End after this many frames")
        ->type_name("COUNT")
        ->check(whole(1, 1'000'000'000));
    app.add_flag("--inspector", options.inspector, "Open the inspector at once");
    app.add_option("--pacing", pacing,
                   "How frames live with the loop: by-hand, pump-until, guest, merge, slack or pump")
        ->type_name("MODE")
        ->check([](const std::string& name) {
            return pacing_of(name) ? std::string() : "no such mode: '" + name + "'";
        })
        ->capture_default_str()
        ->excludes(headless_flag)
        ->excludes(serve_flag);
    app.add_flag("--modes", options.modes, "Open the panel that compares them at once");
    app.add_flag("--report", options.report, "Print a report as JSON at the end, as --headless does")
        ->excludes(serve_flag);
    app.add_option("--screenshot", options.screenshot,
                   "Save the last frame; without --seconds or --frames that of second 3")
        ->type_name("FILE.png")
        ->excludes(headless_flag)
        ->excludes(serve_flag);
    app.add_option("--trace", options.trace,
                   "With --headless or --serve: save what the loop did last (100000 calls at most), for "
                   "ui.perfetto.dev")
        ->type_name("FILE.json");
    auto* inspect =
        app.add_option("--inspect", options.inspect,
                       "Let `inspect ADDRESS` look into the loop: unix:PATH, 127.0.0.1:PORT, [::1]:PORT")
            ->type_name("ADDRESS")
            ->needs(serve_flag);
    app.add_option("--inspect-token", options.inspect_token,
                   "What a viewer has to say; better in the environment, as others see the command line")
        ->type_name("TOKEN")
        ->envname("ARENA_INSPECT_TOKEN");
    app.add_flag("--inspect-control", options.inspect_control,
                 "Viewers may also pause, step, cancel and break")
        ->needs(inspect);
    app.add_option("--width", options.width, "Width of the window, 320..7680")
        ->type_name("PIXELS")
        ->check(whole(320, 7680))
        ->capture_default_str();
    app.add_option("--height", options.height, "Height of the window, 240..4320")
        ->type_name("PIXELS")
        ->check(whole(240, 4320))
        ->capture_default_str();
    app.add_option("--scale", options.scale,
                   "Size of what is written, 0.5..4; without it, as fits the window")
        ->type_name("FACTOR")
        ->check(CLI::Range(0.5, 4.0));

    try {
        app.parse(argc, argv);
        if (!options.trace.empty() && !serve && !headless)
            throw CLI::RequiresError("--trace", "--headless or --serve");
        if (!options.inspect.empty() && options.inspect_token.empty())
            throw CLI::RequiresError("--inspect", "ARENA_INSPECT_TOKEN or --inspect-token");
    } catch (const CLI::ParseError& error) {
        exit_code = app.exit(error, std::cout, std::cerr);
        return std::nullopt;
    }
    if (serve) options.mode = Options::Mode::serve;
    if (headless) options.mode = Options::Mode::headless;
    options.network = {std::chrono::milliseconds(latency), std::chrono::milliseconds(jitter), loss / 100.0};
    options.pacing = *pacing_of(pacing);
    if (options.swarm > 0) options.mode = Options::Mode::swarm;
    if (!server.empty()) split(server, options.host, options.port);
    const auto duration = [](double value) {
        return std::chrono::duration_cast<ioloop::Duration>(std::chrono::duration<double>(value));
    };
    if (metrics > 0) options.metrics = duration(metrics);
    if (seconds > 0) {
        options.duration = duration(seconds);
    } else if (!options.screenshot.empty() && options.frames == 0) {
        options.duration = std::chrono::seconds(3);
    }
    return options;
}

} // namespace arena
