// SPDX-License-Identifier: MIT
#include "report.hpp"

#include "process_usage.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <nlohmann/json.hpp>

namespace arena {
namespace {

using Json = nlohmann::ordered_json;

double microseconds(ioloop::Duration duration) {
    return std::chrono::duration<double, std::micro>(duration).count();
}
double milliseconds(ioloop::Duration duration) { return microseconds(duration) / 1000; }
double rounded(double value) { return std::round(value * 10) / 10; }
double to_milliseconds(double seconds) { return std::round(seconds * 1000) / 1000; }

/// A name may be any bytes; JSON may not.
std::string text_of(const Json& json, int indent) {
    return json.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json of(const Server& server) {
    const Server::Counters counters = server.counters();
    return {
        {"address", server.address().to_string()},
        {"ticks", server.world().tick()},
        {"players", server.world().players()},
        {"joined", counters.joined},
        {"messages_in", counters.messages_in},
        {"messages_out", counters.messages_out},
        {"datagrams_in", counters.datagrams_in},
        {"datagrams_out", counters.datagrams_out},
        {"garbage", counters.garbage},
        {"dropped", counters.dropped},
    };
}

Json of(const Spread& spread) {
    const auto hundredths = [](float value) { return std::round(double{value} * 100) / 100; };
    return {{"p50", hundredths(spread.percentile(0.5))},
            {"p99", hundredths(spread.percentile(0.99))},
            {"worst", hundredths(spread.worst())},
            {"count", spread.count()}};
}

/// Of the others, only their jumps can be told without the server's world.
Json of(const SightError& error, bool with_world) {
    Json json = {{"prediction", of(error.prediction())},
                 {"correction", of(error.correction())},
                 {"jump", of(error.jump())}};
    if (!with_world) return json;
    json["interpolation"] = of(error.interpolation());
    json["behind_ms"] = of(error.behind());
    return json;
}

} // namespace

void FrameLog::add(const ioloop::Turn& pump) noexcept {
    longest_pump = std::max(longest_pump, pump.busy);
    busy += pump.busy;
}

void FrameLog::end_frame(ioloop::Duration late) noexcept {
    ++frames;
    if (late > frame_length / 4) ++late_frames;
}

void LongestCall::look_at(const ioloop::CallRecord& record) {
    if (record.took <= took) return;
    took = record.took;
    const ioloop::Origin& origin = record.chain.origin();
    name = origin.name != nullptr ? origin.name : origin.function;
}

void LongestCall::look_at(const ioloop::Recorder& recorder) {
    const std::uint64_t all = recorder.calls_seen();
    if (all < seen_) seen_ = 0; // the player has cleared it
    const std::size_t count = recorder.call_count();
    const std::size_t fresh = static_cast<std::size_t>(std::min<std::uint64_t>(all - seen_, count));
    for (std::size_t i = count - fresh; i < count; ++i) look_at(recorder.call(i));
    seen_ = all;
}

std::string report(Session& session, const FrameLog& frames, ioloop::Duration played,
                   const LongestCall& longest) {
    Client& client = session.client();
    const Link::Counters link = client.link().counters();
    const ioloop::Statistics& loop = session.loop().statistics();
    const double average =
        frames.frames > 0 ? microseconds(frames.busy) / static_cast<double>(frames.frames) : 0;
    const Roster::Entry* me = client.me();

    Json json = {
        {"seconds", rounded(milliseconds(played) / 1000)},
        {"frames", frames.frames},
        {"late_frames", frames.late_frames},
        {"turns", loop.turns},
        {"calls", loop.calls_run()},
        {"longest_pump_us", rounded(microseconds(frames.longest_pump))},
        {"average_busy_us", rounded(average)},
        {"messages_in", link.messages_in},
        {"messages_out", link.messages_out},
        {"datagrams_in", link.datagrams_in},
        {"datagrams_out", link.datagrams_out},
        {"snapshots", client.sight().snapshots()},
        {"snapshots_lost", client.sight().lost()},
        {"garbage", link.garbage},
        {"state", name_of(client.link().state())},
        {"attempts", link.attempts},
        {"losses", link.losses},
        {"reconnects", link.reconnects},
        {"ping_us", rounded(microseconds(client.link().ping()))},
        {"jitter_us", rounded(microseconds(client.link().jitter()))},
        {"players", client.roster().players.size()},
        {"score", me != nullptr ? me->score : 0},
        {"deaths", me != nullptr ? me->deaths : 0},
        {"sight", of(session.sight_error(), session.server() != nullptr)},
        {"longest_call", {{"name", longest.name}, {"us", rounded(microseconds(longest.took))}}},
    };
    if (session.server() != nullptr) json["server"] = of(*session.server());
    return text_of(json, 2);
}

std::string serving_line(const Server& server) {
    return text_of({{"serving", server.address().host()}, {"port", server.address().port()}}, -1);
}

std::string metrics_line(Server& server) {
    const Server::Counters counters = server.counters();
    Json dropped = Json::object();
    for (std::size_t i = 0; i < Server::reasons; ++i)
        dropped[name_of(static_cast<Server::Why>(i))] = counters.dropped_for[i];
    Durations& late = server.lateness();
    const auto ms = [](ioloop::Duration duration) { return std::round(microseconds(duration)) / 1000; };
    const ProcessUsage usage = ProcessUsage::now();
    const Json json = {
        {"players", server.world().players()},
        {"connections", server.connections()},
        {"ticks", server.world().tick()},
        {"tick_late_ms",
         {{"p50", ms(late.percentile(50))}, {"p99", ms(late.percentile(99))}, {"worst", ms(late.worst())}}},
        {"messages_in", counters.messages_in},
        {"messages_out", counters.messages_out},
        {"datagrams_in", counters.datagrams_in},
        {"datagrams_out", counters.datagrams_out},
        {"datagrams_dropped", counters.datagrams_dropped},
        {"garbage", counters.garbage},
        {"joined", counters.joined},
        {"refused", counters.refused},
        {"dropped", std::move(dropped)},
        {"cpu_seconds", to_milliseconds(usage.cpu_seconds)},
        {"resident_kib", usage.resident_kib},
    };
    late.clear();
    return text_of({{"metrics", json}}, -1);
}

std::string swarm_report(const Swarm& swarm, std::size_t playing, ioloop::Duration played) {
    const Swarm::Totals all = swarm.totals();
    const Durations& pings = swarm.pings();
    const Json json = {
        {"seconds", rounded(milliseconds(played) / 1000)},
        {"joined", all.joined},
        {"playing", playing},
        {"attempts", all.attempts},
        {"losses", all.losses},
        {"reconnects", all.reconnects},
        {"lines_sent", all.lines_sent},
        {"lines_heard", all.lines_heard},
        {"lines_lost", all.lines_lost},
        {"messages_in", all.messages_in},
        {"messages_out", all.messages_out},
        {"datagrams_in", all.datagrams_in},
        {"datagrams_out", all.datagrams_out},
        {"snapshots", all.snapshots},
        {"snapshots_lost", all.snapshots_lost},
        {"garbage", all.garbage},
        {"ping_us",
         {{"p50", rounded(microseconds(pings.percentile(50)))},
          {"p99", rounded(microseconds(pings.percentile(99)))},
          {"worst", rounded(microseconds(pings.worst()))}}},
        {"cpu_seconds", to_milliseconds(ProcessUsage::now().cpu_seconds)},
    };
    return text_of(json, 2);
}

std::string served_line(const Server& server) { return text_of({{"served", of(server)}}, -1); }

} // namespace arena
