// SPDX-License-Identifier: MIT
#include "swarm.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

namespace arena {

using namespace std::chrono_literals;

namespace {

constexpr ioloop::Duration ping_period = 250ms; // as the links have it

/// "line 42 of 7"
std::string line_text(std::size_t speaker, std::uint32_t number) {
    return "line " + std::to_string(number) + " of " + std::to_string(speaker);
}

bool take_text(std::string_view& from, std::string_view text) {
    if (from.substr(0, text.size()) != text) return false;
    from.remove_prefix(text.size());
    return true;
}

template <class T> bool take_number(std::string_view& from, T& number) {
    const auto [end, error] = std::from_chars(from.data(), from.data() + from.size(), number);
    if (error != std::errc{}) return false;
    from.remove_prefix(static_cast<std::size_t>(end - from.data()));
    return true;
}

} // namespace

Swarm::Swarm(ioloop::IOLoop& loop, const Options& options, const std::function<void(const std::string&)>& log)
    : loop_(loop),
      options_(options),
      members_(options.clients),
      said_(options.clients),
      speaking_(
          loop,
          std::max<ioloop::Duration>(options.line_period, 1s / std::max<std::size_t>(options.clients, 1)),
          [this] { speak(); }, "swarm speaks"),
      looking_(
          loop, ping_period, [this] { look_at_pings(); }, "swarm looks at pings"),
      scope_(loop, "swarm") {
    for (std::size_t i = 0; i < members_.size(); ++i)
        add(
            i, i == 0 ? log : [](const std::string&) {});
    speaking_.start();
    looking_.start();
}

void Swarm::add(std::size_t index, std::function<void(const std::string&)> log) {
    Member& member = members_[index];
    Link::Options link = options_.link;
    link.name += " " + std::to_string(index);
    member.client = std::make_unique<Client>(loop_, std::move(link), std::move(log));
    member.client->set_autopilot(true, static_cast<std::uint32_t>(index));
    if (index < options_.listeners) {
        member.client->set_on_joined([this, &member] { member.heard.begin(said_); });
        member.client->set_on_said([this, &member](const Client::Said& said) { hear(member, said.text); });
    }
    scope_.call_later(
        options_.between * static_cast<std::int64_t>(index), [&member] { member.client->start(); },
        "swarm grows");
}

/// One after the other; who is not in play misses his turn.
void Swarm::speak() {
    const std::size_t speaker = std::exchange(next_speaker_, (next_speaker_ + 1) % members_.size());
    if (members_[speaker].client->say(line_text(speaker, said_[speaker] + 1))) ++said_[speaker];
}

void Swarm::hear(Member& member, const std::string& text) {
    std::string_view rest = text;
    std::uint32_t number = 0;
    std::size_t speaker = 0;
    if (take_text(rest, "line ") && take_number(rest, number) && take_text(rest, " of ") &&
        take_number(rest, speaker) && rest.empty()) {
        member.heard.hear(speaker, number);
    }
}

void Swarm::look_at_pings() {
    for (const Member& member : members_) {
        if (const auto& ping = member.client->link().last_ping()) pings_.add(*ping);
    }
}

void Swarm::stop() {
    hush();
    looking_.stop();
    scope_.clear();
    for (Member& member : members_) {
        if (member.client->link().joined()) member.heard.end(said_);
        member.client->stop();
    }
}

Swarm::Totals Swarm::totals() const {
    Totals all;
    for (const std::uint32_t lines : said_) all.lines_sent += lines;
    for (const Member& member : members_) {
        const Link& link = member.client->link();
        const Link::Counters& counters = link.counters();
        if (link.ever_joined()) ++all.joined;
        if (link.joined()) ++all.playing;
        all.attempts += counters.attempts;
        all.losses += counters.losses;
        all.reconnects += counters.reconnects;
        all.lines_heard += member.heard.count();
        all.lines_lost += member.heard.lost();
        all.messages_in += counters.messages_in;
        all.messages_out += counters.messages_out;
        all.datagrams_in += counters.datagrams_in;
        all.datagrams_out += counters.datagrams_out;
        all.snapshots += member.client->sight().snapshots();
        all.snapshots_lost += member.client->sight().lost();
        all.garbage += counters.garbage;
    }
    return all;
}

} // namespace arena
