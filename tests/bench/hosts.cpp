// SPDX-License-Identifier: MIT
/// What each way to live in an SDL program costs, and how fast it answers.
///
///     bench_hosts [--quick] [--joystick] [--json FILE]
///
/// Opens a window and prints two tables. The first: how long a message of a socket waits for its handler, and a callback
/// that another thread posts for its call; and what the program takes when nothing happens. (Frames are empty here.) The
/// second: how even frames are while 5000 messages a second come in, beside a loop that only draws and sleeps. (The game
/// works for 2 ms of each frame; messages wait for that.) All of it in one run, on one machine: compare the rows with
/// each other, not with a run elsewhere.
///
///     --quick      few samples, in less than ten seconds: does it still work?
///     --joystick   the first table once more with a (virtual) joystick, for which SDL polls every millisecond
///     --json FILE  the tables for programs, too
///
/// Nothing is too slow for it. It fails if a message is lost.
#include "link.hpp"
#include "peer.hpp"
#include "program.hpp"
#include "samples.hpp"
#include "table.hpp"
#include "usage.hpp"
#include "way.hpp"

#include <ioloop/ioloop.hpp>
#include <ioloop/sdl2.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <SDL.h>

using namespace bench;
using namespace ioloop;
using namespace std::chrono_literals;

namespace {

struct Options {
    bool joystick = false;
    std::string json;
    int messages = 300; ///< and as many posts
    Duration idle = 5s;
    int rounds = 6;  ///< of the second table
    int frames = 60; ///< in each
};

Options parsed(int count, char** arguments) {
    Options options;
    for (int i = 1; i < count; ++i) {
        const std::string_view argument = arguments[i];
        if (argument == "--quick") {
            options.messages = 25;
            options.idle = 200ms;
            options.rounds = 1;
            options.frames = 20;
        } else if (argument == "--joystick") {
            options.joystick = true;
        } else if (argument == "--json" && i + 1 < count) {
            options.json = arguments[++i];
        } else {
            throw std::invalid_argument("usage: bench_hosts [--quick] [--joystick] [--json FILE]");
        }
    }
    return options;
}

[[noreturn]] void fail_of_sdl(const char* what) {
    throw std::runtime_error(std::string(what) + ": " + SDL_GetError());
}

/// SDL, with a window shown.
class Screen {
public:
    Screen() {
        if (SDL_Init(SDL_INIT_VIDEO) != 0) fail_of_sdl("SDL_Init");
        if (SDL_CreateWindow("ioloop", 0, 0, 320, 200, SDL_WINDOW_SHOWN) == nullptr) {
            fail_of_sdl("SDL_CreateWindow");
        }
    }
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;
    ~Screen() { SDL_Quit(); }
};

class Joystick {
public:
    Joystick() {
        if (SDL_InitSubSystem(SDL_INIT_JOYSTICK) != 0) fail_of_sdl("SDL_INIT_JOYSTICK");
        if (SDL_JoystickAttachVirtual(SDL_JOYSTICK_TYPE_GAMECONTROLLER, 2, 4, 0) < 0) {
            fail_of_sdl("SDL_JoystickAttachVirtual");
        }
    }
    Joystick(const Joystick&) = delete;
    Joystick& operator=(const Joystick&) = delete;
    ~Joystick() { SDL_QuitSubSystem(SDL_INIT_JOYSTICK); }
};

void print_environment() {
    IOLoop loop;
    Snapshot snapshot;
    loop.snapshot(snapshot);
    SDL_version sdl;
    SDL_GetVersion(&sdl);
    double load = 0;
    ::getloadavg(&load, 1);
    std::printf("%s, video driver %s, SDL %d.%d.%d, poller %s, %d processors with a load of %.1f\n",
                SDL_GetPlatform(), SDL_GetCurrentVideoDriver(), sdl.major, sdl.minor, sdl.patch,
                std::string(snapshot.poller).c_str(), SDL_GetCPUCount(), load);
    std::fflush(stdout);
}

// ---- the first table ----------------------------------------------------------------------------

Table::Row latency_and_price(const Way& way, const Options& options) {
    IOLoop loop;
    Program program(way, loop);
    Link link(loop);
    program.run_until(steady_clock().now() + 200ms); // the window comes up, the guest's thread starts
    Samples posts;
    {
        const Peer peer(loop, link, options.messages, [&] { program.quit(); });
        program.run_until(steady_clock().now() + 1min);
        posts = peer.latencies();
    }
    link.require_all(way.name);
    if (posts.count() != static_cast<std::size_t>(options.messages)) {
        throw std::runtime_error(std::string(way.name) + ": a post was lost");
    }

    const Usage usage;
    program.run_until(steady_clock().now() + options.idle);
    const double cpu = usage.cpu_percent();
    const double wakeups = usage.wakeups_per_second();

    const Samples& messages = link.latencies();
    return {way.name,
            way.mode ? name_of(program.host().active_mode()) : "-",
            microseconds(messages.percentile(0.5)),
            microseconds(messages.percentile(0.99)),
            microseconds(posts.percentile(0.5)),
            microseconds(posts.percentile(0.99)),
            with_decimals(cpu, 2),
            with_decimals(wakeups, 0)};
}

Table latencies_and_prices(const char* title, const Options& options) {
    Table table(title, {"way", "active mode", "message p50 us", "message p99 us", "post p50 us",
                        "post p99 us", "idle CPU %", "idle wake-ups/s"});
    for (const Way& way :
         {waits_in_pump, waits_in_slack, waits_in_guest, waits_in_merge, frames_by_delay, frames_in_loop}) {
        table.add(latency_and_price(way, options));
    }
    return table;
}

// ---- the second table ---------------------------------------------------------------------------

/// Frames of one way, with or without messages coming in.
class Frames {
public:
    Frames(const char* name, const Way& way, bool flooded)
        : name_(name),
          flooded_(flooded),
          program_(way, loop_),
          link_(loop_) {}

    void draw(int frames) {
        std::optional<Flood> flood;
        if (flooded_) flood.emplace(link_, 5000);
        std::optional<TimePoint> last;
        program_.draw_frames(frames + 1, [&](TimePoint begun) {
            if (last) jitter_.add(std::chrono::abs(begun - *last - frame));
            last = begun;
            while (steady_clock().now() < begun + 2ms) {} // what the game does
        });
        flood.reset();
        loop_.run_ready();
        if (flooded_) link_.require_all(name_);
    }

    const char* name() const noexcept { return name_; }
    const Samples& jitter() const noexcept { return jitter_; }
    const Samples& latencies() const noexcept { return link_.latencies(); }

private:
    static constexpr Duration frame = Duration(std::chrono::seconds(1)) / static_cast<int>(rate);

    const char* name_;
    bool flooded_;
    IOLoop loop_;
    Program program_;
    Link link_;
    Samples jitter_;
};

Table frame_times(const Options& options) {
    Frames quiet("SDL_Delay(), no messages", frames_by_delay, false);
    Frames glued("pump() and SDL_Delay()", frames_by_delay, true);
    Frames slack("pump_until()", frames_in_loop, true);
    Frames spun("pump_until(), spin 500 us", frames_with_spin, true);
    Frames* const all[] = {&quiet, &glued, &slack, &spun};
    for (int round = 0; round < options.rounds; ++round) {
        for (Frames* frames : all) frames->draw(options.frames);
    }

    Table table("How far a frame is from 16.667 ms, while 5000 messages a second come in",
                {"of all frames", quiet.name(), glued.name(), slack.name(), spun.name()});
    const auto row = [&](std::string name, auto&& cell) {
        Table::Row cells{std::move(name)};
        for (const Frames* frames : all) cells.push_back(cell(*frames));
        table.add(std::move(cells));
    };
    Duration least{};
    for (const Duration end : {25us, 50us, 100us, 250us, 500us, 1000us, 2000us, 5000us}) {
        row(microseconds(least) + " to " + microseconds(end) + " us, %", [&](const Frames& frames) {
            return with_decimals(frames.jitter().percent_between(least, end), 1);
        });
        least = end;
    }
    row("more than that, %", [&](const Frames& frames) {
        return with_decimals(frames.jitter().percent_between(least, forever), 1);
    });
    row("frames", [](const Frames& frames) { return std::to_string(frames.jitter().count()); });
    const auto percentiles = [&](const char* name, double fraction,
                                 const Samples& (Frames::*of)() const noexcept) {
        row(name, [&](const Frames& frames) {
            const Samples& samples = (frames.*of)();
            return samples.count() == 0 ? "-" : microseconds(samples.percentile(fraction));
        });
    };
    percentiles("p50 us", 0.5, &Frames::jitter);
    percentiles("p99 us", 0.99, &Frames::jitter);
    percentiles("max us", 1, &Frames::jitter);
    row("messages", [](const Frames& frames) { return std::to_string(frames.latencies().count()); });
    percentiles("a message waits, p50 us", 0.5, &Frames::latencies);
    percentiles("a message waits, p99 us", 0.99, &Frames::latencies);
    return table;
}

int run(const Options& options) {
    std::ofstream json;
    if (!options.json.empty()) {
        json.open(options.json);
        if (!json) throw std::runtime_error(options.json + " can not be written");
    }
    const Screen screen;
    print_environment();

    std::vector<Table> tables;
    const auto show = [&](Table table) {
        table.print_markdown(std::cout);
        tables.push_back(std::move(table));
    };
    show(latencies_and_prices("Latency, and what idleness costs, with a window shown", options));
    show(frame_times(options));
    if (options.joystick) {
        const Joystick joystick;
        show(latencies_and_prices("Latency, and what idleness costs, with a joystick", options));
    }
    if (options.json.empty()) return 0;
    json << '[';
    for (const Table& table : tables) {
        if (&table != &tables.front()) json << ",\n ";
        table.print_json(json);
    }
    json << "]\n";
    json.close();
    if (!json) throw std::runtime_error(options.json + " was not written to its end");
    return 0;
}

} // namespace

int main(int count, char** arguments) {
    try {
        return run(parsed(count, arguments));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench_hosts: %s\n", error.what());
        return 1;
    }
}
