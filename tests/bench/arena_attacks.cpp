// SPDX-License-Identifier: MIT
/// What players notice while strangers attack their server.
///
///     bench_arena_attacks [--quick] [--json FILE]
///
/// Starts Arena's server as a program of its own, lets eight honest players in, and attacks it in one way after the other:
/// each a row. The players chat twice a second; a row says how long a line took from its author to the server and back,
/// how many lines never came, how long somebody who came later took to get in, and what the server took meanwhile. All of
/// it on one machine, which strangers, players and server share; so compare the rows with the first, "nobody".
///
///     --quick      a second for each, in less than half a minute: does it still work?
///     --json FILE  the table for programs, too
///
/// Fails if a player loses the server or a line, or if the server does not come back to the memory and the descriptors that
/// it had; and, unless quick, if lines took 50 ms or more at the 99th percentile.
#include "attack.hpp"
#include "samples.hpp"
#include "server_program.hpp"
#include "table.hpp"

#include <ioloop/ioloop.hpp>

#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <link.hpp> // Arena's

using namespace bench;
using namespace ioloop;
using namespace std::chrono_literals;

namespace {

/// A player who does nothing wrong.
class Honest {
public:
    Honest(IOLoop& loop, std::uint16_t port, int number, Samples*& samples)
        : loop_(loop),
          samples_(samples),
          say_(
              loop, 500ms, [this] { say(); }, "chat"),
          link_(loop, options(port, number),
                {.on_joined = [this](const arena::Welcome& welcome) { me_ = welcome.you; },
                 .on_lost =
                     [](const std::string& why) { std::cerr << "a player lost the server: " << why << '\n'; },
                 .on_trouble = {},
                 .on_message = [this](const arena::ToClient& message) { hear(message); },
                 .on_snapshot = [this](const arena::Snapshot&) { ++snapshots_; }}) {
        link_.start();
    }

    bool joined() const { return link_.joined(); }
    void talk() { say_.start(); }
    void be_quiet() { say_.stop(); }
    std::uint64_t losses() const { return link_.counters().losses; }
    std::size_t lines_under_way() const { return said_at_.size(); }
    /// Since this was asked last.
    std::uint64_t snapshots() { return std::exchange(snapshots_, 0); }
    Duration ping() const { return link_.ping(); }

private:
    static arena::Link::Options options(std::uint16_t port, int number) {
        arena::Link::Options options;
        options.port = port;
        options.name = "honest " + std::to_string(number);
        return options;
    }

    void say() {
        said_at_.push_back(loop_.time());
        link_.send(arena::Say{std::to_string(++spoken_)});
    }
    /// Lines come in the order in which they were said; one that was left out is never heard.
    void hear(const arena::ToClient& message) {
        const auto* line = std::get_if<arena::Line>(&message);
        if (line == nullptr || line->from != me_ || said_at_.empty()) return;
        if (line->text != std::to_string(spoken_ - said_at_.size() + 1)) return;
        samples_->add(loop_.time() - said_at_.front());
        said_at_.pop_front();
    }

    IOLoop& loop_;
    Samples*& samples_;
    PeriodicCallback say_;
    std::deque<TimePoint> said_at_; ///< of the lines that have not come back
    std::uint64_t spoken_ = 0;
    std::uint64_t snapshots_ = 0;
    arena::PlayerId me_ = arena::nobody;
    arena::Link link_;
};

struct Way {
    const char* name;
    Attack::Deed deed; ///< null: nobody does anything
    bool without_descriptors = false;
};

class Trial {
public:
    Trial(ServerProgram& server, Duration length) : server_(server), length_(length) {
        for (int i = 0; i < 8; ++i)
            players_.push_back(std::make_unique<Honest>(loop_, server.port(), i + 1, samples_));
        until(
            10s,
            [&] {
                return std::all_of(players_.begin(), players_.end(),
                                   [](const auto& player) { return player->joined(); });
            },
            "eight players did not get in");
    }

    /// A row of the table.
    Table::Row attack(const Way& way) {
        Samples samples;
        samples_ = &samples;
        for (const auto& player : players_) player->snapshots();
        const ServerProgram::Reading before = server_.read();
        std::size_t most_descriptors = before.descriptors;
        std::size_t most_memory = before.kibibytes;
        if (way.without_descriptors) server_.limit_descriptors(before.descriptors + 4);
        std::uint64_t done = 0;
        std::optional<Duration> admitted;
        {
            std::unique_ptr<Attack> attack;
            if (way.deed) attack = std::make_unique<Attack>(server_.port(), way.deed);
            for (const auto& player : players_) {
                loop_.run_until(loop_.time() + 61ms); // not all at once
                player->talk();
            }
            const TimePoint end = loop_.time() + length_;
            run(length_ / 3);
            admitted = admit();
            while (loop_.time() < end) {
                loop_.run_until(loop_.time() + 100ms);
                const ServerProgram::Reading now = server_.read();
                most_descriptors = std::max(most_descriptors, now.descriptors);
                most_memory = std::max(most_memory, now.kibibytes);
            }
            for (const auto& player : players_) player->be_quiet();
            const ServerProgram::Reading after = server_.read();
            cpu_percent_ = 100 * (after.cpu_seconds - before.cpu_seconds) /
                           std::chrono::duration<double>(after.at - before.at).count();
            std::uint64_t snapshots = 0;
            for (const auto& player : players_) snapshots += player->snapshots();
            snapshots_percent_ = 100.0 * static_cast<double>(snapshots) /
                                 (30.0 * 8 * std::chrono::duration<double>(after.at - before.at).count());
            run(200ms); // what is under way arrives under attack
            if (attack) done = attack->done();
        }
        server_.limit_descriptors(server_.most_descriptors());
        run(500ms);

        std::size_t missing = 0;
        for (const auto& player : players_) missing += player->lines_under_way();
        if (missing > 0) complain(way, std::to_string(missing) + " lines never came");
        for (const auto& player : players_) losses_ += player->losses();
        if (losses_ > 0) complain(way, "players lost the server");
        if (!admitted && !way.without_descriptors) complain(way, "nobody else got in");
        worst_ = std::max(worst_, samples.percentile(0.99));
        return {way.name,
                std::to_string(done),
                milliseconds(samples.percentile(0.5)),
                milliseconds(samples.percentile(0.99)),
                milliseconds(samples.percentile(1)),
                std::to_string(missing),
                admitted ? milliseconds(*admitted) : "-",
                with_decimals(snapshots_percent_, 0),
                with_decimals(cpu_percent_, 0),
                with_decimals(static_cast<double>(most_memory) / 1024, 1),
                std::to_string(most_descriptors)};
    }

    /// The server holds what it held before.
    void expect_recovery(const ServerProgram::Reading& calm) {
        until(
            15s, [&] { return server_.read().descriptors <= calm.descriptors; },
            "the server keeps descriptors");
        if (server_.read().kibibytes > calm.kibibytes + 16 * 1024) fail("the server keeps memory");
    }

    Duration worst() const { return worst_; } ///< of the percentiles
    bool failed() const { return failed_; }

private:
    static std::string milliseconds(Duration time) {
        return with_decimals(std::chrono::duration<double, std::milli>(time).count(), 2);
    }
    /// How long somebody takes who comes now, plays a little, and goes. None: he does not get in.
    std::optional<Duration> admit() {
        const TimePoint begin = loop_.time();
        Honest newcomer(loop_, server_.port(), 9, samples_);
        while (!newcomer.joined() && loop_.time() < begin + 5s) run(1ms);
        if (!newcomer.joined()) return std::nullopt;
        return loop_.time() - begin;
    }
    void run(Duration time) { loop_.run_until(loop_.time() + time); }
    void until(Duration limit, const std::function<bool()>& condition, const char* otherwise) {
        const TimePoint end = loop_.time() + limit;
        while (!condition() && loop_.time() < end) run(20ms);
        if (!condition()) fail(otherwise);
    }
    void complain(const Way& way, const std::string& what) { fail(std::string(way.name) + ": " + what); }
    void fail(const std::string& what) {
        std::cerr << "FAILED: " << what << '\n';
        failed_ = true;
    }

    ServerProgram& server_;
    Duration length_;
    IOLoop loop_;
    Samples* samples_ = nullptr;
    std::vector<std::unique_ptr<Honest>> players_;
    double cpu_percent_ = 0;
    double snapshots_percent_ = 0;
    std::uint64_t losses_ = 0;
    Duration worst_{};
    bool failed_ = false;
};

int run(bool quick, const std::string& json) {
    const std::vector<Way> ways{
        {"nobody", nullptr},
        {"10,000 connections that say nothing", say_nothing(10'000)},
        {"1000 connections, a byte a second", drip(1000)},
        {"garbage over 100 connections", talk_nonsense(100)},
        {"messages of 4 GiB over 100 connections", announce_too_much(100)},
        {"players who never listen", join_and_not_listen(5)},
        {"connections made and reset", connect_and_break_off()},
        {"datagrams, as many as go", flood_with_datagrams()},
        {"no descriptors left", say_nothing(200), true},
    };
    ServerProgram server(ARENA_PROGRAM, {"--serve", "--bind", "127.0.0.1", "--port", "0", "--bots", "2"});
    Trial trial(server, quick ? 1s : 10s);
    const ServerProgram::Reading calm = server.read();
    Table table("Chat under attack",
                {"attack", "done", "p50 ms", "p99 ms", "worst ms", "lines lost", "newcomer ms", "snapshots %",
                 "server CPU %", "server MiB", "descriptors"});
    for (const Way& way : ways) {
        table.add(trial.attack(way));
        std::cerr << '.' << std::flush;
    }
    std::cerr << '\n';
    trial.expect_recovery(calm);
    table.print_markdown(std::cout);
    if (!json.empty()) {
        std::ofstream out(json);
        table.print_json(out);
        out << '\n';
    }
    if (!quick && trial.worst() >= 50ms) {
        std::cerr << "FAILED: 50 ms or more\n";
        return 1;
    }
    return trial.failed() ? 1 : 0;
}

} // namespace

int main(int count, char** arguments) {
    bool quick = false;
    std::string json;
    for (int i = 1; i < count; ++i) {
        const std::string_view argument = arguments[i];
        if (argument == "--quick") {
            quick = true;
        } else if (argument == "--json" && i + 1 < count) {
            json = arguments[++i];
        } else {
            std::cerr << "usage: " << arguments[0] << " [--quick] [--json FILE]\n";
            return 2;
        }
    }
    try {
        return run(quick, json);
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
